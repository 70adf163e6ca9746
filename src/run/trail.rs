//! Steps that are passed as a whole, since a walk over the same journal has shown what they come to.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use super::cleanup::Cleanups;
use super::here::{Here, Used, Walked};
use super::token::State;
use super::walk::Walk;
use crate::evaluate::Scope;
use crate::inventory::NodeName;
use crate::journal::{Event, Past, Retraced};
use crate::plan::Step;
use crate::transport::StepPath;
use crate::value::Value;

/// What each step has come to in a walk over what is known of a run.
///
/// Where several runs of one plan begin alike, walks over their journals need not go over that
/// beginning step by step. The first walk that is given a trail lays it, all later ones follow it as
/// far as the same is known of their run. A step is passed only where it is all there is in hand:
/// then what it comes to depends on nothing but what is known.
#[derive(Default)]
pub struct Trail {
    past: OnceCell<Past>,
    legs: RefCell<Vec<Leg>>,
    /// What was told on the way.
    told: RefCell<Vec<Event>>,
}

/// One step, or the body of an `on` on one node.
struct Leg {
    path: StepPath,
    /// The place in the journal at which it began.
    from: usize,
    /// Where it led; none of one that must be gone over.
    end: Option<LegEnd>,
    /// The number of the leg after it and all that lie in it.
    next: usize,
}

/// Where a step has led.
struct LegEnd {
    position: usize,
    at: Duration,
    value: Value,
    scope: Scope,
    is_confirmed: bool,
    /// What is stopped in the outage that is open.
    stopped: Option<Vec<(Used, NodeName)>>,
    state: State,
    told: Range<usize>,
}

/// Where a leg begins that is laid.
pub(super) struct LegStart {
    number: usize,
    told: usize,
}

/// Where a walk is on a trail.
pub(super) struct Track<'w> {
    trail: Rc<Trail>,
    journal: &'w dyn Retraced,
    /// Up to which place in the journal the same is known as on the trail; none while it is laid.
    shared: Option<usize>,
    /// The number of the leg that the next step is.
    next: Cell<usize>,
}

impl fmt::Debug for Trail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Trail").finish_non_exhaustive()
    }
}

impl Trail {
    /// Up to which place in its journal a run goes along this trail; none if it lays it.
    pub(super) fn shared_with(&self, past: &Past) -> Option<usize> {
        match self.past.get() {
            Some(laid) => Some(laid.shared_with(past)),
            None => {
                self.past.set(past.clone()).expect("it is laid once");
                None
            }
        }
    }
}

impl<'w> Track<'w> {
    /// At the beginning of a trail.
    pub fn new(trail: &Rc<Trail>, shared: Option<usize>, journal: &'w dyn Retraced) -> Track<'w> {
        Track {
            trail: Rc::clone(trail),
            journal,
            shared,
            next: Cell::new(0),
        }
    }

    /// Hears what is told.
    pub fn hear(&self, event: &Event) {
        if self.shared.is_none() {
            self.trail.told.borrow_mut().push(event.clone());
        }
    }
}

impl Walk<'_> {
    /// Passes a step or carries it out.
    pub(super) async fn follow_or_step(&self, here: &mut Here, step: &Step, cleanups: &Cleanups) -> Walked {
        if let Some(value) = self.follow(here) {
            return Ok(value);
        }
        let owed = cleanups.borrow().len();
        let leg = self.begin_leg(here);
        let walked = self.step(here, step, cleanups).await;
        // What is owed is remembered by what encloses it.
        if let (Ok(value), Some(leg)) = (&walked, leg)
            && cleanups.borrow().len() == owed
        {
            self.end_leg(leg, here, value);
        }
        walked
    }

    /// What something comes to as a whole that is known to come to it.
    pub(super) fn follow(&self, here: &mut Here) -> Option<Value> {
        let track = self.track.as_ref()?;
        let shared = track.shared?;
        let position = track.journal.position()?;
        let legs = track.trail.legs.borrow();
        let leg = legs.get(track.next.get())?;
        let end = leg.end.as_ref().filter(|end| end.position <= shared)?;
        if leg.from != position || leg.path != here.path {
            return None;
        }
        track.next.set(leg.next);
        track.journal.follow_to(end.position, end.at);

        for event in &track.trail.told.borrow()[end.told.clone()] {
            self.tell(event);
        }
        *self.state.borrow_mut() = end.state.clone();
        here.frame.scope = end.scope.clone();
        here.confirmed.set(end.is_confirmed);
        if let (Some(outage), Some(stopped)) = (&here.outage, &end.stopped) {
            outage.stopped.replace(stopped.clone());
        }
        Some(end.value.clone())
    }

    /// Begins something that is gone over.
    pub(super) fn begin_leg(&self, here: &Here) -> Option<LegStart> {
        let track = self.track.as_ref()?;
        let number = track.next.get();
        track.next.set(number + 1);
        if track.shared.is_some() {
            return None;
        }
        track.trail.legs.borrow_mut().push(Leg {
            path: here.path.clone(),
            from: track.journal.position().unwrap_or(usize::MAX),
            end: None,
            next: number + 1,
        });
        let told = track.trail.told.borrow().len();
        Some(LegStart { number, told })
    }

    /// Notes where it has led.
    pub(super) fn end_leg(&self, start: LegStart, here: &Here, value: &Value) {
        let Some(track) = &self.track else { return };
        let leg = &mut track.trail.legs.borrow_mut()[start.number];
        leg.next = track.next.get();
        // What other nodes do meanwhile, and what is started in an outage, is remembered elsewhere.
        let is_all = here.starts.is_none() && !here.is_beside;
        let position = track.journal.position().filter(|_| is_all);
        leg.end = position.map(|position| LegEnd {
            position,
            at: self.now(),
            value: value.clone(),
            scope: here.frame.scope.clone(),
            is_confirmed: here.confirmed.get(),
            stopped: here.outage.as_ref().map(|outage| outage.stopped.borrow().clone()),
            state: self.state.borrow().clone(),
            told: start.told..track.trail.told.borrow().len(),
        });
    }
}
