//! How much the checker and a rehearsal notice: each guard, wait and undo of the shipped runbooks and
//! of module `pstorage` is left out, one at a time.
//!
//! `trials.txt` says what a mutant is rehearsed on. One that nothing tells of survives: it must
//! stand in `harmless.txt` with the reason why it does no harm, or the run fails.
//! `cargo bench --bench mutation -- NAME…` takes only files with one of these names, and NAME:LINE only
//! what stands there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use quorate::diagnostic::{Problems, Span};
use quorate::project::{InventoryChoice, Project, RehearsalWishes};
use quorate::rehearsal::Effort;
use quorate::syntax::{Block, Declaration, ServiceClause, Statement, parse_script};

/// The module whose guards are left out as well.
const MODULE: &str = "pstorage";

/// A runbook on a cluster, and what it is given.
struct Trial {
    runbook: PathBuf,
    shape: Option<PathBuf>,
    given: BTreeMap<String, String>,
    is_long: bool,
}

/// A statement that is left out.
struct Mutant {
    span: Span,
    /// Whether its block has no other, and must not be empty.
    is_alone: bool,
    line: usize,
    words: String,
}

/// A promise that is broken, and where.
type Broken = (String, Option<(String, usize)>);

/// What is told of a runbook.
#[derive(Debug, Default)]
struct Told {
    /// By the checker: how often each of its warnings.
    warnings: BTreeMap<String, usize>,
    /// By the rehearsal.
    broken: BTreeSet<Broken>,
}

