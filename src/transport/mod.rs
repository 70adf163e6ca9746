//! The only doors out: commands, time, and the person at the terminal.
//!
//! Nothing else in quorate waits, asks or acts. The simulated cluster stands behind the
//! same three doors, so a run cannot tell it from a real one.
//!
//! May import: `diagnostic`, `inventory`, `value`; the simulated cluster also `check` and `evaluate`, for
//! what modules say that their commands print.

mod capture;
mod clock;
mod dry;
mod error;
mod local;
mod path;
mod person;
mod secrets;
pub mod simulated;
mod ssh;
mod tee;
mod terminal;

use std::rc::Rc;
use std::time::Duration;

pub use clock::{SteadyClock, SystemClock};
pub use dry::DryTransport;
pub use error::ShapeError;
pub use local::{LocalTransport, name_user};
pub use path::StepPath;
pub use person::{Answers, InTurn, TerminalPerson, read_answer, write_question};
pub use secrets::{NoSecrets, TerminalSecrets};
pub use ssh::{SshOptions, SshTransport, ssh_words};
pub use tee::{Listener, Tee};
pub use terminal::{Screen, Terminal, Turn};

use async_trait::async_trait;
use thiserror::Error;

use crate::inventory::NodeName;
use crate::value::{CommandLine, Secret};

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It promises to change nothing.
    Probe,
    /// It changes something.
    Act,
}

/// A command to be carried out.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where; `None` is the machine that runs the script.
    pub node: Option<NodeName>,
    /// What.
    pub command: CommandLine,
    /// What it reads from its standard input.
    pub input: Option<Secret>,
    /// How long it may take.
    pub limit: Duration,
    /// Whether it may change something.
    pub purpose: Purpose,
    /// Whether it is carried out as root although the login is another.
    pub as_root: bool,
    /// Whether it may cut its own connection, which then counts as done.
    pub may_disconnect: bool,
    /// The statement that it belongs to.
    pub path: StepPath,
    /// Whether its reply is a value that the script names, a list that it goes through or an order
    /// of nodes: what is measured once and for all.
    pub is_kept: bool,
    /// What is blotted out of what it prints.
    pub secrets: Rc<[Secret]>,
}

impl Request {
    /// A command on a node that belongs to no statement.
    pub fn plain(node: Option<NodeName>, command: CommandLine, limit: Duration, purpose: Purpose) -> Request {
        Request {
            node,
            command,
            input: None,
            limit,
            purpose,
            as_root: false,
            may_disconnect: false,
            path: StepPath::default(),
            is_kept: false,
            secrets: Rc::from([]),
        }
    }
}

/// A command that ran to its end, well or badly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its exit status.
    pub status: i32,
    /// What it wrote to standard output.
    pub output: String,
    /// What it wrote to standard error.
    pub errors: String,
}

impl Outcome {
    /// That of a command that went well and said nothing.
    pub fn nothing() -> Outcome {
        Outcome {
            status: 0,
            output: String::new(),
            errors: String::new(),
        }
    }

    /// The same, secrets blotted out: a command may echo its input.
    pub fn without(mut self, secrets: &[Secret]) -> Outcome {
        // The longest first: another one may be its beginning.
        let mut secrets: Vec<&Secret> = secrets.iter().collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
        for secret in secrets {
            self.output = self.output.replace(secret.reveal(), "***");
            self.errors = self.errors.replace(secret.reveal(), "***");
        }
        self
    }
}

/// A command of which no outcome is known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransportError {
    /// It surely did not run.
    #[error("{node} could not be reached: {why}")]
    Unreachable {
        /// The node.
        node: String,
        /// What the transport says of it.
        why: String,
    },
    /// It may or may not have run, or be running still.
    #[error("nobody can tell whether it ran on {node}: {why}")]
    Unknown {
        /// The node.
        node: String,
        /// What the transport says of it.
        why: String,
        /// Whether it took longer than it may, rather than that the connection went.
        is_late: bool,
    },
    /// It was begun by a run that was broken off, and nobody has looked yet whether it was done.
    #[error("the run was broken off before it was known whether it was done on {node}")]
    Unsettled {
        /// The node.
        node: String,
        /// How long it may still be running.
        may_run: Duration,
    },
    /// It was done, as its own probe or a person says; what it printed is not known.
    #[error("it was done, and what it printed is not known")]
    Settled,
    /// It surely did not run: it could not be written down before.
    #[error("it cannot be written down: {why}")]
    NotWritten {
        /// What the system says.
        why: String,
    },
    /// It surely did not run: the maintenance lock of the cluster is lost.
    #[error("{why}")]
    Locked {
        /// What became of the lock.
        why: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// It was held back: a dry run changes nothing.
    #[error("held back")]
    HeldBack,
}

