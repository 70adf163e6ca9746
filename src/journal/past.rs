use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::entry::{Answered, Marked, Replied, Reply, Sent, Settled};
use super::keeper::seconds_now;
use super::later::Later;
use super::{Entry, Record, RecordKind};
use crate::transport::{Answer, Outcome, StepPath, TransportError};

/// What is known of what a run has done before it was interrupted.
///
/// What was done is known for good, and so is what was measured once and for all. Everything
/// else, such as what a guard has measured, is known only where something was done after it:
/// it has been acted on, and is history. What nothing was done after is measured, asked and tried
/// anew.
#[derive(Debug, Clone, Default)]
pub struct Past {
    rows: Vec<Row>,
    marks: Vec<Mark>,
    /// Bodies that have ended for good.
    over: HashSet<StepPath>,
    /// Bodies of which it is written that they have ended well.
    ended_well: HashSet<StepPath>,
    last_at: u64,
    exit_code: Option<u8>,
}

/// A step that a person has finished by hand.
#[derive(Debug, Clone)]
struct Mark {
    path: StepPath,
    node: Option<String>,
}

/// One thing that is known.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its place in the journal.
    order: usize,
    at: u64,
    pub path: StepPath,
    pub what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Command(Command),
    Answer(Answered),
    /// The body of an `on` on a node begins.
    BodyBegan,
    /// It ended, well or not.
    BodyEnded(bool),
    /// What a block owes at its end was begun.
    CleaningUp,
}

#[derive(Debug, Clone)]
pub(super) struct Command {
    node: Option<String>,
    command: String,
    pub acts: bool,
    pub is_kept: bool,
    fate: Fate,
    /// When it can no longer be running, in seconds since 1970.
    may_run_until: u64,
    /// How long it might take.
    limit: Duration,
    /// Whether the runbook took it for success; `None`: the run was broken off just before.
    is_well: Option<bool>,
    /// Whether a person has left it out.
    is_skipped: bool,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Replied(Reply),
    /// It was sent, and nobody knows what came of it.
    Unsettled,
    /// It was done, as its own probe or a person says; what it printed is not known.
    Settled,
}

impl Command {
    /// Whether it went well.
    pub fn is_success(&self) -> bool {
        let ended_well = matches!(
            self.fate,
            Fate::Settled | Fate::Replied(Reply::Ran { status: 0, .. })
        );
        !self.is_open() && self.is_well.unwrap_or(ended_well)
    }

    /// Whether nobody knows whether it was done.
    pub fn is_open(&self) -> bool {
        self.acts && matches!(self.fate, Fate::Unsettled | Fate::Replied(Reply::Unknown { .. }))
    }
}

/// Which command: where in the runbook, on which node, and its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Which {
    pub path: StepPath,
    pub node: Option<String>,
    pub words: String,
}

/// Something known that a replay gives back, with its place in the order of things.
#[derive(Debug, Clone)]
pub(super) struct Known<T> {
    pub order: usize,
    pub at: Duration,
    /// Whether it changed something.
    pub is_act: bool,
    /// Whether it is never measured or asked again, whatever else has changed.
    pub is_kept: bool,
    pub what: T,
}

/// An act of which nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAct {
    /// Which statement it belongs to.
    pub path: StepPath,
    /// Where.
    pub node: Option<String>,
    /// What.
    pub command: String,
    /// Whether what it printed is given a name.
    pub is_kept: bool,
    /// How long it may still be running.
    pub may_run: Duration,
}

/// Blocks whose undo or finally has run, so that what they did may be gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TakenBack {
    /// Whether that is the runbook itself.
    pub whole: bool,
    /// The bodies on nodes.
    pub bodies: Vec<StepPath>,
}

impl Past {
    /// Reads what is known from the entries of a run.
    pub fn read<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Past {
        let mut past = Past::default();
        for (order, entry) in entries.into_iter().enumerate() {
            past.take(order, entry);
        }
        past.forget_what_nothing_followed();
        past
    }

