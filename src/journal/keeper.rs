use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use super::entry::{Answered, Replied, Reply, Sent, Settled};
use super::past::Past;
use super::replay::{Phase, Replay, Slot, Turn};
use super::row::Which;
use super::{Entry, Event, Happening, JournalError, Pages, Record, Recorder};
use crate::diagnostic::SourceMap;
use crate::transport::{
    Answer, Clock, Decision, Failure, Outcome, Person, Purpose, Question, QuestionKind, Request, Settlement,
    Transport, TransportError,
};

/// The doors that a keeper stands before.
#[derive(Clone, Copy)]
pub struct Doors<'d> {
    /// Carries commands out.
    pub transport: &'d dyn Transport,
    /// Tells and passes time.
    pub clock: &'d dyn Clock,
    /// Answers questions.
    pub person: &'d dyn Person,
}

/// Stands before the three doors of a run and writes down what goes through them: an act before
/// it leaves, everything else soon after it came.
///
/// Of a run that is taken up again it knows the past, and answers from that first; see [`Past`].
pub struct Keeper<'d> {
    doors: Doors<'d>,
    sources: &'d SourceMap,
    journal: &'d RefCell<dyn Pages>,
    replay: Replay,
    /// The time of the clock at which the doors were opened.
    opened_at: Cell<Duration>,
    /// Acts that wait until they are on disk.
    unwritten: RefCell<Vec<Rc<Slot>>>,
    /// How many acts are under way.
    acting: Cell<usize>,
    /// Whether what came of an act is written, and may not be on disk yet.
    owes_sync: Cell<bool>,
    /// Why the journal takes nothing down.
    failed: RefCell<Option<String>>,
    /// Set when nothing more is to be begun.
    stop_requested: Rc<Cell<bool>>,
    /// How many acts nobody knows of, and what was found out about how many of them.
    unsettled: Cell<usize>,
    settled: Cell<usize>,
    unknown: RefCell<Vec<StillUnknown>>,
    watch: Option<Watch<'d>>,
    /// Time that had gone by when this walk began, in a session of several.
    since: Duration,
    /// Whether the values that are named, and the words of the line, are left out.
    hides_values: bool,
}

/// Hears that entries were written, and whether they were synced.
pub type Watch<'d> = &'d dyn Fn(bool);

/// A journal that a walk goes over.
pub trait Retraced {
    /// The place in it that the walk has come to; none where time has gone by since, and once
    /// anything is new.
    fn position(&self) -> Option<usize>;

    /// Goes on behind a place, to which the run had come at this time.
    fn follow_to(&self, position: usize, at: Duration);
}

impl Retraced for Keeper<'_> {
    fn position(&self) -> Option<usize> {
        self.replay.position()
    }

    fn follow_to(&self, position: usize, at: Duration) {
        self.replay.follow_to(position, at);
    }
}

/// An act of which still nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StillUnknown {
    /// Which act.
    pub request: String,
    /// Where.
    pub node: Option<String>,
    /// The path of its step.
    pub path: crate::transport::StepPath,
    /// What was found out.
    pub why: String,
}

/// How a walk ended that a keeper stood before.
#[derive(Debug)]
pub enum Driven<T> {
    /// It came to its end.
    Ended(T),
    /// It came to where acts were under way of which nobody knew whether they were done, and what
    /// could be found out is in the journal: it is to be walked anew.
    Settled(Vec<StillUnknown>),
    /// It did not come to these acts and answers, which are in the journal.
    Diverged(Vec<String>),
}

