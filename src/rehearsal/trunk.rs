//! The unbroken run, which all others are like up to what goes wrong in them.

use std::cell::RefCell;
use std::rc::Rc;

use super::attempt::{Scene, Start, Walked, walk};
use super::fault_plan::{Point, Schedule};
use super::seen::Listener;
use super::stage::{Checkpoint, Known, Stage};
use crate::journal::{Event, MemoryPages, Pages};
use crate::run::Trail;

/// What others share of the unbroken run instead of going over it once more.
pub(super) struct Trunk {
    /// Where others can set out, in order, and what is written of them there.
    checkpoints: Vec<(Checkpoint, MemoryPages)>,
    pub points: Vec<Point>,
    pub events: Vec<Event>,
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
        let lengths = checkpoints.iter().map(|checkpoint| checkpoint.entries);
        let lengths = lengths.chain([pages.borrow().len()]);
        let mut beginnings = pages.borrow().beginnings(lengths);
        pages.replace(beginnings.pop().unwrap_or_default());
        let mut checkpoints: Vec<_> = checkpoints.into_iter().zip(beginnings).collect();
        // A run that is taken up stands where the last thing that is known of it came.
        checkpoints.retain(|(checkpoint, pages)| {
            let past = pages.past();
            past.is_ok_and(|past| past.open_acts().is_empty() && past.length() == checkpoint.at)
        });
        stage.noted = None;
        let (points, events) = (stage.points.borrow().clone(), listener.0.borrow().events.clone());
        walk((scene, start), Some(&trail), &stage, &pages, listener);
        Some(Trunk {
            checkpoints,
            points,
            events,
            trail,
        })
    }

    /// Where a run sets out whose first fault is at this point, and what is written of it there.
    pub fn last_before(&self, point: usize) -> Option<&(Checkpoint, MemoryPages)> {
        let is_before = |(checkpoint, _): &(Checkpoint, MemoryPages)| checkpoint.passed < point;
        self.checkpoints[..self.checkpoints.partition_point(is_before)].last()
    }
}

/// Carries out one in so many of the single faults of a runbook on its own and along the trunk, and
/// asserts that both come to the same; how many could set out somewhere along it.
#[cfg(test)]
pub(crate) fn compare_with_trunk(scene: Scene<'_>, one_in: usize) -> usize {
    use super::attempt::{Unbroken, attempt};
    use super::fault_plan::{Mishap, Planned};

    let (alone, along) = (scene.start(), scene.start_with_trunk());
    let trunk = along.trunk.as_ref().expect("it comes to its end");
    let whole = attempt(scene, &alone, &Schedule::default(), None, Known::default());
    let unbroken = Unbroken {
        exit_code: whole.exit_code.unwrap_or_default(),
        done: whole.done.clone(),
    };
    let all = whole.points.iter().flat_map(|point| {
        let fitting = Mishap::ALL.into_iter().filter(|mishap| mishap.fits(point));
        fitting.map(|mishap| Planned {
            point: point.number,
            mishap,
        })
    });
    let mut along_trunk = 0;
    for planned in all.step_by(one_in) {
        let schedule = Schedule(vec![planned]);
        let describe = |start: &Start| {
            let tried = attempt(scene, start, &schedule, Some(&unbroken), Known::default());
            format!("{tried:#?}")
        };
        assert_eq!(describe(&alone), describe(&along), "{schedule}");
        along_trunk += usize::from(trunk.last_before(schedule.first()).is_some());
    }
    along_trunk
}
