//! What a guard decides, and what a role can lose.
//!
//! A guard judges and never looks: others measure the facts it names and hand them over.
//! So the checker, a run, a rehearsal and a test get the same answer.
//!
//! May import: `diagnostic`, `inventory`, `value`.

mod budget;
mod holding;
mod verdict;

pub use budget::{Budget, Loss};
pub use holding::{Holding, Look};
pub use verdict::Verdict;
