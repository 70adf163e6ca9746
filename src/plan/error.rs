use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// Why a checked program cannot be laid out as a plan.
#[derive(Debug, Error, Diagnostic, PartialEq, Eq)]
pub enum PlanError {
    /// A parameter has no value and no default.
    #[error("parameter `{name}` has no value")]
    #[diagnostic(
        code(plan::missing_parameter),
        help("give it with --set {name}=VALUE: {says}")
    )]
    MissingParameter {
        /// The parameter.
        name: String,
        /// What it is.
        says: String,
        /// Where it is declared.
        #[label("declared here, without a default")]
        at: Span,
    },
    /// `--set` names no parameter of the script.
    #[error("the script has no parameter `{name}`")]
    #[diagnostic(code(plan::unknown_parameter), help("{help}"))]
    UnknownParameter {
        /// The name given.
        name: String,
        /// What there is instead.
        help: String,
    },
    /// A value is not of the parameter's type.
    #[error("parameter `{name}`: {why}")]
    #[diagnostic(code(plan::wrong_parameter), help("the parameter is of type {kind}"))]
    WrongParameter {
        /// The parameter.
        name: String,
        /// Its type.
        kind: String,
        /// What is wrong with the value.
        why: String,
        /// Where it is declared.
        #[label("declared here")]
        at: Span,
    },
    /// Verbs call each other in a ring; the checker finds these first.
    #[error("`{name}` calls itself")]
    #[diagnostic(
        code(plan::recursion),
        help("a procedure must end: write the repetition as `retry` or `for`")
    )]
    Recursion {
        /// The verb.
        name: String,
        /// Where it is called.
        #[label("called here again")]
        at: Span,
    },
}
