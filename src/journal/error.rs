use miette::{Diagnostic, LabeledSpan};
use thiserror::Error;

use super::{Trouble, TroubleKind};
use crate::diagnostic::Span;

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
