//! The search: every fault at every point, then several of them together.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::Duration;

use foldhash::quality::FixedState;

use super::attempt::{Attempt, Scene, Start, Unbroken, attempt};
use super::coverage::Coverage;
use super::elsewhere::is_same_at_next;
use super::fault_plan::{Crossing, Mishap, Planned, Point, Schedule};
use super::finding::Finding;
use super::invariant::{Broken, Progress, Promise};
use super::shrink::shrink;
use super::stage::Known;
use super::story::tell_attempt;
use crate::diagnostic::Span;
use crate::transport::{Clock, SystemClock};

/// The stack of a worker: scripts nest, and a walk recurses into them.
const STACK: usize = 256 << 20;
/// How many faults a random schedule has at most.
const MOST_RANDOM_FAULTS: usize = 4;
/// How many findings are looked into more closely.
const MOST_SHRUNK: usize = 200;

/// How much is tried.
#[derive(Debug, Clone)]
pub struct Effort {
    /// How many faults together are tried without a gap.
    pub faults: usize,
    /// Where the random schedules begin.
    pub seed: u64,
    /// How long random schedules are tried after that.
    pub time: Option<Duration>,
    /// How many workers.
    pub workers: usize,
}

/// What a rehearsal has found.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// Promises that the runbook breaks, in the order of the runbook.
    pub findings: Vec<Finding>,
    /// What was tried.
    pub coverage: Coverage,
}

/// What the workers share.
struct Search<'s> {
    scene: Scene<'s>,
    effort: &'s Effort,
    unbroken: Unbroken,
    trunk: Vec<Point>,
    joins: HashMap<u64, usize>,
    good: RwLock<HashSet<u64>>,
    queue: Mutex<Vec<Schedule>>,
    /// How many schedules are in the queue or in hand.
    open: AtomicUsize,
    done: AtomicUsize,
    tried: Mutex<HashSet<(u64, Mishap, usize)>>,
    progress: &'s (dyn Fn(usize, usize) + Sync),
    clock: SystemClock,
}

/// What one worker has found.
#[derive(Default)]
struct Found {
    attempts: Vec<Attempt>,
    coverage: Coverage,
    states: HashSet<u64>,
}