    fn take(&mut self, order: usize, entry: &Entry) {
        match entry {
            Entry::Opened(_) | Entry::HandedOver(_) => {}
            Entry::Resumed(_) => {
                self.forget_what_nothing_followed();
                self.exit_code = None;
            }
            Entry::Happened(record) => self.take_record(order, record),
            Entry::Sent(sent) => self.take_sent(order, sent),
            Entry::Replied(replied) => self.take_reply(order, replied),
            Entry::Answered(answered) => {
                let path = StepPath::read(&answered.path);
                self.add(order, answered.at_ms, path, What::Answer(answered.clone()));
            }
            Entry::Settled(settled) => self.take_settled(settled),
            Entry::Marked(marked) => self.take_mark(marked),
            Entry::BegunAnew(anew) => {
                let path = StepPath::read(&anew.path);
                self.rows.retain(|row| !row.path.is_in(&path));
                self.ended_well.retain(|body| !body.is_in(&path));
            }
        }
    }

    fn add(&mut self, order: usize, at: u64, path: StepPath, what: What) {
        self.last_at = self.last_at.max(at);
        self.rows.push(Row {
            order,
            at,
            path,
            what,
        });
    }

    fn take_record(&mut self, order: usize, record: &Record) {
        let at = record.at_ms;
        self.last_at = self.last_at.max(at);
        match &record.what {
            RecordKind::NodeStarted { path, .. } => {
                self.add(order, at, StepPath::read(path), What::BodyBegan);
            }
            RecordKind::NodeEnded { path, result, .. } if result.result != "not_reached" => {
                let is_well = matches!(result.result.as_str(), "done" | "skipped");
                if is_well {
                    self.ended_well.insert(StepPath::read(path));
                }
                self.add(order, at, StepPath::read(path), What::BodyEnded(is_well));
            }
            RecordKind::CleaningUp { place, .. } => {
                self.add(order, at, StepPath::read(&place.path), What::CleaningUp);
            }
            RecordKind::StepEnded { place, result, .. } => {
                self.take_judgement(
                    &StepPath::read(&place.path),
                    place.node.as_ref(),
                    result.result == "done",
                );
            }
            RecordKind::Caught { place, by, .. } if by.starts_with("`done when`") => {
                self.take_caught(&StepPath::read(&place.path), place.node.as_ref());
            }
            RecordKind::RunEnded { exit_code, .. } => self.exit_code = Some(*exit_code),
            _ => {}
        }
    }

    /// Takes in that the runbook itself has found out that an act was done.
    fn take_caught(&mut self, path: &StepPath, node: Option<&String>) {
        let last = self.rows.iter_mut().rev().find_map(|row| match &mut row.what {
            What::Command(command)
                if command.is_open() && row.path == *path && command.node.as_ref() == node =>
            {
                Some(command)
            }
            _ => None,
        });
        if let Some(command) = last {
            command.fate = Fate::Settled;
            command.is_well = Some(true);
        }
    }

    /// Takes in how the runbook judged the last act of a step.
    fn take_judgement(&mut self, path: &StepPath, node: Option<&String>, is_well: bool) {
        let last = self.rows.iter_mut().rev().find_map(|row| match &mut row.what {
            What::Command(command) if command.acts && row.path == *path && command.node.as_ref() == node => {
                Some(command)
            }
            _ => None,
        });
        if let Some(command) = last {
            command.is_well = Some(is_well);
        }
    }

    fn take_sent(&mut self, order: usize, sent: &Sent) {
        let command = Command {
            node: sent.node.clone(),
            command: sent.command.clone(),
            acts: true,
            is_kept: sent.is_kept,
            fate: Fate::Unsettled,
            may_run_until: sent.left_at.saturating_add(sent.limit_ms.div_ceil(1000)),
            limit: Duration::from_millis(sent.limit_ms),
            is_well: None,
            is_skipped: false,
        };
        self.add(
            order,
            sent.at_ms,
            StepPath::read(&sent.path),
            What::Command(command),
        );
    }

    fn take_reply(&mut self, order: usize, replied: &Replied) {
        let path = StepPath::read(&replied.path);
        let command = Command {
            node: replied.node.clone(),
            command: replied.command.clone(),
            acts: replied.acts,
            is_kept: replied.is_kept,
            fate: Fate::Replied(replied.reply.clone()),
            may_run_until: 0,
            limit: Duration::ZERO,
            is_well: None,
            is_skipped: false,
        };
        let mut command = command;
        if replied.acts {
            // The intent was only ever the beginning of this.
            let sent = self.rows.iter().rposition(|row| {
                row.path == path
                    && matches!(&row.what, What::Command(sent) if sent.acts
                        && sent.fate == Fate::Unsettled
                        && sent.node == command.node
                        && sent.command == command.command)
            });
            let sent = sent.map(|sent| self.rows.remove(sent).what);
            if let Some(What::Command(sent)) = sent {
                (command.may_run_until, command.limit) = (sent.may_run_until, sent.limit);
            }
        }
        self.add(order, replied.at_ms, path, What::Command(command));
    }

