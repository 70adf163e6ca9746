use std::cell::{Cell, RefCell};
use std::future::Future;
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, join, select};

use super::seat::{Action, Age, Reply, Seats};
use super::{Claim, FencedTransport, Holder, HolderKind, LockError, MaintenanceLock, Sighting, Taken};
use crate::library::LOCK_PROGRAM;
use crate::transport::simulated::{Shape, SimulatedCluster, VirtualClock};
use crate::transport::{Clock, Outcome, Purpose, Request, Transport, TransportError};
use crate::value::CommandLine;

const LEASE: Duration = Duration::from_secs(60);

/// What is written on each seat, and since when.
type Written = Rc<RefCell<Vec<Option<(String, Duration)>>>>;

/// Seats in memory, which all who work on a cluster see.
struct Place {
    cluster: SimulatedCluster,
    clock: VirtualClock,
    written: Written,
    /// Which of them answer.
    up: Rc<RefCell<Vec<bool>>>,
    /// The one that takes very long.
    slow: Rc<Cell<Option<usize>>>,
}

struct MemorySeats {
    clock: VirtualClock,
    written: Written,
    up: Rc<RefCell<Vec<bool>>>,
    slow: Rc<Cell<Option<usize>>>,
}

#[async_trait(?Send)]
impl Seats for MemorySeats {
    fn names(&self) -> Vec<String> {
        (1..=self.up.borrow().len())
            .map(|number| format!("n{number}"))
            .collect()
    }

    fn kind(&self) -> &'static str {
        "nodes of its set"
    }

    async fn ask(&self, seat: usize, ours: &str, action: &Action) -> Reply {
        // A question takes its time, so that those of others come between.
        self.clock.sleep(Duration::from_millis(10 + seat as u64)).await;
        if self.slow.get() == Some(seat) {
            self.clock.sleep(LEASE * 60).await;
        }
        if !self.up.borrow()[seat] {
            return Reply::Silent("could not be reached: no route".to_owned());
        }
        let now = self.clock.now();
        let mut written = self.written.borrow_mut();
        let found = written[seat].clone();
        let put = Some((ours.to_owned(), now));
        match (action, found) {
            (Action::Look, Some((text, _))) if text == ours => Reply::Ours,
            (Action::Free, Some((text, _))) if text == ours => {
                written[seat] = None;
                Reply::Free
            }
            (Action::Restore(former), Some((text, _))) if text == ours => {
                written[seat] = Some((former.clone(), now));
                Reply::Free
            }
            (Action::Look | Action::Free | Action::Restore(_), None) => Reply::Free,
            (_, None) => {
                written[seat] = put;
                Reply::Made
            }
            (Action::Take | Action::Renew | Action::Replace(_), Some((text, _))) if text == ours => {
                written[seat] = put;
                Reply::Ours
            }
            (Action::Replace(theirs), Some((text, _))) if text == *theirs => {
                written[seat] = put;
                Reply::Made
            }
            (_, Some((text, since))) => {
                let seconds = now.saturating_sub(since).as_secs();
                Reply::Theirs(text, Age::Ago(Duration::from_secs(seconds)))
            }
        }
    }
}

impl Place {
    fn new(count: usize) -> Place {
        let cluster = SimulatedCluster::new(Shape::default());
        Place {
            clock: cluster.clock(),
            cluster,
            written: Rc::new(RefCell::new(vec![None; count])),
            up: Rc::new(RefCell::new(vec![true; count])),
            slow: Rc::default(),
        }
    }

    fn lock(&self, run: &str, change: impl FnOnce(&mut Claim)) -> MaintenanceLock<'_> {
        let seats = MemorySeats {
            clock: self.clock.clone(),
            written: Rc::clone(&self.written),
            up: Rc::clone(&self.up),
            slow: Rc::clone(&self.slow),
        };
        let mut claim = Claim {
            cluster: "pcs1".to_owned(),
            holder: Holder {
                run: run.to_owned(),
                kind: HolderKind::Run,
                owner: format!("root@{run}"),
                runbook: "replace a disk".to_owned(),
                reason: None,
                since: "2026-11-28 10:00:00Z".to_owned(),
                lease: LEASE,
                degraded: None,
                outwait: None,
            },
            take_over: None,
            degraded: None,
            is_sole: false,
        };
        change(&mut claim);
        MaintenanceLock::new(Box::new(seats), &self.clock, claim)
    }

    fn switch(&self, seats: std::ops::Range<usize>, is_up: bool) {
        seats.for_each(|seat| self.up.borrow_mut()[seat] = is_up);
    }

    /// Who holds each seat.
    fn holders(&self) -> Vec<String> {
        let written = self.written.borrow();
        let run = |text: &str| Holder::read(text).run;
        written
            .iter()
            .map(|seat| seat.as_ref().map_or_else(String::new, |(text, _)| run(text)))
            .collect()
    }

    fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.cluster.block_on(work)
    }

    fn take(&self, lock: &MaintenanceLock<'_>) -> Result<Taken, LockError> {
        self.block_on(lock.take(&|_| ()))
    }

    fn pass(&self, length: Duration) {
        self.block_on(self.clock.sleep(length));
    }
}

