//! One runbook, broken off at one point after the other.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::rc::Rc;

use quorate::journal::{Entry, Event, Journal, Opening, Resumption, RunJournal};
use quorate::run::{Keeping, Went, World, run_kept};
use quorate::transport::simulated::{Inspection, SimulatedCluster};

use crate::case::Case;
use crate::doors::{Crash, Diligent, Done, Door, Model, Points, Witness};

/// At most so many points of a run are tried, unless all are.
const SAMPLE: usize = 12;
/// Runs that hang on how much of a `within` was over when they were broken off: time stands still while
/// a run is interrupted, and that of the act in flight is not known.
const TIMED: [&str; 2] = ["within", "no_token_without_act"];
/// Runs that judge the cluster by what it looks like right after an act. When a person says that the act was not
/// done, the rest of its limit is waited for, and it looks another way then.
const AWAITED: [&str; 3] = ["replicas_urgent", "replicated", "replace_ssd_journal"];
/// Runs of a service whose own status says that it runs when it was stopped, which is believed.
const LYING: [&str; 1] = ["masked_cells"];
/// How often a run is taken up again before that is called endless.
const MOST_RESUMES: usize = 6;

/// What a run has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    exit_code: u8,
    message: String,
    state: Vec<String>,
    broken: Vec<String>,
}

/// Tries the points of a case, and tells how many.
pub fn sweep(case: &Case, model: Model) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (end, done, count) = run_whole(case, folder.path(), model)?;
    let wish = std::env::var("QUORATE_CRASH").unwrap_or_default();
    let only: Option<usize> = wish.parse().ok();
    let (start, step) = match only {
        Some(point) => (point, count),
        None if wish == "all" => (0, 1),
        None => (0, (count / SAMPLE).max(1)),
    };
    let (mut tried, mut asked, mut wrong) = (0, 0, Vec::new());
    for point in (start..count).step_by(step) {
        tried += 1;
        let found = break_off(case, folder.path(), model, point, &end, &done);
        match found {
            Ok(was_asked) => asked += usize::from(was_asked),
            Err(why) => wrong.push(format!("point {point} of {count}: {why}")),
        }
        if wrong.len() >= 3 {
            break;
        }
    }
    match wrong.is_empty() {
        true => Ok(format!(
            "{}: {tried} of {count} points, {asked} with a question that only a person can answer",
            case.name
        )),
        false => Err(wrong.join("\n")),
    }
}

type ByHand = Rc<RefCell<BTreeSet<(String, String)>>>;

/// The run that nothing breaks off: its end, what it has done, and how many points it has.
fn run_whole(case: &Case, folder: &Path, model: Model) -> Result<(End, Done, usize), String> {
    let (journal_folder, survives) = (folder.join("whole"), folder.join("whole-survives"));
    let journal = begin(&journal_folder)?;
    let points = Points::new(&journal_folder, &survives, model, None);
    let (cluster, done) = (case.cluster(), Rc::default());
    let went = walk(
        case,
        &cluster,
        journal,
        Some(&points),
        (&done, &ByHand::default()),
        false,
    )?;
    let end = describe(case, &cluster, went)?;
    let done = done.borrow().clone();
    Ok((end, done, points.passed()))
}

fn begin(folder: &Path) -> Result<RunJournal, String> {
    let journal = Journal::open(folder).map_err(|error| error.to_string())?;
    let opening = Opening {
        run: "run".to_owned(),
        ..Opening::default()
    };
    journal.begin(opening).map_err(|error| error.to_string())
}

fn walk(
    case: &Case,
    cluster: &SimulatedCluster,
    journal: RunJournal,
    points: Option<&Points>,
    (done, by_hand): (&Rc<RefCell<Done>>, &ByHand),
    tells_truth: bool,
) -> Result<Went, String> {
    let door = Door::new(cluster, points, done);
    let clock = cluster.clock();
    let witness = Witness {
        answers: case.answers.clone(),
        truth: tells_truth.then(|| Rc::clone(done)),
    };
    let person = Diligent::new(cluster.person(Box::new(witness)), by_hand);
    let world = World {
        transport: &door,
        clock: &clock,
        person: &person,
    };
    let journal = RefCell::new(journal);
    let written = |is_synced: bool| {
        if let Some(points) = points {
            points.written(is_synced);
        }
    };
    let keeping = Keeping {
        journal: &journal,
        sources: case.project.sources(),
        may_pass_over: false,
        overridden: &[],
        watch: Some(&written),
    };
    let mut events: Vec<Event> = Vec::new();
    let options = case.options();
    let going = run_kept(&case.plan, world, &options, keeping, &mut events);
    let went = catch_unwind(AssertUnwindSafe(|| cluster.block_on(going)));
    match went {
        Ok(went) => {
            let closed = journal.into_inner().close();
            closed.map_err(|error| error.to_string())?;
            went.map_err(|error| error.to_string())
        }
        Err(crash) if crash.is::<Crash>() => {
            door.let_finish();
            Err("crashed".to_owned())
        }
        Err(other) => resume_unwind(other),
    }
}

