mod commands;
mod effects;
mod names;
mod nodes;
mod safety;
mod services;
mod types;
mod uses;

use miette::Diagnostic;
use thiserror::Error;

pub use commands::CommandError;
pub use effects::EffectError;
pub use names::NameError;
pub use nodes::NodeError;
pub use safety::SafetyError;
pub use services::ServiceError;
pub use types::TypeError;
pub use uses::UseError;

/// What can be wrong with a script that reads well, by what it is about.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum CheckError {
    /// Names that mean nothing, two things, or what they should not.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Name(#[from] NameError),
    /// Values that do not fit where they stand, and arguments that do not fit what they are given to.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Type(#[from] TypeError),
    /// Nodes that are not in hand, or that are not there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Node(#[from] NodeError),
    /// Things that stand where they must not: acts where one only looks, statements out of their place.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Effect(#[from] EffectError),
    /// What is wrong with the declaration or the use of a service.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Service(#[from] ServiceError),
    /// What a script would do to a cluster that it must not do unasked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Safety(#[from] SafetyError),
    /// What is wrong with a text, above all with a command text.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Command(#[from] CommandError),
    /// What is wrong with the modules that a script uses.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Use(#[from] UseError),
}

impl CheckError {
    /// Whether names and types are sound all the same, so that the script could be run by
    /// somebody who says why.
    pub fn leaves_it_runnable(&self) -> bool {
        match self {
            CheckError::Name(finding) => matches!(finding, NameError::UnusedName { .. }),
            CheckError::Node(finding) => matches!(finding, NodeError::NotItsNodes { .. }),
            CheckError::Service(finding) => matches!(
                finding,
                ServiceError::GoesRoundService { .. }
                    | ServiceError::GoesRoundRoles { .. }
                    | ServiceError::SameCommand { .. }
            ),
            CheckError::Safety(_) => true,
            CheckError::Command(finding) => matches!(
                finding,
                CommandError::ForgottenDollar { .. }
                    | CommandError::HiddenStatus { .. }
                    | CommandError::FieldInText { .. }
            ),
            CheckError::Type(_) | CheckError::Effect(_) | CheckError::Use(_) => false,
        }
    }
}
