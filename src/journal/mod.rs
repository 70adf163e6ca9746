//! What happened: events, the ledger, and the report that a person reads.
//!
//! The report is computed from events alone, so that a reloaded journal reports the same.
//!
//! May import: `diagnostic`, `inventory`, `value`, `guard`, `plan`, `transport`.

mod event;

pub use event::{Event, Happening, Recorder, StepPlace, StepResult, Trouble, TroubleKind};
