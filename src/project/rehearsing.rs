use super::{Project, ProjectError};
use crate::inventory::NodeSet;
use crate::plan::Plan;
use crate::rehearsal::{
    Coverage, Effort, Finding, Rehearsal, Scene, Schedule, rehearse_plan, replay_schedule,
};
use crate::run::Override;
use crate::transport::simulated::Shape;

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
    /// [`ProjectError::Given`] when no such cluster can be simulated.
    pub fn replay(
        &self,
        plan: &Plan,
        wishes: &RehearsalWishes,
        schedule: &Schedule,
    ) -> Result<(Option<Finding>, Coverage), ProjectError> {
        let shape = self.shape_to_rehearse()?;
        Ok(replay_schedule(self.scene(plan, wishes, &shape), schedule))
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
            None => Shape::of_inventory(self.inventory())
                .map_err(|error| ProjectError::Given(format!("this cluster cannot be simulated: {error}"))),
        }
    }
}
