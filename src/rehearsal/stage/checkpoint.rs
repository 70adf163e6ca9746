//! Where an unbroken run stood, so that others go on from there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::fault_plan::Point;
use super::super::invariant::Judge;
use super::super::seen::{Memory, Seen};
use super::{Act, Stage};
use crate::journal::Event;
use crate::transport::simulated::SimulatedCluster;
use crate::transport::{Clock, StepPath};

/// An unbroken run that comes to a point right after something was done.
pub(in crate::rehearsal) struct Checkpoint {
    /// When that was.
    pub at: Duration,
    /// How many entries its journal had.
    pub entries: usize,
    /// How many points lie before it, and how many events were told.
    pub passed: usize,
    told: usize,
    cluster: SimulatedCluster,
    memory: Memory,
    judge: Judge,
    done: BTreeMap<Act, Vec<usize>>,
    by_hand: BTreeSet<(StepPath, String)>,
    assumed: BTreeSet<String>,
    steps: usize,
    written: usize,
    was_outage: bool,
    stretch: u32,
}

impl Checkpoint {
    /// Such a cluster.
    pub fn cluster(&self) -> SimulatedCluster {
        self.cluster.fork()
    }
}

impl Stage<'_> {
    /// Notes where the run stands, if something was just done and nothing else is under way.
    pub(super) fn note_checkpoint(&self, is_act: bool) {
        let Some((pages, checkpoints)) = self.noted else {
            return;
        };
        let is_busy = self.cluster.clock().is_waited_for() || !self.going.borrow().is_empty();
        if !self.has_acted.replace(false) || is_busy {
            return;
        }
        checkpoints.borrow_mut().push(Checkpoint {
            at: self.cluster.clock().now(),
            // That it is about to act is written already.
            entries: pages.borrow().len() - usize::from(is_act),
            cluster: self.cluster.fork(),
            passed: self.points.borrow().len(),
            told: self.seen.borrow().events.len(),
            memory: self.seen.borrow().memory.clone(),
            judge: self.judge.borrow().clone(),
            done: self.done.borrow().clone(),
            by_hand: self.by_hand.borrow().clone(),
            assumed: self.assumed.borrow().clone(),
            steps: self.steps.get(),
            written: self.written.get(),
            was_outage: self.was_outage.get(),
            stretch: self.stretch.get(),
        });
    }

    /// Takes over what came before a checkpoint: of all the points and events of that run those that
    /// lie before it. The cluster is the one of there.
    pub fn begin_at(&self, checkpoint: &Checkpoint, points: &[Point], events: &[Event]) {
        self.seen.replace(Seen {
            events: events[..checkpoint.told].to_vec(),
            knows_past: true,
            memory: checkpoint.memory.clone(),
        });
        self.points.replace(points[..checkpoint.passed].to_vec());
        self.judge.replace(checkpoint.judge.clone());
        self.done.replace(checkpoint.done.clone());
        self.by_hand.replace(checkpoint.by_hand.clone());
        self.assumed.replace(checkpoint.assumed.clone());
        self.steps.set(checkpoint.steps);
        self.written.set(checkpoint.written);
        self.was_outage.set(checkpoint.was_outage);
        self.stretch.set(checkpoint.stretch);
    }
}
