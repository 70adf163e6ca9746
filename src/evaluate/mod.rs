//! Expressions, conditions and guards over measured facts → values and verdicts.
//!
//! Nothing here looks at the world. When a probe's answer is needed and not there yet,
//! evaluation stops with [`Stop::Need`]; whoever runs it has the probe answered, puts the
//! answer into [`Measured`] and evaluates again. So a run, a rehearsal and a test decide alike.
//!
//! May import: `diagnostic`, `inventory`, `value`, `syntax`, `library`, `guard`, `check`.

mod arguments;
mod arithmetic;
mod compare;
mod condition;
mod context;
mod describe;
mod error;
mod expression;
mod fact;
mod guard;
mod measured;
mod nodes;
mod pipeline;
mod probe;
mod text;

pub use context::{Context, Frame, Groups, Mask, Place, Scope};
pub use describe::{describe, describe_nodes, describe_quantifier};
pub use error::EvaluateError;
pub use measured::{Ask, Measured, Memo, Reply, Stop};
pub use probe::gather;
