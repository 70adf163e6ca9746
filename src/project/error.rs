use miette::Diagnostic;
use thiserror::Error;

use crate::inventory::InventoryError;
use crate::journal::JournalError;
use crate::transport::ShapeError;

/// Why a project cannot be put together.
#[derive(Debug, Error, Diagnostic)]
pub enum ProjectError {
    /// There is no such file.
    #[error("there is no file `{path}`")]
    #[diagnostic(code(project::no_file))]
    NoFile {
        /// As given.
        path: String,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// A folder stands where a file must be.
    #[error("`{path}` is a folder")]
    #[diagnostic(code(project::is_folder), help("name a file in it"))]
    IsFolder {
        /// As given.
        path: String,
    },

    /// The system does not let it be read.
    #[error("`{path}` cannot be read: {why}")]
    #[diagnostic(code(project::not_read))]
    NotRead {
        /// As given.
        path: String,
        /// What the system said.
        why: String,
    },

    /// The system does not let it be written.
    #[error("`{path}` cannot be written: {why}")]
    #[diagnostic(code(project::not_written))]
    NotWritten {
        /// As given.
        path: String,
        /// What the system said.
        why: String,
    },

    /// What happens could not be kept, so nothing was begun.
    #[error("what the run does cannot be kept in `{path}`: {why}")]
    #[diagnostic(
        code(project::not_kept),
        help("nothing was begun; make room there, or name another folder: QUORATE_JOURNAL=/some/folder")
    )]
    NotKept {
        /// The folder.
        path: String,
        /// What the system said.
        why: String,
    },

    /// It is no UTF-8.
    #[error("`{path}` is not UTF-8 text: line {line} holds the byte 0x{byte:02x}")]
    #[diagnostic(
        code(project::not_utf8),
        help("is it a text? then save it as UTF-8: iconv -f latin1 -t utf-8 FILE")
    )]
    NotUtf8 {
        /// As given.
        path: String,
        /// From 1.
        line: usize,
        /// The first byte that is none.
        byte: u8,
    },

    /// It is larger than any script.
    #[error("`{path}` is too large: more than {most_mib} MiB")]
    #[diagnostic(
        code(project::too_large),
        help("a script of this size is a mistake; is it the right file?")
    )]
    TooLarge {
        /// As given.
        path: String,
        /// The most that is read, in MiB.
        most_mib: u64,
    },

    /// No inventory was given or found.
    #[error("there is no inventory: neither -i, nor $QUORATE_INVENTORY, nor ./cluster.toml, nor {last}")]
    #[diagnostic(
        code(project::no_inventory),
        help("name one with -i FILE; or try the script on the simulated cluster with --sim")
    )]
    NoInventory {
        /// Where it was looked for last.
        last: String,
    },

    /// The inventory's `system` has no module.
    #[error("inventory {inventory} is of system `{system}`, and there is no such module")]
    #[diagnostic(code(project::unknown_system))]
    UnknownSystem {
        /// The inventory's file.
        inventory: String,
        /// As written.
        system: String,
        /// What there is.
        #[help]
        help: Option<String>,
    },

    /// Something is wrong with the inventory.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Inventory(#[from] InventoryError),

    /// Something is wrong with the shape of the simulated cluster.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Shape(#[from] ShapeError),

    /// Something is wrong with the journal.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Journal(#[from] JournalError),

    /// A run cannot be taken up while somebody carries it out.
    #[error("run {run} is still alive: process {pid} carries it out")]
    #[diagnostic(
        code(project::still_alive),
        help("wait for it, or end that process; a run is only taken up by one at a time")
    )]
    StillAlive {
        /// The run.
        run: String,
        /// The process.
        pid: String,
    },

    /// A run cannot be taken up again.
    #[error("run {run} cannot be resumed: {why}")]
    #[diagnostic(code(project::not_resumed))]
    NotResumed {
        /// The run.
        run: String,
        /// Why.
        why: String,
        /// What to do instead.
        #[help]
        help: String,
    },

    /// Something that was given by hand means nothing.
    #[error("{0}")]
    #[diagnostic(code(project::given))]
    Given(String),
    /// The runtime for a real run cannot be set up.
    #[error("the run cannot begin: {why}")]
    #[diagnostic(code(project::no_runtime))]
    NoRuntime {
        /// What the system said.
        why: String,
    },
}
