use std::io::Write;

use serde::{Deserialize, Serialize};

use super::event::NO_STEP;
use super::{Event, Happening, Recorder, StepPlace, StepResult, Trouble, TroubleKind};
use crate::diagnostic::{SourceMap, Span};

/// One row of the journal: the frozen, written form of an [`Event`].
///
/// Fields are only ever added, each with a default; journals of old runs must load. Sets of
/// nodes are folded; what a host printed stands as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Time since the run began.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: RecordKind,
}

/// Where a step is written, and on which node it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPlace {
    /// The step's number; what belongs to no step has none.
    #[serde(default = "no_step", skip_serializing_if = "is_no_step")]
    pub step: u32,
    /// The file's name as it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// How much of the text belongs to it, in bytes; 0: to the end of the line.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub length: u32,
    /// The node in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Which statement of the run it is: one part a line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
}

fn no_step() -> u32 {
    NO_STEP.0
}

// `serde` hands over a reference.
fn is_no_step(step: &u32) -> bool {
    *step == no_step()
}

// `serde` hands over a reference.
fn is_nothing(length: &u32) -> bool {
    *length == 0
}

/// The written form of a [`Trouble`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordTrouble {
    /// `failed`, `refused`, `unknown`, …
    pub kind: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The file's name as it was given.
    pub file: String,
    /// From 1; 0 when it has no place.
    pub line: usize,
    /// In characters, from 1; 0 when it has no place.
    pub column: usize,
    /// The node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// How a step or a node ended, written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordResult {
    /// `done`, `skipped`, `not_reached`, or the kind of trouble.
    pub result: String,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<RecordTrouble>,
}

/// The kinds of row; each field is that of the [`Happening`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are documented where they live, in `Happening`"
)]
pub enum RecordKind {
    RunStarted {
        cluster: String,
        simulated: bool,
        dry_run: bool,
        runbook: String,
        steps: u32,
    },
    NodesChosen {
        #[serde(flatten)]
        place: RecordPlace,
        nodes: String,
        node_count: usize,
        mode: String,
        left_out: String,
    },
    NodeStarted {
        step: u32,
        node: String,
        #[serde(default)]
        path: String,
    },
    NodeEnded {
        step: u32,
        node: String,
        #[serde(default)]
        path: String,
        #[serde(flatten)]
        result: RecordResult,
    },
    StepStarted {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        command: Option<String>,
    },
    StepEnded {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        #[serde(flatten)]
        result: RecordResult,
        output: String,
        /// What it wrote to standard error.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        errors: String,
        took_ms: u64,
    },
    HeldBack {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        command: Option<String>,
    },
    PassedOver {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        why: String,
    },
    Asked {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        holds: Option<bool>,
        reason: String,
        shown_only: bool,
    },
    Overridden {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        reason: String,
        why: String,
    },
    Waiting {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        reason: String,
        waited_ms: u64,
        limit_ms: u64,
    },
    Waited {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        came: bool,
        reason: String,
        waited_ms: u64,
    },
    TokenTaken {
        service: String,
        node: String,
        sum: String,
    },
    TokenReturned {
        service: String,
        node: String,
    },
    GroupChanged {
        group: String,
        node: String,
        joined: bool,
        now: String,
    },
    Answered {
        #[serde(flatten)]
        place: RecordPlace,
        name: String,
        text: String,
        answer: String,
    },
    Outage {
        #[serde(flatten)]
        place: RecordPlace,
        why: String,
        opens: bool,
    },
    LeftStopped {
        #[serde(flatten)]
        place: RecordPlace,
        service: String,
        why: String,
    },
    Note {
        #[serde(flatten)]
        place: RecordPlace,
        text: String,
    },
    Shown {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        value: String,
    },
    Named {
        #[serde(flatten)]
        place: RecordPlace,
        name: String,
        value: String,
    },
    CleaningUp {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
        why: String,
    },
    Caught {
        #[serde(flatten)]
        place: RecordPlace,
        by: String,
        trouble: RecordTrouble,
    },
    Branch {
        #[serde(flatten)]
        place: RecordPlace,
        what: String,
    },
    RunEnded {
        trouble: Option<RecordTrouble>,
        exit_code: u8,
    },
}

