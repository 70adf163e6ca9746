//! Runbooks and what they expand to: both do the same.
//!
//! The runs of `tests/golden/run`, `guards` and `rules` are the corpus: each command line there that
//! carries a runbook out on the simulated cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use quorate::expand::Expansion;
use quorate::inventory::NodeName;
use quorate::run::Override;
use quorate::transport::Answer;

use crate::case::{Case, compare_prepared};
use crate::interpreter::Prepared;
use crate::person::Said;

/// The folders of the corpus.
const FOLDERS: [&str; 3] = ["run", "guards", "rules"];
/// Flags of runs that have no expansion.
const LEFT_OUT: [&str; 5] = ["--dry-run", "--format", "--step", "check", "--limit"];

/// A run as its command line tells it.
#[derive(Default, Clone)]
pub struct Run {
    /// The case's name.
    pub name: String,
    file: PathBuf,
    shape: String,
    given: Vec<(String, String)>,
    said: Said,
    /// What is overridden.
    pub overrides: Vec<Override>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A run of each shipped runbook.
pub fn runs_of_shipped_runbooks() -> Vec<Run> {
    let mut found: BTreeMap<PathBuf, Run> = BTreeMap::new();
    for run in read_runs("run") {
        if run.file.starts_with("scripts") {
            found.entry(run.file.clone()).or_insert(run);
        }
    }
    found.into_values().collect()
}

impl Run {
    /// The runbook laid out, its name, and its parameters.
    pub fn prepare(&self) -> Result<(Prepared, String, BTreeMap<String, String>), String> {
        let text = std::fs::read_to_string(root().join(&self.file)).map_err(|why| why.to_string())?;
        let given: Vec<(&str, &str)> = self
            .given
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let name = self.file.display().to_string();
        let prepared = Prepared::overriding(&self.shape, &name, &text, &given, &self.overrides)?;
        Ok((prepared, name, self.given.iter().cloned().collect()))
    }
}

/// The shells in which scripts must run.
const SHELLS: [&str; 3] = ["dash", "bash", "busybox sh"];

/// Asks for each run of a shipped runbook in each shell and layout.
const ALL: &str = "QUORATE_ALL_SHELLS";

/// Each run of the corpus, in dash. The first run of each shipped runbook is carried out in every shell
/// and folded as well, its other runs in one of these by turns, or in all of them if [`ALL`] is set.
pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut known = BTreeSet::new();
    let ways: Vec<(&'static str, bool)> = SHELLS
        .into_iter()
        .map(|shell| (shell, false))
        .chain([("dash", true)])
        .collect();
    let mut turn = ways.iter().cycle();
    for folder in FOLDERS {
        for run in read_runs(folder) {
            let is_shipped = run.file.starts_with("scripts");
            let is_whole = known.insert(run.file.clone()) || std::env::var_os(ALL).is_some();
            let taken: Vec<(&'static str, bool)> = match (is_shipped, is_whole) {
                (true, true) => ways.clone(),
                (true, false) => turn.next().copied().into_iter().collect(),
                (false, _) => vec![("dash", false)],
            };
            let run = std::sync::Arc::new(run);
            for (shell, fold) in taken {
                let run = std::sync::Arc::clone(&run);
                let folded = if fold { " folded" } else { "" };
                let name = format!("expanded::{folder}/{}{folded} [{shell}]", run.name);
                trials.push(Trial::test(name, move || carry_out(&run, shell, fold)));
            }
        }
    }
    trials
}

fn carry_out(run: &Run, shell: &str, fold: bool) -> Result<(), Failed> {
    let text = std::fs::read_to_string(root().join(&run.file))?;
    let (prepared, name, given) = run.prepare()?;
    let script = expand(&prepared, &name, given.clone(), &run.overrides, fold)?;
    let secrets = tempfile::tempdir()?;
    let script = with_secrets(script, &given, secrets.path())?;
    let case = Case {
        shape: &run.shape,
        name: &name,
        runbook: &text,
        overrides: &run.overrides,
        said: run.said.clone(),
        shell,
        script: &script,
        ..Case::default()
    };
    let differences = compare_prepared(&case, &prepared)?;
    match differences.is_empty() {
        true => Ok(()),
        false => {
            if let Some(folder) = std::env::var_os("KEEP_EXPANDED") {
                std::fs::write(Path::new(&folder).join(run.name.replace('/', "-")), &script)?;
            }
            Err(differences.join("\n").into())
        }
    }
}

/// Names a file for each secret among the parameters.
pub fn with_secrets(
    mut script: String,
    given: &BTreeMap<String, String>,
    folder: &Path,
) -> std::io::Result<String> {
    for (name, value) in given {
        for variable in [format!("{name}_file"), format!("{name}_file_file")] {
            let unset = format!("\n{variable}=''\n");
            if script.contains(&unset) {
                let file = folder.join(name);
                // As an editor leaves it.
                std::fs::write(&file, format!("{value}\n"))?;
                script = script.replace(&unset, &format!("\n{variable}='{}'\n", file.display()));
            }
        }
    }
    Ok(script)
}

/// The expansion of a runbook.
pub fn expand(
    prepared: &Prepared,
    name: &str,
    given: BTreeMap<String, String>,
    overrides: &[Override],
    fold: bool,
) -> Result<String, String> {
    let overrides = overrides
        .iter()
        .map(|known| (known.name.clone(), known.node.clone(), known.why.clone()));
    let expansion = Expansion {
        file: name.to_owned(),
        inventory: "the simulated cluster".to_owned(),
        fold,
        overrides: overrides.collect(),
        given,
        ..Expansion::default()
    };
    prepared
        .project
        .expand(&prepared.plan, expansion)
        .map_err(|error| error.to_string())
}

fn read_runs(folder: &str) -> Vec<Run> {
    let path = root().join("tests/golden").join(folder);
    let entries = std::fs::read_dir(path).expect("the corpus is in the repository");
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "case"))
        .collect();
    files.sort();
    files.iter().filter_map(|file| read_run(file)).collect()
}

