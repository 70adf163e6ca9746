//! What must never come of a run, whatever goes wrong.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::alone::Alone;
use super::promised::Promised;
use crate::transport::Clock;
use crate::transport::simulated::{Inspection, SimulatedCluster, Vitals};

/// How long clients may hang: an election takes less.
pub(super) const HANG: Duration = Duration::from_secs(60);
/// How long after a fault nobody can know of it: the view lags, and what was measured is acted on.
pub(super) const NOTICE: Duration = Duration::from_secs(20);
/// How long what has come of such an act may show itself.
pub(super) const AFTERMATH: Duration = Duration::from_secs(180);

/// A promise of the tool that a run must not break.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// A majority of the metadata servers is never lost outside `outage`.
    Majority,
    /// No chunk falls under its minimum of replicas outside `outage`.
    Replicas,
    /// No data is lost.
    Data,
    /// Clients never hang outside `outage`.
    Clients,
    /// No node is rebooted by its watchdog outside `outage`.
    Watchdog,
    /// No older server stands under a newer master where that is a danger.
    Order,
    /// What the report says is what the cluster is.
    Report,
    /// Done is done, and what a run that gives up has stopped runs again.
    Ending,
    /// A resume ends well, and nothing is done twice.
    Resume,
    /// The run comes to an end.
    End,
    /// The run begins its work when nothing goes wrong.
    Refused,
    /// The run ends well when nothing goes wrong.
    Unbroken,
    /// What the runbook promises itself: a guard.
    Stated(String),
}

impl Promise {
    /// What has come of it, as a sentence without its end.
    pub fn broken(&self) -> &'static str {
        match self {
            Promise::Majority => "a majority of the metadata servers is lost outside an outage",
            Promise::Replicas => "chunks fall under their minimum of replicas outside an outage",
            Promise::Data => "data is lost",
            Promise::Clients => "clients hang for more than a minute outside an outage",
            Promise::Watchdog => "a watchdog reboots a node outside an outage",
            Promise::Order => "an older server stands under a newer master",
            Promise::Report => "the report does not say what the cluster is",
            Promise::Ending => "the run leaves the cluster worse than it was",
            Promise::Resume => "a resume does not end well",
            Promise::End => "the run does not come to an end",
            Promise::Refused => "the run ends before it does anything, although nothing goes wrong",
            Promise::Unbroken => "the run fails although nothing goes wrong",
            Promise::Stated(_) => "a promise of the runbook is broken outside an outage",
        }
    }

    /// The word for it, for machines.
    pub fn word(&self) -> &'static str {
        match self {
            Promise::Majority => "majority",
            Promise::Replicas => "replicas",
            Promise::Data => "data",
            Promise::Clients => "clients",
            Promise::Watchdog => "watchdog",
            Promise::Order => "order",
            Promise::Report => "report",
            Promise::Ending => "ending",
            Promise::Resume => "resume",
            Promise::End => "end",
            Promise::Refused => "refused",
            Promise::Unbroken => "unbroken",
            Promise::Stated(_) => "stated",
        }
    }

    /// Whether it may be broken inside an outage.
    fn is_lifted_by_outage(&self) -> bool {
        !matches!(self, Promise::Data | Promise::Order)
    }
}

/// What may have changed the cluster since it was looked at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Only time.
    Time,
    /// What went wrong by itself.
    Fault,
    /// An act of the runbook, sent at this time.
    Act(Duration),
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// The point of the run that it has come to; 0: none.
    pub point: usize,
    /// How many events it has told.
    pub told: usize,
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub promise: Promise,
    /// How far the run had come.
    pub progress: Progress,
    /// What there is to say beside it.
    pub why: String,
    /// The cluster as it is then.
    pub cluster: Inspection,
}

/// Looks at the cluster all along a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Judge {
    /// What is broken now, and not by the runbook.
    excused: BTreeSet<Promise>,
    /// When a majority or replicas were missing last that were excused: clients hang for that.
    excused_at: Option<Duration>,
    /// What is broken now inside an outage.
    lifted: BTreeSet<Promise>,
    reboots: usize,
    last_fault: Option<Duration>,
    /// The cluster as it was after each fault, left alone from there on.
    left_alone: Vec<Alone>,
    /// Which promises of the runbook held when they were asked last.
    held: Vec<bool>,
    /// Which of them have held at any time.
    has_held: Vec<bool>,
    pub broken: Option<Broken>,
}

impl Judge {
    /// Begins with a cluster on which these promises of the runbook hold, or do not yet.
    pub fn new(promised: &[Promised]) -> Judge {
        let held: Vec<bool> = promised.iter().map(|promise| promise.holds_at_first).collect();
        Judge {
            has_held: held.clone(),
            held,
            ..Judge::default()
        }
    }

