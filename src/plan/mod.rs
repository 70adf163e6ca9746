//! Program + inventory + arguments → what will be done, as a tree of steps.
//!
//! Verbs are laid out where they are called, hooks are laid out once a service; each step has
//! a number of its own. What must be measured first stays a checked expression.
//!
//! May import: `diagnostic`, `inventory`, `value`, `syntax`, `guard`, `check`, `evaluate`.

mod build;
mod error;
mod order;
mod outline;
mod step;

pub use build::{build_plan, lay_out_plan};
pub use error::PlanError;
pub use order::{batches, domain_of, order_services};
pub use outline::{PathParts, describe_step, describe_test, identify_step};
pub use step::{Acting, Hooks, OnStep, Plan, SHORTEST_SECRET, Step, StepId, StepKind};
