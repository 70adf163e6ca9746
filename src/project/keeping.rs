use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::kept::{describe_self, journal_folder, name_run, name_side, write_now};
use super::{Project, ProjectError, Pulse};
use crate::inventory::{describe_inventory, write_inventory};
use crate::journal::{Journal, JournalError, Opening, RunJournal};
use crate::plan::Plan;
use crate::run::RunOptions;
use crate::value::Value;

/// A run that is being written down.
pub struct KeptRun {
    /// Its journal.
    pub journal: Rc<RefCell<RunJournal>>,
    /// Whether acts in the journal that the runbook does not come to any more are no obstacle.
    pub may_pass_over: bool,
    /// Whether nobody can be carrying it out elsewhere.
    pub is_sole: bool,
    /// Shows that it is alive.
    pub(super) pulse: Pulse,
}

impl KeptRun {
    /// The run's name.
    pub fn name(&self) -> String {
        self.journal.borrow().name().to_owned()
    }

    /// The name under which it holds the maintenance lock: one that may go on elsewhere has another one there.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NotKept`] when what tells the two apart cannot be kept.
    pub fn lock_name(&self) -> Result<String, ProjectError> {
        let name = self.name();
        if self.is_sole {
            return Ok(name);
        }
        let side = name_side(self.journal.borrow().whole().folder())?;
        Ok(format!("{name} on {} ({side})", describe_self().1))
    }

    /// Ends the writing; everything is on disk afterwards.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when that is not possible.
    pub fn close(self) -> Result<(), JournalError> {
        let KeptRun { journal, pulse, .. } = self;
        let closed = match Rc::try_unwrap(journal) {
            Ok(journal) => journal.into_inner().close(),
            Err(shared) => shared.borrow_mut().commit(true),
        };
        drop(pulse);
        closed
    }
}

/// What a run was told beside its runbook and inventory, as it was given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The parameters and their values.
    pub parameters: BTreeMap<String, String>,
    /// `--limit`.
    pub limit: Option<String>,
    /// `--override`, each as it was given.
    pub overrides: Vec<String>,
    /// `--ssh-config`.
    pub ssh_config: Option<String>,
    /// `--ssh openssh`.
    pub is_openssh_forced: bool,
}

impl Project {
    /// Opens the journal for a run that begins now; that is on disk afterwards.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when it cannot be opened or written.
    pub fn begin_kept(
        &self,
        script: &Path,
        plan: &Plan,
        given: &Given,
        options: &RunOptions,
    ) -> Result<KeptRun, ProjectError> {
        let title = plan.program.title.clone().unwrap_or_default();
        let is_secret = |name: &str| {
            plan.arguments
                .iter()
                .any(|(known, value)| known == name && matches!(value, Value::Secret(_)))
        };
        let (secrets, plain): (Vec<_>, Vec<_>) =
            given.parameters.iter().partition(|(name, _)| is_secret(name));
        let opening = Opening {
            title,
            script: absolute(script),
            texts: self.texts(),
            given: plain
                .into_iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            secrets: secrets.into_iter().map(|(name, _)| name.clone()).collect(),
            limit: given.limit.clone(),
            overrides: given.overrides.clone(),
            fan_out: options.fan_out,
            timeout_ms: options
                .timeout
                .map(|length| u64::try_from(length.as_millis()).unwrap_or(u64::MAX)),
            step: options.step,
            ssh_config: given.ssh_config.as_deref().map(absolute_ssh_config),
            is_openssh_forced: given.is_openssh_forced,
            ..self.opening()
        };
        open_run(opening)
    }

    /// Opens the journal for a session at the prompt.
    ///
    /// # Errors
    ///
    /// [`ProjectError`] when it cannot be opened or written.
    pub fn begin_session(&self) -> Result<KeptRun, ProjectError> {
        open_run(Opening {
            title: "session".to_owned(),
            is_session: true,
            ..self.opening()
        })
    }

    /// What every run on this cluster begins with.
    fn opening(&self) -> Opening {
        let (who, host) = describe_self();
        Opening {
            when: write_now(),
            who,
            host,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            cluster: self.inventory().name.clone(),
            inventory_file: self.inventory_file().map(absolute).unwrap_or_default(),
            inventory: self.describe_inventory(),
            ..Opening::default()
        }
    }

    /// All texts that the script was read from, the script first.
    pub fn texts(&self) -> Vec<(String, String)> {
        let files = self.sources().files();
        files
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    }

    /// The inventory as it was read, so that two of them can be compared line by line.
    pub fn describe_inventory(&self) -> String {
        let inventory = self.inventory();
        let mut text = hide_secrets(&describe_inventory(inventory));
        text.push_str(&write_inventory(inventory));
        text
    }
}

fn open_run(mut opening: Opening) -> Result<KeptRun, ProjectError> {
    let journal = Journal::open(&journal_folder()?)?;
    opening.run = name_run(&opening.title);
    let pulse = Pulse::begin(journal.folder(), &opening.run)?.ok_or_else(|| ProjectError::NotKept {
        path: journal.folder().display().to_string(),
        why: format!("there is a run called {} already", opening.run),
    })?;
    Ok(KeptRun {
        journal: Rc::new(RefCell::new(journal.begin(opening)?)),
        may_pass_over: false,
        is_sole: true,
        pulse,
    })
}

/// The words in the name of a variable that is a secret.
const SECRET_WORDS: [&str; 6] = ["pass", "secret", "token", "key", "credential", "private"];

/// The description of an inventory with the values of variables that are secrets by their names left out.
fn hide_secrets(text: &str) -> String {
    let is_secret = |name: &str| {
        let name = name.to_lowercase();
        SECRET_WORDS.iter().any(|word| name.contains(word))
    };
    let mut hides = false;
    let mut hidden = String::new();
    for line in text.lines() {
        let inner = line.strip_prefix("  ");
        // A variable of nodes is a line of its own, and its values are indented.
        if inner.is_none() {
            hides = line.strip_suffix(" of a node").is_some_and(is_secret);
        }
        match inner.and_then(|inner| inner.split_once(" = ")) {
            _ if hides && inner.is_some() => hidden.push_str("  ***\n"),
            Some((name, _)) if is_secret(name) => hidden.push_str(&format!("  {name} = ***\n")),
            _ => hidden.push_str(&format!("{line}\n")),
        }
    }
    hidden
}

/// The path of a configuration of `ssh` from the root; to `ssh`, `none` is no file.
fn absolute_ssh_config(file: &str) -> String {
    match file {
        "none" => file.to_owned(),
        file => absolute(Path::new(file)),
    }
}

/// A path from the root; `-` is standard input.
fn absolute(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "-".to_owned();
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.display().to_string()
}
