use std::sync::Arc;

use super::ways::open_runtime;
use super::{Project, ProjectError, Ways};
use crate::inventory::NodeSet;
use crate::plan::Plan;
use crate::rehearsal::{
    Coverage, Effort, Finding, Rehearsal, Scene, Schedule, rehearse_plan, replay_schedule,
};
use crate::run::{Override, RunOptions, World, survey};
use crate::transport::simulated::{Shape, Sight};
use crate::transport::{Answers, ShapeError, SshTransport, SystemClock, Tee, Terminal};

/// Begins each line that tells what could not be seen.
pub const NOT_SEEN: &str = "# Not seen, and as in the built-in cluster:";

/// What is rehearsed beside the plan.
#[derive(Debug, Clone, Default)]
pub struct RehearsalWishes {
    /// Only these nodes are acted on.
    pub limit: Option<NodeSet>,
    /// Guards and findings that are overridden.
    pub overrides: Vec<Override>,
}

impl Project {
    /// Rehearses a plan on a simulated cluster: that of the project, or one with the nodes and the
    /// roles of its inventory.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Given`] when no such cluster can be simulated.
    pub fn rehearse(
        &self,
        plan: &Plan,
        wishes: &RehearsalWishes,
        effort: &Effort,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Rehearsal, ProjectError> {
        let shape = self.shape_to_rehearse()?;
        Ok(rehearse_plan(self.scene(plan, wishes, &shape), effort, progress))
    }

    /// Carries out one schedule of a rehearsal: what it breaks, and what was gone through.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Given`] when no such cluster can be simulated, or the run does not come that far.
    pub fn replay(
        &self,
        plan: &Plan,
        wishes: &RehearsalWishes,
        schedule: &Schedule,
    ) -> Result<(Vec<Finding>, Coverage), ProjectError> {
        let shape = self.shape_to_rehearse()?;
        let replay = replay_schedule(self.scene(plan, wishes, &shape), schedule);
        let (last, count) = (schedule.last(), replay.coverage.points);
        if last > count {
            return Err(ProjectError::Given(format!(
                "this run has {count} points, and none of the number {last}; the schedule is of another runbook, \
                 or of an earlier state of it"
            )));
        }
        if let Some((planned, what)) = &replay.misfit {
            return Err(ProjectError::Given(format!(
                "`{}` cannot happen at point {}, {what}; the schedule is of another runbook, or of an earlier \
                 state of it",
                planned.mishap.word(),
                planned.point
            )));
        }
        Ok((replay.findings, replay.coverage))
    }

    /// Looks at the real cluster and gives the shape of a simulated one that begins as it is now, to be
    /// read by [`Shape::read`].
    ///
    /// # Errors
    ///
    /// [`ProjectError::Given`] when no node answers, or no such cluster can be simulated.
    ///
    /// # Panics
    ///
    /// When the script does not check; see [`Project::program`].
    pub fn survey(&self, ways: &Ways, terminal: &Terminal) -> Result<String, ProjectError> {
        let program = self.program().cloned();
        let plan = Plan::of_nothing(
            program.expect("only a script that checks is rehearsed"),
            self.inventory().clone(),
        );
        let runtime = open_runtime()?;
        let tee = Arc::new(Tee::new(None, None, std::iter::empty()));
        let options = ways.over(&plan.inventory.ssh, terminal, tee);
        let (transport, clock) = (
            SshTransport::new(plan.inventory.clone(), options),
            SystemClock::new(),
        );
        let nobody = Answers::default();
        let world = World {
            transport: &transport,
            clock: &clock,
            person: &nobody,
        };
        let sight = runtime.block_on(async {
            let sight = survey(&plan, world, &RunOptions::default(), &Shape::SEEN_BY).await;
            transport.close().await;
            sight
        });
        runtime.shutdown_background();
        let inventory = self.inventory();
        if sight.silent.len() == inventory.nodes().count() {
            let name = &inventory.name;
            return Err(ProjectError::Given(format!(
                "no node of {name} answers, so that nothing can be seen of it"
            )));
        }
        let shape = Shape::as_seen(inventory, &sight).map_err(not_simulated)?;
        Ok(write_seen(&inventory.name, &shape, &sight))
    }

    fn scene<'s>(&'s self, plan: &'s Plan, wishes: &'s RehearsalWishes, shape: &'s Shape) -> Scene<'s> {
        Scene {
            plan,
            sources: self.sources(),
            limit: wishes.limit.as_ref(),
            overrides: &wishes.overrides,
            shape,
        }
    }

    fn shape_to_rehearse(&self) -> Result<Shape, ProjectError> {
        match self.shape() {
            Some(shape) => Ok(shape.clone()),
            None => Shape::of_inventory(self.inventory()).map_err(not_simulated),
        }
    }
}

/// A shape, and above it what it is and what could not be seen for it.
fn write_seen(cluster: &str, shape: &Shape, sight: &Sight) -> String {
    let mut text = format!("# How {cluster} was seen; a simulated cluster of this shape begins so.\n");
    for (fact, why) in sight.unseen() {
        let why = why.replace('\n', " ");
        text.push_str(&format!("{NOT_SEEN} {fact}: {why}\n"));
    }
    text.push_str(&shape.write());
    text
}

fn not_simulated(error: ShapeError) -> ProjectError {
    ProjectError::Given(format!("this cluster cannot be simulated: {error}"))
}
