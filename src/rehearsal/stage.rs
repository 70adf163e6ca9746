//! Where a rehearsed run goes on: each command, probe and question comes by here, and something may
//! go wrong with it.

mod checkpoint;
mod doors;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::RwLock;
use std::time::Duration;

use foldhash::quality::FixedState;
use futures_util::FutureExt;
use futures_util::future::{Future, Shared, join_all};

pub(super) use checkpoint::{Checkpoint, Course};

use super::elsewhere::{Foreseen, find_idle, foresee, strike};
use super::fault_plan::{Crossing, Mishap, Point, Schedule, started_service};
use super::invariant::{Cause, Judge, NOTICE, Progress};
use super::promised::Promised;
use super::seen::Seen;
use crate::inventory::NodeName;
use crate::journal::MemoryPages;
use crate::transport::simulated::{Fault, SimulatedCluster};
use crate::transport::{Clock, Outcome, Purpose, Question, Request, StepPath, TransportError};

/// How long a node is away that comes back.
const AWAY: Duration = Duration::from_secs(300);
/// How long a service runs that blinks.
const BLINK: Duration = Duration::from_secs(60);
/// More points than this, and a run goes on for ever.
const MOST_POINTS: usize = 100_000;
/// What a command ends with that the simulated cluster does not model.
const NOT_MODELLED: i32 = 127;

/// Why a run was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Its process was killed.
    Killed,
    /// All that can come is known: the unbroken run was here.
    Joined,
    /// The same: another run was here, and came to a good end.
    Known,
    /// It goes on for ever.
    Endless,
}

/// An act: where in the runbook, on which node, and what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Act {
    pub path: StepPath,
    pub node: Option<NodeName>,
    pub command: String,
}

/// What a search knows while one of its runs goes on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known<'s> {
    /// States from which the unbroken run went on, and at which point.
    pub joins: Option<&'s HashMap<u64, usize>>,
    /// Whether more is to go wrong after what does, so that its points are to be told apart.
    pub is_extended: bool,
    /// States from which runs have come to a good end.
    pub good: Option<&'s RwLock<HashSet<u64>>>,
}

/// A point that a run has come to.
struct Arrival {
    /// Its number; 0 in a run that was taken up again.
    number: usize,
    mishaps: Vec<Mishap>,
}

type Going = Shared<Pin<Box<dyn Future<Output = Result<Outcome, TransportError>>>>>;

/// All doors of one attempt.
pub(super) struct Stage<'s> {
    pub cluster: SimulatedCluster,
    schedule: &'s Schedule,
    promised: &'s [Promised],
    known: Known<'s>,
    seen: Rc<RefCell<Seen>>,
    pub points: RefCell<Vec<Point>>,
    pub judge: RefCell<Judge>,
    pub cut: Cell<Option<Cut>>,
    /// The points at which each act went well.
    pub done: RefCell<BTreeMap<Act, Vec<usize>>>,
    /// The point of the unbroken run that this one has come to.
    pub joined_at: Cell<Option<usize>>,
    /// The states that it came through after its last fault.
    pub passed: RefCell<Vec<u64>>,
    /// How many commands, probes and questions it has come to, with those of its resumes.
    pub steps: Cell<usize>,
    /// How often it was taken up again.
    pub resumes: Cell<usize>,
    /// How much was written down that a resume goes by.
    written: Cell<usize>,
    /// Commands that are not modelled, taken for done.
    pub assumed: RefCell<BTreeSet<String>>,
    /// Nodes that something went wrong with.
    pub hit: RefCell<BTreeSet<String>>,
    /// What is under way, the latest last; of an act with the time at which it was sent.
    going: RefCell<Vec<(Going, Option<Duration>)>>,
    by_hand: RefCell<BTreeSet<(StepPath, String)>>,
    /// When services crash that the run has started.
    crashes: RefCell<Vec<Duration>>,
    /// When the last of them has crashed.
    pub crashed_at: Cell<Option<Duration>>,
    /// Whether a person did not want what was to come.
    pub was_refused: Cell<bool>,
    is_resumed: Cell<bool>,
    was_outage: Cell<bool>,
    /// By how much a look at what rests is put off.
    stretch: Cell<u32>,
    /// Whether something was done since the last point.
    has_acted: Cell<bool>,
    /// Whether something may yet show that the last checkpoint is none.
    is_unproven: Cell<bool>,
    /// The journal, and where it is noted how the run stood in between.
    pub noted: Option<(&'s RefCell<MemoryPages>, &'s RefCell<Vec<Checkpoint>>)>,
}

