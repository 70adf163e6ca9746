//! Plan → events: carries a plan out through the three doors of `transport`.
//!
//! The walk spawns nothing: nodes in hand are futures polled together on one thread, so a
//! simulated cluster can drive the same walk on virtual time.
//!
//! May import: `diagnostic`, `inventory`, `value`, `syntax`, `guard`, `check`, `evaluate`,
//! `plan`, `transport`, `journal`.

mod act;
mod budget;
mod cleanup;
mod decide;
mod fan_out;
mod glance;
mod here;
mod kept;
mod losing;
mod measure;
mod needs;
mod options;
mod outage;
mod question;
mod require;
mod service;
mod settle;
mod standing;
mod token;
mod trail;
mod verb;
mod wait;
mod walk;

pub use glance::{Glance, RoleGlance, glance, survey};
pub use kept::{Keeping, Went, run_kept};
pub use options::{Ending, Override, RunOptions, World};
pub use standing::Standing;
pub use token::StoppedService;
pub use trail::Trail;
pub use walk::{run_plan, run_statement};