fn by_force(claim: &mut Claim) {
    claim.take_over = Some("its machine is gone".to_owned());
}

fn degraded(claim: &mut Claim) {
    claim.degraded = Some("two racks are dark".to_owned());
}

#[test]
fn the_second_is_refused_and_told_of_the_first() {
    let place = Place::new(3);
    let (first, second) = (place.lock("a", |_| ()), place.lock("b", |_| ()));
    place.take(&first).expect("it is free");
    place.pass(Duration::from_secs(12));
    let refusal = place.take(&second).expect_err("it is held");
    assert_eq!(
        refusal.to_string(),
        "pcs1 is locked for maintenance by root@a\n  runbook:  replace a disk\n  run:      a\n  reason:   none given\n  \
         since:    2026-11-28 10:00:00Z\n  lease:    1m, renewed 12s ago\n  held on:  3 of 3 nodes of its set"
    );
    assert_eq!(
        refusal.advice().as_deref(),
        Some(
            "wait until it has ended; if it is your own run, go on with it:\n  quorate resume a\nor take the lock away \
             from it: --take-over \"why\""
        )
    );
    assert_eq!(place.holders(), ["a", "a", "a"]);
    assert!(place.block_on(first.free()).is_empty());
    place.take(&second).expect("it was given back");
}

#[test]
fn a_run_that_was_handed_over_is_gone_on_with_where_it_is() {
    let place = Place::new(3);
    place
        .take(&place.lock("a on x (1f)", |_| ()))
        .expect("it is free");
    let refusal = place
        .take(&place.lock("a on x (2f)", |_| ()))
        .expect_err("it is held");
    let advice = refusal.advice().unwrap_or_default();
    assert!(
        advice.contains("go on with it on x (1f):\n  quorate resume a\nor"),
        "{advice}"
    );
}

#[test]
fn of_two_at_once_one_goes_on() {
    for count in [1, 2, 3, 5] {
        let place = Place::new(count);
        let (first, second) = (place.lock("a", |_| ()), place.lock("b", |_| ()));
        let nothing = |_: &str| ();
        let (one, other) = place.block_on(join(first.take(&nothing), second.take(&nothing)));
        assert!(one.is_ok() != other.is_ok(), "{count}: {one:?} {other:?}");
        let holders = place.holders();
        assert!(holders.iter().all(|holder| *holder == holders[0]), "{holders:?}");
    }
}

#[test]
fn a_majority_is_enough_and_less_is_not() {
    let place = Place::new(5);
    place.switch(0..2, false);
    let first = place.lock("a", |_| ());
    place.take(&first).expect("three of five answer");
    assert_eq!(place.holders(), ["", "", "a", "a", "a"]);
    place.block_on(first.free());
    place.switch(2..3, false);
    let refusal = place.take(&first).expect_err("two of five answer");
    let told = refusal.to_string();
    assert!(told.starts_with("the maintenance lock of pcs1 cannot be taken: 2 of 5 nodes of its set answered, and 3 must\n  n1: could not"), "{told}");
    assert!(
        refusal
            .advice()
            .is_some_and(|advice| advice.contains("--degraded-lock"))
    );
    assert_eq!(place.holders(), ["", "", "", "", ""]);
}

#[test]
fn a_lock_that_lives_is_taken_over_after_a_wait() {
    let place = Place::new(3);
    let (first, second) = (place.lock("a", |_| ()), place.lock("b", by_force));
    place.take(&first).expect("it is free");
    let (began, told) = (place.clock.now(), RefCell::new(Vec::new()));
    let tell = |text: &str| told.borrow_mut().push(text.to_owned());
    let taken = place.block_on(second.take(&tell)).expect("it may");
    assert_eq!(taken.from[0].holder.run, "a");
    let waited = place.clock.now() - began;
    assert!(waited > LEASE && waited < LEASE * 2, "{waited:?}");
    assert!(told.borrow()[0].contains("taken over from root@a"), "{told:?}");
    let lost = place.block_on(first.confirm()).expect_err("it is lost");
    assert!(lost.to_string().contains("root@b has it"), "{lost}");
    place.block_on(first.free());
    assert_eq!(place.holders(), ["b", "b", "b"]);
}

