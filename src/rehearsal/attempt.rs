//! One run of a schedule, from its beginning to its end, and the resume after it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::alone::Alone;
use super::ending::{judge_done, judge_ending};
use super::fault_plan::{Point, Schedule};
use super::invariant::{Broken, Cause, Promise};
use super::promised::Promised;
use super::seen::{Listener, Seen};
use super::stage::{Act, Cut, Known, Stage};
use super::trunk::Trunk;
use crate::diagnostic::SourceMap;
use crate::evaluate::Memo;
use crate::inventory::NodeSet;
use crate::journal::{Entry, Event, MemoryPages, Pages, Resumption};
use crate::plan::Plan;
use crate::run::{Ending, Keeping, Override, RunOptions, Trail, Went, World, run_kept};
use crate::transport::Clock;
use crate::transport::simulated::{Inspection, SimulatedCluster};

/// How long it takes until somebody resumes a run.
const PAUSE: Duration = Duration::from_secs(3600);
/// How often a run is taken up again before that is called endless.
const MOST_RESUMES: usize = 4;

/// What is rehearsed: the same for all attempts.
#[derive(Clone, Copy)]
pub struct Scene<'s> {
    /// What is carried out.
    pub plan: &'s Plan,
    /// The texts that places are looked up in.
    pub sources: &'s SourceMap,
    /// Only these nodes are acted on.
    pub limit: Option<&'s NodeSet>,
    /// Guards and findings that are overridden.
    pub overrides: &'s [Override],
    /// The shape of the cluster.
    pub shape: &'s crate::transport::simulated::Shape,
}

impl Scene<'_> {
    fn options(&self, memo: &Rc<Memo>, trail: Option<&Rc<Trail>>) -> RunOptions {
        RunOptions {
            memo: Some(Rc::clone(memo)),
            trail: trail.cloned(),
            limit: self.limit.cloned(),
            overrides: self.overrides.to_vec(),
            ..RunOptions::default()
        }
    }

    /// What the attempts of a worker begin with.
    pub(super) fn start(&self) -> Start {
        let cluster = SimulatedCluster::new(self.shape.clone());
        cluster.learn(&self.plan.program, &self.plan.inventory);
        Start {
            promised: Promised::all_of(self.plan, &cluster),
            untouched: Alone::new(&cluster),
            cluster,
            memo: Rc::default(),
            trunk: None,
        }
    }

    /// The same, with what they share of the unbroken run.
    pub(super) fn start_with_trunk(self) -> Start {
        let mut start = self.start();
        start.trunk = Trunk::grow(self, &start);
        start
    }
}

/// What all attempts of one worker begin with.
pub(super) struct Start {
    pub cluster: SimulatedCluster,
    /// The same with no run at all.
    pub untouched: Alone,
    /// What the runbook promises.
    pub promised: Vec<Promised>,
    memo: Rc<Memo>,
    /// What they share of the unbroken run.
    pub trunk: Option<Trunk>,
}

impl Start {
    fn trail(&self) -> Option<&Rc<Trail>> {
        self.trunk.as_ref().map(|trunk| &trunk.trail)
    }
}

/// What came of one run.
#[derive(Debug)]
pub(super) struct Attempt {
    pub schedule: Schedule,
    pub points: Vec<Point>,
    /// How many commands, probes and questions, with those of its resumes.
    pub steps: usize,
    pub events: Vec<Event>,
    pub broken: Option<Broken>,
    /// The exit code of the run, unless it was cut.
    pub exit_code: Option<u8>,
    /// Whether it came to where all that can come is known.
    pub is_joined: bool,
    pub assumed: BTreeSet<String>,
    /// Promises of the runbook that have not held at any time.
    pub never_held: Vec<String>,
    pub done: BTreeMap<Act, Vec<usize>>,
    /// The cluster where the promise broke, or at the end.
    pub cluster: Inspection,
}

/// How the unbroken run ended, which a resume of one that was killed has to come to as well.
#[derive(Debug, Clone)]
pub(super) struct Unbroken {
    pub exit_code: u8,
    pub done: BTreeMap<Act, Vec<usize>>,
}

impl Unbroken {
    /// Whether an act was done more often than in the unbroken run, if it is `count` times up to where
    /// that run comes to the point `joined_at`.
    fn is_exceeded(&self, act: &Act, count: usize, joined_at: usize) -> bool {
        let points = self.done.get(act).map(Vec::as_slice).unwrap_or_default();
        count > points.iter().filter(|point| **point < joined_at).count()
    }
}