/// Rehearses a plan: the unbroken run, then each fault at each point, then as many together as told.
///
/// `progress` hears now and then how many runs are done, and how many are known to be to come.
pub fn rehearse_plan(
    scene: Scene<'_>,
    effort: &Effort,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Rehearsal {
    let clock = SystemClock::new();
    let extended = Known {
        is_extended: true,
        ..Known::default()
    };
    let trunk = on_large_stack(|| attempt(scene, &scene.start(), &Schedule::default(), None, extended));
    let trunk = with_its_end(trunk);
    let mut coverage = Coverage::default();
    coverage.take(&trunk);
    coverage.points = trunk.points.len();
    coverage.never_held.clone_from(&trunk.never_held);
    if is_all(&trunk) {
        coverage.compare(scene.plan, scene.sources);
        let findings = tell_trunk(scene, trunk);
        return Rehearsal { findings, coverage };
    }
    let keys = trunk
        .points
        .iter()
        .map(|point| (point.exact, point.number))
        .filter(|(key, _)| *key != 0);
    let search = Search {
        scene,
        effort,
        unbroken: Unbroken {
            exit_code: trunk.exit_code.unwrap_or_default(),
            done: trunk.done.clone(),
        },
        joins: keys.collect(),
        good: RwLock::default(),
        queue: Mutex::default(),
        open: AtomicUsize::new(0),
        done: AtomicUsize::new(1),
        tried: Mutex::default(),
        progress,
        clock,
        trunk: trunk.points.clone(),
    };
    search.extend(&trunk);
    let found = search.search();
    let mut states: HashSet<u64> = search.joins.keys().copied().collect();
    let mut attempts: Vec<Attempt> = Vec::new();
    attempts.extend(Some(trunk).filter(|trunk| trunk.broken.is_some()));
    for worker in found {
        coverage.add(worker.coverage);
        states.extend(worker.states);
        attempts.extend(worker.attempts);
    }
    coverage.states = states.len();
    coverage.compare(scene.plan, scene.sources);
    let findings = on_large_stack(|| search.sum_up(attempts));
    Rehearsal { findings, coverage }
}

/// What came of one schedule.
#[derive(Debug)]
pub struct Replay {
    /// What it breaks.
    pub findings: Vec<Finding>,
    /// What was gone through.
    pub coverage: Coverage,
    /// What cannot go wrong at the point where it is to, and what is done at that point.
    pub misfit: Option<(Planned, String)>,
}

/// Carries out one schedule and tells what it breaks, if anything.
pub fn replay_schedule(scene: Scene<'_>, schedule: &Schedule) -> Replay {
    on_large_stack(|| {
        let start = scene.start();
        let known = Known::default();
        let trunk = with_its_end(attempt(scene, &start, &Schedule::default(), None, known));
        let mut coverage = Coverage::default();
        coverage.never_held.clone_from(&trunk.never_held);
        let unbroken = Unbroken {
            exit_code: trunk.exit_code.unwrap_or_default(),
            done: trunk.done.clone(),
        };
        let tried = match schedule.0.is_empty() {
            true => trunk,
            false => attempt(scene, &start, schedule, Some(&unbroken), known),
        };
        coverage.take(&tried);
        coverage.points = tried.points.len();
        coverage.compare(scene.plan, scene.sources);
        let misfit = schedule.find_misfit(&tried.points);
        Replay {
            findings: match (&tried.broken, schedule.0.is_empty()) {
                (None, _) => Vec::new(),
                (Some(_), true) => tell_trunk(scene, tried),
                (Some(_), false) => vec![tell_attempt(scene, &tried, 0)],
            },
            coverage,
            misfit,
        }
    })
}

/// An unbroken run that does not end well is a finding of its own.
fn with_its_end(mut trunk: Attempt) -> Attempt {
    if trunk.broken.is_none() && trunk.exit_code != Some(0) {
        trunk.broken = Some(fails_unbroken(&trunk));
    }
    trunk
}

/// Whether the unbroken run is all there is to tell of: it breaks a promise on its way, or fails.
///
/// That all is not well after its end does not keep anything else from being tried.
fn is_all(trunk: &Attempt) -> bool {
    let is_done = trunk.exit_code == Some(0);
    let mut broken = trunk.broken.iter();
    broken.any(|broken| !is_done || broken.promise != Promise::Ending)
}

/// What the unbroken run breaks; what it leaves is one thing, and that it fails another.
fn tell_trunk(scene: Scene<'_>, mut trunk: Attempt) -> Vec<Finding> {
    let mut findings = vec![tell_attempt(scene, &trunk, 0)];
    if findings[0].promise == Promise::Ending && trunk.exit_code != Some(0) {
        trunk.broken = Some(fails_unbroken(&trunk));
        findings.push(tell_attempt(scene, &trunk, 0));
    }
    findings
}

fn fails_unbroken(trunk: &Attempt) -> Broken {
    let mut points = trunk.points.iter();
    Broken {
        promise: match points.any(|point| matches!(point.crossing, Crossing::Act | Crossing::Work)) {
            true => Promise::Unbroken,
            false => Promise::Refused,
        },
        progress: Progress {
            point: trunk.points.len(),
            told: trunk.events.len(),
        },
        why: super::story::describe_ending(&trunk.events),
        cluster: trunk.cluster.clone(),
    }
}

impl Search<'_> {
    fn search(&self) -> Vec<Found> {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.effort.workers.max(1))
                .map(|worker| {
                    thread::Builder::new()
                        .stack_size(STACK)
                        .spawn_scoped(scope, move || self.work(worker))
                        .expect("the system starts a thread")
                })
                .collect();
            let found = workers.into_iter().map(|worker| worker.join());
            found
                .map(|found| found.expect("a worker catches what goes wrong in a run"))
                .collect()
        })
    }

    fn work(&self, worker: usize) -> Found {
        let mut found = Found::default();
        let start = self.scene.start_with_trunk();
        while self.open.load(Ordering::Acquire) > 0 {
            let next = self.queue.lock().expect("no worker fails").pop();
            let Some(schedule) = next else {
                // Another worker has some in hand, and may find more to do.
                thread::yield_now();
                continue;
            };
            self.try_schedule(&start, &schedule, &mut found);
            self.open.fetch_sub(1, Ordering::AcqRel);
        }
        if let Some(time) = self.effort.time {
            let end = self.clock.now() + time;
            let mut random = fastrand::Rng::with_seed(self.effort.seed.wrapping_add(worker as u64));
            while self.clock.now() < end {
                let schedule = self.draw(&mut random);
                self.try_schedule(&start, &schedule, &mut found);
            }
        }
        found
    }

    fn try_schedule(&self, start: &Start, schedule: &Schedule, found: &mut Found) {
        let known = Known {
            joins: Some(&self.joins),
            is_extended: schedule.0.len() < self.effort.faults,
            good: Some(&self.good),
        };
        let tried = attempt(self.scene, start, schedule, Some(&self.unbroken), known);
        found.coverage.take(&tried);
        let keys = tried
            .points
            .iter()
            .map(|point| point.exact)
            .filter(|key| *key != 0);
        found.states.extend(keys);
        if tried.broken.is_some() {
            found.attempts.push(tried);
        } else {
            self.extend(&tried);
        }
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.progress)(done, done + self.open.load(Ordering::Relaxed));
    }

    /// Puts into the queue what can go wrong after what has.
    fn extend(&self, tried: &Attempt) {
        let left = self.effort.faults.saturating_sub(tried.schedule.0.len());
        if left == 0 {
            return;
        }
        let mut more = Vec::new();
        let mut known = self.tried.lock().expect("no worker fails");
        for (index, point) in tried.points.iter().enumerate() {
            if point.number <= tried.schedule.last() {
                continue;
            }
            let next = tried.points.get(index + 1);
            for mishap in point.mishaps() {
                let is_same = mishap.is_elsewhere() && is_same_at_next(point, next, mishap);
                if !is_same && known.insert((key_of(point, mishap), mishap, left)) {
                    let point = point.number;
                    more.push(tried.schedule.with(Planned { point, mishap }));
                }
            }
        }
        drop(known);
        self.open.fetch_add(more.len(), Ordering::AcqRel);
        more.reverse();
        self.queue.lock().expect("no worker fails").extend(more);
    }

    /// Some faults by chance, which fit the unbroken run.
    fn draw(&self, random: &mut fastrand::Rng) -> Schedule {
        let mut all = Vec::new();
        for _ in 0..random.usize(2..=MOST_RANDOM_FAULTS) {
            let Some(point) = random.choice(&self.trunk) else {
                break;
            };
            let fitting: Vec<Mishap> = point.mishaps().collect();
            if let Some(mishap) = random.choice(fitting) {
                all.push(Planned {
                    point: point.number,
                    mishap,
                });
            }
        }
        all.sort();
        all.dedup_by_key(|planned| planned.point);
        Schedule(all)
    }

    /// One finding for each promise at each place, with its shortest schedule.
    fn sum_up(&self, mut attempts: Vec<Attempt>) -> Vec<Finding> {
        attempts.sort_by(|left, right| {
            (left.schedule.0.len(), &left.schedule).cmp(&(right.schedule.0.len(), &right.schedule))
        });
        let mut grouped: BTreeMap<(Span, Promise), (Attempt, usize)> = BTreeMap::new();
        let start = self.scene.start();
        for (index, attempt) in attempts.into_iter().enumerate() {
            let attempt = match index < MOST_SHRUNK {
                true => shrink(self.scene, &start, &self.unbroken, attempt),
                false => attempt,
            };
            let finding = tell_attempt(self.scene, &attempt, 0);
            grouped
                .entry((finding.at, finding.promise))
                .and_modify(|(_, others)| *others += 1)
                .or_insert((attempt, 0));
        }
        let found = grouped.into_values();
        found
            .map(|(attempt, others)| tell_attempt(self.scene, &attempt, others))
            .collect()
    }
}

/// What tells apart what comes of a mishap at a point.
fn key_of(point: &Point, mishap: Mishap) -> u64 {
    match (mishap, point.exact) {
        (Mishap::KilledBefore, _) => point.killed,
        (_, 0) => rough_key(point),
        (_, exact) => exact,
    }
}

/// A state at a point where something has been under way for some time.
fn rough_key(point: &Point) -> u64 {
    FixedState::default().hash_one((point.path.as_str(), &point.node, &point.words, point.coarse))
}

fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let worker = worker.expect("the system starts a thread");
        worker.join().expect("what goes wrong in a run is caught")
    })
}
