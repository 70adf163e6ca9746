use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::kept::{describe_self, journal_folder, load_account, write_now};
use super::{InventoryChoice, KeptRun, Project, ProjectError, Pulse};
use crate::diagnostic::Problems;
use crate::journal::{
    Account, BegunAnew, Entry, Journal, Marked, OpenAct, Opening, Past, Record, RecordKind, RecordPlace,
    Resumption, TakenBack, describe_change,
};
use crate::transport::StepPath;

/// A run that was interrupted, and may be taken up again.
pub struct Interrupted {
    /// All that was kept of it.
    pub account: Account,
    past: Past,
    texts: Vec<(String, String)>,
    inventory: String,
}

/// What is different from what the run was begun with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In words and as a difference; empty: nothing.
    pub told: String,
    has_texts: bool,
    has_inventory: bool,
}

/// What a person says of a step that was finished by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepMark {
    /// Whether it counts as done; otherwise it is skipped.
    pub is_done: bool,
    /// The step: its line in the runbook, its words, or its path.
    pub step: String,
    /// The node; none: it belongs to no node.
    pub node: Option<String>,
    /// Why.
    pub why: String,
}

impl Interrupted {
    /// Looks up a run in the journal.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when it is not there or cannot be taken up again: it is alive, has ended well, is a
    /// session, or what it did was taken back at its end.
    pub fn find(run: &str) -> Result<Interrupted, ProjectError> {
        let folder = journal_folder()?;
        let account = match Journal::open_if_there(&folder)? {
            Some(journal) => {
                // What is believed here is not done again.
                journal.check_chain(run)?;
                load_account(&journal, run)?
            }
            None => None,
        };
        let account = account.ok_or_else(|| ProjectError::Given(format!("there is no run `{run}`")))?;
        if let Some(pid) = Pulse::feel(&folder, run) {
            return Err(ProjectError::StillAlive {
                run: run.to_owned(),
                pid,
            });
        }
        Interrupted::of(account)
    }

    fn of(account: Account) -> Result<Interrupted, ProjectError> {
        let run = account.opening.run.clone();
        let past = Past::read(account.entries.iter().map(|(_, entry)| entry));
        let refuse = |why: &str, help: &str| {
            Err(ProjectError::NotResumed {
                run: run.clone(),
                why: why.to_owned(),
                help: help.to_owned(),
            })
        };
        if account.opening.is_session {
            return refuse(
                "it is a session at the prompt",
                "`quorate show` tells what was done in it",
            );
        }
        if past.exit_code() == Some(0) {
            return refuse(
                "it has ended well",
                "run the runbook again if it is to be done again",
            );
        }
        if past.taken_back().whole {
            return refuse(
                "what it set up was taken back at its end, by `undo` or `finally` of the runbook itself",
                "run the runbook anew; `--limit` leaves out nodes that are done, which `quorate show` lists",
            );
        }
        let resumptions = account.entries.iter().filter_map(|(_, entry)| match entry {
            Entry::Resumed(resumption) => Some(resumption),
            _ => None,
        });
        let (mut texts, mut inventory) = (account.opening.texts.clone(), account.opening.inventory.clone());
        for resumption in resumptions {
            texts = resumption.texts.clone().unwrap_or(texts);
            inventory = resumption.inventory.clone().unwrap_or(inventory);
        }
        Ok(Interrupted {
            account,
            past,
            texts,
            inventory,
        })
    }

    /// What it was begun with.
    pub fn opening(&self) -> &Opening {
        &self.account.opening
    }

    /// Whether somebody may go on with it elsewhere: it was handed over, or came from there.
    pub fn is_elsewhere(&self) -> bool {
        let mut entries = self.account.entries.iter();
        entries.any(|(_, entry)| matches!(entry, Entry::HandedOver(_)))
    }

    /// What is known of it.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Blocks on nodes whose undo has run: they are begun anew, or the run is not taken up.
    pub fn taken_back(&self) -> TakenBack {
        self.past.taken_back()
    }

    /// Opens the runbook once more: its file, or what was kept of it where there is none.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when the inventory or the runbook cannot be read.
    pub fn open(&self, inventory: Option<&Path>) -> Result<(Project, Problems), ProjectError> {
        let opening = self.opening();
        let file = match inventory {
            Some(file) => file.to_owned(),
            None if opening.inventory_file.is_empty() => {
                return Err(ProjectError::Given(
                    "the run has no inventory; name one with -i".to_owned(),
                ));
            }
            None => PathBuf::from(&opening.inventory_file),
        };
        let script = PathBuf::from(&opening.script);
        let choice = InventoryChoice::File(file);
        match self.has_file() {
            true => Project::open(&script, &choice),
            false => Project::open_kept(&self.texts, &script, &choice),
        }
    }