/// Carries out one schedule.
pub(super) fn attempt(
    scene: Scene<'_>,
    start: &Start,
    schedule: &Schedule,
    unbroken: Option<&Unbroken>,
    known: Known<'_>,
) -> Attempt {
    let listener = Listener::default();
    let seen = Rc::clone(&listener.0);
    let (stage, pages) = set_out(start, schedule, known, &seen);
    let pages = RefCell::new(pages);
    let mut broken = None;
    let trail = start.trail();
    let first = walk((scene, start), trail, &stage, &pages, listener.clone());
    let mut exit_code = None;
    match &first {
        Walked::Ended(ending) => exit_code = Some(ending.exit_code),
        Walked::Cut(Cut::Joined | Cut::Known | Cut::Killed) => {}
        other => broken = Some(stage_broken(&stage, Promise::End, other.describe())),
    }
    stage.look(Cause::Time);
    if let Walked::Ended(_) = first {
        stage.look_after(stage.now());
    }
    let is_joined = matches!(first, Walked::Cut(Cut::Joined | Cut::Known));
    let judged = stage.judge.borrow().broken.clone();
    broken = broken.or(judged);
    if let (None, Walked::Ended(ending)) = (&broken, &first) {
        broken = judge_ending(ending, &seen.borrow().events, start, &stage);
    }
    let is_over = is_joined || exit_code == Some(0);
    if let (None, false, Some(unbroken)) = (&broken, is_over, unbroken) {
        stage.let_finish();
        broken = resume((scene, start), &stage, &pages, &listener, unbroken);
    }

    if let (None, Some(good)) = (&broken, known.good) {
        let passed = stage.passed.take();
        good.write().expect("no worker fails").extend(passed);
    }
    let cluster = match &broken {
        Some(broken) => broken.cluster.clone(),
        None => stage.cluster.inspect(),
    };
    let judge = stage.judge.borrow();
    let never_held = judge.never_held(&start.promised);
    let events = std::mem::take(&mut seen.borrow_mut().events);
    let points = stage.points.take();
    Attempt {
        schedule: schedule.as_it_came(&points),
        points,
        steps: stage.steps.get(),
        events,
        broken,
        exit_code,
        is_joined,
        never_held: never_held.map(ToOwned::to_owned).collect(),
        assumed: stage.assumed.take(),
        done: stage.done.take(),
        cluster,
    }
}

/// Where a run begins: as far along the unbroken one as it is like that.
fn set_out<'s>(
    start: &'s Start,
    schedule: &'s Schedule,
    known: Known<'s>,
    seen: &Rc<RefCell<Seen>>,
) -> (Stage<'s>, MemoryPages) {
    let stage = |cluster| Stage::new(cluster, schedule, &start.promised, known, seen);
    let trunk = start.trunk.as_ref();
    match trunk.and_then(|trunk| Some((trunk, trunk.last_before(schedule.first())?))) {
        Some((trunk, (checkpoint, pages))) => {
            let stage = stage(checkpoint.cluster());
            stage.begin_at(checkpoint, &trunk.course);
            (stage, pages.clone())
        }
        None => (stage(start.cluster.fork()), MemoryPages::default()),
    }
}

/// How a walk ended.
#[derive(Debug)]
pub(super) enum Walked {
    Ended(Ending),
    Hindered(Went),
    Cut(Cut),
    WaitsForNothing,
    Failed(String),
}

impl Walked {
    fn describe(&self) -> String {
        match self {
            Walked::Ended(ending) => format!("it ended with {}", ending.exit_code),
            Walked::Hindered(Went::StillUnknown(acts)) => {
                let acts: Vec<&str> = acts.iter().map(|act| act.request.as_str()).collect();
                format!("nobody knows whether this was done: {}", acts.join("; "))
            }
            Walked::Hindered(Went::Diverged(acts)) => {
                format!("it does not come to what was done: {}", acts.join("; "))
            }
            Walked::Hindered(Went::Ended(_)) => String::new(),
            Walked::Cut(Cut::Endless) => "it goes on for ever".to_owned(),
            Walked::Cut(_) => "it was cut".to_owned(),
            Walked::WaitsForNothing => "it waits for nothing that could ever happen".to_owned(),
            Walked::Failed(why) => format!("quorate itself failed: {why}"),
        }
    }
}

