//! The command lines of the golden runs, read as what is to be broken off and taken up again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use quorate::evaluate::Memo;
use quorate::plan::Plan;
use quorate::project::{InventoryChoice, Project, drop_overridden, read_limit, read_overrides};
use quorate::run::RunOptions;
use quorate::transport::Answers;
use quorate::transport::simulated::{Shape, SimulatedCluster};

/// A runbook laid out for a simulated cluster, as a command line says.
pub struct Case {
    /// The name of the file that holds the command line.
    pub name: String,
    /// The script and its cluster.
    pub project: Project,
    /// What will be done.
    pub plan: Plan,
    /// The shape of the cluster.
    shape: Shape,
    limit: Option<String>,
    overrides: Vec<String>,
    /// What facts have come to: all runs of a case have the same plan.
    memo: Rc<Memo>,
    /// What the person says.
    pub answers: Answers,
}

/// The files with the command lines of whole runs.
pub fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["run", "guards", "rules"] {
        let folder = root().join("tests/golden").join(folder);
        let entries = std::fs::read_dir(folder).expect("the folder is in the repository");
        let cases = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "case"));
        found.extend(cases);
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Case {
    /// Reads a command line; `None` for one that carries nothing out.
    pub fn read(file: &Path) -> Result<Option<Case>, String> {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        if words.first() != Some(&"run") || words.contains(&"--dry-run") {
            return Ok(None);
        }
        let (mut runbook, mut shape_file, mut limit) = (None, None, None);
        let (mut given, mut overrides, mut answers) = (BTreeMap::new(), Vec::new(), Answers::default());
        answers.simulated = true;
        let mut words = words.into_iter().skip(1);
        while let Some(word) = words.next() {
            let pair = |word: Option<&str>| {
                let (name, value) = word?.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            };
            match word {
                "--sim" => {}
                "--yes" => answers.yes = true,
                "--set" => given.extend(pair(words.next())),
                "--answer" => {
                    let answer = pair(words.next()).ok_or("--answer without NAME=yes|no")?;
                    answers.named.insert(answer.0, answer.1 == "yes");
                }
                "--override" => overrides.extend(words.next().map(str::to_owned)),
                "--limit" => limit = words.next().map(str::to_owned),
                other if other.ends_with(".toml") => {
                    let path = other.strip_prefix("--sim=").unwrap_or(other);
                    shape_file = Some(root().join(path));
                }
                other if other.ends_with(".runbook") => runbook = Some(root().join(other)),
                other => return Err(format!("`{other}` has no meaning here")),
            }
        }
        let runbook = runbook.ok_or("no runbook")?;
        let choice = InventoryChoice::Simulated(shape_file.clone());
        let (project, mut problems) = Project::open(&runbook, &choice).map_err(|error| error.to_string())?;
        let known = read_overrides(&overrides, project.inventory()).map_err(|error| error.to_string())?;
        drop_overridden(&mut problems, &known);
        if problems.has_errors() || project.program().is_none() {
            return Ok(None);
        }
        let Ok(plan) = project.plan(&given) else {
            return Ok(None);
        };
        let shape = match shape_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
                Shape::read("shape.toml", &text).map_err(|error| error.to_string())?
            }
            None => Shape::default(),
        };
        let name = file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Some(Case {
            name,
            project,
            plan,
            shape,
            limit,
            overrides,
            memo: Rc::default(),
            answers,
        }))
    }

    /// A cluster of its shape, as new.
    pub fn cluster(&self) -> SimulatedCluster {
        SimulatedCluster::new(self.shape.clone())
    }

    /// How it is carried out.
    pub fn options(&self) -> RunOptions {
        let inventory = self.project.inventory();
        RunOptions {
            limit: self
                .limit
                .as_ref()
                .map(|limit| read_limit(limit, inventory).expect("it was read before")),
            overrides: read_overrides(&self.overrides, inventory).expect("they were read before"),
            memo: Some(Rc::clone(&self.memo)),
            ..RunOptions::default()
        }
    }
}
