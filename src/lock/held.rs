use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use futures_util::stream::FuturesUnordered;

use super::error::LockError;
use super::holder::Holder;
use super::seat::{Action, Reply, Seats};
use super::survey::{Sighting, Survey};
use crate::transport::Clock;
use crate::value::write_duration;

/// How often a lock is renewed within its lease.
const RENEWALS: u32 = 3;

/// How often it is tried again within a lease when a renewal has found no majority.
const ATTEMPTS: u32 = 12;

/// Seats count in whole seconds.
const TICK: Duration = Duration::from_secs(1);

/// The least time that a seat has to answer.
const LEAST_LIMIT: Duration = Duration::from_secs(5);

/// How long a seat may take to answer.
pub fn seat_limit(lease: Duration) -> Duration {
    LEAST_LIMIT.max(lease / 6)
}

/// Whether a line that a node printed is one of the lock's, and none of the runbook's.
pub fn is_of_lock(line: &str) -> bool {
    line.starts_with(crate::library::LOCK_MARK)
}

/// What somebody wants who asks for the lock.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The cluster's name.
    pub cluster: String,
    /// Who.
    pub holder: Holder,
    /// Why it may be taken from somebody else.
    pub take_over: Option<String>,
    /// Why it may be held although no majority answers.
    pub degraded: Option<String>,
    /// Whether nobody else can be carrying this run out, so that its own lock is taken again without waiting.
    pub is_sole: bool,
}

/// In spite of what a lock was taken, for those who keep that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Those from whom it was taken over.
    pub from: Vec<Sighting>,
    /// How many of how many seats answered, where they are no majority.
    pub degraded: Option<(usize, usize)>,
}

/// The maintenance lock of a cluster: wanted, held, lost or given back.
pub struct MaintenanceLock<'a> {
    seats: Box<dyn Seats + 'a>,
    clock: &'a dyn Clock,
    claim: Claim,
    /// What is written on the seats.
    text: RefCell<String>,
    /// When the last renewal was sent that has been confirmed.
    confirmed: Cell<Option<Duration>>,
    /// Whether it is held although no majority answers.
    is_degraded: Cell<bool>,
    /// Whether no seat at all answered when it was taken.
    is_on_none: Cell<bool>,
    lost: RefCell<Option<LockError>>,
    /// The seats that are ours, or may be.
    touched: RefCell<BTreeSet<usize>>,
    /// What was written on the seats that are taken over, until whoever wrote it has surely noticed.
    replaced: RefCell<BTreeMap<usize, String>>,
    /// How many questions have been sent and not been answered.
    in_flight: Cell<usize>,
    /// One renewal at a time.
    turn: Mutex<()>,
}

