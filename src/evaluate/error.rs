use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// Why something could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum EvaluateError {
    /// A value is unknown where a sure one is needed.
    #[error("{what} cannot be measured: {why}")]
    #[diagnostic(
        code(evaluate::unknown),
        help("see why it cannot be measured, then run the step again")
    )]
    Unknown {
        /// What was asked for.
        what: String,
        /// Why it is unknown.
        why: String,
        /// Where it is used.
        #[label("needed here")]
        at: Span,
    },
    /// A value is of the wrong kind; the checker finds most of these.
    #[error("{found} is not {wanted}")]
    #[diagnostic(code(evaluate::wrong_kind))]
    WrongKind {
        /// The value.
        found: String,
        /// What was expected, with its article.
        wanted: String,
        /// Where it is used.
        #[label("used here")]
        at: Span,
    },
    /// A `fail` among what is measured.
    #[error("{why}")]
    #[diagnostic(code(evaluate::said))]
    Said {
        /// What it says.
        why: String,
        /// Where it stands.
        #[label("said here")]
        at: Span,
    },
    /// A filter could not do its work.
    #[error("{why}")]
    #[diagnostic(code(evaluate::filter))]
    Filter {
        /// The filter.
        filter: String,
        /// What it says.
        why: String,
        /// What it looked at, or what to write.
        #[help]
        help: Option<String>,
        /// Where it stands.
        #[label("this filter")]
        at: Span,
    },
    /// The table that was read is not the one that a fact declares.
    #[error(
        "fact `{fact}` wants the columns {wanted}, and the output has none of them: its header is {found}"
    )]
    #[diagnostic(
        code(evaluate::other_columns),
        help("declare the columns by the words of the header, in lower case")
    )]
    OtherColumns {
        /// The fact.
        fact: String,
        /// The declared columns.
        wanted: String,
        /// Those that were read.
        found: String,
        /// Where it is asked.
        #[label("asked here")]
        at: Span,
    },
    /// A probe ran and failed.
    #[error("`{command}` on {node} ended with status {status}{said}")]
    #[diagnostic(code(evaluate::probe_failed))]
    ProbeFailed {
        /// The command.
        command: String,
        /// Where it ran.
        node: String,
        /// Its exit status.
        status: i32,
        /// What it wrote to standard error, with a colon before it, or nothing.
        said: String,
        /// Where it is written.
        #[label("this probe")]
        at: Span,
    },
    /// A probe ran, and did not print what `expect=` says.
    #[error("the output of `{command}` on {node} does not match /{pattern}/")]
    #[diagnostic(code(evaluate::output_differs))]
    OutputDiffers {
        /// The command.
        command: String,
        /// Where it ran.
        node: String,
        /// What it should have matched.
        pattern: String,
        /// Where it is written.
        #[label("this probe")]
        at: Span,
    },
    /// A node did not answer a probe.
    #[error("{node} did not answer `{command}`: {why}")]
    #[diagnostic(code(evaluate::no_answer))]
    NoAnswer {
        /// The command.
        command: String,
        /// The node.
        node: String,
        /// What the transport says.
        why: String,
        /// Where it is written.
        #[label("this probe")]
        at: Span,
    },
    /// Nothing has this name; the checker finds these before a run.
    #[error("there is no {kind} called `{name}`")]
    #[diagnostic(code(evaluate::no_such_name))]
    NoSuchName {
        /// Fact, guard, variable, column, …
        kind: String,
        /// The name.
        name: String,
        /// Where it stands.
        #[label("not known")]
        at: Span,
    },
    /// A number is out of range, or divided by nothing.
    #[error("{what}")]
    #[diagnostic(code(evaluate::arithmetic))]
    Arithmetic {
        /// What went wrong.
        what: String,
        /// Where.
        #[label("this calculation")]
        at: Span,
    },
    /// Something that needs a node stands where there is none.
    #[error("{what} needs a node")]
    #[diagnostic(
        code(evaluate::needs_node),
        help("put it into `on NODES < … >`, or into `locally < … >`")
    )]
    NeedsNode {
        /// What needs one.
        what: String,
        /// Where it stands.
        #[label("no node in hand here")]
        at: Span,
    },
    /// An argument is missing or one too many; the checker finds these before a run.
    #[error("{what}")]
    #[diagnostic(code(evaluate::arguments))]
    Arguments {
        /// What is wrong.
        what: String,
        /// Where.
        #[label("this call")]
        at: Span,
    },
    /// A set of nodes is empty where one is needed.
    #[error("no node is left of these")]
    #[diagnostic(code(evaluate::no_nodes), help("say `or none` if an empty set is fine here"))]
    NoNodes {
        /// Where the set is written.
        #[label("an empty set")]
        at: Span,
    },
}
