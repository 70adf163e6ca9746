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
mod fan_out;
mod here;
mod losing;
mod measure;
mod needs;
mod options;
mod outage;
mod question;
mod require;
mod service;
mod token;
mod verb;
mod wait;
mod walk;

pub use options::{Ending, Override, RunOptions, World};
pub use walk::run_plan;
