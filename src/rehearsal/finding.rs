use serde::Serialize;

use super::fault_plan::Schedule;
use super::invariant::Promise;
use crate::diagnostic::Span;

/// A promise that a runbook breaks, and the shortest schedule that shows it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which promise.
    pub promise: Promise,
    /// What goes wrong; nothing, where the runbook breaks it by itself.
    pub schedule: Schedule,
    /// Where the runbook stands when it breaks.
    pub at: Span,
    /// Where the runbook states the promise itself.
    pub promised_at: Option<Span>,
    /// On which node.
    pub node: Option<String>,
    /// What there is to say beside it.
    pub why: String,
    /// What was done and went wrong until then, the last of it.
    pub story: Vec<Line>,
    /// What of the cluster is not as it should be, then.
    pub cluster: Vec<String>,
    /// How many further schedules break the same promise at the same place.
    pub others: usize,
}

/// A line of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Time since the run began, in milliseconds.
    pub at_ms: u64,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What is done, or goes wrong.
    pub what: String,
    /// Whether it goes wrong by itself.
    pub is_fault: bool,
}