/// Begins to take a lock, and leaves off after a part of the wait.
fn break_off(place: &Place, lock: &MaintenanceLock<'_>, after: Duration) {
    let time = place.clock.sleep(after);
    place.block_on(async {
        let (take, time) = (std::pin::pin!(lock.take(&|_| ())), std::pin::pin!(time));
        assert!(matches!(select(take, time).await, Either::Right(_)), "it waits");
    });
}

#[test]
fn a_take_over_that_is_broken_off_is_undone() {
    let place = Place::new(3);
    let (first, second) = (place.lock("a", |_| ()), place.lock("b", by_force));
    place.take(&first).expect("it is free");
    break_off(&place, &second, LEASE / 2);
    assert_eq!(place.holders(), ["b", "b", "b"]);
    assert!(place.block_on(second.free()).is_empty());
    assert_eq!(place.holders(), ["a", "a", "a"]);
    place
        .take(&place.lock("c", |_| ()))
        .expect_err("the first one has it again");
    place.pass(LEASE / 2);
    place.block_on(first.confirm()).expect("it has not noticed");
    place.block_on(first.free());
    place.take(&second).expect("it was given back");
    place.block_on(second.free());
    assert_eq!(place.holders(), ["", "", ""]);
}

#[test]
fn of_a_take_over_that_was_killed_the_wait_is_not_lost() {
    for (run, is_sole) in [("b", true), ("b", false), ("c", false)] {
        let place = Place::new(3);
        place.take(&place.lock("a", |_| ())).expect("it is free");
        break_off(&place, &place.lock("b", by_force), LEASE / 2);
        // The first one may still be at work, and a third one must not begin beside it.
        place.take(&place.lock("d", |_| ())).expect_err("it is held");
        let (began, told) = (place.clock.now(), RefCell::new(String::new()));
        let tell = |text: &str| *told.borrow_mut() = text.to_owned();
        let next = place.lock(run, |claim| {
            by_force(claim);
            claim.holder.since = "later".to_owned();
            claim.is_sole = is_sole;
        });
        place.block_on(next.take(&tell)).expect("it may");
        assert!(place.clock.now() - began > LEASE, "{run} {is_sole}");
        assert!(told.borrow().contains("nothing is begun for 1m1s"), "{told:?}");
    }
}

#[test]
fn of_a_take_over_long_past_nothing_is_waited_for() {
    let place = Place::new(3);
    place.take(&place.lock("a", |_| ())).expect("it is free");
    place.take(&place.lock("b", by_force)).expect("it may");
    place.pass(LEASE * 2);
    let began = place.clock.now();
    let again = place.lock("b", |claim| {
        claim.holder.since = "later".to_owned();
        claim.is_sole = true;
    });
    place.take(&again).expect("it is its own");
    assert!(place.clock.now() - began < Duration::from_secs(1));
}

#[test]
fn a_holder_is_past_with_whoever_it_took_the_lock_from() {
    let (lease, longer) = (Duration::from_secs(60), Duration::from_secs(120));
    let mut holder = Holder::read("run: a\nlease: 60");
    assert_eq!(holder.good_for(), lease);
    holder.outwait = Some(longer);
    let sighting = |age| Sighting {
        holder: holder.clone(),
        text: holder.write(),
        age,
        seat_count: 1,
    };
    assert!(!sighting(Age::Ago(lease * 3 / 2)).is_past());
    assert!(sighting(Age::Ago(longer + lease)).is_past());
    assert!(!sighting(Age::OverLease).is_past(), "the seat knows of 60s alone");
}

#[test]
fn a_lock_that_is_stale_still_needs_a_reason() {
    let place = Place::new(3);
    let first = place.lock("a", |_| ());
    place.take(&first).expect("it is free");
    place.pass(LEASE * 2);
    let refusal = place.take(&place.lock("b", |_| ())).expect_err("it is held");
    assert!(refusal.to_string().contains("has probably died"), "{refusal}");
    let began = place.clock.now();
    place.take(&place.lock("c", by_force)).expect("with a reason");
    assert!(place.clock.now() - began < Duration::from_secs(1));
}

