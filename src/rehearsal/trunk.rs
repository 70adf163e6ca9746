//! The unbroken run, which all others are like up to what goes wrong in them.

use std::cell::RefCell;
use std::rc::Rc;

use super::attempt::{Scene, Start, Walked, walk};
use super::fault_plan::Schedule;
use super::seen::Listener;
use super::stage::{Checkpoint, Course, Known, Stage};
use crate::journal::{MemoryPages, Pages};
use crate::run::Trail;

/// How many checkpoints are kept at most: each has a cluster of its own.
const MOST_CHECKPOINTS: usize = 400;

/// What others share of the unbroken run instead of going over it once more.
pub(super) struct Trunk {
    /// Where others can set out, in order, and what is written of them there.
    checkpoints: Vec<(Checkpoint, MemoryPages)>,
    /// All that it has gone through.
    pub course: Course,
    /// What its steps have come to.
    pub trail: Rc<Trail>,
}

impl Trunk {
    /// Carries the runbook out, with nothing going wrong; none where that does not come to its end.
    pub fn grow(scene: Scene<'_>, start: &Start) -> Option<Trunk> {
        let listener = Listener::default();
        let schedule = Schedule::default();
        let (pages, noted) = (RefCell::<MemoryPages>::default(), RefCell::default());
        let mut stage = Stage::new(
            start.cluster.fork(),
            &schedule,
            &start.promised,
            Known::default(),
            &listener.0,
        );
        stage.noted = Some((&pages, &noted));
        let trail = Rc::new(Trail::default());
        let Walked::Ended(_) = walk((scene, start), None, &stage, &pages, listener.clone()) else {
            return None;
        };
        let checkpoints: Vec<Checkpoint> = noted.take();
        let lengths = checkpoints.iter().map(|checkpoint| checkpoint.entry_count);
        let lengths = lengths.chain([pages.borrow().entry_count()]);
        let mut beginnings = pages.borrow().beginnings(lengths);
        // From here on all have the very same rows, which are compared at a glance.
        pages.replace(beginnings.pop().unwrap_or_default());
        let mut checkpoints: Vec<_> = checkpoints.into_iter().zip(beginnings).collect();
        // A run that is taken up stands where the last thing that is known of it came, and measures
        // anew what is not known any more: it is like one that was never broken off only where
        // neither makes a difference.
        checkpoints.retain(|(checkpoint, pages)| {
            let past = pages.past();
            let is_like =
                past.is_ok_and(|past| past.open_acts().is_empty() && past.length() == checkpoint.at);
            is_like && pages.is_all_known()
        });
        let one_in = checkpoints.len().div_ceil(MOST_CHECKPOINTS).max(1);
        let checkpoints = checkpoints.into_iter().step_by(one_in).collect();
        stage.noted = None;
        let course = stage.course();
        walk((scene, start), Some(&trail), &stage, &pages, listener);
        Some(Trunk {
            checkpoints,
            course,
            trail,
        })
    }

    /// Where a run sets out whose first fault is at this point, and what is written of it there.
    pub fn last_before(&self, point: usize) -> Option<&(Checkpoint, MemoryPages)> {
        let is_before = |(checkpoint, _): &(Checkpoint, MemoryPages)| checkpoint.point_count < point;
        self.checkpoints[..self.checkpoints.partition_point(is_before)].last()
    }
}

/// Carries out one in so many of the single faults of a runbook, and one more fault after each, on its
/// own and with all that runs share, and asserts that both come to the same; how many could set out
/// somewhere along the unbroken run.
#[cfg(test)]
pub(crate) fn compare_with_trunk(scene: Scene<'_>, one_in: usize) -> usize {
    use super::attempt::{Attempt, Unbroken, attempt};
    use super::fault_plan::Planned;

    /// What can go wrong after a run's last fault.
    fn next_of(attempt: &Attempt) -> impl Iterator<Item = Schedule> {
        let last = attempt.schedule.last();
        let points = attempt.points.iter().filter(move |point| point.number > last);
        points.flat_map(|point| {
            point.mishaps().map(|mishap| {
                let point = point.number;
                attempt.schedule.with(Planned { point, mishap })
            })
        })
    }

    let (whole_way, along) = (scene.start(), scene.start_with_trunk());
    let trunk = along.trunk.as_ref().expect("it comes to its end");
    let whole = attempt(scene, &whole_way, &Schedule::default(), None, Known::default());
    let unbroken = Unbroken {
        exit_code: whole.exit_code.unwrap_or_default(),
        done: whole.done.clone(),
    };
    let good = std::sync::RwLock::default();
    let sharing = Known {
        good: Some(&good),
        ..Known::default()
    };
    let mut along_count = 0;
    let mut schedules: Vec<Schedule> = next_of(&whole).step_by(one_in).collect();
    while let Some(schedule) = schedules.pop() {
        let carry_out = |start, known| attempt(scene, start, &schedule, Some(&unbroken), known);
        let alone = carry_out(&whole_way, Known::default());
        let same = carry_out(&along, Known::default());
        assert_eq!(format!("{alone:#?}"), format!("{same:#?}"), "{schedule}");
        let known = carry_out(&along, sharing);
        let promises = [&alone, &known].map(|attempt| attempt.broken.as_ref().map(|broken| &broken.promise));
        assert_eq!(promises[0], promises[1], "{schedule}");
        along_count += usize::from(trunk.last_before(schedule.first()).is_some());
        if schedule.0.len() == 1 {
            let after = next_of(&alone).skip(alone.schedule.first() % 7);
            schedules.extend(after.step_by(one_in));
        }
    }
    along_count
}
