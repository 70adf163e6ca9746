//! One thing that is known of a run.

use std::time::Duration;

use super::entry::{Answered, Reply};
use super::keeper::seconds_now;
use crate::transport::{Answer, Outcome, StepPath, TransportError};

/// One thing that is known.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its place in the journal.
    pub order: usize,
    /// When it came, in milliseconds since the run began.
    pub at: u64,
    pub path: StepPath,
    /// The bodies of `on`s on a node that it lies in or is itself, outermost first.
    pub bodies: Vec<StepPath>,
    pub what: What,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Command(Command),
    Answer(Answered),
    /// The body of an `on` on a node begins.
    BodyBegan,
    /// It ended, well or not.
    BodyEnded(bool),
    /// What a block owes at its end was begun.
    CleaningUp,
}

/// A command that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub node: Option<String>,
    pub command: String,
    pub acts: bool,
    pub is_kept: bool,
    pub fate: Fate,
    /// When it can no longer be running, in seconds since 1970.
    pub may_run_until: u64,
    /// How long it might take.
    pub limit: Duration,
    /// Whether the runbook took it for success; `None`: the run was broken off just before.
    pub is_well: Option<bool>,
    /// Whether a person has left it out.
    pub is_skipped: bool,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Replied(Reply),
    /// It was sent, and nobody knows what came of it.
    Unsettled,
    /// It was done, as its own probe or a person says; what it printed is not known.
    Settled,
}

impl Command {
    /// Whether it went well.
    pub fn is_success(&self) -> bool {
        let ended_well = matches!(
            self.fate,
            Fate::Settled | Fate::Replied(Reply::Ran { status: 0, .. })
        );
        !self.is_open() && self.is_well.unwrap_or(ended_well)
    }

    /// Whether nobody knows whether it was done.
    pub fn is_open(&self) -> bool {
        self.acts && matches!(self.fate, Fate::Unsettled | Fate::Replied(Reply::Unknown { .. }))
    }
}

/// Which command: where in the runbook, on which node, and its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Which {
    pub path: StepPath,
    pub node: Option<String>,
    pub words: String,
}

impl Row {
    /// Whether the same is known at the same place.
    pub fn is_same(&self, other: &Row) -> bool {
        (self.order, self.at) == (other.order, other.at) && self.path == other.path && self.what == other.what
    }

    /// When it came, since the run began.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.at)
    }

    /// On which node.
    pub fn node(&self) -> Option<&String> {
        match &self.what {
            What::Command(command) => command.node.as_ref(),
            What::Answer(answered) => answered.node.as_ref(),
            _ => None,
        }
    }

    /// The text of the command, or the name of the question.
    pub fn words(&self) -> &str {
        match &self.what {
            What::Command(command) => &command.command,
            What::Answer(answered) => &answered.name,
            _ => "",
        }
    }

    /// Which command or question it is.
    pub fn which(&self) -> Which {
        Which {
            path: self.path.clone(),
            node: self.node().cloned(),
            words: self.words().to_owned(),
        }
    }

    /// Whether it must not be passed over: an act, or what a person has done. A probe changes nothing.
    pub fn is_weighty(&self) -> bool {
        match &self.what {
            What::Command(command) => command.acts,
            What::Answer(answered) => answered.is_deed,
            _ => false,
        }
    }

    /// Whether nobody knows whether it was done.
    pub fn is_unsettled(&self) -> bool {
        matches!(&self.what, What::Command(command) if command.fate == Fate::Unsettled)
    }

    /// Whether it is never measured or asked again, whatever else has changed.
    pub fn is_kept(&self) -> bool {
        match &self.what {
            What::Command(command) => command.acts || command.is_kept,
            _ => true,
        }
    }

    /// What came of a command.
    pub fn reply(&self) -> Option<Result<Outcome, TransportError>> {
        match &self.what {
            What::Command(command) => Some(reply_of(command)),
            _ => None,
        }
    }

    /// What a person has answered.
    pub fn answer(&self) -> Option<Answer> {
        match &self.what {
            What::Answer(answered) => Some(read_answer(answered)),
            _ => None,
        }
    }
}

impl What {
    /// Whether something is changed by it.
    pub fn is_deed(&self) -> bool {
        match self {
            What::Command(command) => command.acts && !command.is_skipped,
            What::Answer(answered) => answered.is_deed,
            What::CleaningUp => true,
            What::BodyBegan | What::BodyEnded(_) => false,
        }
    }
}

fn reply_of(command: &Command) -> Result<Outcome, TransportError> {
    let node = command
        .node
        .clone()
        .unwrap_or_else(|| "the local machine".to_owned());
    match &command.fate {
        Fate::Unsettled => Err(TransportError::Unsettled {
            node,
            may_run: may_run(command),
        }),
        Fate::Settled => Err(TransportError::Settled),
        Fate::Replied(Reply::Ran {
            status,
            output,
            errors,
        }) => Ok(Outcome {
            status: *status,
            output: output.clone(),
            errors: errors.clone(),
        }),
        Fate::Replied(Reply::Unreachable(why)) => Err(TransportError::Unreachable {
            node,
            why: why.clone(),
        }),
        Fate::Replied(Reply::Unknown { why, is_late }) => Err(TransportError::Unknown {
            node,
            why: why.clone(),
            is_late: *is_late,
        }),
    }
}

/// How long a command may still be running.
pub(super) fn may_run(command: &Command) -> Duration {
    // A clock that was set back makes it no longer.
    Duration::from_secs(command.may_run_until.saturating_sub(seconds_now())).min(command.limit)
}

fn read_answer(answered: &Answered) -> Answer {
    match answered.answer.as_str() {
        "yes" => Answer::Yes,
        "no" => Answer::No,
        "later" => Answer::Park,
        "could_not" => Answer::CouldNot(answered.why.clone().unwrap_or_default()),
        _ => Answer::Nobody,
    }
}