#[test]
fn a_resumed_run_takes_its_own_lock_again() {
    let place = Place::new(3);
    place.take(&place.lock("a", |_| ())).expect("it is free");
    let again = |is_sole| {
        place.lock("a", |claim| {
            claim.holder.since = format!("later, {is_sole}");
            claim.is_sole = is_sole;
        })
    };
    let began = place.clock.now();
    place.take(&again(true)).expect("it is its own");
    assert!(place.clock.now() - began < Duration::from_secs(1));
    place.take(&again(false)).expect("it is its own");
    assert!(place.clock.now() - began > LEASE);
}

#[test]
fn a_lock_is_kept_while_its_holder_lives() {
    let place = Place::new(3);
    let lock = place.lock("a", |_| ());
    place.take(&lock).expect("it is free");
    let time = place.clock.sleep(LEASE * 10);
    place.block_on(async {
        let (keep, time) = (std::pin::pin!(lock.keep()), std::pin::pin!(time));
        assert!(matches!(select(keep, time).await, Either::Right(_)));
    });
    let refusal = place.take(&place.lock("b", |_| ())).expect_err("it is held");
    assert!(refusal.to_string().contains(", renewed "), "{refusal}");
    place.block_on(lock.confirm()).expect("it is held");
}

/// A cluster that counts what is done to it.
#[derive(Default)]
struct Counting {
    acts: Cell<usize>,
}

#[async_trait(?Send)]
impl Transport for Counting {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        if request.purpose == Purpose::Act {
            self.acts.set(self.acts.get() + 1);
        }
        Ok(Outcome {
            status: 0,
            output: String::new(),
            errors: String::new(),
        })
    }
}

fn request(purpose: Purpose) -> Request {
    Request::plain(None, CommandLine::from_quoted("true"), LEASE, purpose)
}

#[test]
fn after_the_lease_nothing_is_begun_unless_the_lock_is_still_ours() {
    let (place, inner) = (Place::new(3), Counting::default());
    let lock = place.lock("a", |_| ());
    place.take(&lock).expect("it is free");
    let fenced = FencedTransport::new(&inner, &lock);
    let act = |purpose| place.block_on(fenced.carry_out(&request(purpose)));
    // Suspended for long, and nobody came: it goes on.
    place.pass(LEASE * 3);
    act(Purpose::Act).expect("it is still ours");
    // Suspended for long, and somebody had it meanwhile and gave it back.
    place.pass(LEASE * 3);
    let other = place.lock("b", by_force);
    place.take(&other).expect("it may");
    place.block_on(other.free());
    let refused = act(Purpose::Act).expect_err("it is lost");
    let TransportError::Locked { why, .. } = refused else {
        panic!("{refused:?}")
    };
    assert!(why.contains("gone from 3 of 3"), "{why}");
    assert_eq!((inner.acts.get(), place.holders()), (1, vec![String::new(); 3]));
    act(Purpose::Act).expect_err("it stays lost");
    act(Purpose::Probe).expect("who looks needs no lock");
}

#[test]
fn a_holder_that_is_cut_off_stops() {
    let place = Place::new(3);
    let lock = place.lock("a", |_| ());
    place.take(&lock).expect("it is free");
    place.switch(0..2, false);
    place.block_on(lock.confirm()).expect("within the lease");
    place.pass(LEASE);
    let lost = place.block_on(lock.confirm()).expect_err("nobody answers");
    assert!(
        lost.to_string()
            .contains("could not be renewed on a majority, 1 of 3"),
        "{lost}"
    );
}

#[test]
fn a_node_that_hangs_costs_its_time_and_no_more() {
    let place = Place::new(3);
    let lock = place.lock("a", |_| ());
    place.slow.set(Some(2));
    let began = place.clock.now();
    place.take(&lock).expect("two of three answer");
    assert!(place.clock.now() - began < LEASE / 5);
    assert!(
        place.block_on(lock.free()).is_empty(),
        "it was never asked to hold it"
    );
    place.take(&lock).expect("two of three answer");
    place.pass(LEASE);
    let began = place.clock.now();
    place.block_on(lock.confirm()).expect("it is held");
    assert!(place.clock.now() - began < LEASE / 5);
    let left = place.block_on(lock.free());
    assert_eq!(left, [("n3".to_owned(), "did not answer in time".to_owned())]);
}