/// Breaks a run off at a point and takes it up again; whether a person had to be asked.
fn break_off(
    case: &Case,
    folder: &Path,
    model: Model,
    point: usize,
    end: &End,
    done: &Done,
) -> Result<bool, String> {
    let journal_folder = folder.join(format!("run-{point}"));
    let survives = folder.join(format!("survives-{point}"));
    let journal = begin(&journal_folder)?;
    let points = Points::new(&journal_folder, &survives, model, Some(point));
    let (cluster, found, by_hand) = (case.cluster(), Rc::default(), ByHand::default());
    match walk(case, &cluster, journal, Some(&points), (&found, &by_hand), false) {
        Err(why) if why == "crashed" => {}
        Err(why) => return Err(why),
        Ok(went) => return Err(format!("it was not broken off, but {went:?}")),
    }
    let mut was_asked = false;
    for _ in 0..MOST_RESUMES {
        let journal = Journal::open(&survives).and_then(|journal| journal.go_on("run"));
        let mut journal = journal.map_err(|error| error.to_string())?;
        journal.push(&Entry::Resumed(Resumption::default()));
        journal.commit(true).map_err(|error| error.to_string())?;
        let went = walk(case, &cluster, journal, None, (&found, &by_hand), was_asked)?;
        match went {
            Went::StillUnknown(_) if !was_asked => was_asked = true,
            // What it printed is lost, so that there is no way on but to do it again.
            Went::StillUnknown(acts) if acts.iter().all(|act| act.why.contains("is lost")) => {
                return Ok(true);
            }
            Went::Ended(_) => {
                let came = describe(case, &cluster, went)?;
                let has_waited = was_asked && AWAITED.contains(&case.name.as_str());
                if !has_waited {
                    compare_ends(case, &came, end)?;
                }
                compare_deeds(case, &found.borrow(), done)?;
                std::fs::remove_dir_all(&journal_folder).map_err(|error| error.to_string())?;
                std::fs::remove_dir_all(&survives).map_err(|error| error.to_string())?;
                return Ok(was_asked);
            }
            other => return Err(format!("{other:?}")),
        }
    }
    Err("it does not come to an end".to_owned())
}

fn compare_ends(case: &Case, came: &End, end: &End) -> Result<(), String> {
    let is_timed = TIMED.contains(&case.name.as_str());
    if !is_timed && (came.exit_code, &came.state, &came.broken) != (end.exit_code, &end.state, &end.broken) {
        let lines = |end: &End| {
            let mut lines = vec![format!("exit {}: {}", end.exit_code, end.message)];
            lines.extend(end.state.iter().chain(&end.broken).cloned());
            lines
        };
        let (came, end) = (lines(came), lines(end));
        let only = |these: &[String], those: &[String], mark: &str| -> String {
            let only = these.iter().filter(|line| !those.contains(line));
            only.map(|line| format!("\n  {mark} {line}")).collect()
        };
        return Err(format!(
            "it came to another end:{}{}",
            only(&came, &end, "+"),
            only(&end, &came, "-")
        ));
    }
    Ok(())
}

fn compare_deeds(case: &Case, found: &Done, done: &Done) -> Result<(), String> {
    let is_timed = TIMED.contains(&case.name.as_str());
    for (act, count) in found.iter().filter(|_| !is_timed) {
        let expected = done.get(act).copied().unwrap_or_default();
        if *count > expected && !LYING.contains(&case.name.as_str()) {
            return Err(format!("{act:?} went well {count} times instead of {expected}"));
        }
    }
    Ok(())
}

fn describe(case: &Case, cluster: &SimulatedCluster, went: Went) -> Result<End, String> {
    let Went::Ended(ending) = went else {
        return Err(format!("{}: {went:?}", case.name));
    };
    let inspection = cluster.inspect();
    Ok(End {
        exit_code: ending.exit_code,
        message: ending.trouble.map_or_else(String::new, |trouble| trouble.message),
        state: state(&inspection),
        broken: broken(&inspection),
    })
}

/// What each node is like in the end.
fn state(cluster: &Inspection) -> Vec<String> {
    let nodes = cluster.nodes.iter();
    let lines = nodes.map(|(name, node)| {
        let (services, mounts, installed) = (&node.services, &node.mounts, &node.installed);
        format!(
            "{name}: {services:?} mounts {mounts:?} boots {} software {installed}",
            node.boots
        )
    });
    let servers = cluster.metadata_servers.iter();
    let members = servers.map(|server| format!("mds {} on {}", server.id, server.node));
    let chunk_servers = cluster.chunk_servers.iter();
    let stores = chunk_servers.map(|server| format!("cs {} on {}", server.id, server.node));
    lines.chain(members).chain(stores).collect()
}

/// The promises of the cluster that were broken.
fn broken(cluster: &Inspection) -> Vec<String> {
    let promises = [
        ("a majority was lost", cluster.majority_lost_at.is_some()),
        ("a journal is not consistent", !cluster.journal_consistent),
        ("a master was early", cluster.master_was_early),
        ("chunks are lost", cluster.lost_chunks > 0),
        ("chunks were below the least", cluster.below_least_at.is_some()),
        ("a watchdog rebooted a node", cluster.watchdog_reboots > 0),
    ];
    let broken = promises.into_iter().filter(|(_, is_broken)| *is_broken);
    broken.map(|(words, _)| words.to_owned()).collect()
}