impl<'s> Stage<'s> {
    pub fn new(
        cluster: SimulatedCluster,
        schedule: &'s Schedule,
        promised: &'s [Promised],
        known: Known<'s>,
        seen: &Rc<RefCell<Seen>>,
    ) -> Stage<'s> {
        Stage {
            cluster,
            schedule,
            promised,
            known,
            seen: Rc::clone(seen),
            points: RefCell::default(),
            judge: RefCell::new(Judge::new(promised)),
            cut: Cell::new(None),
            done: RefCell::default(),
            joined_at: Cell::new(None),
            passed: RefCell::default(),
            steps: Cell::new(0),
            resumes: Cell::new(0),
            written: Cell::new(0),
            assumed: RefCell::default(),
            hit: RefCell::default(),
            going: RefCell::default(),
            by_hand: RefCell::default(),
            crashes: RefCell::default(),
            crashed_at: Cell::new(None),
            was_refused: Cell::new(false),
            is_resumed: Cell::new(false),
            was_outage: Cell::new(false),
            stretch: Cell::new(1),
            has_acted: Cell::new(false),
            is_unproven: Cell::new(false),
            noted: None,
        }
    }

    /// Whether nothing goes wrong.
    pub fn is_faultless(&self) -> bool {
        self.schedule.0.is_empty()
    }

    /// Whether nothing goes wrong but that the process of the run is killed.
    pub fn is_only_killed(&self) -> bool {
        self.schedule.0.iter().all(|planned| planned.mishap.is_kill())
    }

    /// Whether all that goes wrong is that services crash which the run has started.
    pub fn only_blinks(&self) -> bool {
        let mut all = self.schedule.0.iter();
        !self.is_faultless() && all.all(|planned| planned.mishap == Mishap::Blinks)
    }

    /// What was sent goes on without the process that sent it.
    pub fn let_finish(&self) {
        let going = self.going.take().into_iter().map(|(going, _)| going);
        self.cluster.block_on(join_all(going));
    }

    /// All is repaired that can be, some time passes, and nothing goes wrong from now on.
    pub fn heal(&self, pause: Duration) {
        self.cut.set(None);
        for node in self.hit.borrow().iter() {
            let node = node.clone();
            if !self.cluster.is_on(&node) {
                self.cluster.inject(&Fault::Power {
                    node: node.clone(),
                    on: true,
                });
            }
            self.cluster.inject(&Fault::Network { node, up: true });
        }
        if !self.hit.borrow().is_empty() {
            // That it comes back is no act of the runbook either.
            self.judge.borrow_mut().note_fault(&self.cluster);
        }
        let clock = self.cluster.clock();
        self.cluster.block_on(clock.sleep(pause));
        self.look(Cause::Time);
        self.judge.borrow_mut().begin_anew(&self.cluster);
        self.is_resumed.set(true);
    }

    pub fn look(&self, cause: Cause) {
        let is_outage = self.seen.borrow().is_outage();
        let mut judge = self.judge.borrow_mut();
        let crashed = self.note_crashes();
        let acting = self.going.borrow().iter().rev().find_map(|(_, sent)| *sent);
        let cause = match (crashed, cause, acting) {
            (Some(at), _, _) => {
                judge.note_time_of_fault(at);
                Cause::Fault
            }
            // What is under way shows itself before it has ended.
            (None, Cause::Time, Some(sent)) => Cause::Act(sent),
            (None, cause, _) => cause,
        };
        if self.was_outage.replace(is_outage) && !is_outage {
            judge.leave_outage();
        }
        judge.look(&self.cluster, cause, is_outage, self.progress());
    }

    /// When the last service has crashed since this was asked last.
    fn note_crashes(&self) -> Option<Duration> {
        let now = self.now();
        let mut crashes = self.crashes.borrow_mut();
        let last = crashes.iter().copied().filter(|at| *at <= now).max()?;
        crashes.retain(|at| *at > now);
        self.crashed_at.set(Some(last));
        Some(last)
    }

    /// How far the run has come.
    pub fn progress(&self) -> Progress {
        Progress {
            point: match self.is_resumed.get() {
                true => 0,
                false => self.points.borrow().len(),
            },
            told: self.seen.borrow().events.len(),
        }
    }

    /// Looks at what an act has done, which was sent at this time; the end of a run is one.
    pub fn look_after(&self, sent: Duration) {
        self.look(Cause::Act(sent));
        if self.promised.is_empty() || self.seen.borrow().is_outage() {
            return;
        }
        let mut judge = self.judge.borrow_mut();
        judge.ask_promises(self.promised, &self.cluster, sent, self.progress());
    }

    /// Comes to a point: what is to go wrong here.
    async fn come_to(
        &self,
        crossing: Crossing,
        path: &StepPath,
        node: Option<&NodeName>,
        words: &str,
    ) -> Arrival {
        self.note_checkpoint(crossing == Crossing::Act);
        self.steps.set(self.steps.get() + 1);
        self.look(Cause::Time);
        if crossing == Crossing::Act {
            self.written.set(self.written.get() + 1);
        }
        let number = match self.is_resumed.get() {
            true => 0,
            false => self.points.borrow().len() + 1,
        };
        if number > MOST_POINTS {
            return self.leave(Cut::Endless).await;
        }
        // Up to its last fault a run is like another one, whose points are known.
        let is_new = number == 0 || number > self.schedule.last();
        let is_told_apart = is_new && number > 0 && self.known.is_extended;
        let exact = match is_told_apart || (is_new && self.known.joins.is_some()) {
            true => self.position(crossing, path, node, words),
            false => 0,
        };
        let join = self.known.joins.and_then(|joins| joins.get(&exact));
        if let Some(at) = join.filter(|_| is_new && is_steady(crossing, path)) {
            self.joined_at.set(Some(*at));
            return self.leave(Cut::Joined).await;
        }
        if is_new && exact != 0 && self.is_known(exact) {
            return self.leave(Cut::Known).await;
        }
        let mut arrival = Arrival {
            number,
            mishaps: Vec::new(),
        };
        if number == 0 {
            return arrival;
        }
        let coarse = match is_told_apart {
            true => self.cluster.fingerprint(true),
            false => 0,
        };
        let point = Point {
            number,
            told: self.seen.borrow().events.len(),
            at: self.cluster.clock().now(),
            crossing,
            path: path.clone(),
            node: node.cloned(),
            words: words.to_owned(),
            coarse,
            exact,
            killed: match is_told_apart {
                true => self.hash_what_is_kept(coarse),
                false => 0,
            },
            idle: match is_told_apart || self.schedule.at(number).next().is_some() {
                true => find_idle(&self.cluster, node.map(NodeName::as_str).unwrap_or_default()),
                false => Vec::new(),
            },
            foreseen: Vec::new(),
        };
        let mishaps = self.schedule.at(number);
        arrival.mishaps = mishaps.filter(|mishap| mishap.fits(&point)).collect();
        self.points.borrow_mut().push(point);
        for mishap in &arrival.mishaps {
            self.let_happen(*mishap, node);
        }
        if arrival.mishaps.contains(&Mishap::KilledBefore) {
            return self.leave(Cut::Killed).await;
        }
        arrival
    }

    /// Whether another run has come through this state to a good end; if not, this one does from now on.
    ///
    /// One that is only killed is held against the unbroken run, and goes on.
    fn is_known(&self, exact: u64) -> bool {
        // What its report says of a failure is judged by more than what is remembered; and what else is
        // under way goes on by itself.
        let is_open = !self.is_resumed.get() && self.seen.borrow().has_failed();
        let is_alone = self.going.borrow().is_empty();
        let Some(good) = self
            .known
            .good
            .filter(|_| is_alone && !is_open && !self.is_only_killed())
        else {
            return false;
        };
        let mut hasher = FixedState::default().build_hasher();
        (exact, self.resumes.get(), &*self.by_hand.borrow()).hash(&mut hasher);
        (self.known.is_extended, self.only_blinks(), self.was_refused.get()).hash(&mut hasher);
        let since_crash = self.crashed_at.get().map(|at| self.now().saturating_sub(at));
        since_crash.map(|since| since.min(NOTICE)).hash(&mut hasher);
        if !self.is_resumed.get() {
            // What went wrong where is asked for when a run ends.
            self.hit.borrow().hash(&mut hasher);
        }
        self.judge.borrow_mut().write_state(&mut hasher, self.now());
        let state = hasher.finish();
        if good.read().expect("no worker fails").contains(&state) {
            return true;
        }
        self.passed.borrow_mut().push(state);
        false
    }

    /// All that a resume would find if the process were killed now, as a number.
    fn hash_what_is_kept(&self, coarse: u64) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        (coarse, self.written.get(), self.going.borrow().len()).hash(&mut hasher);
        self.seen.borrow().memory.hash(&mut hasher);
        hasher.finish()
    }

    /// What a probe would say if something went wrong elsewhere right before it.
    fn foresee(&self, arrival: &Arrival, request: &Request) -> Vec<Foreseen> {
        let is_told_apart = self.known.is_extended && arrival.number > self.schedule.last();
        match is_told_apart && request.purpose == Purpose::Probe {
            true => foresee(&self.cluster, request),
            false => Vec::new(),
        }
    }

    /// Ends the attempt: nobody hears of this point any more.
    async fn leave<T>(&self, cut: Cut) -> T {
        self.cut.set(Some(cut));
        std::future::pending().await
    }

    /// What is here and what the run remembers, as a number; only where no wait is under way.
    fn position(&self, crossing: Crossing, path: &StepPath, node: Option<&NodeName>, words: &str) -> u64 {
        if !is_steady(crossing, path) {
            return 0;
        }
        let mut hasher = FixedState::default().build_hasher();
        (path.as_str(), node, words, self.going.borrow().len()).hash(&mut hasher);
        self.cluster.fingerprint(false).hash(&mut hasher);
        self.seen.borrow().memory.hash(&mut hasher);
        hasher.finish()
    }

    /// Lets happen to the cluster what is no matter of the command.
    fn let_happen(&self, mishap: Mishap, node: Option<&NodeName>) {
        if !mishap.is_elsewhere() {
            return;
        }
        let struck = strike(
            &self.cluster,
            mishap,
            node.map(NodeName::as_str).unwrap_or_default(),
        );
        if mishap != Mishap::MasterMoves {
            self.hit.borrow_mut().extend(struck);
        }
        self.judge.borrow_mut().note_fault(&self.cluster);
        self.look(Cause::Fault);
    }

    async fn carry_out_here(&self, request: &Request, arrival: &Arrival) -> Result<Outcome, TransportError> {
        let mishaps = &arrival.mishaps;
        let fault = mishaps.iter().find_map(|mishap| mishap.command_fault());
        let power = mishaps.iter().find(|mishap| mishap.is_of_power());
        let going = {
            let (cluster, request) = (self.cluster.clone(), request.clone());
            async move { cluster.carry_out(&request, fault).await }
                .boxed_local()
                .shared()
        };
        let sent = self.cluster.clock().now();
        let is_act = request.purpose == Purpose::Act;
        self.going
            .borrow_mut()
            .push((going.clone(), is_act.then_some(sent)));
        if is_act {
            self.stretch.set(1);
        }
        let replied = going.clone().await;
        self.going
            .borrow_mut()
            .retain(|(other, _)| !Shared::ptr_eq(other, &going));
        self.prove_checkpoint();
        let replied = self.assume(request, replied);
        if is_act {
            self.written.set(self.written.get() + 1);
            self.has_acted.set(true);
            self.note_act(request, &replied, fault.is_some(), arrival.number);
        }
        if let (Some(mishap), Some(node)) = (power, &request.node) {
            let node = node.to_string();
            self.hit.borrow_mut().insert(node.clone());
            if mishap.comes_back() {
                let at = self.cluster.clock().now() + AWAY;
                self.cluster.inject_at(at, Fault::Power { node, on: true });
            }
        }
        if mishaps.contains(&Mishap::Blinks)
            && let (Some(node), Some(service)) = (&request.node, started_service(request.command.as_str()))
        {
            let (node, service) = (node.to_string(), service.to_owned());
            self.hit.borrow_mut().insert(node.clone());
            let at = self.cluster.clock().now() + BLINK;
            self.crashes.borrow_mut().push(at);
            self.cluster.inject_at(
                at,
                Fault::ServiceStops {
                    node,
                    service,
                    path: None,
                },
            );
        }
        if fault.is_some() || mishaps.contains(&Mishap::Blinks) {
            self.judge.borrow_mut().note_fault(&self.cluster);
        }
        match (request.purpose, power) {
            (_, Some(_)) => self.look(Cause::Fault),
            (Purpose::Act, None) => self.look_after(sent),
            (Purpose::Probe, None) => {}
        }
        replied
    }

    /// What is not modelled is taken for done, and that is told.
    fn assume(
        &self,
        request: &Request,
        replied: Result<Outcome, TransportError>,
    ) -> Result<Outcome, TransportError> {
        match replied {
            Ok(outcome)
                if outcome.status == NOT_MODELLED
                    && outcome.errors.contains("not modelled by the simulated cluster") =>
            {
                self.assumed.borrow_mut().insert(request.command.to_string());
                Ok(Outcome::nothing())
            }
            other => other,
        }
    }

    fn note_act(
        &self,
        request: &Request,
        replied: &Result<Outcome, TransportError>,
        is_faulty: bool,
        point: usize,
    ) {
        let went_well = match replied {
            Ok(outcome) => outcome.status == 0,
            // It cut its own connection.
            Err(TransportError::Unknown { is_late, .. }) if !is_faulty => request.may_disconnect && !is_late,
            Err(_) => false,
        };
        if went_well {
            self.done
                .borrow_mut()
                .entry(act_of(request))
                .or_default()
                .push(point);
        }
    }

    /// Whether an act of which nobody knows was done; a person who looked there tells it.
    fn was_done(&self, question: &Question) -> bool {
        self.done.borrow().keys().any(|act| {
            question.path.is_in(&act.path)
                && act.node == question.node
                && question.text.contains(&format!("`{}`", act.command))
        })
    }
}

fn act_of(request: &Request) -> Act {
    Act {
        path: request.path.clone(),
        node: request.node.clone(),
        command: request.command.to_string(),
    }
}

/// Whether all that the run is about to do hangs on what is remembered, and not on how long
/// something has been under way.
fn is_steady(crossing: Crossing, path: &StepPath) -> bool {
    let is_timed = |part: &str| {
        ["within ", "retry ", "wait "]
            .iter()
            .any(|word| part.starts_with(word))
    };
    crossing == Crossing::Act && !path.parts().any(is_timed)
}
