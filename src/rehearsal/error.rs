use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// A finding as it is drawn, with its place in the runbook.
#[derive(Debug, Clone, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(code(rehearsal::broken_promise))]
pub struct RehearsalError {
    /// What came of it.
    pub message: String,
    /// What happened just before.
    #[label(primary, "{label}")]
    pub at: Span,
    /// What stands at the place.
    pub label: String,
    /// Where the runbook states the promise.
    #[label("what is promised")]
    pub promised_at: Option<Span>,
    /// How it came to that.
    #[help]
    pub help: Option<String>,
}
