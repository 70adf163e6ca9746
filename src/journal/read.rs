use std::time::Duration;

use super::record::{Record, RecordKind, RecordPlace, RecordResult, RecordTrouble};
use super::{Event, Happening, StepPlace, StepResult, Trouble, TroubleKind};
use crate::diagnostic::{Place, SourceMap, Span};
use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;
use crate::transport::StepPath;

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
        path: StepPath::read(&place.path),
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
        "locked" => TroubleKind::Locked,
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
        RecordKind::NodeStarted { step, node, path } => Happening::NodeStarted {
            step: StepId(step),
            node: NodeName::from(node.as_str()),
            path: StepPath::read(&path),
        },
        RecordKind::NodeEnded {
            step,
            node,
            path,
            result,
        } => Happening::NodeEnded {
            step: StepId(step),
            node: NodeName::from(node.as_str()),
            path: StepPath::read(&path),
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "on n1 <\n  run \"a\"\n>\n";

    fn trouble(kind: TroubleKind, node: Option<&str>) -> Trouble {
        Trouble {
            kind,
            message: "it \"broke\"\n\u{1b}".to_owned(),
            help: node.map(|_| "look".to_owned()),
            // Of a trouble only where it begins is kept.
            at: Span::new(10, 17),
            node: node.map(NodeName::from),
        }
    }

    /// What nodes do, say and come to.
    fn happenings_of_nodes(place: &StepPlace) -> Vec<Happening> {
        let (place, what) = (|| place.clone(), || "stop mdsd".to_owned());
        let ended = |result| Happening::StepEnded {
            place: place(),
            what: what(),
            result,
            output: "out\u{1b}\n".to_owned(),
            errors: "errors".to_owned(),
            took: Duration::from_millis(1_234),
        };
        let node_ended = |result| Happening::NodeEnded {
            step: StepId(0),
            node: "n1".into(),
            path: StepPath::read("on mds_nodes\n@node1"),
            result,
        };
        let mut all = vec![
            Happening::NodesChosen {
                place: place(),
                nodes: NodeSet::expand("n[01-16],db-1.example.com").expect("a set"),
                mode: "in parallel".to_owned(),
                left_out: NodeSet::default(),
            },
            Happening::NodeStarted {
                step: StepId(0),
                node: "n1".into(),
                path: StepPath::read("on mds_nodes\n@node1"),
            },
            Happening::StepStarted {
                place: place(),
                what: what(),
                command: Some("service mdsd stop".to_owned()),
            },
            Happening::HeldBack {
                place: place(),
                what: what(),
                command: None,
            },
            Happening::PassedOver {
                place: place(),
                what: what(),
                why: "not of its group".to_owned(),
            },
            ended(StepResult::Done),
            ended(StepResult::NotReached),
            ended(StepResult::Skipped("why".to_owned())),
            node_ended(StepResult::Done),
            node_ended(StepResult::Skipped(String::new())),
        ];
        for kind in [
            TroubleKind::Parked,
            TroubleKind::Declined,
            TroubleKind::Refused,
            TroubleKind::Failed,
            TroubleKind::Interrupted,
            TroubleKind::Unreachable,
            TroubleKind::Unknown,
        ] {
            all.push(ended(StepResult::Trouble(trouble(kind, None))));
            all.push(node_ended(StepResult::Trouble(trouble(kind, Some("n1")))));
        }
        all
    }

    /// What guards answer and what becomes of the cluster.
    fn happenings_of_guards(place: &StepPlace) -> Vec<Happening> {
        let (place, text) = (|| place.clone(), |text: &str| text.to_owned());
        let asked = |holds| Happening::Asked {
            place: place(),
            what: text("quorum"),
            holds,
            reason: text("4 of 5"),
            shown_only: holds.is_none(),
        };
        vec![
            asked(Some(true)),
            asked(Some(false)),
            asked(None),
            Happening::Overridden {
                place: place(),
                what: text("quorum"),
                reason: text("4 of 5"),
                why: text("drill"),
            },
            Happening::Waiting {
                place: place(),
                what: text("healthy"),
                reason: text("holds for 3s"),
                waited: Duration::from_millis(3_001),
                limit: Duration::from_secs(300),
            },
            Happening::Waited {
                place: place(),
                what: text("healthy"),
                came: false,
                reason: String::new(),
                waited: Duration::from_secs(300),
            },
            Happening::TokenTaken {
                service: text("mdsd"),
                node: "n1".into(),
                sum: text("1 of 5"),
            },
            Happening::TokenReturned {
                service: text("mdsd"),
                node: "n1".into(),
            },
            Happening::GroupChanged {
                group: text("mds"),
                node: "n1".into(),
                joined: true,
                now: NodeSet::expand("n[1,9]").expect("a set"),
            },
            Happening::Outage {
                place: place(),
                why: text("switch"),
                opens: true,
            },
            Happening::LeftStopped {
                place: place(),
                service: text("mdsd"),
                why: text("drill"),
            },
        ]
    }

    /// What is said, and what the run as a whole does.
    fn happenings_of_the_run(place: &StepPlace) -> Vec<Happening> {
        let (place, text) = (|| place.clone(), |text: &str| text.to_owned());
        let run_ended = |trouble, exit_code| Happening::RunEnded { trouble, exit_code };
        vec![
            Happening::RunStarted {
                cluster: text("pcs1"),
                simulated: true,
                dry_run: false,
                runbook: text("drill"),
                steps: 2,
            },
            Happening::Answered {
                place: place(),
                name: text("confirm-1"),
                text: text("go on?"),
                answer: text("yes"),
            },
            Happening::Note {
                place: place(),
                text: text("n"),
            },
            Happening::Shown {
                place: place(),
                what: text("mds"),
                value: text("a\nb\n"),
            },
            Happening::Named {
                place: place(),
                name: text("a"),
                value: text("1"),
            },
            Happening::CleaningUp {
                place: place(),
                what: text("undo"),
                why: text("it failed"),
            },
            Happening::Caught {
                place: place(),
                by: text("try"),
                trouble: trouble(TroubleKind::Failed, Some("n1")),
            },
            Happening::Branch {
                place: place(),
                what: text("else"),
            },
            run_ended(None, 0),
            run_ended(Some(trouble(TroubleKind::Parked, None)), 9),
        ]
    }

    #[test]
    fn what_was_written_is_read_again() {
        let mut sources = SourceMap::default();
        sources.add("a.runbook", TEXT);
        let place = |step, span, node: Option<&str>| StepPlace {
            step: StepId(step),
            span,
            node: node.map(NodeName::from),
            path: StepPath::read("on mds_nodes\n@node1\nstop mdsd"),
        };
        let places = [
            place(0, Span::new(0, 19), None),
            place(1, Span::new(10, 17), Some("n1")),
            // Neither a step nor a place.
            place(u32::MAX, Span::default(), None),
        ];
        for place in &places {
            let all = [happenings_of_nodes, happenings_of_guards, happenings_of_the_run];
            for what in all.into_iter().flat_map(|happenings| happenings(place)) {
                let at = Duration::from_millis(4_321);
                let event = Event { at, what };
                let record = Record::of(&event, &sources);
                let text = serde_json::to_string(&record).expect("it is written");
                let again: Record = serde_json::from_str(&text).expect("it is read");
                assert_eq!(again, record, "{text}");
                assert_eq!(again.read(&sources), Some(event), "{text}");
            }
        }
    }

    #[test]
    fn rows_of_before_and_after_are_read_as_far_as_they_can() {
        let mut sources = SourceMap::default();
        sources.add("a.runbook", TEXT);
        let old = r#"{"at_ms":1,"event":"note","step":1,"file":"a.runbook","line":2,"column":3,"text":"n"}"#;
        let record: Record = serde_json::from_str(old).expect("a row without a length");
        let Some(Happening::Note { place, .. }) = record.read(&sources).map(|event| event.what) else {
            panic!("{record:?}")
        };
        assert_eq!(place.span, Span::new(10, 17), "to the end of the line");
        let late = r#"{"at_ms":1,"event":"run_ended","exit_code":1,
            "trouble":{"kind":"forgotten","message":"m","file":"","line":0,"column":0}}"#;
        let record: Record = serde_json::from_str(late).expect("a row with a word that is not known");
        assert_eq!(record.read(&sources), None);
    }
}
