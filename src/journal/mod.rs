//! What happened: events, the ledger, and the report that a person reads.
//!
//! The report is computed from events alone, so that a reloaded journal reports the same.
//! What hosts printed is kept as it came and made harmless where it is shown.
//!
//! May import: `diagnostic`, `inventory`, `value`, `guard`, `plan`, `transport`.

mod difference;
mod entry;
mod error;
mod event;
mod gather;
mod keeper;
mod ledger;
mod overridden;
mod past;
mod present;
mod record;
mod replay;
mod report;
mod screen;
mod store;
mod summary;
#[cfg(test)]
mod tests;
mod verify;
mod view;
mod wording;

pub use entry::{BegunAnew, Entry, Marked, Opening, Resumption};
pub use error::{JournalError, RunError};
pub use event::{Event, Happening, Recorder, StepPlace, StepResult, Trouble, TroubleKind};
pub use keeper::{Doors, Driven, Keeper, Kept, StillUnknown, Watch};
pub use ledger::{Ledger, NodeState, SetLedger};
pub use overridden::{OverriddenFinding, WithOverridden};
pub use past::{OpenAct, Past, TakenBack};
pub use record::{JsonRecorder, Record, RecordKind, RecordPlace, RecordResult, RecordTrouble};
pub use report::{Detail, LiveReport, ReportStyle};
pub use screen::{Paint, neutralise_text};
pub use store::{Journal, RunJournal};
pub use summary::describe_ledger;
pub use verify::Verification;
pub use view::LiveView;