impl<'d> Keeper<'d> {
    /// Stands before the doors of a run; `past` is what is known of it.
    pub fn new(
        doors: Doors<'d>,
        sources: &'d SourceMap,
        journal: &'d RefCell<dyn Pages>,
        past: Past,
        stop_requested: Rc<Cell<bool>>,
    ) -> Keeper<'d> {
        Keeper {
            doors,
            sources,
            journal,
            replay: Replay::new(past),
            opened_at: Cell::new(doors.clock.now()),
            unwritten: RefCell::default(),
            acting: Cell::new(0),
            owes_sync: Cell::new(false),
            failed: RefCell::default(),
            stop_requested,
            unsettled: Cell::new(0),
            settled: Cell::new(0),
            unknown: RefCell::default(),
            watch: None,
            since: Duration::ZERO,
            hides_values: false,
        }
    }

    /// The same for a line of a session that began `since` ago; `hides_values`: there is a secret in it.
    pub fn of_line(self, since: Duration, hides_values: bool) -> Keeper<'d> {
        Keeper {
            since,
            hides_values,
            ..self
        }
    }

    /// The same with somebody who hears of each writing.
    pub fn watched(self, watch: Watch<'d>) -> Keeper<'d> {
        Keeper {
            watch: Some(watch),
            ..self
        }
    }

    /// Drives a walk whose doors are this keeper.
    ///
    /// `may_pass_over`: acts in the journal that it does not come to are no obstacle.
    pub async fn drive<T>(&self, walk: impl Future<Output = T>, may_pass_over: bool) -> Driven<T> {
        let mut walk = pin!(walk);
        poll_fn(|context| {
            let noting = Noting::of(context.waker());
            let waker = Waker::from(Arc::clone(&noting));
            loop {
                noting.is_woken.store(false, Ordering::Relaxed);
                if let Poll::Ready(ended) = walk.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(Driven::Ended(ended));
                }
                let is_replaying = self.replay.phase.get() == Phase::Replaying;
                if is_replaying && noting.is_woken.load(Ordering::Relaxed) {
                    // It does not wait: some of it has only let the rest go first.
                    continue;
                }
                match self.advance(may_pass_over) {
                    Advance::Again => {}
                    Advance::Wait => return Poll::Pending,
                    Advance::Settled => return Poll::Ready(Driven::Settled(self.unknown.take())),
                    Advance::Diverged(acts) => return Poll::Ready(Driven::Diverged(acts)),
                }
            }
        })
        .await
    }

    /// Goes on when the walk waits everywhere.
    fn advance(&self, may_pass_over: bool) -> Advance {
        match self.replay.phase.get() {
            Phase::Replaying if self.replay.give_next() => Advance::Again,
            Phase::Replaying if self.unsettled.get() > 0 || !self.replay.open_left().is_empty() => {
                self.opened_at.set(self.doors.clock.now());
                self.replay.phase.set(Phase::Settling);
                Advance::Again
            }
            Phase::Replaying => {
                let acts = self.replay.passed_over(may_pass_over);
                if !acts.is_empty() {
                    return Advance::Diverged(acts);
                }
                self.opened_at.set(self.doors.clock.now());
                self.replay.release_all();
                Advance::Again
            }
            Phase::Settling => self.advance_settling(),
            Phase::Live => self.write_what_waits(),
        }
    }

    fn advance_settling(&self) -> Advance {
        if self.replay.give_next() || self.replay.release_settling() {
            return Advance::Again;
        }
        if self.settled.get() < self.unsettled.get() || self.replay.is_asking() {
            return Advance::Wait;
        }
        let left = self.replay.open_left();
        if !left.is_empty() && self.replay.release_probes() {
            return Advance::Again;
        }
        for which in left {
            self.unknown.borrow_mut().push(StillUnknown {
                request: which.words,
                node: which.node,
                path: which.path,
                why: "the runbook does not come to it as it is now".to_owned(),
            });
        }
        // What cannot be written down is found out once more by the next resume.
        let _ = self.write(true);
        Advance::Settled
    }

    fn write_what_waits(&self) -> Advance {
        let unwritten = self.unwritten.take();
        if unwritten.is_empty() {
            // What came of acts is on disk before anything else is waited for; of those under way at
            // once the last one syncs for all, so that a step takes two syncs at most.
            let is_synced = self.owes_sync.get() && self.acting.get() == 0;
            if is_synced || self.journal.borrow().has_pending() {
                // It is tried again, and told of, before the next act.
                let _ = self.write(is_synced);
            }
            return Advance::Wait;
        }
        // All that are about to act share one sync.
        let written = self.write(true);
        *self.failed.borrow_mut() = written.err().map(|error| match error {
            JournalError::NotWritten { why, .. } => why,
            other => other.to_string(),
        });
        unwritten.iter().for_each(|slot| slot.wake());
        Advance::Again
    }

    fn write(&self, is_synced: bool) -> Result<(), JournalError> {
        let written = self.journal.borrow_mut().commit(is_synced);
        if is_synced && written.is_ok() {
            self.owes_sync.set(false);
        }
        if let (Ok(()), Some(watch)) = (&written, self.watch) {
            watch(is_synced);
        }
        written
    }

    fn push(&self, entry: &Entry) {
        let mut journal = self.journal.borrow_mut();
        match self.hides_values {
            true => journal.push(&without_paths(entry)),
            false => journal.push(entry),
        }
    }

    fn now_ms(&self) -> u64 {
        let at = self.since + self.now();
        u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
    }

    fn keep(&self, event: &Event) {
        let mut event = event.clone();
        event.at += self.since;
        if let (true, Happening::Named { value, .. }) = (self.hides_values, &mut event.what) {
            "***".clone_into(value);
        }
        self.push(&Entry::Happened(Record::of(&event, self.sources)));
    }

    /// Writes an act down before it leaves.
    async fn write_intent(&self, which: &Which, request: &Request) -> Result<(), TransportError> {
        self.push(&Entry::Sent(Sent {
            at_ms: self.now_ms(),
            path: which.path.as_str().to_owned(),
            node: which.node.clone(),
            command: which.words.clone(),
            is_kept: request.is_kept,
            left_at: seconds_now(),
            limit_ms: u64::try_from(request.limit.as_millis()).unwrap_or(u64::MAX),
        }));
        self.sync().await;
        match self.failed.borrow().clone() {
            Some(why) => {
                self.stop_requested.set(true);
                Err(TransportError::NotWritten { why })
            }
            None => Ok(()),
        }
    }

    /// Waits until what was pushed is on disk, or cannot be.
    async fn sync(&self) {
        let slot = Rc::new(Slot::default());
        self.unwritten.borrow_mut().push(slot.clone());
        Turn(slot).await;
    }

    fn write_reply(&self, which: &Which, request: &Request, replied: &Result<Outcome, TransportError>) {
        if self.replay.phase.get() != Phase::Live {
            return;
        }
        let Some(reply) = reply_of(replied, request.may_disconnect) else {
            return;
        };
        self.push(&Entry::Replied(Replied {
            at_ms: self.now_ms(),
            path: which.path.as_str().to_owned(),
            node: which.node.clone(),
            command: which.words.clone(),
            acts: request.purpose == Purpose::Act,
            is_kept: request.is_kept,
            reply,
        }));
    }
}

