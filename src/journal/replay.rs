use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::past::{Known, Past, Which};
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
    commands: RefCell<Store<Result<Outcome, TransportError>>>,
    answers: RefCell<Store<Answer>>,
    /// What is known and was not given yet: its place in the journal, and when it came.
    left: RefCell<BTreeMap<usize, Left>>,
    waiting: RefCell<Vec<Waiting>>,
    held: RefCell<Vec<(Which, Rc<Slot>)>>,
    past: Past,
}

type Store<T> = HashMap<Which, VecDeque<Known<T>>>;

/// Something known that was not given yet.
struct Left {
    at: Duration,
    /// What it is, where it must not be passed over: an act, or what a person said.
    weighty: Option<String>,
    /// Whether nobody knows whether it was done.
    is_open: bool,
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
        let (commands, answers) = (past.commands(), past.answers());
        let mut left = BTreeMap::new();
        for (which, known) in &commands {
            for one in known {
                // A probe changes nothing, and may be passed over.
                let weighty = one.is_act.then(|| describe(which));
                let is_open = matches!(one.what, Err(TransportError::Unsettled { .. }));
                let at = one.at;
                left.insert(one.order, Left { at, weighty, is_open });
            }
        }
        for (which, known) in &answers {
            for one in known {
                let weighty = one.is_act.then(|| describe(which));
                let (at, is_open) = (one.at, false);
                left.insert(one.order, Left { at, weighty, is_open });
            }
        }
        let phase = match past.is_empty() {
            true => Phase::Live,
            false => Phase::Replaying,
        };
        Replay {
            phase: Cell::new(phase),
            now: Cell::new(Duration::ZERO),
            commands: RefCell::new(commands),
            answers: RefCell::new(answers),
            left: RefCell::new(left),
            waiting: RefCell::default(),
            held: RefCell::default(),
            past,
        }
    }

    /// Whether the doors are open.
    pub fn is_live(&self) -> bool {
        self.phase.get() == Phase::Live
    }

    /// What is known of a command, when its turn has come; `None` once the doors are open for it.
    pub async fn command(&self, which: &Which) -> Option<Result<Outcome, TransportError>> {
        let known = take(&self.commands, which);
        self.wait_for(known, which).await
    }

    /// What is known of an answer, when its turn has come; `None` once the doors are open for it.
    pub async fn answer(&self, which: &Which) -> Option<Answer> {
        let known = take(&self.answers, which);
        self.wait_for(known, which).await
    }

    async fn wait_for<T>(&self, known: Option<Known<T>>, which: &Which) -> Option<T> {
        if self.is_live() {
            // Past something that is new, as in an edited runbook, guards are measured anew.
            return known.filter(|known| known.is_kept).map(|known| known.what);
        }
        let slot = Rc::new(Slot::default());
        match known {
            Some(known) => {
                self.waiting.borrow_mut().push(Waiting {
                    at: known.at,
                    order: Some(known.order),
                    slot: slot.clone(),
                });
                Turn(slot).await;
                Some(known.what)
            }
            None => {
                self.held.borrow_mut().push((which.clone(), slot.clone()));
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
        let until = left.values().map(|one| one.at).max();
        let mut waiting = self.waiting.borrow_mut();
        let next = waiting
            .iter()
            .enumerate()
            // A pause that reaches beyond all that is known goes on in real time.
            .filter(|(_, one)| one.order.is_some() || until.is_some_and(|until| one.at <= until))
            .min_by_key(|(_, one)| (one.at, one.order.is_none(), one.order))
            .map(|(index, _)| index);
        let Some(next) = next else { return false };
        let next = waiting.swap_remove(next);
        if let Some(order) = next.order {
            left.remove(&order);
        }
        self.now.set(self.now.get().max(next.at));
        next.slot.wake();
        true
    }

    /// Lets those go on that find out what nobody knows; whether there were any.
    pub fn release_settling(&self) -> bool {
        let mut held = self.held.borrow_mut();
        let (settling, others): (Vec<_>, Vec<_>) =
            held.drain(..).partition(|(which, _)| which.path.is_settling());
        *held = others;
        settling.iter().for_each(|(_, slot)| slot.wake());
        !settling.is_empty()
    }

    /// Opens the doors for everybody.
    pub fn release_all(&self) {
        self.phase.set(Phase::Live);
        self.now.set(self.now.get().max(self.past.length()));
        self.held.take().iter().for_each(|(_, slot)| slot.wake());
        self.waiting.take().iter().for_each(|waiting| waiting.slot.wake());
    }

    /// Acts and answers that are known and that the walk has not come to; `may_pass_over`: only
    /// those acts of which nobody knows whether they were done.
    pub fn passed_over(&self, may_pass_over: bool) -> Vec<String> {
        let left = self.left.borrow();
        let hindering = left.values().filter(|one| one.is_open || !may_pass_over);
        hindering.filter_map(|one| one.weighty.clone()).collect()
    }

    /// Whether a step was finished as a whole.
    pub fn is_finished(&self, path: &StepPath, node: Option<&str>) -> bool {
        self.past.is_finished(path, node)
    }
}

fn take<T>(store: &RefCell<Store<T>>, which: &Which) -> Option<Known<T>> {
    store.borrow_mut().get_mut(which).and_then(VecDeque::pop_front)
}

fn describe(which: &Which) -> String {
    let node = which
        .node
        .as_ref()
        .map_or_else(String::new, |node| format!(" on {node}"));
    format!("{}{node}", which.words)
}
