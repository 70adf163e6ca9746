//! Rehearsal: the same run again and again on a simulated cluster, each time with something else
//! going wrong, and what must never come of it.
//!
//! A run is the real one: the same plan, the same walk, the same journal and the same resume. What
//! it goes through are *points*: each command, probe and question, counted in the order in which
//! they come. A *schedule* says at which of them what goes wrong, and so names a run for good.
//!
//! May import: `diagnostic`, `inventory`, `value`, `evaluate`, `plan`, `transport`, `journal`, `run`.

mod alone;
mod attempt;
mod coverage;
mod elsewhere;
mod ending;
mod error;
mod explore;
mod fault_plan;
mod finding;
mod invariant;
mod place;
mod promised;
mod seen;
mod shrink;
mod stage;
mod story;
mod trunk;

pub use attempt::Scene;
pub use coverage::Coverage;
pub use error::RehearsalError;
pub use explore::{Effort, Rehearsal, Replay, rehearse_plan, replay_schedule};
pub use fault_plan::{Mishap, Planned, Schedule, ScheduleError};
pub use finding::{Finding, Line};
pub use invariant::Promise;
pub use story::{describe_coverage, tell_finding, write_coverage_json, write_finding_json};
#[cfg(test)]
pub(crate) use trunk::compare_with_trunk;