/// Carries the runbook out, or takes it up again.
pub(super) fn walk(
    (scene, start): (Scene<'_>, &Start),
    trail: Option<&Rc<Trail>>,
    stage: &Stage<'_>,
    pages: &RefCell<MemoryPages>,
    mut listener: Listener,
) -> Walked {
    let world = World {
        transport: stage,
        clock: stage,
        person: stage,
    };
    let keeping = Keeping {
        journal: pages,
        sources: scene.sources,
        may_pass_over: false,
        overridden: &[],
        watch: None,
    };
    let options = scene.options(&start.memo, trail);
    let going = async {
        let mut walk = pin!(run_kept(scene.plan, world, &options, keeping, &mut listener));
        poll_fn(|context| {
            let polled = walk.as_mut().poll(context);
            match (stage.cut.get(), polled) {
                (Some(cut), _) => Poll::Ready(Walked::Cut(cut)),
                (None, Poll::Pending) => Poll::Pending,
                (None, Poll::Ready(Ok(Went::Ended(ending)))) => Poll::Ready(Walked::Ended(ending)),
                (None, Poll::Ready(Ok(went))) => Poll::Ready(Walked::Hindered(went)),
                (None, Poll::Ready(Err(error))) => Poll::Ready(Walked::Failed(error.to_string())),
            }
        })
        .await
    };
    match catch_unwind(AssertUnwindSafe(|| stage.cluster.try_block_on(going))) {
        Ok(Ok(walked)) => walked,
        Ok(Err(_)) => Walked::WaitsForNothing,
        Err(panic) => {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Walked::Failed(why.unwrap_or_default())
        }
    }
}

pub(super) fn stage_broken(stage: &Stage<'_>, promise: Promise, why: String) -> Broken {
    Broken {
        promise,
        progress: stage.progress(),
        why,
        cluster: stage.cluster.inspect(),
    }
}

/// Takes the run up again once what went wrong is repaired, as far as that goes.
fn resume(
    scene: (Scene<'_>, &Start),
    stage: &Stage<'_>,
    pages: &RefCell<MemoryPages>,
    listener: &Listener,
    unbroken: &Unbroken,
) -> Option<Broken> {
    let wrong = |why: String| Some(stage_broken(stage, Promise::Resume, why));
    stage.heal(PAUSE);
    let mut walked = None;
    for _ in 0..MOST_RESUMES {
        listener.0.borrow_mut().begin_anew();
        stage.resumes.set(stage.resumes.get() + 1);
        pages.borrow_mut().push(&Entry::Resumed(Resumption::default()));
        let last = walk(scene, scene.1.trail(), stage, pages, listener.clone());
        let is_open = matches!(&last, Walked::Hindered(Went::StillUnknown(_)));
        walked = Some(last);
        if !is_open {
            break;
        }
    }
    stage.look(Cause::Time);
    if let Some(Walked::Ended(_)) = walked {
        stage.look_after(stage.now());
    }
    if let Some(broken) = stage.judge.borrow().broken.clone() {
        return Some(broken);
    }
    if let Some(Walked::Ended(ending)) = &walked
        && let Some(broken) = judge_done(ending, &listener.0.borrow().events, scene.1, stage)
    {
        return Some(broken);
    }
    let done = stage.done.borrow();
    let twice = || {
        let joined_at = stage.joined_at.get().unwrap_or(usize::MAX);
        let mut all = done.iter();
        let twice = all.find(|(act, points)| unbroken.is_exceeded(act, points.len(), joined_at));
        twice.and_then(|(act, _)| wrong(format!("`{}` is done once more", act.command)))
    };
    match walked? {
        Walked::Cut(Cut::Joined) if stage.is_only_killed() => twice(),
        Walked::Cut(Cut::Joined | Cut::Known) => None,
        // What it printed is lost, so that there is no way on but to do it again.
        Walked::Hindered(Went::StillUnknown(acts)) if acts.iter().all(|act| act.why.contains("is lost")) => {
            None
        }
        Walked::Ended(ending) => {
            if stage.is_only_killed() {
                if ending.exit_code != unbroken.exit_code {
                    return wrong(describe_end(&ending, unbroken.exit_code));
                }
                return twice();
            }
            None
        }
        other => wrong(other.describe()),
    }
}

fn describe_end(ending: &Ending, expected: u8) -> String {
    let why = ending
        .trouble
        .as_ref()
        .map_or("", |trouble| trouble.message.as_str());
    format!("it ends with {} instead of {expected}: {why}", ending.exit_code)
}
