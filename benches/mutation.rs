//! How much the checker and a rehearsal notice: each guard, wait and undo of the shipped runbooks and
//! of module `pstorage` is left out, one at a time.
//!
//! One that neither misses survives, and is listed. `cargo bench --bench mutation -- NAME…` takes only
//! files whose names contain one of these; a whole run takes hours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use quorate::diagnostic::{Problems, Span};
use quorate::project::{InventoryChoice, Project, RehearsalWishes};
use quorate::rehearsal::Effort;
use quorate::syntax::{Block, Declaration, ServiceClause, Statement, parse_script};

/// The module whose guards are left out as well.
const MODULE: &str = "pstorage";

/// A runbook on a cluster, and what it is given.
struct Case {
    script: &'static str,
    shape: Option<&'static str>,
    given: &'static [(&'static str, &'static str)],
}

const fn case(
    script: &'static str,
    shape: Option<&'static str>,
    given: &'static [(&'static str, &'static str)],
) -> Case {
    Case { script, shape, given }
}

const READABLE: &[(&str, &str)] = &[
    ("cs", "1027"),
    ("mount", "/pstorage/pcs1-cs1"),
    ("disk", "readable"),
];
const DEAD: &[(&str, &str)] = &[("cs", "1032"), ("mount", "/pstorage/pcs1-cs2"), ("disk", "dead")];
const DOWN: &[(&str, &str)] = &[("target", "node2"), ("away", "1h"), ("reason", "memory")];
const DOWN_FOR_LONG: &[(&str, &str)] = &[
    ("target", "node2"),
    ("away", "5h"),
    ("reason", "memory"),
    ("spare", "node6"),
];
const SSD_JOURNAL: &[(&str, &str)] = &[
    ("target", "node2"),
    ("ssd", "/pstorage/pcs1-ssd"),
    ("device", "/dev/sdd"),
    ("holds", "journal"),
    ("mounts-of-cs", "/pstorage/pcs1-cs1,/pstorage/pcs1-cs2"),
];
const SSD_DEAD: &[(&str, &str)] = &[
    ("target", "node2"),
    ("ssd", "/pstorage/pcs1-ssd"),
    ("device", "/dev/sdd"),
    ("holds", "journal"),
    ("dead", "yes"),
    ("mounts-of-cs", "/pstorage/pcs1-cs1,/pstorage/pcs1-cs2"),
];
const SSD_CACHE: &[(&str, &str)] = &[
    ("target", "node2"),
    ("ssd", "/pstorage/pcs1-ssd"),
    ("device", "/dev/sdd"),
    ("holds", "cache"),
];
const SSD_MDS: &[(&str, &str)] = &[
    ("target", "node2"),
    ("ssd", "/pstorage/pcs1-ssd"),
    ("device", "/dev/sdd"),
    ("holds", "mds"),
];
const REDEPLOY: &[(&str, &str)] = &[("helper", "node6"), ("password", "secret")];

/// The quick ones first: of most that is left out they tell.
const CASES: [Case; 23] = [
    case("replace-cs-disk", None, READABLE),
    case("replace-cs-disk", Some("dead_disk"), DEAD),
    case("replace-cs-disk", Some("one_mds_down"), READABLE),
    case("replace-cs-disk", Some("two_mds_down"), READABLE),
    case("replace-cs-disk", Some("node_off"), READABLE),
    case(
        "replace-cs-disk",
        Some("three_hosts"),
        &[
            ("cs", "1026"),
            ("mount", "/pstorage/pcs1-cs1"),
            ("disk", "readable"),
        ],
    ),
    case("take-node-down", None, DOWN),
    case("take-node-down", None, DOWN_FOR_LONG),
    case("take-node-down", Some("two_mds_down"), DOWN),
    case("take-node-down", Some("node_off"), DOWN),
    case("take-node-down", Some("dead_disk"), DOWN),
    case("take-node-down", Some("one_replica"), DOWN),
    case("replace-ssd", Some("with_ssd"), SSD_JOURNAL),
    case("replace-ssd", Some("failed_ssd"), SSD_DEAD),
    case("replace-ssd", Some("with_cache"), SSD_CACHE),
    case("replace-ssd", Some("with_cache"), SSD_MDS),
    case("update-nodes", Some("updates_wait"), &[]),
    case("update-nodes", Some("one_mds_down"), &[]),
    case("update-nodes", Some("node_off"), &[]),
    case("network-maintenance", Some("node_off"), &[]),
    case("network-maintenance", None, &[]),
    case("redeploy-cluster", Some("two_mds_down"), REDEPLOY),
    case("redeploy-cluster", None, REDEPLOY),
];

/// A statement that is left out.
struct Mutant {
    span: Span,
    line: usize,
    words: String,
}

