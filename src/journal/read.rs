use std::time::Duration;

use super::record::{Record, RecordKind, RecordPlace, RecordResult, RecordTrouble};
use super::{Event, Happening, StepPlace, StepResult, Trouble, TroubleKind};
use crate::diagnostic::{Place, SourceMap, Span};
use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;

impl Record {
    /// The event that was written; places are found again in `sources`, which holds the texts
    /// under the names that they had.
    ///
    /// A place that is not there any more is none. `None` when a word or a set of nodes cannot
    /// be read, as of a journal of a later version.
    pub fn read(&self, sources: &SourceMap) -> Option<Event> {
        Some(Event {
            at: Duration::from_millis(self.at_ms),
            what: read_happening(&self.what, sources)?,
        })
    }
}

fn find(file: &str, line: usize, column: usize, sources: &SourceMap) -> Span {
    let place = Place {
        file: file.to_owned(),
        line,
        column,
    };
    sources.find(&place).unwrap_or_default()
}

fn read_place(place: &RecordPlace, sources: &SourceMap) -> StepPlace {
    let mut span = find(&place.file, place.line, place.column, sources);
    if place.length > 0 && span != Span::default() {
        span.end = span.start.saturating_add(place.length);
    }
    StepPlace {
        step: StepId(place.step),
        span,
        node: place.node.as_deref().map(NodeName::from),
    }
}

fn read_trouble(trouble: &RecordTrouble, sources: &SourceMap) -> Option<Trouble> {
    Some(Trouble {
        kind: read_kind(&trouble.kind)?,
        message: trouble.message.clone(),
        help: trouble.help.clone(),
        at: find(&trouble.file, trouble.line, trouble.column, sources),
        node: trouble.node.as_deref().map(NodeName::from),
    })
}

fn read_kind(word: &str) -> Option<TroubleKind> {
    Some(match word {
        "parked" => TroubleKind::Parked,
        "declined" => TroubleKind::Declined,
        "refused" => TroubleKind::Refused,
        "failed" => TroubleKind::Failed,
        "interrupted" => TroubleKind::Interrupted,
        "unreachable" => TroubleKind::Unreachable,
        "unknown" => TroubleKind::Unknown,
        _ => return None,
    })
}

fn read_result(result: &RecordResult, sources: &SourceMap) -> Option<StepResult> {
    Some(match result.result.as_str() {
        "done" => StepResult::Done,
        "not_reached" => StepResult::NotReached,
        "skipped" => StepResult::Skipped(result.why.clone().unwrap_or_default()),
        _ => StepResult::Trouble(read_trouble(result.trouble.as_ref()?, sources)?),
    })
}

fn read_nodes(text: &str) -> Option<NodeSet> {
    if text.is_empty() {
        return Some(NodeSet::default());
    }
    NodeSet::expand(text).ok()
}

/// Reads each kind of row, field by field: one exhaustive list, as that which writes them.
fn read_happening(what: &RecordKind, sources: &SourceMap) -> Option<Happening> {
    let at = |place: &RecordPlace| read_place(place, sources);
    Some(match what.clone() {
        RecordKind::RunStarted {
            cluster,
            simulated,
            dry_run,
            runbook,
            steps,
        } => Happening::RunStarted {
            cluster,
            simulated,
            dry_run,
            runbook,
            steps,
        },
        RecordKind::NodesChosen {
            place,
            nodes,
            mode,
            left_out,
            ..
        } => Happening::NodesChosen {
            place: at(&place),
            nodes: read_nodes(&nodes)?,
            mode,
            left_out: read_nodes(&left_out)?,
        },
        RecordKind::NodeStarted { step, node } => Happening::NodeStarted {
            step: StepId(step),
            node: NodeName::from(node.as_str()),
        },
        RecordKind::NodeEnded { step, node, result } => Happening::NodeEnded {
            step: StepId(step),
            node: NodeName::from(node.as_str()),
            result: read_result(&result, sources)?,
        },
        RecordKind::StepStarted { place, what, command } => Happening::StepStarted {
            place: at(&place),
            what,
            command,
        },
        RecordKind::StepEnded {
            place,
            what,
            result,
            output,
            errors,
            took_ms,
        } => Happening::StepEnded {
            place: at(&place),
            what,
            result: read_result(&result, sources)?,
            output,
            errors,
            took: Duration::from_millis(took_ms),
        },
        RecordKind::HeldBack { place, what, command } => Happening::HeldBack {
            place: at(&place),
            what,
            command,
        },
        RecordKind::PassedOver { place, what, why } => Happening::PassedOver {
            place: at(&place),
            what,
            why,
        },
        RecordKind::TokenTaken { service, node, sum } => Happening::TokenTaken {
            service,
            node: NodeName::from(node.as_str()),
            sum,
        },
        RecordKind::TokenReturned { service, node } => Happening::TokenReturned {
            service,
            node: NodeName::from(node.as_str()),
        },
        RecordKind::GroupChanged {
            group,
            node,
            joined,
            now,
        } => Happening::GroupChanged {
            group,
            node: NodeName::from(node.as_str()),
            joined,
            now: read_nodes(&now)?,
        },
        RecordKind::RunEnded { trouble, exit_code } => Happening::RunEnded {
            trouble: match &trouble {
                Some(trouble) => Some(read_trouble(trouble, sources)?),
                None => None,
            },
            exit_code,
        },
        RecordKind::Asked {
            place,
            what,
            holds,
            reason,
            shown_only,
        } => Happening::Asked {
            place: at(&place),
            what,
            holds,
            reason,
            shown_only,
        },
        RecordKind::Overridden {
            place,
            what,
            reason,
            why,
        } => Happening::Overridden {
            place: at(&place),
            what,
            reason,
            why,
        },
        RecordKind::Waiting {
            place,
            what,
            reason,
            waited_ms,
            limit_ms,
        } => Happening::Waiting {
            place: at(&place),
            what,
            reason,
            waited: Duration::from_millis(waited_ms),
            limit: Duration::from_millis(limit_ms),
        },
        RecordKind::Waited {
            place,
            what,
            came,
            reason,
            waited_ms,
        } => Happening::Waited {
            place: at(&place),
            what,
            came,
            reason,
            waited: Duration::from_millis(waited_ms),
        },
        RecordKind::Answered {
            place,
            name,
            text,
            answer,
        } => Happening::Answered {
            place: at(&place),
            name,
            text,
            answer,
        },
        RecordKind::Outage { place, why, opens } => Happening::Outage {
            place: at(&place),
            why,
            opens,
        },
        RecordKind::LeftStopped { place, service, why } => Happening::LeftStopped {
            place: at(&place),
            service,
            why,
        },
        RecordKind::Note { place, text } => Happening::Note {
            place: at(&place),
            text,
        },
        RecordKind::Shown { place, what, value } => Happening::Shown {
            place: at(&place),
            what,
            value,
        },
        RecordKind::Named { place, name, value } => Happening::Named {
            place: at(&place),
            name,
            value,
        },
        RecordKind::CleaningUp { place, what, why } => Happening::CleaningUp {
            place: at(&place),
            what,
            why,
        },
        RecordKind::Caught { place, by, trouble } => Happening::Caught {
            place: at(&place),
            by,
            trouble: read_trouble(&trouble, sources)?,
        },
        RecordKind::Branch { place, what } => Happening::Branch {
            place: at(&place),
            what,
        },
    })
}
