//! What the journal costs: time with 64 real hosts side by side, syncs for a step, and bytes for
//! 10,000 steps. Runs with and without a journal take turns; medians are compared.

#[expect(dead_code, reason = "the comparison with other tools uses the rest of it")]
#[path = "ssh/server.rs"]
mod server;

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use quorate::journal::{Event, Journal, Opening, Recorder, RunJournal};
use quorate::plan::Plan;
use quorate::project::{InventoryChoice, Project, Setting, Ways};
use quorate::run::{Keeping, RunOptions, Went, World, run_kept};
use quorate::transport::simulated::SimulatedCluster;
use quorate::transport::{Answers, Terminal};
use server::Server;

/// How many hosts work side by side.
const HOSTS: usize = 64;
/// How many steps a small run has.
const STEPS: usize = 10;
/// How many steps a long run has.
const MANY_STEPS: usize = 10_000;
/// How often each way has its turn.
const ROUNDS: usize = 15;

/// Forgets events.
struct Nobody;

impl Recorder for Nobody {
    fn record(&mut self, _event: &Event) {}
}

fn main() {
    compare_times();
    count_syncs_and_bytes();
}

fn open_journal(folder: &Path, run: &str) -> RunJournal {
    let journal = Journal::open(folder).expect("the journal is made");
    let opening = Opening {
        run: run.to_owned(),
        ..Opening::default()
    };
    journal.begin(opening).expect("the run is opened")
}

/// The time of a run on 64 hosts, with and without a journal.
fn compare_times() {
    let server = Server::start("MaxStartups 200\n", HOSTS);
    let folder = tempfile::tempdir().expect("a folder");
    let mut inventory = "name = \"bench\"\n[groups]\nall = \"".to_owned();
    inventory.push_str(&server.hosts(HOSTS).join(","));
    // All of these hosts are one machine, with one place for the maintenance lock.
    let _ = writeln!(inventory, "\"\nquorate_lock = \"{}\"", server.hosts(HOSTS)[0]);
    let mut runbook = "runbook bench\n".to_owned();
    for number in 0..STEPS {
        let _ = writeln!(runbook, "on all in parallel < run \"true {number}\" >");
    }
    let (file, script) = (
        folder.path().join("cluster.toml"),
        folder.path().join("a.runbook"),
    );
    fs::write(&file, inventory).expect("it can be written");
    fs::write(&script, runbook).expect("it can be written");
    let (project, problems) =
        Project::open(&script, &InventoryChoice::File(file)).expect("the files are there");
    assert!(!problems.has_errors(), "{}", project.render_plain(&problems));
    let plan = project.plan(&Default::default()).expect("it has no parameters");
    let journal_folder = folder.path().join("journal");
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let journal = Rc::new(RefCell::new(open_journal(&journal_folder, &round.to_string())));
        let kept = time_run(&project, &plan, &server, Some(journal));
        let plain = time_run(&project, &plan, &server, None);
        // The first round only warms up.
        if round > 0 {
            with.push(kept);
            without.push(plain);
        }
    }
    let (with, without) = (median(&mut with), median(&mut without));
    println!(
        "{STEPS} commands on {HOSTS} hosts: {:.0} ms with a journal, {:.0} ms without: {:+.1} %",
        with.as_secs_f64() * 1e3,
        without.as_secs_f64() * 1e3,
        (with.as_secs_f64() / without.as_secs_f64() - 1.0) * 100.0
    );
}

fn time_run(
    project: &Project,
    plan: &Plan,
    server: &Server,
    kept: Option<Rc<RefCell<RunJournal>>>,
) -> Duration {
    server.wait_until_idle();
    let setting = Setting {
        answers: Answers::default(),
        ways: Ways {
            config: Some(server.client_configuration().display().to_string()),
            ..Ways::default()
        },
        terminal: Terminal::new(None),
        listener: None,
        output_folder: None,
        kept: kept.clone(),
        may_pass_over: false,
        overridden: Vec::new(),
        lock: Default::default(),
    };
    let options = RunOptions {
        fan_out: HOSTS,
        ..RunOptions::default()
    };
    let began = Instant::now();
    let ending = project
        .run(plan, &options, &setting, &mut Nobody)
        .expect("it begins");
    assert_eq!(ending.exit_code, 0, "{:?}", ending.trouble);
    if let Some(journal) = kept {
        journal.borrow_mut().commit(true).expect("it can be written");
    }
    began.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A run of 10,000 steps on the simulated cluster: how often it is synced, and what its journal takes.
fn count_syncs_and_bytes() {
    let mut runbook = "runbook bench\non node1 <\n".to_owned();
    for number in 0..MANY_STEPS {
        let _ = writeln!(runbook, "  run \"echo step number {number} has been done now\"");
    }
    runbook.push_str(">\n");
    let folder = tempfile::tempdir().expect("a folder");
    let mut project = Project::simulated();
    let problems = project.check_text("bench.runbook", &runbook);
    assert!(!problems.has_errors(), "{}", project.render_plain(&problems));
    let plan = project.plan(&Default::default()).expect("it has no parameters");
    let cluster = SimulatedCluster::from_default();
    let (transport, clock, person) = (cluster.transport(), cluster.clock(), Answers::default());
    let world = World {
        transport: &transport,
        clock: &clock,
        person: &person,
    };
    let (syncs, writes) = (Cell::new(0), Cell::new(0));
    let written = |is_synced: bool| {
        writes.set(writes.get() + 1);
        syncs.set(syncs.get() + usize::from(is_synced));
    };
    let journal = RefCell::new(open_journal(folder.path(), "run"));
    let keeping = Keeping {
        journal: &journal,
        sources: project.sources(),
        may_pass_over: false,
        overridden: &[],
        watch: Some(&written),
    };
    let options = RunOptions::default();
    let began = Instant::now();
    let went = cluster.block_on(run_kept(&plan, world, &options, keeping, &mut Nobody));
    assert!(
        matches!(&went, Ok(Went::Ended(ending)) if ending.exit_code == 0),
        "{went:?}"
    );
    let took = began.elapsed();
    journal.into_inner().close().expect("it can be written");
    let size = fs::metadata(folder.path().join("journal.db"))
        .expect("it is there")
        .len();
    println!(
        "{MANY_STEPS} steps: {} syncs, {} writings, {:.1} MB, {:.2} ms a step",
        syncs.get(),
        writes.get(),
        size as f64 / 1e6,
        took.as_secs_f64() * 1e3 / MANY_STEPS as f64
    );
}