    /// Whether the file of its runbook is there.
    pub fn has_file(&self) -> bool {
        Path::new(&self.opening().script).is_file()
    }

    /// In what a project differs from what the run was begun with.
    pub fn changes(&self, project: &Project) -> Changes {
        let mut changes = Changes::default();
        let (version, now) = (&self.opening().version, env!("CARGO_PKG_VERSION"));
        if version != now {
            changes
                .told
                .push_str(&format!("it was begun by quorate {version}, and this is {now}\n"));
        }
        let texts = project.texts();
        let names = texts.len().max(self.texts.len());
        for index in 0..names {
            let old = self.texts.get(index);
            let new = texts.get(index);
            let text = |one: Option<&(String, String)>| one.map_or("", |(_, text)| text.as_str()).to_owned();
            if text(old) == text(new) {
                continue;
            }
            let name = old.or(new).map_or("", |(name, _)| name.as_str());
            changes.has_texts = true;
            changes
                .told
                .push_str(&describe_change(name, &text(old), &text(new)));
        }
        let inventory = project.describe_inventory();
        if inventory != self.inventory {
            changes.has_inventory = true;
            changes
                .told
                .push_str(&describe_change("the inventory", &self.inventory, &inventory));
        }
        changes
    }

    /// Takes the run up again: from now on it is alive, and what is written belongs to it.
    ///
    /// `anew` are blocks that are begun anew, since what they did was taken back.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when it is alive already, or the journal cannot be written.
    pub fn take_up(
        self,
        project: &Project,
        changes: &Changes,
        anew: &[StepPath],
    ) -> Result<KeptRun, ProjectError> {
        let run = self.opening().run.clone();
        let mut kept = open_again(&run)?;
        // What was accepted once stays accepted.
        let mut entries = self.account.entries.iter();
        let was_accepted = entries
            .any(|(_, entry)| matches!(entry, Entry::Resumed(resumption) if resumption.accepted.is_some()));
        kept.may_pass_over = was_accepted || !changes.told.is_empty();
        kept.is_sole = !self.is_elsewhere();
        let (who, host) = describe_self();
        let at_ms = u64::try_from(self.past.length().as_millis()).unwrap_or(u64::MAX);
        {
            let mut journal = kept.journal.borrow_mut();
            journal.push(&Entry::Resumed(Resumption {
                when: write_now(),
                who: who.clone(),
                host,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                at_ms,
                accepted: (!changes.told.is_empty()).then(|| changes.told.clone()),
                texts: changes.has_texts.then(|| project.texts()),
                inventory: changes.has_inventory.then(|| project.describe_inventory()),
            }));
            for block in anew {
                journal.push(&Entry::BegunAnew(BegunAnew {
                    when: write_now(),
                    who: who.clone(),
                    path: block.as_str().to_owned(),
                }));
            }
            journal.commit(true)?;
        }
        Ok(kept)
    }

    /// Writes down what a person says of steps, all of it or nothing; the path of each step.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when the run has come to no such step, or to several, or two marks are of one step.
    pub fn mark(self, marks: &[StepMark]) -> Result<Vec<StepPath>, ProjectError> {
        let mut paths: Vec<StepPath> = Vec::new();
        for (index, mark) in marks.iter().enumerate() {
            let path = self.find_markable(mark)?;
            let mut before = paths.iter().zip(marks);
            if before.any(|(known, other)| *known == path && other.node == mark.node) {
                return Err(ProjectError::Given(format!(
                    "--mark: of `{path}` something is said twice, the second time in mark {}; say it once",
                    index + 1
                )));
            }
            paths.push(path);
        }
        let kept = open_again(&self.opening().run)?;
        for (mark, path) in marks.iter().zip(&paths) {
            kept.journal.borrow_mut().push(&Entry::Marked(Marked {
                when: write_now(),
                who: describe_self().0,
                is_done: mark.is_done,
                step: mark.step.clone(),
                path: path.as_str().to_owned(),
                node: mark.node.clone(),
                why: mark.why.clone(),
            }));
        }
        kept.close()?;
        Ok(paths)
    }