/// A way to have a command carried out on a node.
#[async_trait(?Send)]
pub trait Transport {
    /// Carries out the command and waits for it, its limit at the longest.
    ///
    /// A command that ran and failed is an [`Outcome`], not an error.
    ///
    /// # Errors
    ///
    /// [`TransportError::Unreachable`] when it surely did not run;
    /// [`TransportError::Unknown`] when nobody can tell, as after a time-out.
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError>;

    /// Takes in what is known of a request that was [`TransportError::Unsettled`], and gives what
    /// came of it.
    async fn settle(&self, request: &Request, settlement: &Settlement) -> Result<Outcome, TransportError> {
        match settlement.is_done {
            Some(true) => Err(TransportError::Settled),
            Some(false) => self.carry_out(request).await,
            None => Err(TransportError::Unknown {
                node: request
                    .node
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
                why: settlement.by.clone(),
                is_late: false,
            }),
        }
    }
}

/// Whether an act was done of which nobody knew it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Whether it was done; `None`: still nobody knows.
    pub is_done: Option<bool>,
    /// How that is known: what was measured, or who said so.
    pub by: String,
}

/// Time: real or virtual.
#[async_trait(?Send)]
pub trait Clock {
    /// Time since an arbitrary start; never goes back.
    fn now(&self) -> Duration;

    /// Returns once `length` has passed.
    async fn sleep(&self, length: Duration);
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What kind of question it is.
    pub kind: QuestionKind,
    /// The name by which `--answer NAME=yes` answers it.
    pub name: String,
    /// What is asked, or what the person is to do.
    pub text: String,
    /// The node it is about.
    pub node: Option<NodeName>,
    /// What a simulated person does for a manual step.
    pub rehearsed_as: Option<CommandLine>,
    /// The statement that asks.
    pub path: StepPath,
}

/// The kinds of question, by how much it takes to answer them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// `confirm`: `--yes` answers it.
    Confirm,
    /// `manual`: a person does something and says when it is done.
    Manual,
    /// `outage`: budgets are lifted.
    Outage,
    /// An irreversible verb.
    Irreversible,
    /// Whether an act was done of which nobody knows it.
    Unsettled,
}

/// What a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes, or done.
    Yes,
    /// No.
    No,
    /// Later: the run is parked at a manual step.
    Park,
    /// It was tried and could not be done, and why.
    CouldNot(String),
    /// Nobody is there to answer.
    Nobody,
}

/// A step that failed, of which somebody decides what becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, in the operator's words.
    pub message: String,
    /// On which node.
    pub node: Option<NodeName>,
    /// Whether it may have happened all the same.
    pub is_unknown: bool,
}

/// What becomes of a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is taken once more.
    Retry,
    /// The node in hand is passed over.
    Skip,
    /// Nothing more is begun, and what was done is taken back.
    Undo,
    /// Nothing more is begun, and all stays as it is.
    Stop,
}

/// The person who runs the script.
#[async_trait(?Send)]
pub trait Person {
    /// Asks and waits for the answer.
    async fn ask(&self, question: &Question) -> Answer;

    /// Asks what becomes of a step that failed; `None` when nobody is there to decide it.
    async fn decide(&self, _failure: &Failure) -> Option<Decision> {
        None
    }
}

/// Where passwords and passphrases come from.
#[async_trait(?Send)]
pub trait Secrets {
    /// Asks for one and waits for it; `None` when nobody is there to give it.
    async fn ask(&self, prompt: &str) -> Option<Secret>;
}