/// Reads a command line of the corpus; none where it is not a run that has an expansion.
fn read_run(file: &Path) -> Option<Run> {
    let text = std::fs::read_to_string(file).expect("the corpus is readable");
    let line = text
        .lines()
        .find(|line| !line.starts_with('#') && !line.trim().is_empty())?;
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.first() != Some(&"run") || words.iter().any(|word| LEFT_OUT.contains(word)) {
        return None;
    }
    let told = std::fs::read_to_string(file.with_extension("out")).expect("what it prints is beside it");
    if told.ends_with("--- exit 2\n") || told.ends_with("--- exit 3\n") {
        // What does not check has no expansion.
        return None;
    }
    let mut run = Run {
        name: file.file_stem()?.to_string_lossy().into_owned(),
        ..Run::default()
    };
    let mut answers_yes = false;
    let mut words = words[1..].iter().peekable();
    while let Some(word) = words.next() {
        match *word {
            "--yes" => answers_yes = true,
            "--sim" => {
                if words.peek().is_some_and(|next| next.ends_with(".toml")) {
                    run.shape = std::fs::read_to_string(root().join(words.next()?)).ok()?;
                }
            }
            "--set" => {
                let (name, value) = words.next()?.split_once('=')?;
                let value = match value.strip_prefix('@') {
                    Some(file) => {
                        let text = std::fs::read_to_string(root().join(file)).ok()?;
                        text.strip_suffix('\n').unwrap_or(&text).to_owned()
                    }
                    None => value.to_owned(),
                };
                run.given.push((name.to_owned(), value));
            }
            "--override" => {
                let (name, why) = words.next()?.split_once('=')?;
                let (name, node) = match name.split_once('@') {
                    Some((name, node)) => (name, Some(NodeName::from(node))),
                    None => (name, None),
                };
                run.overrides.push(Override {
                    name: name.to_owned(),
                    node,
                    why: why.to_owned(),
                });
            }
            "--answer" => {
                let (name, answer) = words.next()?.split_once('=')?;
                let answer = if answer == "yes" { Answer::Yes } else { Answer::No };
                run.said.insert(name.to_owned(), answer);
            }
            "-f" | "--fanout" | "--timeout" => return None,
            file if file.ends_with(".runbook") => run.file = PathBuf::from(file),
            _ => return None,
        }
    }
    // Without `--yes` nobody is there.
    (answers_yes || run.said.is_empty()).then_some(run)
}
