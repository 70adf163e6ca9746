use std::process::ExitCode;

use super::streams::Closed;
use crate::project::ProjectError;

/// The exit codes, none of which has two meanings.
///
/// # Source
///
/// The language reference, "Exit codes".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: done.
    Done,
    /// 1: files are not formatted, or the journal was altered.
    Different,
    /// 2: the command line, the inventory or a file is wrong.
    Usage,
    /// 3: the script does not check.
    NotChecked,
    /// What a run came to: 0, 1, 4, 5, 6, 8, 9 or 130.
    Run(u8),
    /// 141: nobody reads the output any more, as a shell tells of SIGPIPE.
    OutputClosed,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Different => 1,
            Exit::Usage => 2,
            Exit::NotChecked => 3,
            Exit::Run(code) => code,
            Exit::OutputClosed => 141,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a subcommand cannot go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// Something is wrong with what was typed.
    Usage(String),
    /// Something is wrong with a file.
    Project(Box<ProjectError>),
    /// Nobody reads the output any more.
    Closed,
}

impl From<ProjectError> for Stop {
    fn from(error: ProjectError) -> Stop {
        match error {
            ProjectError::Given(text) => Stop::Usage(text),
            other => Stop::Project(Box::new(other)),
        }
    }
}

impl From<Closed> for Stop {
    fn from(closed: Closed) -> Stop {
        match closed {
            Closed::NoReader => Stop::Closed,
            Closed::Failed(why) => Stop::Usage(format!("standard output cannot be written: {why}")),
        }
    }
}
