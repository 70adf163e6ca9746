use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use foldhash::HashMap;

use super::past::Past;
use super::row::{Row, Which};
use super::{Happening, StepResult};
use crate::transport::{Answer, Outcome, StepPath, TransportError};

/// What a run does with its doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// They answer with what is known, in the order in which it came.
    Replaying,
    /// What nobody knows yet is found out.
    Settling,
    /// They are open.
    Live,
}

/// Gives a walk what its run has seen before, in the same order, so that it comes to stand where
/// the run was interrupted.
///
/// The walk depends on nothing but what its doors answer and the order in which they do.
/// One answer is given at a time, and the next one only when the walk waits for answers
/// everywhere; what is not known is held back until nothing known is left.
pub(super) struct Replay {
    pub phase: Cell<Phase>,
    /// Time since the run began.
    pub now: Cell<Duration>,
    /// The place in the journal behind all that was given, and when the last of that came.
    given: Cell<(usize, Duration)>,
    /// What lies before this place in the journal is not to be given any more.
    followed_to: Cell<usize>,
    /// What is known and was not asked for yet, by the path of its step.
    known: RefCell<HashMap<StepPath, VecDeque<Arc<Row>>>>,
    /// What is known and was not given yet, by its place in the journal.
    left: RefCell<BTreeMap<usize, Arc<Row>>>,
    waiting: RefCell<Vec<Waiting>>,
    held: RefCell<Vec<Held>>,
    /// Probes that nothing is known of and that are being asked all the same.
    asked: Cell<usize>,
    past: Past,
}

/// Something that nothing is known of, and that waits until the doors are open.
struct Held {
    path: StepPath,
    changes: bool,
    slot: Rc<Slot>,
}

/// Something that waits for its turn.
struct Waiting {
    at: Duration,
    /// Its place in the journal; a pause has none.
    order: Option<usize>,
    slot: Rc<Slot>,
}

