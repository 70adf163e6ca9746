//! Tree → program: names, types, effects and safety are settled here, before anything runs.
//!
//! Only `check` makes a [`Program`], so whoever holds one need not doubt its names and types.
//!
//! May import: `diagnostic`, `inventory`, `value`, `syntax`, `library`, `guard`.

mod error;
mod program;

pub use error::CheckError;
pub use program::{
    Constant, FactDefinition, GuardDefinition, Members, Membership, Module, Need, ParameterDefinition,
    Program, ServiceDefinition, VerbDefinition,
};
