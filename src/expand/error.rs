use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// What cannot be said in a plain shell script.
#[derive(Debug, Error, Diagnostic, PartialEq, Eq)]
pub enum ExpandError {
    /// A regular expression has no form that every awk reads alike.
    #[error("/{pattern}/ cannot be written for a plain shell script: {why}")]
    #[diagnostic(
        code(expand::pattern),
        help("write it with `[ ]`, `( )`, `|`, `?`, `*`, `+`, `^` and `$` alone")
    )]
    Pattern {
        /// The expression.
        pattern: String,
        /// What there is no form for.
        why: String,
        /// Where it is written.
        #[label("this expression")]
        at: Span,
    },
    /// Which service is meant shows only in the run.
    #[error("which service this is shows only when it runs, and a plain script must name it")]
    #[diagnostic(
        code(expand::unknown_service),
        help("write the service, or a list of services, in place of the value")
    )]
    UnknownService {
        /// Where it is used.
        #[label("not known before")]
        at: Span,
    },
    /// The maintenance lock lives where a script cannot take it.
    #[error("the maintenance lock of {cluster} lives in etcd, where a plain shell script cannot take it")]
    #[diagnostic(
        code(expand::lock_in_etcd),
        help(
            "carry the runbook out with `quorate run`; or write the script with `--without-lock \"why\"`, which then stands in its head"
        )
    )]
    LockInEtcd {
        /// The cluster.
        cluster: String,
    },
    /// A question that reads something.
    #[error("a probe that is part of a fact or a condition cannot read `input=` in a plain script")]
    #[diagnostic(
        code(expand::probe_input),
        help("give it as a statement of its own: let x = probe …")
    )]
    ProbeInput {
        /// Where it is written.
        #[label("this input")]
        at: Span,
    },
    /// Something that is measured where a plain script has no place for it.
    #[error("{what} cannot be said in a plain shell script")]
    #[diagnostic(code(expand::cannot_be_said), help("{help}"))]
    CannotBeSaid {
        /// What it is.
        what: String,
        /// What to write instead.
        help: String,
        /// Where it is written.
        #[label("here")]
        at: Span,
    },
}
