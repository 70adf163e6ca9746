//! What happened: events, the ledger, and the report that a person reads.
//!
//! The report is computed from events alone, so that a reloaded journal reports the same.
//! What hosts printed is kept as it came and made harmless where it is shown.
//!
//! May import: `diagnostic`, `inventory`, `value`, `guard`, `plan`, `transport`.

mod account;
mod difference;
mod entry;
mod error;
mod event;
mod exchange;
mod gather;
mod keeper;
mod kept_file;
mod later;
mod ledger;
mod overridden;
mod pages;
mod past;
mod present;
mod read;
mod record;
mod replay;
mod report;
mod row;
mod screen;
mod show;
mod store;
mod summary;
#[cfg(test)]
mod tests;
mod verify;
mod view;
mod when;
mod wording;

pub use account::{Account, RunState};
pub use difference::describe_change;
pub use entry::{
    Answered, BegunAnew, Entry, HandedOver, Marked, Opening, Replied, Reply, Resumption, Sent, Settled,
};
pub use error::{JournalError, RunError};
pub use event::{Event, Happening, Recorder, StepPlace, StepResult, Trouble, TroubleKind};
pub use keeper::{Doors, Driven, Keeper, Kept, Retraced, StillUnknown, Watch};
pub use kept_file::output_folder_of;
pub use ledger::{Ledger, NodeState, SetLedger};
pub use overridden::{OverriddenFinding, WithOverridden};
pub use pages::{MemoryPages, Pages};
pub use past::{OpenAct, Past, TakenBack};
pub use record::{JsonRecorder, Record, RecordKind, RecordPlace, RecordResult, RecordTrouble};
pub use report::{Detail, LiveReport, ReportStyle};
pub use screen::{Paint, neutralise_text};
pub use show::{
    HistoryRow, describe_account, describe_history, write_account, write_history, write_html, write_markdown,
};
pub use store::{Journal, RunJournal, is_shared, share_file};
pub use summary::describe_ledger;
pub use verify::{SealState, Verification, verify_folder};
pub use view::LiveView;
