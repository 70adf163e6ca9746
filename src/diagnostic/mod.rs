//! Where text is, and how a problem with it is told.
//!
//! All texts of a project lie end to end on one number line, so a [`Span`] is two numbers
//! and finds its file by itself. Rooms hand their findings to [`Problems`] and go on.
//!
//! May import: nothing.

mod problems;
mod render;
mod source_map;
mod span;
mod suggest;

pub use problems::{Problem, Problems};
pub use render::{Style, keep_on_one_row, render_json, render_problem, render_problems};
pub use source_map::{Place, SourceMap};
pub use span::{Span, Spanned};
pub use suggest::nearest;