/// Writes each event as one JSON object a line.
pub struct JsonRecorder<'a, W: Write> {
    out: W,
    sources: &'a SourceMap,
    is_closed: bool,
}

impl<'a, W: Write> JsonRecorder<'a, W> {
    /// Writes to `out`; places are looked up in `sources`.
    pub fn new(out: W, sources: &'a SourceMap) -> Self {
        JsonRecorder {
            out,
            sources,
            is_closed: false,
        }
    }
}

impl<W: Write> Recorder for JsonRecorder<'_, W> {
    fn record(&mut self, event: &Event) {
        if self.is_closed {
            return;
        }
        let record = Record::of(event, self.sources);
        let mut line = serde_json::to_string(&record).expect("a record has no map with odd keys");
        // With its end in one piece: a line is there whole or not at all.
        line.push('\n');
        // A reader that went away must not stop a run between two acts.
        let written = self.out.write_all(line.as_bytes());
        self.is_closed = written.and_then(|()| self.out.flush()).is_err();
    }
}

impl Record {
    /// The written form of `event`; places are looked up in `sources`.
    pub fn of(event: &Event, sources: &SourceMap) -> Record {
        Record {
            at_ms: milliseconds(event.at),
            what: write_happening(&event.what, sources),
        }
    }
}

fn milliseconds(length: std::time::Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn locate(span: Span, sources: &SourceMap) -> (String, usize, usize) {
    let place = (span != Span::default()).then(|| sources.place(span)).flatten();
    place.map_or((String::new(), 0, 0), |place| {
        (place.file, place.line, place.column)
    })
}

fn write_place(place: &StepPlace, sources: &SourceMap) -> RecordPlace {
    let (file, line, column) = locate(place.span, sources);
    let node = place.node.as_ref().map(ToString::to_string);
    RecordPlace {
        step: place.step.0,
        file,
        line,
        column,
        length: place.span.end.saturating_sub(place.span.start),
        node,
        path: place.path.as_str().to_owned(),
    }
}

fn write_trouble(trouble: &Trouble, sources: &SourceMap) -> RecordTrouble {
    let (file, line, column) = locate(trouble.at, sources);
    RecordTrouble {
        kind: kind_word(trouble.kind).to_owned(),
        message: trouble.message.clone(),
        help: trouble.help.clone(),
        file,
        line,
        column,
        node: trouble.node.as_ref().map(ToString::to_string),
    }
}

fn kind_word(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::Parked => "parked",
        TroubleKind::Declined => "declined",
        TroubleKind::Refused => "refused",
        TroubleKind::Failed => "failed",
        TroubleKind::Locked => "locked",
        TroubleKind::Interrupted => "interrupted",
        TroubleKind::Unreachable => "unreachable",
        TroubleKind::Unknown => "unknown",
    }
}

fn write_result(result: &StepResult, sources: &SourceMap) -> RecordResult {
    let plain = |word: &str| RecordResult {
        result: word.to_owned(),
        why: None,
        trouble: None,
    };
    match result {
        StepResult::Done => plain("done"),
        StepResult::NotReached => plain("not_reached"),
        StepResult::Skipped(why) => RecordResult {
            why: Some(why.clone()),
            ..plain("skipped")
        },
        StepResult::Trouble(trouble) => RecordResult {
            trouble: Some(write_trouble(trouble, sources)),
            ..plain(kind_word(trouble.kind))
        },
    }
}

