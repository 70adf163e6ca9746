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

/// All that a run has gone through.
pub(in crate::rehearsal) struct Course {
    points: Vec<Point>,
    events: Vec<Event>,
    done: BTreeMap<Act, Vec<usize>>,
}

/// An unbroken run that comes to a point right after something was done.
pub(in crate::rehearsal) struct Checkpoint {
    /// When that was.
    pub at: Duration,
    /// How many entries its journal had.
    pub entry_count: usize,
    /// How many points lie before it.
    pub point_count: usize,
    /// How many events were told before it.
    event_count: usize,
    cluster: SimulatedCluster,
    memory: Memory,
    judge: Judge,
    by_hand: BTreeSet<(StepPath, String)>,
    assumed: BTreeSet<String>,
    steps: usize,
    written: usize,
    was_outage: bool,
    stretch: u32,
}

impl Checkpoint {
    /// A cluster of its own, as it was there.
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
        if self.is_unproven.take() {
            // Something else was under way after all.
            checkpoints.borrow_mut().pop();
        }
        let is_busy = self.cluster.clock().is_waited_for() || !self.going.borrow().is_empty();
        if !self.has_acted.replace(false) || is_busy {
            return;
        }
        self.is_unproven.set(true);
        checkpoints.borrow_mut().push(Checkpoint {
            at: self.cluster.clock().now(),
            // That it is about to act is written already.
            entry_count: pages.borrow().entry_count() - usize::from(is_act),
            cluster: self.cluster.fork(),
            point_count: self.points.borrow().len(),
            event_count: self.seen.borrow().events.len(),
            memory: self.seen.borrow().memory.clone(),
            judge: self.judge.borrow().clone(),
            by_hand: self.by_hand.borrow().clone(),
            assumed: self.assumed.borrow().clone(),
            steps: self.steps.get(),
            written: self.written.get(),
            was_outage: self.was_outage.get(),
            stretch: self.stretch.get(),
        });
    }

    /// Takes a checkpoint back if anything but what was begun there has happened until that has ended:
    /// where nodes go on side by side, those that set out there would do so in another order.
    pub(super) fn prove_checkpoint(&self) {
        let Some((_, checkpoints)) = self.noted.filter(|_| self.is_unproven.take()) else {
            return;
        };
        let event_count = self.seen.borrow().events.len();
        let is_busy = self.cluster.clock().is_waited_for();
        checkpoints
            .borrow_mut()
            .pop_if(|last| last.event_count != event_count || is_busy);
    }

    /// All that the run has gone through.
    pub fn course(&self) -> Course {
        Course {
            points: self.points.borrow().clone(),
            events: self.seen.borrow().events.clone(),
            done: self.done.borrow().clone(),
        }
    }

    /// Takes over what came before a checkpoint, out of all that its run has gone through. The
    /// cluster is the one of there.
    pub fn begin_at(&self, checkpoint: &Checkpoint, course: &Course) {
        self.seen.replace(Seen {
            events: course.events[..checkpoint.event_count].to_vec(),
            memory: checkpoint.memory.clone(),
            known_count: checkpoint.event_count,
        });
        let points = &course.points[..checkpoint.point_count];
        self.points.replace(points.to_vec());
        let done = course.done.iter().map(|(act, points)| {
            let before = points.iter().filter(|point| **point <= checkpoint.point_count);
            (act.clone(), before.copied().collect::<Vec<usize>>())
        });
        self.done
            .replace(done.filter(|(_, points)| !points.is_empty()).collect());
        self.judge.replace(checkpoint.judge.clone());
        self.by_hand.replace(checkpoint.by_hand.clone());
        self.assumed.replace(checkpoint.assumed.clone());
        self.steps.set(checkpoint.steps);
        self.written.set(checkpoint.written);
        self.was_outage.set(checkpoint.was_outage);
        self.stretch.set(checkpoint.stretch);
    }
}
