use std::time::Duration;

use crate::diagnostic::Span;
use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;
use crate::transport::StepPath;

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Time since the run began.
    pub at: Duration,
    /// What.
    pub what: Happening,
}

/// Takes in events as they happen.
pub trait Recorder {
    /// Takes in one event.
    fn record(&mut self, event: &Event);

    /// Hears that time has gone by, up to `at` since the run began, while nothing happened.
    fn pass(&mut self, _at: Duration) {}

    /// Takes in one event that happened before the run was interrupted, and was told of then.
    fn recall(&mut self, _event: &Event) {}
}

impl Recorder for Vec<Event> {
    fn record(&mut self, event: &Event) {
        self.push(event.clone());
    }

    fn recall(&mut self, event: &Event) {
        self.push(event.clone());
    }
}

impl<R: Recorder + ?Sized> Recorder for &mut R {
    fn record(&mut self, event: &Event) {
        (**self).record(event);
    }

    fn pass(&mut self, at: Duration) {
        (**self).pass(at);
    }

    fn recall(&mut self, event: &Event) {
        (**self).recall(event);
    }
}

impl<R: Recorder + ?Sized> Recorder for Box<R> {
    fn record(&mut self, event: &Event) {
        (**self).record(event);
    }

    fn pass(&mut self, at: Duration) {
        (**self).pass(at);
    }

    fn recall(&mut self, event: &Event) {
        (**self).recall(event);
    }
}

impl<R: Recorder> Recorder for Option<R> {
    fn record(&mut self, event: &Event) {
        if let Some(recorder) = self {
            recorder.record(event);
        }
    }

    fn pass(&mut self, at: Duration) {
        if let Some(recorder) = self {
            recorder.pass(at);
        }
    }

    fn recall(&mut self, event: &Event) {
        if let Some(recorder) = self {
            recorder.recall(event);
        }
    }
}

/// Two recorders, each of which takes in every event; the first one first.
impl<A: Recorder, B: Recorder> Recorder for (A, B) {
    fn record(&mut self, event: &Event) {
        self.0.record(event);
        self.1.record(event);
    }

    fn pass(&mut self, at: Duration) {
        self.0.pass(at);
        self.1.pass(at);
    }

    fn recall(&mut self, event: &Event) {
        self.0.recall(event);
        self.1.recall(event);
    }
}

/// Which step, where it is written, and on which node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepPlace {
    /// The step's number.
    pub step: StepId,
    /// Where it is written.
    pub span: Span,
    /// The node in hand; `None` outside `on`.
    pub node: Option<NodeName>,
    /// Which statement of the run it is.
    pub path: StepPath,
}

