use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Trouble, TroubleKind};
use crate::diagnostic::Span;

/// Why the journal cannot be used.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum JournalError {
    /// It cannot be opened or made.
    #[error("the journal in `{path}` cannot be opened: {why}")]
    #[diagnostic(
        code(journal::not_opened),
        help(
            "nothing was begun; make room there or mend it, or name another folder: QUORATE_JOURNAL=/some/folder"
        )
    )]
    NotOpened {
        /// The folder.
        path: String,
        /// What the system said.
        why: String,
        /// Whether what is there is no journal any more.
        is_damaged: bool,
    },

    /// It cannot be written.
    #[error("the journal in `{path}` cannot be written: {why}")]
    #[diagnostic(
        code(journal::not_written),
        help("no change is begun that cannot be written down; make room there, or let it be written")
    )]
    NotWritten {
        /// The folder.
        path: String,
        /// What the system said.
        why: String,
    },

    /// A run that was handed over cannot be taken in.
    #[error("the run cannot be taken in: {why}")]
    #[diagnostic(
        code(journal::not_taken_in),
        help("have it written once more: quorate export RUN -o FILE")
    )]
    NotTakenIn {
        /// What is wrong with it.
        why: String,
    },

    /// What it holds is not what was written.
    #[error("the journal in `{path}` is damaged: {why}")]
    #[diagnostic(
        code(journal::damaged),
        help(
            "`quorate show --verify` tells what can be found out; move the folder away to begin a new journal"
        )
    )]
    Damaged {
        /// The folder.
        path: String,
        /// What is wrong.
        why: String,
    },
}

/// What went wrong in a run, with the place in the script that asked for it.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct RunError {
    kind: TroubleKind,
    message: String,
    help: Option<String>,
    label: String,
    at: Span,
}

impl From<&Trouble> for RunError {
    fn from(trouble: &Trouble) -> Self {
        let clean = super::neutralise_text;
        let at_node = trouble.node.as_ref().map(|node| format!(" on {node}"));
        let word = match trouble.kind {
            TroubleKind::Parked => "parked here",
            TroubleKind::Declined => "declined here",
            TroubleKind::Refused => "refused here",
            TroubleKind::Failed => "failed here",
            TroubleKind::Locked => "not begun",
            TroubleKind::Interrupted => "interrupted here",
            TroubleKind::Unreachable => "not reached",
            TroubleKind::Unknown => "outcome unknown",
        };
        RunError {
            kind: trouble.kind,
            message: clean(&trouble.message),
            help: trouble.help.as_deref().map(clean),
            label: format!("{word}{}", at_node.unwrap_or_default()),
            at: trouble.at,
        }
    }
}

impl Diagnostic for RunError {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(match self.kind {
            TroubleKind::Parked => "run::parked",
            TroubleKind::Declined => "run::declined",
            TroubleKind::Refused => "run::refused",
            TroubleKind::Failed => "run::failed",
            TroubleKind::Locked => "run::locked",
            TroubleKind::Interrupted => "run::interrupted",
            TroubleKind::Unreachable => "run::unreachable",
            TroubleKind::Unknown => "run::unknown",
        }))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        // What has no place in a script, such as a node that was never reached, points nowhere.
        if self.at == Span::default() {
            return None;
        }
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), self.at);
        Some(Box::new(std::iter::once(label)))
    }
}