    fn take_settled(&mut self, settled: &Settled) {
        let path = StepPath::read(&settled.path);
        let is_it = |row: &Row| {
            row.path == path
                && matches!(&row.what, What::Command(command) if command.is_open()
                    && command.node == settled.node
                    && command.command == settled.command)
        };
        if !settled.is_done {
            self.rows.retain(|row| !is_it(row));
            return;
        }
        for row in self.rows.iter_mut().filter(|row| is_it(row)) {
            if let What::Command(command) = &mut row.what {
                command.fate = Fate::Settled;
                command.is_well = Some(true);
            }
        }
    }

    fn take_mark(&mut self, marked: &Marked) {
        let mark = Mark {
            path: StepPath::read(&marked.path),
            node: marked.node.clone(),
        };
        for row in self.rows.iter_mut().filter(|row| row.path.is_in(&mark.path)) {
            match &mut row.what {
                What::Command(command) if command.acts && command.node == mark.node => {
                    command.fate = Fate::Settled;
                    command.is_well = Some(true);
                    command.is_skipped = !marked.is_done;
                }
                What::Answer(answered) if answered.node == mark.node => {
                    "yes".clone_into(&mut answered.answer)
                }
                _ => {}
            }
        }
        self.marks.push(mark);
    }

    /// Forgets what is to be measured, asked and tried anew.
    fn forget_what_nothing_followed(&mut self) {
        let bodies_of = |is_it: fn(&What) -> bool| -> HashSet<StepPath> {
            let rows = self.rows.iter().filter(|row| is_it(&row.what));
            rows.flat_map(|row| row.path.bodies().collect::<Vec<_>>())
                .collect()
        };
        let cleaned = bodies_of(|what| matches!(what, What::CleaningUp));
        let mut later = Later::new(cleaned, bodies_of(What::is_deed));
        let mut kept = Vec::with_capacity(self.rows.len());
        for mut row in std::mem::take(&mut self.rows).into_iter().rev() {
            if !later.keeps(&row) {
                continue;
            }
            let is_history = later.is_history(&row.path);
            later.note(&row);
            if let What::Command(command) = &mut row.what
                && command.is_open()
                && !is_history
            {
                command.fate = Fate::Unsettled;
            }
            kept.push(row);
        }
        kept.reverse();
        self.rows = kept;
        self.over = later.for_good;
    }

    /// The exit code, where the run, or its last resume, has come to an end.
    pub fn exit_code(&self) -> Option<u8> {
        self.exit_code
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.last_at == 0 && self.marks.is_empty()
    }

    /// Time since the run began until the last of what is known: there the run stands.
    pub fn length(&self) -> Duration {
        let last = self.rows.iter().map(|row| row.at).max();
        Duration::from_millis(last.unwrap_or_default())
    }

    /// The acts of which nobody knows whether they were done.
    pub fn open_acts(&self) -> Vec<OpenAct> {
        let open = self.rows.iter().filter_map(|row| match &row.what {
            What::Command(command) if command.fate == Fate::Unsettled && command.acts => Some(OpenAct {
                is_kept: command.is_kept,
                may_run: may_run(command),
                path: row.path.clone(),
                node: command.node.clone(),
                command: command.command.clone(),
            }),
            _ => None,
        });
        open.collect()
    }

    /// How many acts were done.
    pub fn done_count(&self) -> usize {
        let is_done = |row: &&Row| matches!(&row.what, What::Command(command) if command.acts && !command.is_skipped && command.is_success());
        self.rows.iter().filter(is_done).count()
    }