/// What is told of the runbooks as they are shipped, by the number of the trial and of the faults at once.
type Baselines = BTreeMap<(usize, usize), Told>;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let trials = read_trials(root);
    let harmless = read_harmless(root);
    let mut files: Vec<PathBuf> = Vec::new();
    for trial in &trials {
        if trial.runbook.starts_with(root.join("scripts")) && !files.contains(&trial.runbook) {
            files.push(trial.runbook.clone());
        }
    }
    files.push(root.join(format!("stdlib/{MODULE}.runbook")));
    let folder = tempfile::tempdir().expect("there is a place for files");
    let mut baselines = Baselines::new();
    let (mut all, mut noticed, mut wrong) = (0, 0, 0);
    let mut unused: BTreeSet<_> = harmless.keys().cloned().collect();
    for file in &files {
        let name = name_of(file);
        let text = std::fs::read_to_string(file).expect("a shipped file can be read");
        for mutant in find_mutants(&text) {
            let place = format!("{name}:{}", mutant.line);
            if !wanted.is_empty() && !wanted.iter().any(|word| [&name, &place].contains(&word)) {
                continue;
            }
            all += 1;
            let without = leave_out(&text, &mutant);
            let told = judge(folder.path(), file, &without, &trials, &mut baselines);
            unused.remove(&(name.clone(), mutant.words.clone()));
            noticed += usize::from(told.is_some());
            let place = format!("{place}: {}", mutant.words);
            let reason = harmless.get(&(name.clone(), mutant.words));
            wrong += usize::from(told.is_some() == reason.is_some());
            match (told, reason) {
                (Some(told), None) => println!("{place}\n    {told}"),
                (Some(told), Some(_)) => println!("{place}\n    {told}\n    NOT HARMLESS, as is said"),
                (None, Some(why)) => println!("{place}\n    survives, harmless: {why}"),
                (None, None) => println!("{place}\n    SURVIVES"),
            }
        }
    }
    if wanted.is_empty() {
        wrong += unused.len();
        for (file, words) in unused {
            println!("{file}: {words}\n    IS NOT THERE");
        }
    }
    println!("\n{noticed} of {all} are noticed; {wrong} are not as is said");
    match wrong {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn name_of(file: &Path) -> String {
    let name = file.file_stem().expect("a file has a name");
    name.to_string_lossy().into_owned()
}

/// The lines of a file of this bench, without its comments.
fn read_lines(root: &Path, name: &str) -> Vec<String> {
    let file = root.join("benches/mutation").join(name);
    let text = std::fs::read_to_string(file).expect("the file is there");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(ToOwned::to_owned).collect()
}

fn read_trials(root: &Path) -> Vec<Trial> {
    let read = |line: String| {
        let mut words = line.split_whitespace();
        let runbook = root.join(words.next().expect("a trial names a runbook"));
        let mut trial = Trial {
            runbook,
            shape: None,
            given: BTreeMap::new(),
            is_long: false,
        };
        while let Some(word) = words.next() {
            match (word, word.split_once('=')) {
                ("long", _) => trial.is_long = true,
                ("--sim", _) => {
                    let shape = words.next().expect("--sim names a shape");
                    trial.shape = Some(root.join(shape));
                }
                (_, Some((name, value))) => {
                    trial.given.insert(name.to_owned(), value.to_owned());
                }
                _ => panic!("`{word}` is no part of a trial"),
            }
        }
        trial
    };
    read_lines(root, "trials.txt").into_iter().map(read).collect()
}

/// Why what survives is harmless, by its file and its words.
fn read_harmless(root: &Path) -> BTreeMap<(String, String), String> {
    let read = |line: String| {
        let (mutant, why) = line.split_once(" => ").expect("a line tells why");
        let (file, words) = mutant.split_once(": ").expect("a line names a file");
        ((file.to_owned(), words.to_owned()), why.to_owned())
    };
    read_lines(root, "harmless.txt").into_iter().map(read).collect()
}

/// The guards, waits and undos of a file, in order; the second with the same words is numbered.
fn find_mutants(text: &str) -> Vec<Mutant> {
    let mut problems = Problems::new();
    let script = parse_script(text, 0, &mut problems);
    let mut spans = Vec::new();
    collect(&script.statements, &mut spans);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mutants = spans.into_iter().map(|(span, is_alone)| {
        let start = span.start as usize;
        let words = text[start..span.end as usize].lines().next().unwrap_or_default();
        let number = numbers.entry(words).or_default();
        *number += 1;
        Mutant {
            span,
            is_alone,
            line: text[..start].matches('\n').count() + 1,
            words: match number {
                1 => words.trim().to_owned(),
                number => format!("{} ({number})", words.trim()),
            },
        }
    });
    mutants.collect()
}

fn collect(block: &Block, spans: &mut Vec<(Span, bool)>) {
    for statement in block {
        if matches!(
            statement.node,
            Statement::Require { .. } | Statement::Wait { .. } | Statement::Check { .. } | Statement::Undo(_)
        ) {
            spans.push((statement.span, block.len() == 1));
        }
        for body in bodies(&statement.node) {
            collect(body, spans);
        }
    }
}

fn bodies(statement: &Statement) -> Vec<&Block> {
    match statement {
        Statement::Undo(body) | Statement::Finally(body) => vec![body],
        Statement::Declaration(declaration) => match &**declaration {
            Declaration::Guard(guard) => vec![&guard.body],
            Declaration::Verb(verb) => vec![&verb.body],
            Declaration::Service(service) => {
                let hooks = service.clauses.iter().filter_map(|clause| match &clause.node {
                    ServiceClause::BeforeStop(body)
                    | ServiceClause::AfterStop(body)
                    | ServiceClause::AfterStart(body) => Some(body),
                    _ => None,
                });
                hooks.collect()
            }
            _ => Vec::new(),
        },
        other => other.bodies(),
    }
}

/// The text without a statement, with every line at its number.
fn leave_out(text: &str, mutant: &Mutant) -> String {
    let (start, end) = (mutant.span.start as usize, mutant.span.end as usize);
    let (left_out, before) = (&text[start..end], &text[..start]);
    let is_in_a_guard = left_out.starts_with("check");
    let instead = match (mutant.is_alone, is_in_a_guard) {
        (false, _) => "",
        (true, true) => "check 0 is 0",
        (true, false) => "note \"-\"",
    };
    let lines = "\n".repeat(left_out.matches('\n').count());
    format!("{before}{instead}{lines}{}", &text[end..])
}

/// What notices that a file has become this; none when nothing does.
///
/// First each trial with nothing going wrong, which is quick, then with each fault.
fn judge(
    folder: &Path,
    mutated: &Path,
    without: &str,
    trials: &[Trial],
    baselines: &mut Baselines,
) -> Option<String> {
    let mut warned = None;
    for faults in [0, 1] {
        for (index, trial) in trials.iter().enumerate() {
            let is_own = *mutated == trial.runbook;
            let is_module = name_of(mutated) == MODULE;
            if !is_own && (!is_module || (trial.is_long && faults > 0)) {
                continue;
            }
            let file = write_mutant(folder, trial, without, is_own);
            let known = baselines.entry((index, faults)).or_insert_with(|| {
                rehearse(&trial.runbook, trial, faults).expect("a runbook of a trial checks")
            });
            let found = match rehearse(&file, trial, faults) {
                Err(told) => return Some(format!("check: {told}")),
                Ok(found) => found,
            };
            if let Some((promise, place)) = found.broken.iter().find(|broken| tells(broken, known)) {
                let line = place.as_ref().map_or(0, |(_, line)| *line);
                let shape = trial.shape.as_deref().map_or("default".into(), name_of);
                let name = name_of(&trial.runbook);
                return Some(format!(
                    "{name} on {shape}, {faults} faults: {promise} at line {line}"
                ));
            }
            let mut more = found.warnings.into_iter();
            let more = more.find(|(code, count)| known.warnings.get(code).is_none_or(|known| known < count));
            warned = warned.or_else(|| more.map(|(code, _)| format!("check warns: {code}")));
        }
    }
    warned
}

/// Writes the runbook of a trial so that it is the mutant, or uses it.
fn write_mutant(folder: &Path, trial: &Trial, without: &str, is_own: bool) -> PathBuf {
    let script = match is_own {
        true => without.to_owned(),
        false => {
            let module = folder.join(format!("{MODULE}.runbook"));
            std::fs::write(module, without).expect("it can be written");
            let text = std::fs::read_to_string(&trial.runbook).expect("it can be read");
            let script = text.replace(&format!("use {MODULE}\n"), &format!("use \"{MODULE}.runbook\"\n"));
            assert_ne!(script, text, "{} uses {MODULE}", trial.runbook.display());
            script
        }
    };
    let file = folder.join(trial.runbook.file_name().expect("a file has a name"));
    std::fs::write(&file, script).expect("it can be written");
    file
}

/// Whether a finding tells of something that is not so with the runbook as it is shipped.
fn tells((promise, place): &Broken, known: &Told) -> bool {
    let mut all = known.broken.iter();
    match promise.as_str() {
        "refused" => known.broken.is_empty(),
        // Where the runbook as it is fails too, that it fails elsewhere tells of nothing.
        "unbroken" => all.all(|(promise, _)| promise != "unbroken"),
        _ => all.all(|other| (&other.0, &other.1) != (promise, place)),
    }
}

/// What is told of a runbook; an error holds what the checker refuses it for.
fn rehearse(file: &Path, trial: &Trial, faults: usize) -> Result<Told, String> {
    let opened = Project::open(file, &InventoryChoice::Simulated(trial.shape.clone()));
    let (project, problems) = opened.expect("it can be read");
    if problems.has_errors() {
        let told = project.render_plain(&problems);
        return Err(told.lines().next().unwrap_or_default().to_owned());
    }
    let plan = project.plan(&trial.given).map_err(|error| error.to_string())?;
    let effort = Effort {
        faults,
        seed: 1,
        time: None,
        workers: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let rehearsal = project.rehearse(&plan, &RehearsalWishes::default(), &effort, &|_, _| {});
    let rehearsal = rehearsal.expect("the cluster can be simulated");
    let findings = rehearsal.findings.iter().map(|finding| {
        let place = project.sources().place(finding.at);
        let place = place.map(|place| (name_of(Path::new(&place.file)), place.line));
        (finding.promise.word().to_owned(), place)
    });
    let mut told = Told {
        broken: findings.collect(),
        ..Told::default()
    };
    for problem in problems.iter() {
        *told.warnings.entry(problem.code()).or_default() += 1;
    }
    Ok(told)
}
