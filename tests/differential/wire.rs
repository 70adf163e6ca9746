//! What the programs in a script's `PATH` and the test say to one another: one line of JSON each way.

use serde::{Deserialize, Serialize};

/// The variable that names the socket of the test.
pub const SOCKET: &str = "QUORATE_TEST_SOCKET";

/// What a program wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// The process that wants it.
    pub pid: u32,
    /// What.
    pub wish: Wish,
}

/// What can be wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// A command carried out.
    CarryOut {
        /// Where; `None` is the machine that runs the script.
        node: Option<String>,
        /// What.
        command: String,
        /// What it reads.
        input: String,
        /// How long it may take.
        limit_ms: u64,
    },
    /// Time to pass.
    Sleep {
        /// How much.
        length_ms: u64,
    },
    /// The seconds since the epoch.
    Date,
    /// An answer of the person.
    Ask {
        /// `confirm`, `manual`, `outage` or `irreversible`.
        kind: String,
        /// The question's name.
        name: String,
        /// The node it is about, or nothing.
        node: String,
        /// What is asked.
        text: String,
    },
}

/// What the test says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The command ended.
    Ran {
        /// Its exit status.
        status: i32,
        /// Its standard output.
        output: String,
        /// Its standard error.
        errors: String,
    },
    /// It surely did not run.
    Unreachable {
        /// Why.
        why: String,
    },
    /// The connection was lost while it ran.
    Lost {
        /// Why.
        why: String,
    },
    /// It took longer than it may.
    Late,
    /// The time has passed.
    Slept,
    /// The seconds since the epoch.
    Date(u64),
    /// What the person says: `yes`, `no` or `later`.
    Said(String),
}