    /// The blocks whose undo or finally has run to its end after something went wrong.
    pub fn taken_back(&self) -> TakenBack {
        let mut found = TakenBack::default();
        let mut ended: HashSet<StepPath> = HashSet::new();
        for row in &self.rows {
            match row.what {
                What::BodyEnded(false) if !self.over.contains(&row.path) => {
                    ended.insert(row.path.clone());
                }
                What::BodyEnded(_) | What::BodyBegan => {
                    ended.remove(&row.path);
                }
                _ => {}
            }
        }
        for row in self
            .rows
            .iter()
            .filter(|row| matches!(row.what, What::CleaningUp))
        {
            let outermost = row.path.bodies().find(|body| ended.contains(body));
            match outermost {
                Some(body) if !found.bodies.contains(&body) => found.bodies.push(body),
                Some(_) => {}
                None if row.path.bodies().any(|body| self.over.contains(&body)) => {}
                None => {
                    found.whole |=
                        self.exit_code.is_some_and(|code| code != 0) && row.path.body() == StepPath::default()
                }
            }
        }
        found
    }

    /// The commands that are known, each in the order in which it came.
    pub(super) fn commands(&self) -> HashMap<Which, VecDeque<Known<Result<Outcome, TransportError>>>> {
        let mut known: HashMap<Which, VecDeque<_>> = HashMap::new();
        for row in &self.rows {
            let What::Command(command) = &row.what else {
                continue;
            };
            let which = Which {
                path: row.path.clone(),
                node: command.node.clone(),
                words: command.command.clone(),
            };
            known.entry(which).or_default().push_back(Known {
                order: row.order,
                at: Duration::from_millis(row.at),
                is_act: command.acts,
                is_kept: command.acts || command.is_kept,
                what: reply_of(command),
            });
        }
        known
    }

    /// The answers that are known, by the path and the name of the question.
    pub(super) fn answers(&self) -> HashMap<Which, VecDeque<Known<Answer>>> {
        let mut known: HashMap<Which, VecDeque<_>> = HashMap::new();
        for row in &self.rows {
            let What::Answer(answered) = &row.what else {
                continue;
            };
            let which = Which {
                path: row.path.clone(),
                node: answered.node.clone(),
                words: answered.name.clone(),
            };
            known.entry(which).or_default().push_back(Known {
                order: row.order,
                at: Duration::from_millis(row.at),
                is_act: answered.is_deed,
                is_kept: true,
                what: read_answer(answered),
            });
        }
        known
    }

    /// Whether it is written that a body has ended well.
    pub(super) fn has_ended_well(&self, body: &StepPath) -> bool {
        self.ended_well.contains(body)
    }

    /// Whether a step was finished by hand.
    pub(super) fn is_finished(&self, path: &StepPath, node: Option<&str>) -> bool {
        let mut marks = self.marks.iter();
        marks.any(|mark| path.is_in(&mark.path) && mark.node.as_deref() == node)
    }
}

impl What {
    /// Whether something is changed by it.
    pub fn is_deed(&self) -> bool {
        match self {
            What::Command(command) => command.acts && !command.is_skipped,
            What::Answer(answered) => answered.is_deed,
            What::CleaningUp => true,
            What::BodyBegan | What::BodyEnded(_) => false,
        }
    }
}

fn reply_of(command: &Command) -> Result<Outcome, TransportError> {
    let node = command
        .node
        .clone()
        .unwrap_or_else(|| "the local machine".to_owned());
    match &command.fate {
        Fate::Unsettled => Err(TransportError::Unsettled {
            node,
            may_run: may_run(command),
        }),
        Fate::Settled => Err(TransportError::Settled),
        Fate::Replied(Reply::Ran {
            status,
            output,
            errors,
        }) => Ok(Outcome {
            status: *status,
            output: output.clone(),
            errors: errors.clone(),
        }),
        Fate::Replied(Reply::Unreachable(why)) => Err(TransportError::Unreachable {
            node,
            why: why.clone(),
        }),
        Fate::Replied(Reply::Unknown { why, is_late }) => Err(TransportError::Unknown {
            node,
            why: why.clone(),
            is_late: *is_late,
        }),
    }
}

/// How long a command may still be running.
fn may_run(command: &Command) -> Duration {
    // A clock that was set back makes it no longer.
    Duration::from_secs(command.may_run_until.saturating_sub(seconds_now())).min(command.limit)
}

fn read_answer(answered: &Answered) -> Answer {
    match answered.answer.as_str() {
        "yes" => Answer::Yes,
        "no" => Answer::No,
        "later" => Answer::Park,
        "could_not" => Answer::CouldNot(answered.why.clone().unwrap_or_default()),
        _ => Answer::Nobody,
    }
}
