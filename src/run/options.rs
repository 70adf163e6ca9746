use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::trail::Trail;
use crate::evaluate::Memo;
use crate::inventory::{NodeName, NodeSet};
use crate::journal::Trouble;
use crate::transport::{Clock, Person, Transport};

/// The three doors: commands, time, and the person.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Carries commands out.
    pub transport: &'a dyn Transport,
    /// Tells and passes time.
    pub clock: &'a dyn Clock,
    /// Answers questions.
    pub person: &'a dyn Person,
}

/// How a plan is carried out.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Only these nodes are acted on (`--limit`).
    pub limit: Option<NodeSet>,
    /// How many nodes at once at most in parallel (`--fanout`); 0 is 32.
    pub fan_out: usize,
    /// Guards, findings and budgets that are overridden, each with a reason.
    pub overrides: Vec<Override>,
    /// Each act is asked for first (`--step`).
    pub step: bool,
    /// How long an act may take that does not say itself (`--timeout`); otherwise 5 minutes.
    pub timeout: Option<Duration>,
    /// Acts are held back.
    pub dry_run: bool,
    /// The person is asked what becomes of a step that failed.
    pub asks_on_failure: bool,
    /// What was measured for a refusal is kept, for somebody who asks why.
    pub keeps_evidence: bool,
    /// What facts have come to before, where several runs of one plan share that.
    pub memo: Option<Rc<Memo>>,
    /// Steps that need not be gone over, where several runs of one plan begin alike; only of use
    /// where they are written down.
    pub trail: Option<Rc<Trail>>,
    /// Set from outside when the run shall end after the nodes in hand (Ctrl-C).
    pub stop_requested: Rc<Cell<bool>>,
    /// Switches the tokens off, to show what a lagging view does to a rolling stop; in tests alone.
    #[cfg(test)]
    pub without_tokens: bool,
}

impl RunOptions {
    /// Whether members are taken away by token; only a test can say no.
    pub(super) fn has_tokens(&self) -> bool {
        #[cfg(test)]
        return !self.without_tokens;
        #[cfg(not(test))]
        true
    }
}

/// `--override NAME[@NODE]="why"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// A guard, a finding's code, or `may-lose:SERVICE`.
    pub name: String,
    /// On this node only.
    pub node: Option<NodeName>,
    /// The typed reason.
    pub why: String,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The exit code.
    pub exit_code: u8,
    /// What went wrong worst, if anything.
    pub trouble: Option<Trouble>,
}
