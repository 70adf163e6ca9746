//! Faulty runbooks are found, by `check` or by a rehearsal, at the line that is marked; correct
//! ones raise nothing.
//!
//! Each file in `golden/rehearsal/` is a runbook. A line that ends in `# FOUND` is the one that a
//! finding must point at, `# FOUND PROMISE` names the promise that breaks there; a file without
//! such a line is correct. `# rehearse FLAGS` gives a shape and parameters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use quorate::inventory::Inventory;
use quorate::plan::Plan;
use quorate::project::{InventoryChoice, Project, RehearsalWishes};
use quorate::rehearsal::{Effort, Finding, Rehearsal};
use quorate::run::{RunOptions, World, survey};
use quorate::transport::Answers;
use quorate::transport::simulated::{Shape, Sight, SimulatedCluster};
use quorate::value::Value;

fn main() {
    let arguments = Arguments::from_args();
    let trials = list("tests/golden/rehearsal", "runbook").into_iter().map(|file| {
        let name = name_of(&file);
        Trial::test(name, move || judge(&file).map_err(Failed::from))
    });
    let shapes = list("tests/clusters", "toml").into_iter().map(|file| {
        let name = format!("seen_{}", name_of(&file));
        Trial::test(name, move || see_again(&file).map_err(Failed::from))
    });
    libtest_mimic::run(&arguments, trials.chain(shapes).collect()).exit();
}

/// The files of a folder that end so, in order.
fn list(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    files
}

fn name_of(file: &Path) -> String {
    let name = file.file_stem().expect("a file has a name");
    name.to_string_lossy().into_owned()
}

/// A cluster that begins as another one was seen is seen as that one was.
fn see_again(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let shape = Shape::read("first", &text).map_err(|error| error.to_string())?;
    let (inventory, first) = see(&shape)?;
    let seen = Shape::as_seen(&inventory, &first).map_err(|error| error.to_string())?;
    let again = Shape::read("again", &seen.write()).map_err(|error| error.to_string())?;
    let (_, second) = see(&again)?;
    let (first, second) = (describe_sight(&first), describe_sight(&second));
    match first == second {
        true => Ok(()),
        false => Err(format!("first\n{first}\nagain\n{second}")),
    }
}

/// What is seen of a simulated cluster.
fn see(shape: &Shape) -> Result<(Arc<Inventory>, Sight), String> {
    let cluster = SimulatedCluster::new(shape.clone());
    let inventory = Arc::new(cluster.inventory());
    let module = match inventory.group("mds_nodes") {
        Some(_) => "pstorage",
        None => "etcd",
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (script, file) = (folder.path().join("a.runbook"), folder.path().join("shape.toml"));
    std::fs::write(&script, format!("use {module}\nrequire {module}.healthy\n"))
        .and_then(|()| std::fs::write(&file, shape.write()))
        .map_err(|error| error.to_string())?;
    let choice = InventoryChoice::Simulated(Some(file));
    let (project, problems) = Project::open(&script, &choice).map_err(|error| error.to_string())?;
    let program = project.program().cloned();
    let program = program.ok_or_else(|| project.render_plain(&problems))?;
    cluster.learn(&program, &inventory);
    let plan = Plan::of_nothing(program, Arc::clone(&inventory));
    let (transport, clock, person) = (cluster.transport(), cluster.clock(), Answers::default());
    let world = World {
        transport: &transport,
        clock: &clock,
        person: &person,
    };
    let options = RunOptions::default();
    let sight = cluster.block_on(survey(&plan, world, &options, &Shape::SEEN_BY));
    Ok((inventory, sight))
}

/// What must be the same.
fn describe_sight(sight: &Sight) -> String {
    let mut lines = vec![format!("silent {}", sight.silent)];
    for (fact, value) in &sight.facts {
        let columns: &[&str] = match fact.as_str() {
            "pstorage.mds" => &["host", "status", "master"],
            "pstorage.chunk-servers" => &["csid", "host", "status"],
            "pstorage.space" => &[],
            _ => {
                lines.push(format!("{fact} {value}"));
                continue;
            }
        };
        let Value::Table(table) = value else {
            lines.push(format!("{fact} {value}"));
            continue;
        };
        let mut rows: Vec<String> = table
            .rows
            .iter()
            .map(|row| {
                let cells = columns.iter().filter_map(|column| row.get(column));
                let cells: Vec<String> = cells.map(ToString::to_string).collect();
                format!("{fact} {}", cells.join(" "))
            })
            .collect();
        rows.sort();
        lines.extend(rows);
    }
    lines.extend(
        sight
            .down
            .iter()
            .map(|(service, nodes)| format!("{service} down on {nodes}")),
    );
    lines.join("\n")
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
    Rehearsed(Box<Rehearsal>),
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
    Ok((project, Found::Rehearsed(Box::new(rehearsal))))
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
        let is_same = again.iter().any(|again| {
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
