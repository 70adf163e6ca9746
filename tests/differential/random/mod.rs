//! Random runbooks: what the interpreter does with them, their expansions do as well.
//!
//! A seed decides everything: the cluster, the runbook, its parameters, what the person says, what
//! goes wrong. `QUORATE_SEEDS=17..19` runs only these, and tells what does not check as well;
//! `QUORATE_RUNBOOK=FILE` runs that file instead.

mod commands;
mod conditions;
mod definitions;
mod dice;
mod faults;
mod kinds;
mod nodes;
mod services;
mod shapes;
mod statements;
mod values;
mod words;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use libtest_mimic::{Failed, Trial};
use quorate::transport::Answer;

use crate::case::{Case, compare_prepared};
use crate::door::PlannedFault;
use crate::expanded::expand;
use crate::interpreter::{Prepared, run_interpreter};
use crate::person::Said;
use dice::Dice;
use faults::random_faults;
use kinds::Kind;
use shapes::Cluster;
use writer::Writer;

/// How many programs there are, and how many of them are one trial.
const PROGRAM_COUNT: u64 = 520;
const TOGETHER: u64 = 20;
/// As many of a hundred must check, or the trials would try little.
const LEAST_CHECKED: u64 = 85;
/// The shells, each with whether the script is folded.
const SHELLS: [(&str, bool); 4] = [
    ("dash", false),
    ("bash", false),
    ("busybox sh", false),
    ("dash", true),
];

/// Whether the program of a seed checks, once that is known.
static CHECKED: Mutex<BTreeMap<u64, bool>> = Mutex::new(BTreeMap::new());

/// A runbook, its cluster, and what is given to it.
pub struct Program {
    /// The shape of the cluster.
    pub shape: String,
    /// The runbook.
    pub text: String,
    /// Its parameters.
    pub given: Vec<(String, String)>,
    /// The value of its secret parameter; there is one at most.
    pub secret: String,
    /// What the person says.
    pub said: Said,
}

/// The program of a seed.
pub fn random_program(seed: u64) -> Program {
    let mut dice = Dice::new(seed);
    let cluster = Cluster::random(&mut dice);
    let shape = cluster.shape.clone();
    let mut writer = Writer::new(dice, cluster);
    writer.line(format!("runbook random-{seed}"));
    let given = writer.parameters();
    let secret = writer.names.iter().find(|name| name.kind == Kind::Secret);
    let value = secret.and_then(|secret| given.iter().find(|(name, _)| *name == secret.name));
    let secret = value.map_or(String::new(), |(_, value)| value.clone());
    writer.definitions();
    writer.left = writer.dice.between(3, 10);
    while writer.left > 0 {
        writer.left -= 1;
        writer.statement();
    }
    let mut said = Said::new();
    for name in writer.questions.clone() {
        if writer.dice.hits(15) {
            let answer = writer.dice.one_of(&[Answer::No, Answer::Park]);
            said.insert(name, answer);
        }
    }
    // An undo is offered under the number of its step.
    if writer.dice.hits(20) {
        said.insert(format!("undo-{}", writer.dice.between(3, 12)), Answer::No);
    }
    let mut text = writer.lines.join("\n");
    text.push('\n');
    Program {
        shape,
        text,
        given,
        secret,
        said,
    }
}

/// Groups of seeds, and whether enough of them check.
pub fn trials() -> Vec<Trial> {
    if let Some(file) = std::env::var_os("QUORATE_RUNBOOK") {
        return vec![Trial::test("random::a runbook by hand", move || {
            try_file(Path::new(&file))
        })];
    }
    if let Some((from, to)) = chosen_seeds() {
        let trial = |seed| Trial::test(format!("random::{seed}"), move || try_seeds(seed, seed + 1, true));
        return (from..to).map(trial).collect();
    }
    let mut trials: Vec<Trial> = (0..PROGRAM_COUNT / TOGETHER)
        .map(|group| {
            let (from, to) = (group * TOGETHER, (group + 1) * TOGETHER);
            Trial::test(format!("random::{from}..{to}"), move || {
                try_seeds(from, to, false)
            })
        })
        .collect();
    trials.push(Trial::test("random::enough of them check", count_checked));
    trials
}

/// The seeds that `QUORATE_SEEDS` names.
fn chosen_seeds() -> Option<(u64, u64)> {
    let text = std::env::var("QUORATE_SEEDS").ok()?;
    let (from, to) = text.split_once("..").unwrap_or((&text, ""));
    let from = from.parse().ok()?;
    Some((from, to.parse().unwrap_or(from + 1)))
}

