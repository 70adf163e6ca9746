//! Text ⇄ tree: the grammar, the tree, comments, and the formatter.
//!
//! Reading never fails as a whole: what cannot be read is reported and left out, and its
//! neighbours are kept. The tree says what was written, not what it means.
//!
//! May import: `diagnostic`, `value` (for literals with units).

mod ast;

pub use ast::*;