/// The number of what belongs to no step.
pub(super) const NO_STEP: StepId = StepId(u32::MAX);

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// The run begins.
    RunStarted {
        /// The cluster's name.
        cluster: String,
        /// Whether it is the simulated one.
        simulated: bool,
        /// Whether acts are held back.
        dry_run: bool,
        /// The runbook's name.
        runbook: String,
        /// How many steps there are.
        steps: u32,
    },
    /// An `on` begins: these nodes, taken in this way.
    NodesChosen {
        /// The `on`.
        place: StepPlace,
        /// All its nodes.
        nodes: NodeSet,
        /// `serially`, `in parallel`, …
        mode: String,
        /// Nodes that `--limit` left out.
        left_out: NodeSet,
    },
    /// A node of an `on` is taken in hand.
    NodeStarted {
        /// The `on`.
        step: StepId,
        /// The node.
        node: NodeName,
        /// The body on this node.
        path: StepPath,
    },
    /// A node of an `on` is through.
    NodeEnded {
        /// The `on`.
        step: StepId,
        /// The node.
        node: NodeName,
        /// The body on this node.
        path: StepPath,
        /// How.
        result: StepResult,
    },
    /// An act or probe step begins.
    StepStarted {
        /// Which.
        place: StepPlace,
        /// The step in words: `stop pstorage-mdsd`.
        what: String,
        /// The plain command, if it is one.
        command: Option<String>,
    },
    /// It ended.
    StepEnded {
        /// Which.
        place: StepPlace,
        /// The step in words.
        what: String,
        /// How.
        result: StepResult,
        /// What it printed.
        output: String,
        /// What it wrote to standard error.
        errors: String,
        /// How long it took.
        took: Duration,
    },
    /// An act was held back by a dry run.
    HeldBack {
        /// Which.
        place: StepPlace,
        /// The step in words.
        what: String,
        /// The plain command; values it cannot know stand as `<unknown>`.
        command: Option<String>,
    },
    /// A service was passed over on this node, or nothing had to be done.
    PassedOver {
        /// Which.
        place: StepPlace,
        /// The service and the action.
        what: String,
        /// Why: not of its group, already stopped, not installed.
        why: String,
    },
    /// A guard or condition was asked.
    Asked {
        /// Which.
        place: StepPlace,
        /// The guard in words.
        what: String,
        /// Whether it holds; `None`: it cannot be measured.
        holds: Option<bool>,
        /// The measured reason.
        reason: String,
        /// Whether a dry run only shows it, since acts before it were held back.
        shown_only: bool,
    },
    /// A guard that refused was overridden.
    Overridden {
        /// Which.
        place: StepPlace,
        /// The guard, finding or `may-lose:SERVICE`.
        what: String,
        /// What it had said.
        reason: String,
        /// The typed reason.
        why: String,
    },
    /// A wait goes on.
    Waiting {
        /// Which.
        place: StepPlace,
        /// What is waited for.
        what: String,
        /// What was measured last.
        reason: String,
        /// How long it has waited.
        waited: Duration,
        /// How long it may.
        limit: Duration,
    },
    /// A wait is over.
    Waited {
        /// Which.
        place: StepPlace,
        /// What was waited for.
        what: String,
        /// Whether it came.
        came: bool,
        /// What was measured last.
        reason: String,
        /// How long it waited.
        waited: Duration,
    },
    /// A token was taken: the role has one member less.
    TokenTaken {
        /// The service.
        service: String,
        /// The member.
        node: NodeName,
        /// The sum: `2 of 5 members away; 2 may be`.
        sum: String,
    },
    /// A token was given back.
    TokenReturned {
        /// The service.
        service: String,
        /// The member.
        node: NodeName,
    },
    /// A group changed: what to write into the inventory.
    GroupChanged {
        /// The group.
        group: String,
        /// The node.
        node: NodeName,
        /// Whether it joined.
        joined: bool,
        /// The group as it is now.
        now: NodeSet,
    },
    /// A person was asked.
    Answered {
        /// Which.
        place: StepPlace,
        /// The question's name.
        name: String,
        /// What was asked, or was to be done.
        text: String,
        /// `yes`, `no`, `later`, or `nobody was there`.
        answer: String,
    },
    /// An outage begins or ends.
    Outage {
        /// Which.
        place: StepPlace,
        /// Why.
        why: String,
        /// Whether it begins.
        opens: bool,
    },
    /// A service is left stopped on purpose.
    LeftStopped {
        /// Which.
        place: StepPlace,
        /// The service.
        service: String,
        /// Why.
        why: String,
    },
    /// `note`.
    Note {
        /// Which.
        place: StepPlace,
        /// The text.
        text: String,
    },
    /// `show`.
    Shown {
        /// Which.
        place: StepPlace,
        /// What, as written.
        what: String,
        /// The value as it prints; a table is several lines.
        value: String,
    },
    /// A value was measured and named.
    Named {
        /// Which.
        place: StepPlace,
        /// The name.
        name: String,
        /// The value as it prints.
        value: String,
    },
    /// `undo` or `finally` begins, and why.
    CleaningUp {
        /// Which.
        place: StepPlace,
        /// `undo` or `finally`.
        what: String,
        /// Why: what failed, or that the block ended.
        why: String,
    },
    /// A failure was caught by `try` or `retry`, or tolerated.
    Caught {
        /// Which step caught it.
        place: StepPlace,
        /// How: `try`, `retry 2 of 3`, `tolerated`.
        by: String,
        /// What.
        trouble: Trouble,
    },
    /// A `for` turn, an attempt or a branch begins.
    Branch {
        /// Which.
        place: StepPlace,
        /// In words: `else`, `svc = vz`, `attempt 2 of 3`.
        what: String,
    },
    /// The run is over.
    RunEnded {
        /// What went wrong worst, if anything.
        trouble: Option<Trouble>,
        /// The exit code.
        exit_code: u8,
    },
}

/// How a step or a node ended.
#[derive(Debug, Clone, PartialEq)]
pub enum StepResult {
    /// Well.
    Done,
    /// Passed over by `skip`, and why.
    Skipped(String),
    /// It failed, was refused, could not be reached, or is unknown.
    Trouble(Trouble),
    /// It was never begun.
    NotReached,
}

/// Something went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What kind, which decides the exit code.
    pub kind: TroubleKind,
    /// What is wrong, in the operator's words.
    pub message: String,
    /// What to do, if it can be said.
    pub help: Option<String>,
    /// Where it is written.
    pub at: Span,
    /// On which node.
    pub node: Option<NodeName>,
}

/// The kinds of trouble, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TroubleKind {
    /// Parked at a manual step.
    Parked,
    /// The person said no.
    Declined,
    /// A guard refused.
    Refused,
    /// A step failed.
    Failed,
    /// Somebody else holds the maintenance lock.
    Locked,
    /// Ctrl-C.
    Interrupted,
    /// A node could not be reached.
    Unreachable,
    /// It may or may not have happened.
    Unknown,
}

impl TroubleKind {
    /// The exit code.
    ///
    /// # Source
    ///
    /// The language reference, "Exit codes": worst first 6, 5, 130, 7, 1, 4, 8, 9.
    pub fn exit_code(self) -> u8 {
        match self {
            TroubleKind::Parked => 9,
            TroubleKind::Declined => 8,
            TroubleKind::Refused => 4,
            TroubleKind::Failed => 1,
            TroubleKind::Locked => 7,
            TroubleKind::Interrupted => 130,
            TroubleKind::Unreachable => 5,
            TroubleKind::Unknown => 6,
        }
    }
}
