//! The promises that a runbook states itself.

use std::time::Duration;

use super::seen::Listener;
use crate::plan::{Plan, Step, describe_step};
use crate::run::{RunOptions, World, run_plan};
use crate::transport::simulated::SimulatedCluster;
use crate::transport::{Answers, Clock};

/// A promise of a runbook, as a plan that asks nothing but its guard.
#[derive(Debug)]
pub(super) struct Promised {
    plan: Plan,
    /// The guard, as it is written.
    pub guard: String,
    /// Whether it holds before the run.
    pub holds_at_first: bool,
}

impl Promised {
    /// The promises of a plan, on the cluster that it begins with.
    pub fn all_of(plan: &Plan, cluster: &SimulatedCluster) -> Vec<Promised> {
        let promises = plan.promises.iter().map(|step| {
            let mut promised = Promised {
                guard: describe_promise(step),
                plan: Plan {
                    steps: vec![step.clone()],
                    ..plan.clone()
                },
                holds_at_first: false,
            };
            promised.holds_at_first = promised.ask(cluster, Duration::ZERO).is_none();
            promised
        });
        promises.collect()
    }

    /// Why it does not hold on a cluster that is left alone for so long; none where it holds.
    pub fn ask(&self, cluster: &SimulatedCluster, after: Duration) -> Option<String> {
        let other = cluster.fork();
        let (transport, clock, person) = (other.transport(), other.clock(), Answers::default());
        let world = World {
            transport: &transport,
            clock: &clock,
            person: &person,
        };
        let options = RunOptions::default();
        let mut listener = Listener::default();
        let ending = other.block_on(async {
            clock.sleep(after).await;
            run_plan(&self.plan, world, &options, &mut listener).await
        });
        ending.trouble.map(|trouble| trouble.message)
    }
}

/// The guard of a promise, as it is written.
pub(super) fn describe_promise(step: &Step) -> String {
    describe_step(&step.kind).replacen("require ", "", 1)
}
