//! What a step of a run costs on the simulated cluster; time per step, not per run.

mod support;

use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use quorate::journal::{Event, Recorder};
use quorate::plan::Plan;
use quorate::run::{RunOptions, World, run_plan};
use quorate::transport::simulated::{Shape, SimulatedCluster};
use quorate::transport::{Answers, InTurn, Terminal, TerminalPerson};

/// How many times the steps of a case stand in its script.
const TIMES: usize = 250;

/// Counts events, so that telling them costs nothing.
struct Counter(usize);

impl Recorder for Counter {
    fn record(&mut self, _event: &Event) {
        self.0 += 1;
    }
}

/// Carries a plan out on a fresh cluster; the building of the cluster is not counted.
fn time_run(plan: &Plan) -> Duration {
    let cluster = SimulatedCluster::new(Shape::default());
    let (transport, clock) = (cluster.transport(), cluster.clock());
    let answers = Answers {
        yes: true,
        simulated: true,
        ..Answers::default()
    };
    let terminal = TerminalPerson {
        terminal: Terminal::new(None),
        cluster: "pcs1".to_owned(),
    };
    let person = cluster.person(Box::new(InTurn::new(answers, terminal)));
    let world = World {
        transport: &transport,
        clock: &clock,
        person: &person,
    };
    let mut counter = Counter(0);
    let began = Instant::now();
    let ending = cluster.block_on(run_plan(plan, world, &RunOptions::default(), &mut counter));
    let took = began.elapsed();
    assert_eq!(ending.exit_code, 0, "{:?}", ending.trouble);
    assert!(counter.0 > 2, "nothing was recorded");
    took
}

fn carry_out_steps(criterion: &mut Criterion) {
    let cases = [
        // what is measured, its steps, how many they are
        ("run", "  run \"true\"\n", 1),
        ("let", "  let count-@ = 2 * 3 + @\n  note \"$count-@\"\n", 2),
        ("require", "  require (7 more than 3 and \"a\" is not \"b\")\n", 1),
        (
            "run, let, note, require",
            "  let count-@ = @ + 1\n  run \"true\"\n  note \"$count-@\"\n  require ($count-@ more than 0)\n",
            4,
        ),
        ("guard over stat", "  require quorum\n", 1),
        ("four guards over stat", "  require healthy\n", 1),
    ];
    let mut group = criterion.benchmark_group("a step");
    group.sample_size(20);
    for (what, steps, step_count) in cases {
        let body: String = (0..TIMES)
            .map(|turn| steps.replace('@', &turn.to_string()))
            .collect();
        let plan = support::lay_out(&format!("runbook steps\nuse pstorage\non node1 <\n{body}>\n"));
        // The start and the end of a run belong to no step.
        let bare = support::lay_out("runbook steps\nuse pstorage\non node1 < note \"\" >\n");
        group.bench_function(what, |bencher| {
            bencher.iter_custom(|turns| {
                let sum = |plan| (0..turns).map(|_| time_run(plan)).sum::<Duration>();
                let steps = u32::try_from(TIMES * step_count).expect("so few steps can be counted");
                sum(&plan).saturating_sub(sum(&bare)) / steps
            });
        });
    }
    group.finish();
}

criterion_group!(benches, carry_out_steps);
criterion_main!(benches);
