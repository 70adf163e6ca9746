//! Faulty runbooks are found, by `check` or by a rehearsal, at the line that is marked; correct
//! ones raise nothing.
//!
//! Each file in `golden/rehearsal/` is a runbook. A line that ends in `# FOUND` is the one that a
//! finding must point at, `# FOUND PROMISE` names the promise that breaks there; a file without
//! such a line is correct. `# rehearse FLAGS` gives a shape and parameters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use quorate::project::{InventoryChoice, Project, RehearsalWishes};
use quorate::rehearsal::{Effort, Finding, Rehearsal};

fn main() {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rehearsal");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "runbook"))
        .collect();
    files.sort();
    let trials = files.into_iter().map(|file| {
        let name = file
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        Trial::test(name, move || judge(&file).map_err(Failed::from))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// The line that is marked, and the promise that is named there.
fn find_mark(text: &str) -> Option<(usize, String)> {
    text.lines().enumerate().find_map(|(index, line)| {
        let (_, mark) = line.split_once("# FOUND")?;
        Some((index + 1, mark.trim().to_owned()))
    })
}

fn judge(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let (project, found) = check_and_rehearse(file, &text)?;
    let Some((line, promise)) = find_mark(&text) else {
        return match found {
            Found::Problems(told) => Err(told),
            Found::Rehearsed(rehearsal) if rehearsal.findings.is_empty() => Ok(()),
            Found::Rehearsed(rehearsal) => Err(describe(&project, &rehearsal.findings)),
        };
    };
    match found {
        Found::Problems(told) if promise.is_empty() && told.contains(&format!(":{line}:")) => Ok(()),
        Found::Problems(told) => Err(format!("{told}\nwanted: line {line}, {promise}")),
        Found::Rehearsed(rehearsal) => {
            let is_it = |finding: &Finding| {
                let place = project.sources().place(finding.at);
                place.is_some_and(|place| place.line == line)
                    && (promise.is_empty() || finding.promise.word() == promise)
            };
            match rehearsal.findings.iter().any(is_it) {
                true => replay(&project, &rehearsal),
                false => Err(format!(
                    "{}\nwanted: line {line}, {promise}",
                    describe(&project, &rehearsal.findings)
                )),
            }
        }
    }
}

enum Found {
    Problems(String),
    Rehearsed(Rehearsal),
}

fn check_and_rehearse(file: &Path, text: &str) -> Result<(Project, Found), String> {
    let shape = text
        .lines()
        .find_map(|line| line.strip_prefix("# rehearse --sim "));
    let choice = InventoryChoice::Simulated(shape.map(PathBuf::from));
    let (project, problems) = Project::open(file, &choice).map_err(|error| error.to_string())?;
    if problems.has_errors() {
        let told = project.render_plain(&problems);
        return Ok((project, Found::Problems(told)));
    }
    let plan = project
        .plan(&BTreeMap::new())
        .map_err(|error| error.to_string())?;
    let rehearsed = project.rehearse(&plan, &RehearsalWishes::default(), &effort(), &|_, _| {});
    let rehearsal = rehearsed.map_err(|error| error.to_string())?;
    Ok((project, Found::Rehearsed(rehearsal)))
}

fn effort() -> Effort {
    Effort {
        faults: 1,
        seed: 1,
        time: None,
        workers: 1,
    }
}

/// Each finding comes again from its schedule, word for word.
fn replay(project: &Project, rehearsal: &Rehearsal) -> Result<(), String> {
    let plan = project
        .plan(&BTreeMap::new())
        .map_err(|error| error.to_string())?;
    for finding in &rehearsal.findings {
        let replayed = project.replay(&plan, &RehearsalWishes::default(), &finding.schedule);
        let (again, _) = replayed.map_err(|error| error.to_string())?;
        let is_same = again.as_ref().is_some_and(|again| {
            (&again.promise, again.at, &again.story, &again.cluster)
                == (&finding.promise, finding.at, &finding.story, &finding.cluster)
        });
        if !is_same {
            return Err(format!("{} replays otherwise: {again:?}", finding.schedule));
        }
    }
    Ok(())
}

fn describe(project: &Project, findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let place = project.sources().place(finding.at);
        format!(
            "found: {} at line {} with {}: {} {:?}",
            finding.promise.word(),
            place.map_or(0, |place| place.line),
            finding.schedule,
            finding.why,
            finding
                .story
                .iter()
                .map(|line| line.what.as_str())
                .collect::<Vec<_>>()
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}
