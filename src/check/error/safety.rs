use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// What a script would do to a cluster that it must not do unasked.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum SafetyError {
    /// A service is stopped on more nodes than its role can lose.
    #[error("this {does} {what}; {rule}")]
    #[diagnostic(code(check::stops_too_many), help("{help}"))]
    StopsTooMany {
        /// `stops`, `restarts`, `takes away`.
        does: &'static str,
        /// `5 of 5 metadata servers`.
        what: String,
        /// `a majority of 3 must stay`.
        rule: String,
        /// The statement.
        #[label("{label}")]
        at: Span,
        /// `away on node[1-5] then`.
        label: String,
        /// May lie in another file: all spans of a project share one number line.
        #[label("which this forbids")]
        budget: Span,
        /// What to write.
        help: String,
    },

    /// A service goes while another one that needs it still runs.
    #[error("this stops {service} while {by}, which needs it, still runs{where_}")]
    #[diagnostic(code(check::needed), help("{help}"))]
    Needed {
        /// The service that is stopped.
        service: String,
        /// The service that needs it.
        by: String,
        /// ` on node[1-3]`.
        where_: String,
        /// The statement.
        #[label("stopped here")]
        at: Span,
        /// The clause.
        #[label("needed here")]
        need: Span,
        /// What to write.
        help: String,
    },

    /// A service is started while one that it needs is away.
    #[error("this starts {service} before {needed}, which it needs")]
    #[diagnostic(code(check::needed), help("start {needed} first"))]
    StartedTooEarly {
        /// The service that is started.
        service: String,
        /// The service that it needs.
        needed: String,
        /// The statement.
        #[label("{needed} is still stopped here")]
        at: Span,
        /// The clause.
        #[label("needed here")]
        need: Span,
    },

    /// A service that nothing starts again.
    #[error("{service} is left stopped{where_}")]
    #[diagnostic(
        code(check::left_stopped),
        help("start it again, or say `leave {service} stopped \"why\"`")
    )]
    LeftStopped {
        /// The service.
        service: String,
        /// ` on node[1-3]`, ` at the end of the outage`.
        where_: String,
        /// The stop.
        #[label("stopped here, and not started after")]
        at: Span,
    },

    /// A script that goes on for longer than anybody could follow it.
    #[error("this script is too large to be checked for safety")]
    #[diagnostic(
        code(check::too_large),
        help("nothing is known of what comes after this; part the script, or loop over less")
    )]
    TooLargeToCheck {
        /// Where it was given up.
        #[label("followed as far as here")]
        at: Span,
    },

    /// Something irreversible that nobody confirms.
    #[error("`{verb}` cannot be taken back, and nothing asks before it")]
    #[diagnostic(
        code(check::unconfirmed),
        help("put a `require GUARD` or a `confirm \"question\"` before it")
    )]
    Unconfirmed {
        /// The verb.
        verb: String,
        /// The call.
        #[label("no guard and no `confirm` on the way here")]
        at: Span,
    },

    /// Something irreversible that would be repeated.
    #[error("`{verb}` cannot be taken back, so it must not be repeated")]
    #[diagnostic(code(check::irreversible_retried), help("move it out of the `retry`"))]
    IrreversibleRetried {
        /// The verb.
        verb: String,
        /// The call.
        #[label("irreversible")]
        at: Span,
        /// The `retry`.
        #[label("may do it again")]
        retry: Span,
    },
}