    /// The promises that have not held at any time.
    pub fn never_held<'p>(&self, promised: &'p [Promised]) -> impl Iterator<Item = &'p str> {
        let all = promised.iter().zip(self.has_held.clone());
        all.filter(|(_, has_held)| !has_held)
            .map(|(promise, _)| promise.guard.as_str())
    }

    /// Hears that something has gone wrong by itself.
    pub fn note_fault(&mut self, cluster: &SimulatedCluster) {
        self.note_time_of_fault(cluster.clock().now());
        self.left_alone.push(Alone::new(cluster));
    }

    /// Hears when something went wrong that is part of a fault which it has heard of.
    pub fn note_time_of_fault(&mut self, at: Duration) {
        self.last_fault = self.last_fault.max(Some(at));
    }

    /// When the last thing went wrong.
    pub fn last_fault(&self) -> Option<Duration> {
        self.last_fault
    }

    /// The cluster as it was after each fault, to see what comes without the run.
    pub fn left_alone(&self) -> &[Alone] {
        &self.left_alone
    }

    /// An outage is over: what was broken in it must be whole again.
    pub fn leave_outage(&mut self) {
        self.lifted.clear();
    }

    /// What was left alone until now is the cluster itself.
    pub fn begin_anew(&mut self, cluster: &SimulatedCluster) {
        if !self.left_alone.is_empty() {
            self.left_alone = vec![Alone::new(cluster)];
        }
    }

    /// Puts into a hash all that it goes by from now on.
    pub fn write_state(&mut self, hasher: &mut impl Hasher, now: Duration) {
        let since = |at: Option<Duration>, limit: Duration| at.map(|at| now.saturating_sub(at).min(limit));
        (&self.excused, &self.lifted, &self.held, self.reboots).hash(hasher);
        since(self.excused_at, AFTERMATH + Duration::from_millis(1)).hash(hasher);
        since(self.last_fault, AFTERMATH).hash(hasher);
        for alone in &mut self.left_alone {
            alone.write_state(hasher, now, !self.held.is_empty());
        }
    }

    /// Looks at the cluster.
    pub fn look(&mut self, cluster: &SimulatedCluster, cause: Cause, is_outage: bool, progress: Progress) {
        let (vitals, now) = (cluster.vitals(), cluster.clock().now());
        let broken = broken_now(&vitals, self.reboots, now);
        self.excused.retain(|promise| broken.contains(promise));
        self.lifted.retain(|promise| broken.contains(promise));
        self.reboots = vitals.watchdog_reboots;
        if self.excused.contains(&Promise::Majority) || self.excused.contains(&Promise::Replicas) {
            self.excused_at = Some(now);
        }
        // Nodes that are rebooted take their servers along.
        let is_rebooted =
            broken.contains(&Promise::Watchdog) && self.is_excused(&Promise::Watchdog, cause, now);
        for promise in broken {
            if self.excused.contains(&promise) || self.lifted.contains(&promise) || self.broken.is_some() {
                continue;
            }
            if is_outage && promise.is_lifted_by_outage() {
                self.lifted.insert(promise);
            } else if self.is_excused(&promise, cause, now)
                || (is_rebooted && matches!(promise, Promise::Majority | Promise::Replicas))
            {
                self.excused.insert(promise);
            } else {
                self.broken = Some(Broken {
                    promise,
                    progress,
                    why: String::new(),
                    cluster: cluster.inspect(),
                });
            }
        }
    }

    /// Asks the promises of the runbook, once the view of the cluster has caught up with an act.
    pub fn ask_promises(
        &mut self,
        promised: &[Promised],
        cluster: &SimulatedCluster,
        sent: Duration,
        progress: Progress,
    ) {
        for (index, promise) in promised.iter().enumerate() {
            let why = promise.ask(cluster, NOTICE);
            let held = std::mem::replace(&mut self.held[index], why.is_none());
            self.has_held[index] |= why.is_none();
            let (true, None, Some(why)) = (held, &self.broken, why) else {
                continue;
            };
            let now = cluster.clock().now();
            if !self.is_promise_excused(promise, sent, now) {
                self.broken = Some(Broken {
                    promise: Promise::Stated(promise.guard.clone()),
                    progress,
                    why: format!("`promise {}`: {why}", promise.guard),
                    cluster: cluster.inspect(),
                });
            }
        }
    }

    /// Whether what went wrong by itself breaks a promise of the runbook too, or nobody could know of
    /// that yet.
    fn is_promise_excused(&self, promise: &Promised, sent: Duration, now: Duration) -> bool {
        let is_too_soon = self.last_fault.is_some_and(|fault| sent < fault + NOTICE);
        is_too_soon
            || self.left_alone.iter().any(|alone| {
                let later = alone.at(now + NOTICE);
                promise.ask(&later, Duration::ZERO).is_some()
            })
    }

    /// Whether what went wrong by itself has broken it, or nobody could know of that yet.
    fn is_excused(&self, promise: &Promise, cause: Cause, now: Duration) -> bool {
        let Some(fault) = self.last_fault else {
            return false;
        };
        match cause {
            Cause::Fault => return true,
            Cause::Act(sent) if sent < fault + NOTICE => return true,
            Cause::Act(_) | Cause::Time => {}
        }
        let is_aftermath = matches!(promise, Promise::Clients | Promise::Watchdog)
            && self.excused_at.is_some_and(|at| now <= at + AFTERMATH);
        if is_aftermath {
            return true;
        }
        let mut alone = self.left_alone.iter();
        alone.any(|alone| alone.breaks(promise, now + NOTICE))
    }
}

/// What is broken at a time, where so many nodes had been rebooted before.
pub(super) fn broken_now(vitals: &Vitals, reboots: usize, now: Duration) -> BTreeSet<Promise> {
    let hangs = vitals
        .hung_since
        .is_some_and(|since| now.saturating_sub(since) > HANG);
    let promises = [
        (Promise::Majority, !vitals.has_majority),
        (Promise::Replicas, vitals.below_least > 0),
        (Promise::Data, vitals.lost_chunks > 0),
        (Promise::Clients, hangs),
        (Promise::Watchdog, vitals.watchdog_reboots > reboots),
        (
            Promise::Order,
            !vitals.journal_consistent || vitals.master_was_early,
        ),
    ];
    promises
        .into_iter()
        .filter(|(_, is_broken)| *is_broken)
        .map(|(promise, _)| promise)
        .collect()
}
