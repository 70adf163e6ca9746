//! What happened: events, the ledger, and the report that a person reads.
//!
//! The report is computed from events alone, so that a reloaded journal reports the same.
//! What hosts printed is kept as it came and made harmless where it is shown.
//!
//! May import: `diagnostic`, `inventory`, `value`, `guard`, `plan`, `transport`.

mod difference;
mod error;
mod event;
mod gather;
mod ledger;
mod overridden;
mod present;
mod record;
mod report;
mod screen;
mod summary;
#[cfg(test)]
mod tests;
mod view;
mod wording;

pub use error::RunError;
pub use event::{Event, Happening, Recorder, StepPlace, StepResult, Trouble, TroubleKind};
pub use ledger::{Ledger, NodeState, SetLedger};
pub use overridden::{OverriddenFinding, WithOverridden};
pub use record::{JsonRecorder, Record, RecordKind, RecordPlace, RecordResult, RecordTrouble};
pub use report::{Detail, LiveReport, ReportStyle};
pub use screen::{Paint, neutralise_text};
pub use summary::describe_ledger;
pub use view::LiveView;