/// Writes each kind of event down, field by field: one exhaustive list, however long, so that
/// the compiler asks for the written form of a new kind.
fn write_happening(what: &Happening, sources: &SourceMap) -> RecordKind {
    let at = |place: &StepPlace| write_place(place, sources);
    match what.clone() {
        Happening::RunStarted {
            cluster,
            simulated,
            dry_run,
            runbook,
            steps,
        } => RecordKind::RunStarted {
            cluster,
            simulated,
            dry_run,
            runbook,
            steps,
        },
        Happening::NodesChosen {
            place,
            nodes,
            mode,
            left_out,
        } => RecordKind::NodesChosen {
            place: at(&place),
            nodes: nodes.to_string(),
            node_count: nodes.len(),
            mode,
            left_out: left_out.to_string(),
        },
        Happening::NodeStarted { step, node, path } => RecordKind::NodeStarted {
            step: step.0,
            node: node.to_string(),
            path: path.as_str().to_owned(),
        },
        Happening::NodeEnded {
            step,
            node,
            path,
            result,
        } => RecordKind::NodeEnded {
            step: step.0,
            node: node.to_string(),
            path: path.as_str().to_owned(),
            result: write_result(&result, sources),
        },
        Happening::StepStarted { place, what, command } => RecordKind::StepStarted {
            place: at(&place),
            what,
            command,
        },
        Happening::StepEnded {
            place,
            what,
            result,
            output,
            errors,
            took,
        } => RecordKind::StepEnded {
            place: at(&place),
            what,
            result: write_result(&result, sources),
            output,
            errors,
            took_ms: milliseconds(took),
        },
        Happening::HeldBack { place, what, command } => RecordKind::HeldBack {
            place: at(&place),
            what,
            command,
        },
        Happening::PassedOver { place, what, why } => RecordKind::PassedOver {
            place: at(&place),
            what,
            why,
        },
        Happening::TokenTaken { service, node, sum } => RecordKind::TokenTaken {
            service,
            node: node.to_string(),
            sum,
        },
        Happening::TokenReturned { service, node } => RecordKind::TokenReturned {
            service,
            node: node.to_string(),
        },
        Happening::GroupChanged {
            group,
            node,
            joined,
            now,
        } => RecordKind::GroupChanged {
            group,
            node: node.to_string(),
            joined,
            now: now.to_string(),
        },
        Happening::RunEnded { trouble, exit_code } => RecordKind::RunEnded {
            trouble: trouble.map(|trouble| write_trouble(&trouble, sources)),
            exit_code,
        },
        Happening::Asked {
            place,
            what,
            holds,
            reason,
            shown_only,
        } => RecordKind::Asked {
            place: at(&place),
            what,
            holds,
            reason,
            shown_only,
        },
        Happening::Overridden {
            place,
            what,
            reason,
            why,
        } => RecordKind::Overridden {
            place: at(&place),
            what,
            reason,
            why,
        },
        Happening::Waiting {
            place,
            what,
            reason,
            waited,
            limit,
        } => RecordKind::Waiting {
            place: at(&place),
            what,
            reason,
            waited_ms: milliseconds(waited),
            limit_ms: milliseconds(limit),
        },
        Happening::Waited {
            place,
            what,
            came,
            reason,
            waited,
        } => RecordKind::Waited {
            place: at(&place),
            what,
            came,
            reason,
            waited_ms: milliseconds(waited),
        },
        Happening::Answered {
            place,
            name,
            text,
            answer,
        } => RecordKind::Answered {
            place: at(&place),
            name,
            text,
            answer,
        },
        Happening::Outage { place, why, opens } => RecordKind::Outage {
            place: at(&place),
            why,
            opens,
        },
        Happening::LeftStopped { place, service, why } => RecordKind::LeftStopped {
            place: at(&place),
            service,
            why,
        },
        Happening::Note { place, text } => RecordKind::Note {
            place: at(&place),
            text,
        },
        Happening::Shown { place, what, value } => RecordKind::Shown {
            place: at(&place),
            what,
            value,
        },
        Happening::Named { place, name, value } => RecordKind::Named {
            place: at(&place),
            name,
            value,
        },
        Happening::CleaningUp { place, what, why } => RecordKind::CleaningUp {
            place: at(&place),
            what,
            why,
        },
        Happening::Caught { place, by, trouble } => RecordKind::Caught {
            place: at(&place),
            by,
            trouble: write_trouble(&trouble, sources),
        },
        Happening::Branch { place, what } => RecordKind::Branch {
            place: at(&place),
            what,
        },
    }
}