#[test]
fn a_node_that_comes_back_takes_part_again() {
    let place = Place::new(3);
    let lock = place.lock("a", |_| ());
    place.switch(2..3, false);
    place.take(&lock).expect("two of three answer");
    place.switch(2..3, true);
    place.pass(LEASE);
    place.block_on(lock.confirm()).expect("it is held");
    assert_eq!(place.holders(), ["a", "a", "a"]);
}

#[test]
fn a_degraded_lock_holds_what_answers() {
    let place = Place::new(5);
    place.switch(0..3, false);
    let first = place.lock("a", degraded);
    let taken = place.take(&first).expect("with a reason");
    assert_eq!(taken.degraded, Some((2, 5)));
    place.pass(LEASE);
    place.block_on(first.confirm()).expect("nobody else is there");
    place.take(&place.lock("b", degraded)).expect_err("it is held");
    // All are back, and few of them hold it: it stands in the way all the same.
    place.switch(0..5, true);
    place.pass(LEASE * 2);
    let refusal = place.take(&place.lock("c", |_| ())).expect_err("it is held");
    assert!(
        refusal.to_string().contains("degraded: two racks are dark"),
        "{refusal}"
    );
    place.take(&place.lock("d", by_force)).expect("with a reason");
    place.block_on(first.confirm()).expect_err("it is lost");
}

#[test]
fn what_was_left_on_few_nodes_is_tidied() {
    let place = Place::new(3);
    let first = place.lock("a", |_| ());
    place.take(&first).expect("it is free");
    place.switch(0..1, false);
    assert_eq!(place.block_on(first.free()).len(), 1);
    place.switch(0..1, true);
    place
        .take(&place.lock("b", |_| ()))
        .expect_err("it may still live");
    place.pass(LEASE * 2);
    place.take(&place.lock("c", |_| ())).expect("it was left");
    assert_eq!(place.holders(), ["c", "c", "c"]);
}

/// Runs the program of a node, as each kind of login shell does.
fn on_node(shell: &str, words: &[&str]) -> String {
    let mut shell = shell.split(' ');
    let output = Command::new(shell.next().expect("it has a name"))
        .args(shell)
        .args(["-c", LOCK_PROGRAM, "quorate"])
        .args(words)
        .output()
        .expect("it is installed");
    String::from_utf8_lossy(&output.stdout).replace("quorate-lock: ", "")
}

#[test]
fn a_node_does_each_thing_in_one_go() {
    for shell in ["dash", "bash", "busybox sh"] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("lock");
        let file = file.to_str().expect("it is text");
        let odd = "run: $(touch x)'`\"\nreason: \\n %s";
        let cases: [(&[&str], &str); 17] = [
            (&["look", file, odd], "free\n"),
            (&["take", file, odd], "made\n"),
            (&["take", file, odd], "ours\n"),
            (&["renew", file, odd], "ours\n"),
            (
                &["take", file, "b"],
                "theirs 0\n| run: $(touch x)'`\"\n| reason: \\n %s\n",
            ),
            (
                &["free", file, "b"],
                "theirs 0\n| run: $(touch x)'`\"\n| reason: \\n %s\n",
            ),
            (
                &["replace", file, "b", "c"],
                "theirs 0\n| run: $(touch x)'`\"\n| reason: \\n %s\n",
            ),
            (&["replace", file, "b", odd], "made\n"),
            (&["renew", file, odd], "theirs 0\n| b\n"),
            (&["restore", file, "c", "d"], "theirs 0\n| b\n"),
            (&["restore", file, "c", "b"], "made\n"),
            (&["restore", file, "c", "b"], "theirs 0\n| c\n"),
            (&["replace", file, "b", "c"], "made\n"),
            (&["free", file, "b"], "free\n"),
            (&["restore", file, "c", "b"], "free\n"),
            (&["renew", file, "b"], "made\n"),
            (&["free", file, "b"], "free\n"),
        ];
        for (words, said) in cases {
            // The second may turn between two questions.
            let heard = on_node(shell, words).replace("theirs 1\n", "theirs 0\n");
            assert_eq!(heard, said, "{shell} {words:?}");
        }
        let left = std::fs::read_dir(folder.path()).expect("it is there").count();
        assert_eq!(left, 0, "{shell}");
        std::os::unix::fs::symlink("/etc/passwd", file).expect("it can be made");
        let heard = on_node(shell, &["take", file, "b"]);
        assert!(heard.starts_with("failed"), "{shell}: {heard}");
    }
}
