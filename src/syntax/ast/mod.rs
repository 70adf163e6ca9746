//! The tree of a script, as written.

mod declaration;
mod expression;
mod statement;

pub use declaration::*;
pub use expression::*;
pub use statement::*;

use crate::diagnostic::{Span, Spanned};

/// A file, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    /// What it says, in order; declarations and acts alike.
    pub statements: Block,
    /// All comments, in order of place; the formatter puts them back.
    pub comments: Vec<Spanned<Comment>>,
}

/// Statements between `<` and `>`, or of a whole file.
pub type Block = Vec<Spanned<Statement>>;

/// A `# comment`, or a `## doc comment` of what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The text after the `#`s, without its leading blank.
    pub text: String,
    /// Whether it began with `##`.
    pub is_doc: bool,
    /// Whether something stands before it on its line.
    pub is_trailing: bool,
}

impl Script {
    /// The doc comment that stands on the lines right above `span`, its lines joined.
    ///
    /// `text` is the file's text and `base` its first byte on the number line.
    pub fn doc_of(&self, span: Span, text: &str, base: u32) -> Option<String> {
        let mut lines = Vec::new();
        let mut below = span.start;
        for comment in self
            .comments
            .iter()
            .rev()
            .filter(|comment| comment.span.end <= span.start)
        {
            let between = text.get((comment.span.end - base) as usize..(below - base) as usize)?;
            let newlines = between.bytes().filter(|byte| *byte == b'\n').count();
            if !comment.node.is_doc || comment.node.is_trailing || !between.trim().is_empty() || newlines > 1
            {
                break;
            }
            lines.push(comment.node.text.clone());
            below = comment.span.start;
        }
        lines.reverse();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
