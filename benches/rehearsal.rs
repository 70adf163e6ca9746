//! Rehearsals of the shipped runbooks: how long all single faults take, and all pairs of a short one.
//!
//! The floor is what as many runs without a fault would take, each from its beginning to its end,
//! on as many processors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quorate::plan::Plan;
use quorate::project::{InventoryChoice, Project, RehearsalWishes};
use quorate::rehearsal::{Effort, Rehearsal};

/// The same as in `quorate` itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many unbroken runs the floor is taken from.
const FLOOR_RUNS: u32 = 20;

/// A runbook, its parameters, and how many faults at once.
struct Case {
    script: &'static str,
    given: &'static [(&'static str, &'static str)],
    shape: Option<&'static str>,
    faults: usize,
}

const READABLE: &[(&str, &str)] = &[
    ("cs", "1027"),
    ("mount", "/pstorage/pcs1-cs1"),
    ("disk", "readable"),
];

const CASES: [Case; 6] = [
    Case {
        script: "replace-cs-disk",
        given: READABLE,
        shape: None,
        faults: 1,
    },
    Case {
        script: "replace-cs-disk",
        given: READABLE,
        shape: None,
        faults: 2,
    },
    Case {
        script: "take-node-down",
        given: &[("target", "node2"), ("away", "1h"), ("reason", "memory")],
        shape: None,
        faults: 1,
    },
    Case {
        script: "update-nodes",
        given: &[],
        shape: Some("tests/clusters/updates_wait.toml"),
        faults: 1,
    },
    Case {
        script: "network-maintenance",
        given: &[],
        shape: None,
        faults: 1,
    },
    Case {
        script: "redeploy-cluster",
        given: &[("helper", "node6"), ("password", "secret")],
        shape: None,
        faults: 1,
    },
];

fn main() {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    println!(
        "{:<24} {:>6} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "", "faults", "runs", "steps", "time", "steps/s", "floor"
    );
    for case in CASES {
        if !wanted.is_empty() && !wanted.iter().any(|word| case.script.contains(word.as_str())) {
            continue;
        }
        let (project, plan) = open(&case);
        let began = Instant::now();
        for _ in 0..FLOOR_RUNS {
            rehearse(&project, &plan, 0, 1);
        }
        let alone = began.elapsed() / FLOOR_RUNS;
        let began = Instant::now();
        let rehearsal = rehearse(&project, &plan, case.faults, workers);
        let took = began.elapsed();
        let coverage = &rehearsal.coverage;
        let floor = alone.mul_f64(coverage.runs as f64 / workers as f64);
        println!(
            "{:<24} {:>6} {:>8} {:>9} {:>8.1}s {:>9.0} {:>8.1}s",
            case.script,
            case.faults,
            coverage.runs,
            coverage.steps,
            seconds(took),
            coverage.steps as f64 / seconds(took),
            seconds(floor),
        );
    }
}

fn seconds(length: Duration) -> f64 {
    length.as_secs_f64()
}

fn open(case: &Case) -> (Project, Plan) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("scripts").join(format!("{}.runbook", case.script));
    let choice = InventoryChoice::Simulated(case.shape.map(PathBuf::from));
    let (project, problems) = Project::open(&file, &choice).expect("a shipped runbook can be read");
    assert!(!problems.has_errors(), "{}", project.render_plain(&problems));
    let given = case
        .given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let plan = project.plan(&given.collect::<BTreeMap<String, String>>());
    (project, plan.expect("the parameters fit"))
}

fn rehearse(project: &Project, plan: &Plan, faults: usize, workers: usize) -> Rehearsal {
    let effort = Effort {
        faults,
        seed: 1,
        time: None,
        workers,
    };
    let wishes = RehearsalWishes::default();
    let rehearsal = project.rehearse(plan, &wishes, &effort, &|_, _| {});
    let rehearsal = rehearsal.expect("the built-in cluster can be simulated");
    assert!(
        rehearsal.findings.is_empty(),
        "{} has findings",
        plan.program.title.as_deref().unwrap_or_default()
    );
    rehearsal
}