/// Wakes somebody, and notes that.
struct Noting {
    other: Waker,
    is_woken: AtomicBool,
}

impl Noting {
    fn of(other: &Waker) -> Arc<Noting> {
        Arc::new(Noting {
            other: other.clone(),
            is_woken: AtomicBool::new(false),
        })
    }
}

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Relaxed);
        self.other.wake_by_ref();
    }
}

/// What is to be done when a walk waits everywhere.
enum Advance {
    Again,
    Wait,
    Settled,
    Diverged(Vec<String>),
}

#[async_trait(?Send)]
impl Transport for Keeper<'_> {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        let which = Which {
            path: request.path.clone(),
            node: request.node.as_ref().map(ToString::to_string),
            words: request.command.to_string(),
        };
        let acts = request.purpose == Purpose::Act;
        if let Some(known) = self.replay.command(&which, acts).await {
            if matches!(known, Err(TransportError::Unsettled { .. })) {
                self.unsettled.set(self.unsettled.get() + 1);
            }
            return known;
        }
        if acts && self.replay.is_finished(&which.path, which.node.as_deref()) {
            return Err(TransportError::Settled);
        }
        if acts {
            self.write_intent(&which, request).await?;
        }
        self.acting.set(self.acting.get() + usize::from(acts));
        let replied = self.doors.transport.carry_out(request).await;
        let replied = replied.map(|outcome| outcome.without(&request.secrets));
        self.acting.set(self.acting.get() - usize::from(acts));
        self.owes_sync.set(self.owes_sync.get() || acts);
        self.replay.note_answered(&which.path);
        self.write_reply(&which, request, &replied);
        replied
    }

    async fn settle(&self, request: &Request, settlement: &Settlement) -> Result<Outcome, TransportError> {
        let node = request.node.as_ref().map(ToString::to_string);
        match settlement.is_done {
            Some(is_done) => self.push(&Entry::Settled(Settled {
                at_ms: self.now_ms(),
                path: request.path.as_str().to_owned(),
                node,
                command: request.command.to_string(),
                is_done,
                by: settlement.by.clone(),
            })),
            None => self.unknown.borrow_mut().push(StillUnknown {
                request: request.command.to_string(),
                node,
                path: request.path.clone(),
                why: settlement.by.clone(),
            }),
        }
        self.settled.set(self.settled.get() + 1);
        // The walk is walked anew, with what is known now.
        std::future::pending().await
    }
}

