use std::sync::Arc;
use std::time::Duration;

use foldhash::{HashSet, HashSetExt};

use super::entry::{Marked, Replied, Sent, Settled};
use super::later::Later;
use super::row::{Command, Fate, Row, What, may_run};
use super::{Entry, Record, RecordKind};
use crate::transport::StepPath;

/// What is known of what a run has done before it was interrupted.
///
/// What was done is known for good, and so is what was measured once and for all. Everything
/// else, such as what a guard has measured, is known only where something was done after it:
/// it has been acted on, and is history. What nothing was done after is measured, asked and tried
/// anew.
#[derive(Debug, Clone, Default)]
pub struct Past {
    rows: Vec<Arc<Row>>,
    marks: Vec<Mark>,
    /// Bodies that have ended for good.
    over: HashSet<StepPath>,
    /// Bodies of which it is written that they have ended well.
    ended_well: HashSet<StepPath>,
    last_at: u64,
    exit_code: Option<u8>,
}

/// A step that a person has finished by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    path: StepPath,
    node: Option<String>,
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

    /// Takes in an entry at its place in the journal; [`Past::forget_what_nothing_followed`] belongs at the end.
    pub(super) fn take(&mut self, order: usize, entry: &Entry) {
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
        self.rows.push(Arc::new(Row {
            order,
            at,
            bodies: path.bodies().collect(),
            path,
            what,
        }));
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
        let is_it = |command: &Command| command.is_open() && command.node.as_ref() == node;
        if let Some(command) = self.last_command(path, is_it) {
            command.fate = Fate::Settled;
            command.is_well = Some(true);
        }
    }

    /// Takes in how the runbook judged the last act of a step.
    fn take_judgement(&mut self, path: &StepPath, node: Option<&String>, is_well: bool) {
        let is_it = |command: &Command| command.acts && command.node.as_ref() == node;
        if let Some(command) = self.last_command(path, is_it) {
            command.is_well = Some(is_well);
        }
    }

    /// The last command of a step that is such a one.
    fn last_command(&mut self, path: &StepPath, is_it: impl Fn(&Command) -> bool) -> Option<&mut Command> {
        let last =
            self.rows.iter_mut().rev().find(|row| {
                row.path == *path && matches!(&row.what, What::Command(command) if is_it(command))
            });
        match &mut Arc::make_mut(last?).what {
            What::Command(command) => Some(command),
            _ => None,
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
            let sent = sent.map(|sent| self.rows.remove(sent));
            if let Some(What::Command(sent)) = sent.as_ref().map(|sent| &sent.what) {
                (command.may_run_until, command.limit) = (sent.may_run_until, sent.limit);
            }
        }
        self.add(order, replied.at_ms, path, What::Command(command));
    }

    fn take_settled(&mut self, settled: &Settled) {
        let path = StepPath::read(&settled.path);
        let is_it = |row: &Arc<Row>| {
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
            if let What::Command(command) = &mut Arc::make_mut(row).what {
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
            match &mut Arc::make_mut(row).what {
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
    pub(super) fn forget_what_nothing_followed(&mut self) {
        let bodies_of = |is_it: fn(&What) -> bool| -> HashSet<StepPath> {
            let rows = self.rows.iter().filter(|row| is_it(&row.what));
            rows.flat_map(|row| row.bodies.iter().cloned()).collect()
        };
        let cleaned = bodies_of(|what| matches!(what, What::CleaningUp));
        let mut later = Later::new(cleaned, bodies_of(What::is_deed));
        let mut kept = Vec::with_capacity(self.rows.len());
        for mut row in std::mem::take(&mut self.rows).into_iter().rev() {
            if !later.keeps(&row) {
                continue;
            }
            let is_open = matches!(&row.what, What::Command(command) if command.is_open());
            let is_anew = is_open && !later.is_history(&row);
            later.note(&row);
            if is_anew && let What::Command(command) = &mut Arc::make_mut(&mut row).what {
                command.fate = Fate::Unsettled;
            }
            kept.push(row);
        }
        kept.reverse();
        self.rows = kept;
        self.over = later.for_good;
    }

    /// Up to which place in the journal the same is known of this run as of another one.
    pub fn shared_with(&self, other: &Past) -> usize {
        if self.marks != other.marks {
            return 0;
        }
        let shared = self.rows.iter().zip(&other.rows);
        let shared = shared
            .take_while(|(row, other)| Arc::ptr_eq(row, other) || row.is_same(other))
            .count();
        let next = [self.rows.get(shared), other.rows.get(shared)];
        let next = next.into_iter().flatten().map(|row| row.order);
        next.min().unwrap_or(usize::MAX)
    }

    /// The exit code, where the run, or its last resume, has come to an end.
    pub fn exit_code(&self) -> Option<u8> {
        self.exit_code
    }

    /// How much is known.
    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
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
        let is_done = |row: &&Arc<Row>| matches!(&row.what, What::Command(command) if command.acts && !command.is_skipped && command.is_success());
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
            let outermost = row.bodies.iter().find(|body| ended.contains(*body)).cloned();
            match outermost {
                Some(body) if !found.bodies.contains(&body) => found.bodies.push(body),
                Some(_) => {}
                None if row.bodies.iter().any(|body| self.over.contains(body)) => {}
                None => {
                    found.whole |=
                        self.exit_code.is_some_and(|code| code != 0) && row.path.body() == StepPath::default()
                }
            }
        }
        found
    }

    /// What is known that the doors of a run answer with, in the order in which it came.
    pub(super) fn answers(&self) -> impl Iterator<Item = &Arc<Row>> {
        let rows = self.rows.iter();
        rows.filter(|row| matches!(row.what, What::Command(_) | What::Answer(_)))
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