fn count_checked() -> Result<(), Failed> {
    let mut checked = 0;
    for seed in 0..PROGRAM_COUNT {
        let known = CHECKED
            .lock()
            .expect("no trial panics with it")
            .get(&seed)
            .copied();
        let is_checked = known.unwrap_or_else(|| prepare(seed, &random_program(seed)).is_ok());
        checked += u64::from(is_checked);
    }
    match checked * 100 >= PROGRAM_COUNT * LEAST_CHECKED {
        true => Ok(()),
        false => Err(format!("{checked} of {PROGRAM_COUNT} random programs check").into()),
    }
}

fn try_seeds(from: u64, to: u64, is_chosen: bool) -> Result<(), Failed> {
    let mut found = Vec::new();
    for seed in from..to {
        let program = random_program(seed);
        match prepare(seed, &program) {
            Ok(prepared) => found.extend(try_program(seed, &program, &prepared).err()),
            Err(why) if is_chosen => found.push(format!("{}\n{why}", describe(seed, &program, &[]))),
            // What does not check is counted by a trial of its own.
            Err(_) => {}
        }
    }
    match found.is_empty() {
        true => Ok(()),
        false => Err(found.join("\n\n").into()),
    }
}

/// Tries a runbook out of a file, on the cluster of which `QUORATE_SHAPE` names the shape.
fn try_file(file: &Path) -> Result<(), Failed> {
    let shape = match std::env::var_os("QUORATE_SHAPE") {
        Some(shape) => std::fs::read_to_string(shape)?,
        None => String::new(),
    };
    let program = Program {
        shape,
        text: std::fs::read_to_string(file)?,
        given: Vec::new(),
        secret: String::new(),
        said: Said::new(),
    };
    // No multiple of three: no faults.
    let seed = 4;
    try_program(seed, &program, &prepare(seed, &program)?).map_err(Failed::from)
}

fn prepare(seed: u64, program: &Program) -> Result<Prepared, String> {
    let given: Vec<(&str, &str)> = program
        .given
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let prepared = Prepared::new(&program.shape, "random.runbook", &program.text, &given);
    let mut checked = CHECKED.lock().expect("no trial panics with it");
    checked.insert(seed, prepared.is_ok());
    prepared
}

/// Compares both sides without faults, and for each third program with some as well.
fn try_program(seed: u64, program: &Program, prepared: &Prepared) -> Result<(), String> {
    let (shell, fold) = SHELLS[(seed % 4) as usize];
    let given: BTreeMap<String, String> = program.given.iter().cloned().collect();
    let told = |faults: &[PlannedFault], why: String| format!("{}\n{why}", describe(seed, program, faults));
    let script = expand(prepared, "random.runbook", given.clone(), &[], fold)
        .map_err(|why| told(&[], format!("it cannot be expanded: {why}")))?;
    if let Some(folder) = std::env::var_os("KEEP_EXPANDED") {
        std::fs::write(Path::new(&folder).join(format!("random-{seed}")), &script)
            .map_err(|why| why.to_string())?;
    }
    let secret = tempfile::NamedTempFile::new().map_err(|why| why.to_string())?;
    std::fs::write(secret.path(), &program.secret).map_err(|why| why.to_string())?;
    let script = script.replace("_file=''", &format!("_file='{}'", secret.path().display()));
    let mut plans = vec![Vec::new()];
    if seed.is_multiple_of(3) {
        let run = run_interpreter(prepared, &[], &[], &program.said, &prepared.cluster());
        plans.push(random_faults(seed, &run.carried));
    }
    for faults in plans {
        let case = Case {
            shape: &program.shape,
            name: "random.runbook",
            runbook: &program.text,
            faults: &faults,
            said: program.said.clone(),
            shell,
            script: &script,
            ..Case::default()
        };
        let differences = compare_prepared(&case, prepared).map_err(|why| told(&faults, why))?;
        if !differences.is_empty() {
            return Err(told(&faults, differences.join("\n")));
        }
    }
    Ok(())
}

/// All that is needed to see it again.
fn describe(seed: u64, program: &Program, faults: &[PlannedFault]) -> String {
    let (shell, fold) = SHELLS[(seed % 4) as usize];
    let mut text = format!(
        "==== seed {seed}, {shell}{}, QUORATE_SEEDS={seed}\n---- shape\n{}---- runbook\n{}",
        if fold { " --fold" } else { "" },
        program.shape,
        program.text
    );
    for (name, value) in &program.given {
        text.push_str(&format!("---- --set {name}={value:?}\n"));
    }
    for (name, answer) in &program.said {
        text.push_str(&format!("---- to {name} the person says {answer:?}\n"));
    }
    for fault in faults {
        text.push_str(&format!(
            "---- fault: {:?} on {}, time {} of `{}`\n",
            fault.what, fault.node, fault.occurrence, fault.command
        ));
    }
    text.push_str("---- differences");
    text
}