/// Where one future waits until it is woken.
#[derive(Default)]
pub(super) struct Slot {
    is_ready: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    /// Lets the future go on.
    pub fn wake(&self) {
        self.is_ready.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A future that waits at a slot.
pub(super) struct Turn(pub Rc<Slot>);

impl Future for Turn {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0.is_ready.get() {
            return Poll::Ready(());
        }
        *self.0.waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Replay {
    /// Begins to replay; without a past the doors are open at once.
    pub fn new(past: Past) -> Replay {
        let mut known: HashMap<StepPath, VecDeque<Arc<Row>>> = HashMap::default();
        for row in past.answers() {
            known
                .entry(row.path.clone())
                .or_default()
                .push_back(Arc::clone(row));
        }
        let left = past.answers().map(|row| (row.order, Arc::clone(row))).collect();
        let phase = match past.is_empty() {
            true => Phase::Live,
            false => Phase::Replaying,
        };
        Replay {
            phase: Cell::new(phase),
            now: Cell::new(Duration::ZERO),
            given: Cell::default(),
            followed_to: Cell::new(0),
            known: RefCell::new(known),
            left: RefCell::new(left),
            waiting: RefCell::default(),
            held: RefCell::default(),
            asked: Cell::new(0),
            past,
        }
    }

    /// Whether the doors are open.
    pub fn is_live(&self) -> bool {
        self.phase.get() == Phase::Live
    }

    /// The place in the journal that the walk has come to; none where time has gone by since, and
    /// once the doors are open.
    pub fn position(&self) -> Option<usize> {
        let (position, at) = self.given.get();
        (self.phase.get() == Phase::Replaying && self.now.get() == at).then_some(position)
    }

    /// Goes on behind a place in the journal, to which the run had come at this time.
    pub fn follow_to(&self, position: usize, at: Duration) {
        self.given.set((position, at));
        self.followed_to.set(position);
        self.now.set(at);
        let mut left = self.left.borrow_mut();
        *left = left.split_off(&position);
    }

    /// What is known of a command, when its turn has come; `None` once the doors are open for it.
    pub async fn command(&self, which: &Which, changes: bool) -> Option<Result<Outcome, TransportError>> {
        self.wait_for(Row::reply, which, changes).await
    }

    /// What is known of an answer, when its turn has come; `None` once the doors are open for it.
    pub async fn answer(&self, which: &Which) -> Option<Answer> {
        self.wait_for(Row::answer, which, true).await
    }

    /// The next of what is known of this, and what it comes to.
    fn take<T>(&self, what: fn(&Row) -> Option<T>, which: &Which) -> Option<(Arc<Row>, T)> {
        let mut known = self.known.borrow_mut();
        let all = known.get_mut(&which.path)?;
        while all.front().is_some_and(|row| row.order < self.followed_to.get()) {
            all.pop_front();
        }
        let found = all.iter().enumerate().find_map(|(index, row)| {
            let is_it = row.node() == which.node.as_ref() && row.words() == which.words;
            Some((index, is_it.then(|| what(row)).flatten()?))
        });
        let (index, what) = found?;
        Some((all.remove(index)?, what))
    }

    async fn wait_for<T>(&self, what: fn(&Row) -> Option<T>, which: &Which, changes: bool) -> Option<T> {
        let known = self.take(what, which);
        if self.is_live() {
            // Past something that is new, as in an edited runbook, guards are measured anew.
            return known.filter(|(row, _)| row.is_kept()).map(|(_, what)| what);
        }
        let slot = Rc::new(Slot::default());
        match known {
            Some((row, what)) => {
                self.waiting.borrow_mut().push(Waiting {
                    at: row.time(),
                    order: Some(row.order),
                    slot: slot.clone(),
                });
                Turn(slot).await;
                Some(what)
            }
            None => {
                self.held.borrow_mut().push(Held {
                    path: which.path.clone(),
                    changes,
                    slot: slot.clone(),
                });
                Turn(slot).await;
                None
            }
        }
    }

    /// Waits until a time since the run began, as far as that lies before the interruption.
    pub async fn pause_until(&self, at: Duration) {
        if self.is_live() {
            return;
        }
        let slot = Rc::new(Slot::default());
        self.waiting.borrow_mut().push(Waiting {
            at,
            order: None,
            slot: slot.clone(),
        });
        Turn(slot).await;
    }

    /// Lets the next one go on that waits; whether there was one. Called when the walk waits everywhere.
    pub fn give_next(&self) -> bool {
        let mut left = self.left.borrow_mut();
        let mut waiting = self.waiting.borrow_mut();
        let has_pauses = waiting.iter().any(|one| one.order.is_none());
        let until = has_pauses
            .then(|| left.values().map(|row| row.time()).max())
            .flatten();
        let next = waiting
            .iter()
            .enumerate()
            // A pause that reaches beyond all that is known goes on in real time.
            .filter(|(_, one)| one.order.is_some() || until.is_some_and(|until| one.at <= until))
            .min_by_key(|(_, one)| (one.at, one.order.is_none(), one.order))
            .map(|(index, _)| index);
        let Some(next) = next else { return false };
        let next = waiting.swap_remove(next);
        let now = self.now.get().max(next.at);
        if let Some(order) = next.order {
            left.remove(&order);
            self.given.set((self.given.get().0.max(order + 1), now));
        }
        self.now.set(now);

        next.slot.wake();
        true
    }

    /// Lets those go on that find out what nobody knows; whether there were any.
    pub fn release_settling(&self) -> bool {
        let mut held = self.held.borrow_mut();
        let (settling, others): (Vec<_>, Vec<_>) = held.drain(..).partition(|one| one.path.is_settling());
        *held = others;
        settling.iter().for_each(|one| one.slot.wake());
        !settling.is_empty()
    }

    /// Lets the probes go on that nothing is known of: one node may wait for the guard of another.
    pub fn release_probes(&self) -> bool {
        let mut held = self.held.borrow_mut();
        let (acts, probes): (Vec<_>, Vec<_>) = held.drain(..).partition(|one| one.changes);
        *held = acts;
        self.asked.set(self.asked.get() + probes.len());
        probes.iter().for_each(|one| one.slot.wake());
        !probes.is_empty()
    }

    /// Whether such a probe is under way.
    pub fn is_asking(&self) -> bool {
        self.asked.get() > 0
    }

    /// Hears that a probe was answered.
    pub fn note_answered(&self, path: &StepPath) {
        if self.phase.get() == Phase::Settling && !path.is_settling() {
            self.asked.set(self.asked.get().saturating_sub(1));
        }
    }

    /// Acts of which nobody knows whether they were done, and that the walk has not come to.
    pub fn open_left(&self) -> Vec<Which> {
        let left = self.left.borrow();
        left.values()
            .filter(|row| row.is_unsettled())
            .map(|row| row.which())
            .collect()
    }

    /// Opens the doors for everybody.
    pub fn release_all(&self) {
        self.phase.set(Phase::Live);
        self.now.set(self.now.get().max(self.past.length()));
        self.held.take().iter().for_each(|one| one.slot.wake());
        self.waiting.take().iter().for_each(|waiting| waiting.slot.wake());
    }

    /// Acts and answers that are known and that the walk has not come to; `may_pass_over`: only
    /// those acts of which nobody knows whether they were done.
    pub fn passed_over(&self, may_pass_over: bool) -> Vec<String> {
        let (left, held) = (self.left.borrow(), self.held.borrow());
        let is_hindering = |row: &&Arc<Row>| {
            let waits = || held.iter().any(|held| are_side_by_side(&held.path, &row.path));
            row.is_weighty() && (row.is_unsettled() || !(may_pass_over || waits()))
        };
        let hindering = left.values().filter(is_hindering);
        hindering.map(|row| describe(&row.which())).collect()
    }

    /// Whether an event comes of what was found out since the run was broken off, so that it is not
    /// written yet: the good end of a body whose last act was settled or marked.
    pub fn is_news(&self, what: &Happening) -> bool {
        match what {
            Happening::NodeEnded {
                path,
                result: StepResult::Done | StepResult::Skipped(_),
                ..
            } => !self.past.has_ended_well(path),
            _ => false,
        }
    }

    /// Whether a step was finished as a whole.
    pub fn is_finished(&self, path: &StepPath, node: Option<&str>) -> bool {
        self.past.is_finished(path, node)
    }
}

/// Whether two things belong to different nodes of one `on`, of which one may wait for the other.
fn are_side_by_side(one: &StepPath, other: &StepPath) -> bool {
    let others: Vec<StepPath> = other.bodies().collect();
    one.bodies().any(|body| {
        others
            .iter()
            .any(|other| *other != body && other.parent() == body.parent())
    })
}

fn describe(which: &Which) -> String {
    let node = which
        .node
        .as_ref()
        .map_or_else(String::new, |node| format!(" on {node}"));
    format!("{}{node}", which.words)
}
