use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// What is wrong with the declaration or the use of a service.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum ServiceError {
    /// A service that is run by another one's command, and has its own guards or none.
    #[error("service `{name}` is run by the command of {other}, without its guards")]
    #[diagnostic(
        code(check::goes_round_service),
        severity(Warning),
        help("use {other}, or give this one the command of a service of its own")
    )]
    SameCommand {
        /// The new service.
        name: String,
        /// The known one.
        other: String,
        /// The new one.
        #[label("the same command")]
        at: Span,
        /// The known one.
        #[label("as this")]
        first: Span,
    },

    /// A clause of a service that is missing.
    #[error("service `{service}` does not say {what}")]
    #[diagnostic(code(check::missing_clause), help("add the line `{example}`"))]
    MissingClause {
        /// The service.
        service: String,
        /// `on which nodes it runs`.
        what: &'static str,
        /// An example of the line.
        example: &'static str,
        /// Its name.
        #[label("this service")]
        at: Span,
    },

    /// A clause of a service that is said twice.
    #[error("`{clause}` is said twice")]
    #[diagnostic(code(check::duplicate_clause), help("keep one of the two lines"))]
    DuplicateClause {
        /// `may lose`, `on`.
        clause: &'static str,
        /// The second one.
        #[label("again here")]
        at: Span,
        /// The first one.
        #[label("first here")]
        first: Span,
    },

    /// `members are` that names no fact and column.
    #[error("`members are` does not say which column holds the nodes")]
    #[diagnostic(
        code(check::bad_members),
        help("write a fact, its rows if need be, and the column: `members are (mds | get host)`")
    )]
    BadMembers {
        /// Where.
        #[label("ends without `get COLUMN`")]
        at: Span,
    },

    /// Services that wait for each other.
    #[error("services come round in a ring: {chain}")]
    #[diagnostic(
        code(check::cyclic_order),
        help("none of them could come first; take one `{word}` out")
    )]
    CyclicOrder {
        /// `a → b → a`.
        chain: String,
        /// `needs`, `starts after`, `stops after`.
        word: &'static str,
        /// One of them.
        #[label("one of the ring")]
        at: Span,
    },

    /// A raw command that goes round a declared service.
    #[error("this goes round the guards of {service}")]
    #[diagnostic(
        code(check::goes_round_service),
        help("write `{action} {service}`: the same command, guarded")
    )]
    GoesRoundService {
        /// The service.
        service: String,
        /// What is done.
        action: String,
        /// The command.
        #[label("acts on a declared service")]
        at: Span,
    },
    /// A raw command takes the whole node down, with all its roles.
    #[error("`{command}` takes the node out of all its roles, past their guards")]
    #[diagnostic(
        code(check::goes_round_roles),
        help(
            "write `reboot`, which asks them and waits for the node; to switch it off, put a `manual` step into `losing SERVICE... < ... >`"
        )
    )]
    GoesRoundRoles {
        /// The command's own word.
        command: String,
        /// The command.
        #[label("no budget and no guard is asked here")]
        at: Span,
    },
}
