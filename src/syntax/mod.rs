//! Text ⇄ tree: the grammar, the tree, comments, and the formatter.
//!
//! Reading never fails as a whole: what cannot be read is reported and left out, and its
//! neighbours are kept. The tree says what was written, not what it means.
//!
//! May import: `diagnostic`, `value` (for literals with units).

mod ast;
mod error;
mod foreign;
mod format;
mod parse;
mod scan;
mod trivia;

pub use ast::*;
pub use error::SyntaxError;
pub use format::format_script;
pub use parse::parse_script;
