//! The six runbooks for a storage cluster: on real hosts they come to the same as on the simulated
//! cluster alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use quorate::journal::Ledger;
use quorate::project::{InventoryChoice, Project};
use quorate::transport::simulated::{Inspection, Shape};

use crate::storage::{Done, run_on_hosts, run_simulated};

/// A command line of `tests/golden/run` for each runbook, and what is given beside: each look at a
/// host is a real command, and a service that is watched for 5m is looked at often.
const CASES: [(&str, &str); 6] = [
    ("update_nodes", "settle=1m"),
    ("take_node_down_long", ""),
    ("replace_cs_disk_readable", ""),
    ("replace_ssd_journal", ""),
    ("redeploy_cluster", ""),
    ("network_maintenance", ""),
];

/// A test for each runbook.
pub fn trials() -> Vec<Trial> {
    let trial = |(case, more): (&'static str, &'static str)| {
        Trial::test(format!("storage::{case}"), move || compare(case, more))
    };
    CASES.into_iter().map(trial).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A run as its command line tells it.
#[derive(Default)]
struct Run {
    file: PathBuf,
    shape: Option<PathBuf>,
    given: Vec<(String, String)>,
}

fn read_run(case: &str) -> Result<Run, Failed> {
    let text = std::fs::read_to_string(root().join(format!("tests/golden/run/{case}.case")))?;
    let mut run = Run::default();
    let mut words = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace);
    while let Some(word) = words.next() {
        match word {
            "run" | "--sim" | "--yes" => {}
            "--set" => {
                let pair = words.next().and_then(|word| word.split_once('='));
                let (name, value) = pair.ok_or("--set without NAME=VALUE")?;
                run.given.push((name.to_owned(), value.to_owned()));
            }
            file if file.ends_with(".toml") => run.shape = Some(root().join(file)),
            file if file.ends_with(".runbook") => run.file = root().join(file),
            other => return Err(format!("{case}: `{other}` has no meaning here").into()),
        }
    }
    Ok(run)
}

fn compare(case: &str, more: &str) -> Result<(), Failed> {
    let mut run = read_run(case)?;
    let more = more.split_once('=');
    run.given
        .extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let choice = InventoryChoice::Simulated(run.shape.clone());
    let (project, problems) = Project::open(&run.file, &choice)?;
    assert!(!problems.has_errors(), "{}", project.render_plain(&problems));
    let plan = project.plan(&run.given.iter().cloned().collect())?;
    let shape = match &run.shape {
        Some(file) => Shape::read("shape.toml", &std::fs::read_to_string(file)?)?,
        None => Shape::default(),
    };
    let expected = run_simulated(&plan, shape.clone());
    let found = run_on_hosts(&plan, shape)?;
    println!("{} commands on the hosts", found.command_count);
    assert!(found.command_count > 0, "no command went to a host");
    assert_eq!(
        found.ending.exit_code, expected.ending.exit_code,
        "{:?}",
        found.ending
    );
    assert_eq!(ledger(&found), ledger(&expected));
    assert_eq!(state(&found.cluster), state(&expected.cluster));
    Ok(())
}

/// The ledger but for times: a real host does not take those of a simulated one.
fn ledger(done: &Done) -> Ledger {
    let mut ledger = Ledger::of(&done.events);
    ledger.took = Duration::ZERO;
    for outage in &mut ledger.outages {
        outage.since = Duration::ZERO;
        outage.lasted = outage.lasted.map(|_| Duration::ZERO);
    }
    ledger
}

/// What each node is like in the end.
fn state(cluster: &Inspection) -> Vec<String> {
    let nodes = cluster.nodes.iter();
    let lines = nodes.map(|(name, node)| {
        let (services, boots, installed) = (&node.services, node.boots, &node.installed);
        format!("{name}: {services:?} boots {boots} software {installed}")
    });
    lines.collect()
}