    /// The path of the step of a mark, of which nothing is needed but whether it was done.
    fn find_markable(&self, mark: &StepMark) -> Result<StepPath, ProjectError> {
        let node = mark.node.as_deref();
        let path = self.find_step(&mark.step, node)?;
        let mut open = self.past.open_acts().into_iter();
        if open.any(|act| act.is_kept && act.path == path && act.node.as_deref() == node) {
            return Err(ProjectError::Given(format!(
                "--mark: what `{path}` printed is given a name in the runbook, and nobody can say it here; have it done \
                 again: `quorate resume` asks at a terminal whether it was done, answer `not`"
            )));
        }
        Ok(path)
    }

    /// The path of a step that the run has come to on a node, by its line, its words or its path: one of
    /// which nobody knows whether it was done, if there is one.
    fn find_step(&self, step: &str, node: Option<&str>) -> Result<StepPath, ProjectError> {
        let places = self.account.entries.iter().filter_map(|(_, entry)| match entry {
            Entry::Happened(record) => markable(record),
            _ => None,
        });
        let mut known: Vec<(StepPath, usize)> = Vec::new();
        let mut worded: Vec<StepPath> = Vec::new();
        for (place, words) in places.filter(|(place, _)| place.node.as_deref() == node) {
            let path = StepPath::read(&place.path);
            if words.contains(&step) {
                worded.push(path.clone());
            }
            if !known.iter().any(|(other, _)| *other == path) {
                known.push((path, place.line));
            }
        }
        let is_meant = |path: &StepPath, line: usize| {
            step.parse() == Ok(line)
                || path.to_string() == step
                || path.as_str() == step
                || path.parts().next_back() == Some(step)
                || worded.contains(path)
        };
        let meant: Vec<&StepPath> = known
            .iter()
            .filter(|(path, line)| is_meant(path, *line))
            .map(|(path, _)| path)
            .collect();
        let open = self.past.open_acts();
        let is_open = |path: &&&StepPath| open.iter().any(|act| act.path == ***path);
        let still_open: Vec<&&StepPath> = meant.iter().filter(is_open).collect();
        match (&still_open[..], &meant[..]) {
            ([path], _) => Ok((**path).clone()),
            (_, [path]) => Ok((*path).clone()),
            (_, found) => Err(self.no_step(step, node, found, &open)),
        }
    }

    fn no_step(&self, step: &str, node: Option<&str>, found: &[&StepPath], open: &[OpenAct]) -> ProjectError {
        let on = node.map_or_else(|| "outside any node".to_owned(), |node| format!("on {node}"));
        let list =
            |paths: Vec<String>| -> String { paths.iter().map(|path| format!("\n  {path}")).collect() };
        let (why, help) = match (found.is_empty(), open.is_empty()) {
            (false, _) => (
                format!("`{step}` {on} may be any of these; give its path:"),
                list(found.iter().map(ToString::to_string).collect()),
            ),
            (true, false) => (
                format!(
                    "the run has not come to a step `{step}` {on}; nobody knows whether these were done:"
                ),
                list(
                    open.iter()
                        .map(|act| format!("{} ({})", act.path, act.node.as_deref().unwrap_or("-")))
                        .collect(),
                ),
            ),
            (true, true) => (
                format!("the run has not come to a step `{step}` {on}"),
                "; give its line in the runbook, or its words as `quorate show` has them".to_owned(),
            ),
        };
        ProjectError::Given(format!("--mark: {why}{help}"))
    }
}

/// The place of an event that a person can say something of, an act or a question, and its words.
fn markable(record: &Record) -> Option<(&RecordPlace, Vec<&str>)> {
    match &record.what {
        RecordKind::StepStarted {
            place, what, command, ..
        } => Some((
            place,
            [Some(what), command.as_ref()]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect(),
        )),
        RecordKind::StepEnded { place, what, .. } => Some((place, vec![what])),
        RecordKind::Answered { place, name, .. } => Some((place, vec![name])),
        _ => None,
    }
}

/// Opens the journal of a run that goes on.
fn open_again(run: &str) -> Result<KeptRun, ProjectError> {
    let journal = Journal::open(&journal_folder()?)?;
    let Some(pulse) = Pulse::begin(journal.folder(), run)? else {
        let pid = Pulse::feel(journal.folder(), run).unwrap_or_default();
        return Err(ProjectError::StillAlive {
            run: run.to_owned(),
            pid,
        });
    };
    Ok(KeptRun {
        journal: Rc::new(RefCell::new(journal.go_on(run)?)),
        may_pass_over: false,
        is_sole: true,
        pulse,
    })
}