impl<'a> MaintenanceLock<'a> {
    /// A lock on these seats, which nobody has asked for yet.
    pub fn new(seats: Box<dyn Seats + 'a>, clock: &'a dyn Clock, claim: Claim) -> MaintenanceLock<'a> {
        MaintenanceLock {
            text: RefCell::new(claim.holder.write()),
            seats,
            clock,
            claim,
            confirmed: Cell::new(None),
            is_degraded: Cell::new(false),
            is_on_none: Cell::new(false),
            lost: RefCell::new(None),
            touched: RefCell::default(),
            replaced: RefCell::default(),
            in_flight: Cell::new(0),
            turn: Mutex::new(()),
        }
    }

    /// Takes the lock; `tell` hears what is waited for.
    ///
    /// # Errors
    ///
    /// [`LockError`] when it is somebody else's, or too few seats answer. Nothing is held then.
    pub async fn take(&self, tell: &dyn Fn(&str)) -> Result<Taken, LockError> {
        let seen = self.look().await;
        let former = self.judge(&seen)?;
        self.write(&former);
        let sent = self.clock.now();
        let held = self.seize(&seen, !former.is_empty()).await;
        let needed = self.needed(&seen);
        if held.held() < needed || (self.is_degraded.get() && !held.sightings().is_empty()) {
            let refusal = self.refusal(&held, needed);
            self.free().await;
            return Err(refusal);
        }
        self.confirmed.set(Some(sent));
        self.outwait(&former, tell).await?;
        self.replaced.borrow_mut().clear();
        if former.is_empty() {
            self.tidy(&held).await;
        }
        let degraded = self.is_degraded.get();
        Ok(Taken {
            from: former,
            degraded: degraded.then(|| (seen.answered(), seen.size())),
        })
    }

    /// Keeps the lock, for ever: to be polled beside what is done under it.
    pub async fn keep(&self) -> Infallible {
        loop {
            self.clock.sleep(self.lease() / RENEWALS).await;
            let _turn = self.turn.lock().await;
            self.renew().await;
        }
    }

    /// Makes sure that the lock is still held, before a change is begun.
    ///
    /// # Errors
    ///
    /// [`LockError::Lost`] when it is not.
    pub async fn confirm(&self) -> Result<(), LockError> {
        if self.is_fresh() {
            return self.not_lost();
        }
        let _turn = self.turn.lock().await;
        let end = self.clock.now() + self.lease();
        loop {
            self.not_lost()?;
            if self.is_fresh() {
                return Ok(());
            }
            let survey = self.renew().await;
            if !self.is_fresh() && self.clock.now() >= end {
                let why = format!(
                    "for {} it could not be renewed on a majority, {} of {} {} answered last",
                    write_duration(self.lease()),
                    survey.answered(),
                    survey.size(),
                    self.seats.kind()
                );
                self.lose(why);
            } else if !self.is_fresh() && self.lost.borrow().is_none() {
                self.clock.sleep(self.lease() / ATTEMPTS).await;
            }
        }
    }

    /// Gives the lock back, wherever it is ours; the seats that did not say so, each with why.
    ///
    /// A take-over that has not come to its end is undone: whoever had the lock may not have noticed and still
    /// be at work, and so has it again.
    pub async fn free(&self) -> Vec<(String, String)> {
        self.confirmed.set(None);
        // A question that nobody waits for any more may still arrive, and make what is freed now.
        let has_open = self.in_flight.replace(0) > 0;
        let touched = self.touched.borrow().clone();
        let mut survey = self.give_back(&touched).await;
        if has_open {
            self.clock.sleep(TICK).await;
            survey = self.give_back(&touched).await;
        }
        let seats = survey.names.iter().zip(&survey.replies).enumerate();
        let left = seats.filter_map(|(seat, (name, reply))| match reply {
            Reply::Silent(why) | Reply::Unsure(why) if touched.contains(&seat) => {
                Some((name.clone(), why.clone()))
            }
            _ => None,
        });
        left.collect()
    }

    async fn give_back(&self, seats: &BTreeSet<usize>) -> Survey {
        let replaced = self.replaced.borrow().clone();
        let action = |seat: usize| match replaced.get(&seat) {
            _ if !seats.contains(&seat) => None,
            Some(former) => Some(Action::Restore(former.clone())),
            None => Some(Action::Free),
        };
        self.ask_all(action).await
    }

    /// Settles what is to be written on the seats: how long those may be at work from whom the lock is taken is
    /// part of it, so that whoever comes after a take-over that was cut short waits for them as well.
    fn write(&self, former: &[Sighting]) {
        let mut holder = self.claim.holder.clone();
        if self.is_degraded.get() {
            holder.degraded.clone_from(&self.claim.degraded);
        }
        holder.outwait = former.iter().filter_map(|one| self.may_act_for(one)).max();
        self.text.replace(holder.write());
    }

    /// How long something may still be begun because of a lock that is taken from somebody.
    fn may_act_for(&self, former: &Sighting) -> Option<Duration> {
        let is_own = former.holder.run == self.claim.holder.run;
        match former.is_past() {
            true => None,
            // Whoever carried it out before is dead; one from whom that one took the lock may be alive.
            false if is_own && self.claim.is_sole => former.holder.outwait,
            false => Some(former.holder.good_for()),
        }
    }

    fn lease(&self) -> Duration {
        self.claim.holder.lease
    }

    /// Whether the last renewal is younger than the lease, counted from when it was sent.
    fn is_fresh(&self) -> bool {
        let sent = self.confirmed.get();
        sent.is_some_and(|sent| self.clock.now().saturating_sub(sent) < self.lease())
    }

    fn not_lost(&self) -> Result<(), LockError> {
        self.lost.borrow().clone().map_or(Ok(()), Err)
    }

    fn lose(&self, why: String) {
        let cluster = self.claim.cluster.clone();
        self.confirmed.set(None);
        self.lost
            .borrow_mut()
            .get_or_insert(LockError::Lost { cluster, why });
    }

    async fn look(&self) -> Survey {
        self.ask_all(|_| Some(Action::Look)).await
    }

    /// Asks seats at once, each what `action` says for it; the others count as silent.
    ///
    /// Whoever only looks waits for a majority, however long that takes: a person may have to type a
    /// passphrase first. All others have their time to answer and no more, or one that is dead would
    /// cost the lease.
    async fn ask_all(&self, action: impl Fn(usize) -> Option<Action>) -> Survey {
        let names = self.seats.names();
        let text = self.text.borrow().clone();
        let text = text.as_str();
        let mut survey = Survey {
            replies: vec![Reply::Silent("was not asked".to_owned()); names.len()],
            names,
        };
        let mut asked = FuturesUnordered::new();
        let mut is_hurried = true;
        for seat in 0..survey.size() {
            if let Some(action) = action(seat) {
                is_hurried &= action != Action::Look;
                let has_changed = !matches!(action, Action::Look | Action::Restore(_) | Action::Free);
                survey.replies[seat] = Reply::Silent("did not answer in time".to_owned());
                if has_changed {
                    survey.replies[seat] = Reply::Unsure("did not answer in time".to_owned());
                }
                // Until it is known, it may be ours.
                let is_new = has_changed && self.touched.borrow_mut().insert(seat);
                asked.push(async move { (seat, is_new, self.seats.ask(seat, text, &action).await) });
            }
        }
        self.in_flight.set(self.in_flight.get() + 1);
        let mut patience = None;
        while !asked.is_empty() {
            if patience.is_none() && (is_hurried || survey.answered() >= survey.majority()) {
                patience = Some(Box::pin(self.clock.sleep(seat_limit(self.lease()))));
            }
            let answer = match &mut patience {
                None => asked.next().await,
                Some(patience) => match select(asked.next(), patience).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => None,
                },
            };
            let Some((seat, is_new, reply)) = answer else {
                break;
            };
            let is_not_ours = match reply {
                Reply::Free | Reply::Theirs(..) => true,
                Reply::Silent(_) => is_new,
                Reply::Ours | Reply::Made | Reply::Unsure(_) => false,
            };
            if is_not_ours {
                self.touched.borrow_mut().remove(&seat);
            }
            survey.replies[seat] = reply;
        }
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
        survey
    }

    /// How many seats must be ours: a majority, or all that answered.
    fn needed(&self, seen: &Survey) -> usize {
        match self.is_degraded.get() {
            true => seen.answered(),
            false => seen.majority(),
        }
    }

    /// Whether what was seen lets the lock be taken; those from whom it is taken over.
    fn judge(&self, seen: &Survey) -> Result<Vec<Sighting>, LockError> {
        let sightings = seen.sightings();
        let has_majority = seen.answered() >= seen.majority();
        let untaken = seen.answered() - sightings.iter().map(|one| one.seat_count).sum::<usize>();
        let is_in_the_way = |one: &&Sighting| {
            // What was left on few seats when it was given back stands in nobody's way.
            let is_left = one.is_past() && one.holder.degraded.is_none();
            !is_left || !has_majority || untaken < seen.majority()
        };
        let former: Vec<Sighting> = sightings.iter().filter(is_in_the_way).cloned().collect();
        let is_own = |one: &Sighting| one.holder.run == self.claim.holder.run;
        if self.claim.take_over.is_none()
            && let Some(by) = former.iter().find(|one| !is_own(one))
        {
            return Err(self.held_by(by, seen));
        }
        if !has_majority {
            if self.claim.degraded.is_none() {
                return Err(self.no_majority(seen));
            }
            self.is_degraded.set(true);
            self.is_on_none.set(seen.answered() == 0);
        }
        Ok(former)
    }

    /// Takes the seats: the first that answered before all others, so that of two who come at the same
    /// moment only one goes on.
    async fn seize(&self, seen: &Survey, is_taking_over: bool) -> Survey {
        if is_taking_over {
            let theirs = seen.replies.iter().enumerate();
            let theirs = theirs.filter_map(|(seat, reply)| match reply {
                Reply::Theirs(text, _) => Some((seat, text.clone())),
                _ => None,
            });
            self.replaced.replace(theirs.collect());
        }
        let action = |seat: usize| match &seen.replies[seat] {
            Reply::Silent(_) | Reply::Unsure(_) => None,
            Reply::Theirs(text, _) if is_taking_over => Some(Action::Replace(text.clone())),
            Reply::Theirs(..) => Some(Action::Look),
            _ => Some(Action::Take),
        };
        let Some(first) = (0..seen.size()).find(|seat| action(*seat).is_some_and(|it| it != Action::Look))
        else {
            return seen.clone();
        };
        let mut begun = self.ask_all(|seat| action(seat).filter(|_| seat == first)).await;
        if matches!(begun.replies[first], Reply::Theirs(..)) {
            return begun;
        }
        let mut rest = self.ask_all(|seat| action(seat).filter(|_| seat != first)).await;
        rest.replies[first] = begun.replies.swap_remove(first);
        for (reply, before) in rest.replies.iter_mut().zip(&seen.replies) {
            if matches!(before, Reply::Silent(_) | Reply::Unsure(_)) {
                reply.clone_from(before);
            }
        }
        rest
    }

    /// Waits until those from whom the lock was taken have surely noticed: until a lease has passed in which
    /// they could not renew it.
    async fn outwait(&self, former: &[Sighting], tell: &dyn Fn(&str)) -> Result<(), LockError> {
        let alive = former
            .iter()
            .filter_map(|one| Some((self.may_act_for(one)? + TICK, one)));
        let Some((longest, one)) = alive.max_by_key(|(length, _)| *length) else {
            return Ok(());
        };
        let owner = match one.holder.run == self.claim.holder.run && self.claim.is_sole {
            true => "somebody from whom this run had begun to take it",
            false => &one.holder.owner,
        };
        tell(&format!(
            "the maintenance lock is taken over from {owner}, which may not have noticed yet: nothing is begun for {}",
            write_duration(longest)
        ));
        let end = self.clock.now() + longest;
        while self.clock.now() < end {
            let left = end.saturating_sub(self.clock.now());
            self.clock.sleep(left.min(self.lease() / RENEWALS)).await;
            let _turn = self.turn.lock().await;
            self.renew().await;
            self.not_lost()?;
        }
        Ok(())
    }

    /// Takes what others have left on few seats.
    async fn tidy(&self, held: &Survey) {
        let left = |seat: usize| match &held.replies[seat] {
            Reply::Theirs(text, age) if age.is_over(Holder::read(text).good_for()) => {
                Some(Action::Replace(text.clone()))
            }
            _ => None,
        };
        if (0..held.size()).any(|seat| left(seat).is_some()) {
            self.ask_all(left).await;
        }
    }

    /// Renews the lock, and finds out whether it is lost.
    async fn renew(&self) -> Survey {
        if self.lost.borrow().is_some() {
            return Survey::default();
        }
        let sent = self.clock.now();
        let survey = self.ask_all(|_| Some(Action::Renew)).await;
        let still = survey.count(|reply| *reply == Reply::Ours);
        let silent = survey.silent().len();
        let taker = survey.sightings().into_iter().next();
        let is_enough = match self.is_degraded.get() {
            true => taker.is_none() && (still > 0 || self.is_on_none.get()),
            false => still >= survey.majority(),
        };
        if is_enough {
            self.confirmed.set(Some(sent));
            return survey;
        }
        let may_be_ours = still + silent >= survey.majority();
        match taker {
            Some(taker) if self.is_degraded.get() || !may_be_ours => self.lose(taker.describe()),
            None if !may_be_ours && !self.is_degraded.get() => {
                let gone = survey.size() - still - silent;
                self.lose(format!(
                    "it is gone from {gone} of {} {}, so somebody may have had it meanwhile",
                    survey.size(),
                    self.seats.kind()
                ));
            }
            None if self.claim.degraded.is_some() && still > 0 => {
                self.is_degraded.set(true);
                self.confirmed.set(Some(sent));
            }
            _ => {}
        }
        if self.lost.borrow().is_some() {
            // What was missing has just been made anew.
            self.give_back(&(0..survey.size()).collect()).await;
        }
        survey
    }

    /// Why it could not be taken although nothing seemed to be in the way.
    fn refusal(&self, held: &Survey, needed: usize) -> LockError {
        if self.claim.take_over.is_none()
            && let Some(by) = held.sightings().first()
        {
            return self.held_by(by, held);
        }
        LockError::NotTakenOver {
            cluster: self.claim.cluster.clone(),
            held: held.held(),
            seat_count: held.size(),
            needed,
            seats: self.seats.kind(),
            silent: held.silent(),
        }
    }

    fn held_by(&self, by: &Sighting, seen: &Survey) -> LockError {
        LockError::Held {
            cluster: self.claim.cluster.clone(),
            by: Box::new(by.clone()),
            seat_count: seen.size(),
            seats: self.seats.kind(),
        }
    }

    fn no_majority(&self, seen: &Survey) -> LockError {
        LockError::NoMajority {
            cluster: self.claim.cluster.clone(),
            answered: seen.answered(),
            seat_count: seen.size(),
            needed: seen.majority(),
            seats: self.seats.kind(),
            silent: seen.silent(),
        }
    }
}
