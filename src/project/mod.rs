//! The façade: a script, its modules, its inventory and its options, loaded together.
//!
//! Whoever offers quorate to people (the command line, a prompt, an editor) holds a
//! [`Project`] and sees its plain results. Files are read here and nowhere above.
//!
//! May import: all rooms but `cli`.

mod error;
mod facade;
mod interrupted;
mod keeping;
mod kept;
mod limit;
mod load;
mod locking;
mod options;
mod overrides;
mod rehearsing;
mod session;
mod setting;
mod signals;
mod surroundings;
#[cfg(test)]
mod tests;
mod ways;

pub use error::ProjectError;
pub use facade::{Project, ask_person};
pub use interrupted::{Changes, Interrupted, StepMark};
pub use keeping::{Given, KeptRun};
pub use kept::{
    Pulse, describe_self, export_run, history_file, import_run, journal_folder, load_account, load_accounts,
    output_folder, verify_journal, write_export, write_now,
};
pub use limit::read_limit;
pub use load::read_text;
pub use locking::LockWishes;
pub use options::InventoryChoice;
pub use overrides::{check_overrides, drop_overridden, read_overrides};
pub use rehearsing::{NOT_SEEN, RehearsalWishes};
pub use session::{
    Background, Came, Declared, Done, DoneKind, KEYWORDS, KeptLine, Line, Saved, Session, SessionWays,
    Shells, Vocabulary, WORDS, is_unfinished,
};
pub use setting::Setting;
pub use ways::Ways;
