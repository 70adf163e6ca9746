//! Plan → events: carries a plan out through the three doors of `transport`.
//!
//! The walk spawns nothing: nodes in hand are futures polled together on one thread, so a
//! simulated cluster can drive the same walk on virtual time.
//!
//! May import: `diagnostic`, `inventory`, `value`, `syntax`, `guard`, `check`, `evaluate`,
//! `plan`, `transport`, `journal`.

mod options;

pub use options::{Ending, Override, RunOptions, World};