#[async_trait(?Send)]
impl Person for Keeper<'_> {
    async fn ask(&self, question: &Question) -> Answer {
        let which = Which {
            path: question.path.clone(),
            node: question.node.as_ref().map(ToString::to_string),
            words: question.name.clone(),
        };
        if let Some(known) = self.replay.answer(&which).await {
            return known;
        }
        if !question.path.is_settling() && self.replay.is_finished(&which.path, which.node.as_deref()) {
            return Answer::Yes;
        }
        let answer = self.doors.person.ask(question).await;
        if self.replay.is_live() {
            let (word, why) = match &answer {
                Answer::Yes => ("yes", None),
                Answer::No => ("no", None),
                Answer::Park => ("later", None),
                Answer::CouldNot(why) => ("could_not", Some(why.clone())),
                Answer::Nobody => ("nobody", None),
            };
            self.push(&Entry::Answered(Answered {
                at_ms: self.now_ms(),
                path: which.path.as_str().to_owned(),
                name: question.name.clone(),
                text: question.text.clone(),
                node: which.node,
                is_deed: question.kind == QuestionKind::Manual,
                answer: word.to_owned(),
                why,
            }));
            // Nobody is to be asked twice because the power went.
            self.sync().await;
        }
        answer
    }

    async fn decide(&self, failure: &Failure) -> Option<Decision> {
        self.doors.person.decide(failure).await
    }
}

#[async_trait(?Send)]
impl Clock for Keeper<'_> {
    fn now(&self) -> Duration {
        match self.replay.phase.get() {
            Phase::Replaying => self.replay.now.get(),
            Phase::Settling | Phase::Live => {
                self.replay.now.get() + self.doors.clock.now().saturating_sub(self.opened_at.get())
            }
        }
    }

    async fn sleep(&self, length: Duration) {
        // What finds out what nobody knows waits in real time.
        if self.replay.phase.get() != Phase::Replaying {
            return self.doors.clock.sleep(length).await;
        }
        let end = self.now() + length;
        self.replay.pause_until(end).await;
        let left = end.saturating_sub(self.now());
        if !left.is_zero() {
            self.doors.clock.sleep(left).await;
        }
    }
}

/// Writes events down on their way to whoever is told of them; those of a replay are there already.
pub struct Kept<'k, 'd, R> {
    keeper: &'k Keeper<'d>,
    inner: R,
}

impl<'k, 'd, R: Recorder> Kept<'k, 'd, R> {
    /// Stands before a recorder.
    pub fn new(keeper: &'k Keeper<'d>, inner: R) -> Self {
        Kept { keeper, inner }
    }
}

impl<R: Recorder> Recorder for Kept<'_, '_, R> {
    fn record(&mut self, event: &Event) {
        if self.keeper.replay.is_live() {
            self.keeper.keep(event);
            self.inner.record(event);
        } else {
            if self.keeper.replay.is_news(&event.what) {
                self.keeper.keep(event);
            }
            self.inner.recall(event);
        }
    }

    fn pass(&mut self, at: Duration) {
        self.inner.pass(at);
    }

    fn recall(&mut self, event: &Event) {
        self.inner.recall(event);
    }
}

/// An entry without paths, whose words are those of a line with a secret in it.
fn without_paths(entry: &Entry) -> Entry {
    fn clear(value: &mut serde_json::Value) {
        let serde_json::Value::Object(fields) = value else {
            return;
        };
        if let Some(path) = fields.get_mut("path") {
            *path = serde_json::Value::from("");
        }
        fields.values_mut().for_each(clear);
    }
    let mut value = serde_json::to_value(entry).expect("an entry has no map with odd keys");
    clear(&mut value);
    serde_json::from_value(value).expect("it is an entry still")
}

/// The time now, in seconds since 1970.
pub(super) fn seconds_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The written form of what came of a command; none of one that was held back or never sent.
fn reply_of(replied: &Result<Outcome, TransportError>, may_disconnect: bool) -> Option<Reply> {
    Some(match replied {
        Ok(outcome) => Reply::Ran {
            status: outcome.status,
            output: outcome.output.clone(),
            errors: outcome.errors.clone(),
        },
        Err(TransportError::Unreachable { why, .. } | TransportError::Locked { why, .. }) => {
            Reply::Unreachable(why.clone())
        }
        // It cut its own connection, as it may.
        Err(TransportError::Unknown { is_late: false, .. }) if may_disconnect => Reply::Ran {
            status: 0,
            output: String::new(),
            errors: String::new(),
        },
        Err(TransportError::Unknown { why, is_late, .. }) => Reply::Unknown {
            why: why.clone(),
            is_late: *is_late,
        },
        Err(
            TransportError::HeldBack
            | TransportError::Settled
            | TransportError::Unsettled { .. }
            | TransportError::NotWritten { .. },
        ) => return None,
    })
}
