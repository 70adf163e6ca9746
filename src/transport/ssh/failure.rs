//! Why there is no connection, and why a command has no outcome.

use std::path::PathBuf;

use super::host_key::describe_loss;

/// Why there is no connection to a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// What is wrong.
    Unreachable(String),
    /// `ssh` can do what this process cannot: it goes on "because …".
    LeftToClient(String),
    /// A key file has a passphrase that has not been asked for.
    NeedsPassphrase(PathBuf),
}

impl From<russh::Error> for Failure {
    fn from(error: russh::Error) -> Self {
        Failure::Unreachable(describe_loss(&error))
    }
}

/// Why a command has no outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// The connection was found dead before the command was sent: another one may do.
    Stale(String),
    /// It did not run.
    NotRun(String),
    /// It may have run.
    Unknown(String),
    /// It took longer than it may.
    Late,
}