/// A promise that is broken, and where.
type Broken = (String, Option<(String, usize)>);

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for case in &CASES {
        let file = root.join("scripts").join(format!("{}.runbook", case.script));
        if files.iter().all(|(name, _)| name != case.script) {
            files.push((case.script.to_owned(), file));
        }
    }
    files.push((MODULE.to_owned(), root.join(format!("stdlib/{MODULE}.runbook"))));
    let folder = tempfile::tempdir().expect("there is a place for files");
    let mut baselines: BTreeMap<usize, BTreeSet<Broken>> = BTreeMap::new();
    let (mut all, mut survivors) = (0, Vec::new());
    for (name, file) in &files {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let text = std::fs::read_to_string(file).expect("a shipped file can be read");
        for mutant in find_mutants(&text) {
            all += 1;
            let without = leave_out(&text, mutant.span);
            let told = judge(root, folder.path(), name, &without, &mut baselines);
            let place = format!("{name}:{} {}", mutant.line, mutant.words);
            println!("{place}: {}", told.as_deref().unwrap_or("SURVIVES"));
            if told.is_none() {
                survivors.push(place);
            }
        }
    }
    println!("\n{} of {all} are noticed", all - survivors.len());
    survivors.iter().for_each(|place| println!("survives: {place}"));
}

/// The guards, waits and undos of a file, in order.
fn find_mutants(text: &str) -> Vec<Mutant> {
    let mut problems = Problems::new();
    let script = parse_script(text, 0, &mut problems);
    let mut spans = Vec::new();
    collect(&script.statements, &mut spans);
    let mutants = spans.into_iter().map(|span| {
        let start = span.start as usize;
        let words = text[start..span.end as usize].lines().next().unwrap_or_default();
        Mutant {
            span,
            line: text[..start].matches('\n').count() + 1,
            words: words.trim().to_owned(),
        }
    });
    mutants.collect()
}

fn collect(block: &Block, spans: &mut Vec<Span>) {
    for statement in block {
        if matches!(
            statement.node,
            Statement::Require { .. } | Statement::Wait { .. } | Statement::Check { .. } | Statement::Undo(_)
        ) {
            spans.push(statement.span);
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

/// The text with blanks in place of a statement, so that every line keeps its number.
fn leave_out(text: &str, span: Span) -> String {
    let (start, end) = (span.start as usize, span.end as usize);
    let blanks: String = text[start..end]
        .chars()
        .map(|letter| if letter == '\n' { '\n' } else { ' ' })
        .collect();
    format!("{}{blanks}{}", &text[..start], &text[end..])
}

/// What notices that a file has become this; none when nothing does.
fn judge(
    root: &Path,
    folder: &Path,
    name: &str,
    without: &str,
    baselines: &mut BTreeMap<usize, BTreeSet<Broken>>,
) -> Option<String> {
    for (index, case) in CASES.iter().enumerate() {
        if name != MODULE && name != case.script {
            continue;
        }
        let original = root.join("scripts").join(format!("{}.runbook", case.script));
        let script = match name {
            MODULE => {
                std::fs::write(folder.join(format!("{MODULE}.runbook")), without).expect("it can be written");
                let text = std::fs::read_to_string(&original).expect("a shipped file can be read");
                text.replace(&format!("use {MODULE}\n"), &format!("use \"{MODULE}.runbook\"\n"))
            }
            _ => without.to_owned(),
        };
        let file = folder.join(format!("{}.runbook", case.script));
        std::fs::write(&file, script).expect("it can be written");
        let found = match rehearse(root, &file, case) {
            Err(told) => return Some(format!("check, {told}")),
            Ok(found) => found,
        };
        let known = baselines
            .entry(index)
            .or_insert_with(|| rehearse(root, &original, case).expect("a shipped runbook checks"));
        if let Some((promise, place)) = found.difference(known).next() {
            let line = place.as_ref().map_or(0, |(_, line)| *line);
            let shape = case.shape.unwrap_or("default");
            return Some(format!("{} on {shape}, {promise} at line {line}", case.script));
        }
    }
    None
}

/// Which promises are broken where; an error holds what the checker says.
fn rehearse(root: &Path, file: &Path, case: &Case) -> Result<BTreeSet<Broken>, String> {
    let shape = case
        .shape
        .map(|shape| root.join("tests/clusters").join(format!("{shape}.toml")));
    let opened = Project::open(file, &InventoryChoice::Simulated(shape));
    let (project, problems) = opened.expect("it can be read");
    if problems.has_errors() {
        let told = project.render_plain(&problems);
        return Err(told.lines().next().unwrap_or_default().to_owned());
    }
    let given = case.given.iter();
    let given = given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let plan = project
        .plan(&given.collect())
        .map_err(|error| error.to_string())?;
    let effort = Effort {
        faults: 1,
        seed: 1,
        time: None,
        workers: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let rehearsal = project.rehearse(&plan, &RehearsalWishes::default(), &effort, &|_, _| {});
    let rehearsal = rehearsal.expect("the cluster can be simulated");
    let findings = rehearsal.findings.iter().map(|finding| {
        let place = project.sources().place(finding.at);
        let name_of = |file: &str| {
            Path::new(file)
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
        };
        let place = place.map(|place| (name_of(&place.file).unwrap_or_default(), place.line));
        (finding.promise.word().to_owned(), place)
    });
    Ok(findings.collect())
}
