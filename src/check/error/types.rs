use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// Values that do not fit where they stand, and arguments that do not fit what they are given to.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum TypeError {
    /// A value of the wrong type.
    #[error("{what} must be {wanted}, and this is {given}")]
    #[diagnostic(code(check::wrong_type))]
    WrongType {
        /// What it is for: `` `limit` ``, `a condition`.
        what: String,
        /// With its article.
        wanted: String,
        /// With its article.
        given: String,
        /// Where.
        #[label("{given}")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A constant text that cannot be read as what is wanted.
    #[error("{what} must be {wanted}, and `{text}` is not")]
    #[diagnostic(code(check::wrong_type))]
    BadValue {
        /// What it is for.
        what: String,
        /// With its article.
        wanted: String,
        /// As written.
        text: String,
        /// Where.
        #[label("not {wanted}")]
        at: Span,
        /// What was meant.
        #[help]
        help: Option<String>,
    },

    /// Two values that cannot be compared.
    #[error("{left} and {right} cannot be compared by `{operator}`")]
    #[diagnostic(code(check::wrong_type))]
    CannotCompare {
        /// With its article.
        left: String,
        /// With its article.
        right: String,
        /// The comparing words.
        operator: &'static str,
        /// The left one.
        #[label("{left}")]
        left_at: Span,
        /// The right one.
        #[label("{right}")]
        right_at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// Two values that cannot be calculated with.
    #[error("{left} {operator} {right} means nothing")]
    #[diagnostic(code(check::wrong_type))]
    CannotCalculate {
        /// With its article.
        left: String,
        /// With its article.
        right: String,
        /// The sign.
        operator: &'static str,
        /// The left one.
        #[label("{left}")]
        left_at: Span,
        /// The right one.
        #[label("{right}")]
        right_at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A filter that cannot be used on what flows in, or is misused.
    #[error("`{filter}` cannot be used so: {why}")]
    #[diagnostic(code(check::wrong_filter))]
    WrongFilter {
        /// The filter.
        filter: String,
        /// What is wrong.
        why: String,
        /// Where.
        #[label("here")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A parameter that must be given and is not.
    #[error("{what} needs `{name}`, {says}")]
    #[diagnostic(code(check::missing_argument), help("write `{example}`"))]
    MissingArgument {
        /// `` guard `replication` ``.
        what: String,
        /// The parameter.
        name: String,
        /// What it is, with its article.
        says: String,
        /// How it would be written.
        example: String,
        /// The call.
        #[label("not given here")]
        at: Span,
        /// Its declaration.
        #[label("declared here")]
        declared: Option<Span>,
    },

    /// More arguments than parameters.
    #[error("{what} takes {takes}, and this is one too many")]
    #[diagnostic(code(check::too_many_arguments))]
    TooManyArguments {
        /// `` verb `rm-cs` ``.
        what: String,
        /// `no arguments`, `` `cs` and `force` ``.
        takes: String,
        /// The first one too many.
        #[label("too many")]
        at: Span,
        /// What to write instead.
        #[help]
        help: Option<String>,
    },

    /// A parameter that is given twice.
    #[error("`{name}` is given twice")]
    #[diagnostic(code(check::given_twice), help("keep one of the two"))]
    GivenTwice {
        /// The parameter.
        name: String,
        /// The second time.
        #[label("again here")]
        at: Span,
    },
}
