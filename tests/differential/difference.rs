//! In what two runs of the same program differ.
//!
//! * **Commands.** On each node both sides carry out the same commands with the same results, in the
//!   same order. Blocks of probes that follow themselves at once count once: so often a wait looked.
//! * **Branches.** Where commands on one node overlap, or a node is used by several branches at
//!   once, their order is an accident: then acts may swap places with acts that they overlap, and
//!   probes are compared as a set.
//! * **Barriers.** For two acts on different nodes that the runbook puts one after the other, the
//!   first has ended before the second begins. Which these are is read from the plan: no `on` that
//!   takes nodes together stands round both, or it does and its phases tell them apart.
//! * **Together.** Of an `on` that takes nodes together and did so in the interpreter, at least two
//!   acts overlap in the script too.
//! * **The end.** The same exit code, message, questions, and state of the cluster; what the one shows,
//!   the other shows as well.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use quorate::inventory::NodeName;
use quorate::journal::Happening;
use quorate::plan::{Plan, StepId};
use quorate::transport::Purpose;
use quorate::transport::simulated::Inspection;

use crate::door::Carried;
use crate::interpreter::{InterpreterRun, Order, surrounding_blocks};
use crate::person::describe_question;
use crate::script::ScriptRun;

/// The longest block of probes that is one look of a wait.
const LONGEST_LOOK: usize = 12;
/// So much of what was asked and done is shown round a difference.
const SHOWN: usize = 6;
/// Acts that overlap by less are not told from acts one after the other.
const GRAIN: Duration = Duration::from_secs(2);

/// What both sides did on a node: the commands and their results.
type Done<'a> = Vec<&'a Carried>;

/// Everything in which the runs differ, in words.
pub fn find_differences(
    plan: &Plan,
    interpreter: (&InterpreterRun, &Inspection),
    script: (&ScriptRun, &Inspection),
) -> Vec<String> {
    let mut found = Vec::new();
    let (expected, actual) = (interpreter.0, script.0);
    if expected.exit_code != actual.exit_code {
        found.push(format!(
            "exit code: {} and {}",
            expected.exit_code, actual.exit_code
        ));
    }
    if let Some(message) = &expected.message
        && !flat(&actual.errors).contains(&flat(message))
    {
        found.push(format!("the script does not say: {message}"));
    }
    compare_said(expected, actual, &mut found);
    compare_questions(expected, actual, &mut found);
    compare_commands(expected, actual, &mut found);
    if found.is_empty() {
        compare_order(plan, expected, actual, &mut found);
    }
    compare_states(interpreter.1, script.1, &mut found);
    if actual.left_running > 0 {
        found.push(format!(
            "{} processes of the script were left running",
            actual.left_running
        ));
    }
    for gone in &actual.gone {
        found.push(format!("the script ended a program that waited: {gone}"));
    }
    found
}

/// A text with every run of blanks as one, without how long an outage has been open: that hangs on the
/// very second.
fn flat(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let open = regex::Regex::new("is still open, for [0-9a-z.]+ now").expect("the pattern is valid");
    open.replace_all(&text, "is still open").into_owned()
}

/// What `note` and `show` say must be in the script's output.
fn compare_said(expected: &InterpreterRun, actual: &ScriptRun, found: &mut Vec<String>) {
    let output = flat(&actual.output);
    let said = expected.events.iter().filter_map(|event| match &event.what {
        Happening::Note { text, .. } => Some(text),
        Happening::Shown { value, .. } => Some(value),
        _ => None,
    });
    let missing: BTreeSet<&String> = said.filter(|text| !output.contains(&flat(text))).collect();
    found.extend(
        missing
            .into_iter()
            .map(|text| format!("the script does not show: {text}")),
    );
}

fn compare_questions(expected: &InterpreterRun, actual: &ScriptRun, found: &mut Vec<String>) {
    for strange in &actual.strange {
        found.push(format!("the script asked something else: {strange}"));
    }
    let list = |asked: &[(quorate::transport::Question, quorate::transport::Answer)]| -> Vec<String> {
        let mut list: Vec<String> = asked
            .iter()
            .map(|(question, answer)| format!("{} → {answer:?}", describe_question(question)))
            .collect();
        // Branches ask in any order.
        list.sort();
        list
    };
    let (expected, actual) = (list(&expected.asked), list(&actual.asked));
    if expected != actual {
        found.push(format!("questions: {expected:#?} and {actual:#?}"));
    }
}

fn compare_commands(expected: &InterpreterRun, actual: &ScriptRun, found: &mut Vec<String>) {
    let acts = acts_of(expected);
    let nodes: BTreeSet<&str> = expected
        .carried
        .iter()
        .chain(&actual.carried)
        .map(|carried| carried.node.as_str())
        .collect();
    for node in nodes {
        let on_node = |all: &'_ [Carried]| -> Vec<Carried> {
            all.iter()
                .filter(|carried| carried.node == node)
                .cloned()
                .collect()
        };
        let (left, right) = (on_node(&expected.carried), on_node(&actual.carried));
        let is_act = |carried: &Carried| acts.contains(&(node, carried.command.as_str()));
        let (short_left, short_right) = (collapse(&left, is_act), collapse(&right, is_act));
        if texts(&short_left) == texts(&short_right) {
            continue;
        }
        if has_overlap(&left) || has_overlap(&right) {
            compare_branches(node, &left, &right, is_act, found);
        } else {
            found.push(describe_split(node, &texts(&short_left), &texts(&short_right)));
        }
    }
}

/// The acts, as node and command.
fn acts_of(run: &InterpreterRun) -> BTreeSet<(&str, &str)> {
    let acts = run
        .carried
        .iter()
        .filter(|carried| carried.purpose == Purpose::Act);
    acts.map(|carried| (carried.node.as_str(), carried.command.as_str()))
        .collect()
}

/// A command as it is compared.
fn text_of(carried: &Carried) -> String {
    let limit = carried.limit.as_millis().div_ceil(1_000);
    format!("{} → {} (limit {limit}s)", carried.command, carried.result)
}

fn texts(done: &Done<'_>) -> Vec<String> {
    done.iter().map(|carried| text_of(carried)).collect()
}

/// Counts each block of probes that follows itself at once only once.
fn collapse(all: &[Carried], is_act: impl Fn(&Carried) -> bool) -> Done<'_> {
    let mut kept: Vec<(&Carried, String)> = Vec::new();
    for carried in all {
        kept.push((carried, text_of(carried)));
        for length in 1..=LONGEST_LOOK.min(kept.len() / 2) {
            let (before, last) = kept[kept.len() - 2 * length..].split_at(length);
            let is_again = before.iter().zip(last).all(|(a, b)| a.1 == b.1 && !is_act(b.0));
            if is_again {
                kept.truncate(kept.len() - length);
                break;
            }
        }
    }
    kept.into_iter().map(|(carried, _)| carried).collect()
}

/// Whether two commands on a node were under way at once, or several branches used it.
fn has_overlap(all: &[Carried]) -> bool {
    let mut end = Duration::ZERO;
    all.iter().any(|carried| {
        let is_early = carried.began < end;
        end = end.max(carried.ended);
        is_early
    })
}

/// Compares what several branches did on one node.
fn compare_branches(
    node: &str,
    left: &[Carried],
    right: &[Carried],
    is_act: impl Fn(&Carried) -> bool,
    found: &mut Vec<String>,
) {
    let of_kind = |all: &'_ [Carried], acts: bool| -> Vec<Carried> {
        all.iter()
            .filter(|carried| is_act(carried) == acts)
            .cloned()
            .collect()
    };
    let (left_acts, right_acts) = (of_kind(left, true), of_kind(right, true));
    if !are_same_but_for_overlaps(&left_acts, &right_acts) {
        let list = |acts: &[Carried]| -> Vec<String> { acts.iter().map(text_of).collect() };
        found.push(describe_split(node, &list(&left_acts), &list(&right_acts)));
    }
    let set = |all: &[Carried]| -> BTreeSet<String> { of_kind(all, false).iter().map(text_of).collect() };
    let (left, right) = (set(left), set(right));
    for missing in left.difference(&right) {
        found.push(format!("on {node} only the interpreter looked: {missing}"));
    }
    for extra in right.difference(&left) {
        found.push(format!("on {node} only the script looked: {extra}"));
    }
}

/// Whether two lists of acts are the same but for the order of those that overlapped.
fn are_same_but_for_overlaps(left: &[Carried], right: &[Carried]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut open: Vec<usize> = (0..right.len()).collect();
    for (number, act) in left.iter().enumerate() {
        let text = text_of(act);
        let Some(place) = open.iter().position(|other| text_of(&right[*other]) == text) else {
            return false;
        };
        let chosen = open.remove(place);
        let is_free = open[..place].iter().all(|passed| {
            let passed = &right[*passed];
            let twin = left[number..].iter().find(|it| text_of(it) == text_of(passed));
            overlap(passed, &right[chosen]) || twin.is_some_and(|twin| overlap(twin, act))
        });
        if !is_free {
            return false;
        }
    }
    true
}

fn overlap(a: &Carried, b: &Carried) -> bool {
    a.began == b.began || (a.began < b.ended && b.began < a.ended)
}

/// Where two lists part.
fn describe_split(node: &str, left: &[String], right: &[String]) -> String {
    let same = left.iter().zip(right).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(2);
    let show = |list: &[String]| -> String {
        let lines = list.iter().skip(from).take(SHOWN);
        lines.map(|line| format!("\n    {line}")).collect()
    };
    format!(
        "on {node} the commands part after {same} (of {} and {}):\n  interpreter:{}\n  script:{}",
        left.len(),
        right.len(),
        show(left),
        show(right)
    )
}

/// An act of both sides.
struct Pair<'a> {
    step: StepId,
    node: NodeName,
    left: &'a Carried,
    right: &'a Carried,
}

fn compare_order(plan: &Plan, expected: &InterpreterRun, actual: &ScriptRun, found: &mut Vec<String>) {
    let pairs = pair_acts(expected, actual);
    let blocks = surrounding_blocks(plan);
    let phases = Phases::of(expected);
    let mut together: BTreeMap<StepId, (bool, bool)> = BTreeMap::new();
    for (number, a) in pairs.iter().enumerate() {
        for b in pairs[number + 1..].iter().filter(|b| b.node != a.node) {
            let (Some(round_a), Some(round_b)) = (blocks.get(&a.step), blocks.get(&b.step)) else {
                continue;
            };
            let shared = round_a.iter().zip(round_b).take_while(|(a, b)| a == b);
            let shared: Vec<(StepId, Order)> = shared.map(|(block, _)| *block).collect();
            let free: Vec<&(StepId, Order)> =
                shared.iter().filter(|block| block.1 != Order::Serial).collect();
            if a.step == b.step && free.len() == 1 && overlap_by(a.left, b.left) > GRAIN {
                let seen = together.entry(a.step).or_default();
                *seen = (true, seen.1 || overlap(a.right, b.right));
            }
            let are_apart = match free[..] {
                [] => true,
                [(block, Order::Phases)] => phases.are_apart(*block, &a.node, &b.node),
                _ => false,
            };
            if are_apart {
                found.extend(compare_pair(a, b).or_else(|| compare_pair(b, a)));
            }
        }
    }
    for (step, (_, is_so)) in together {
        if !is_so && let Some(pair) = pairs.iter().find(|pair| pair.step == step) {
            found.push(format!(
                "`{}` runs on several nodes at once in the interpreter, and on one after the other in the script",
                pair.left.command
            ));
        }
    }
}

fn overlap_by(a: &Carried, b: &Carried) -> Duration {
    a.ended.min(b.ended).saturating_sub(a.began.max(b.began))
}

/// A barrier between two acts that the script does not keep.
fn compare_pair(a: &Pair<'_>, b: &Pair<'_>) -> Option<String> {
    if a.left.ended > b.left.began || a.left.began >= b.left.began || a.right.ended <= b.right.began {
        return None;
    }
    Some(format!(
        "`{}` on {} ends before `{}` on {} begins; in the script it does not ({:?} and {:?})",
        a.left.command, a.node, b.left.command, b.node, a.right.ended, b.right.began
    ))
}

/// The acts of both sides: on each node the same command for the same time.
fn pair_acts<'a>(expected: &'a InterpreterRun, actual: &'a ScriptRun) -> Vec<Pair<'a>> {
    let mut left_ones: BTreeMap<(&str, &str), Vec<&Carried>> = BTreeMap::new();
    let mut right_ones = left_ones.clone();
    for (side, ones) in [
        (&expected.carried, &mut left_ones),
        (&actual.carried, &mut right_ones),
    ] {
        for carried in side {
            let key = (carried.node.as_str(), carried.command.as_str());
            ones.entry(key).or_default().push(carried);
        }
    }
    let mut pairs = Vec::new();
    for (key, left_ones) in left_ones {
        let right_ones = right_ones.remove(&key).unwrap_or_default();
        // A look may be the same command as an act; how often it was repeated is no difference.
        let is_act = |carried: &&Carried| carried.purpose == Purpose::Act;
        let is_whole = left_ones.len() == right_ones.len() || left_ones.iter().all(is_act);
        if is_whole {
            let acts = left_ones
                .into_iter()
                .zip(right_ones)
                .filter(|(left, _)| is_act(left));
            pairs.extend(acts.filter_map(|(left, right)| {
                Some(Pair {
                    step: left.step?,
                    node: NodeName::from(left.node.as_str()),
                    left,
                    right,
                })
            }));
        }
    }
    pairs.sort_by_key(|pair| pair.left.began);
    pairs
}

/// When the nodes of each `on` were begun and ended, by the number of the event.
#[derive(Default)]
struct Phases(BTreeMap<(StepId, NodeName), (Vec<usize>, Vec<usize>)>);

impl Phases {
    fn of(run: &InterpreterRun) -> Phases {
        let mut phases = Phases::default();
        for (number, event) in run.events.iter().enumerate() {
            match &event.what {
                Happening::NodeStarted { step, node, .. } => {
                    phases.0.entry((*step, node.clone())).or_default().0.push(number);
                }
                Happening::NodeEnded { step, node, .. } => {
                    phases.0.entry((*step, node.clone())).or_default().1.push(number);
                }
                _ => {}
            }
        }
        phases
    }

    /// Whether one of the nodes was through before the other was begun, in the only turn there was.
    fn are_apart(&self, block: StepId, a: &NodeName, b: &NodeName) -> bool {
        let of = |node: &NodeName| self.0.get(&(block, node.clone()));
        match (of(a), of(b)) {
            (Some((begun_a, ended_a)), Some((begun_b, ended_b))) => {
                match (&begun_a[..], &ended_a[..], &begun_b[..], &ended_b[..]) {
                    ([begun_a], [ended_a], [begun_b], [ended_b]) => ended_a < begun_b || ended_b < begun_a,
                    _ => false,
                }
            }
            _ => false,
        }
    }
}

fn compare_states(left: &Inspection, right: &Inspection, found: &mut Vec<String>) {
    let (left, right) = (describe_state(left), describe_state(right));
    for (what, is) in &left {
        let other = right.get(what);
        if other != Some(is) {
            let other = other.map_or("not there", String::as_str);
            found.push(format!("in the end {what}: {is}; after the script: {other}"));
        }
    }
    for (what, is) in right.iter().filter(|(what, _)| !left.contains_key(*what)) {
        found.push(format!("in the end {what}: not there; after the script: {is}"));
    }
}

/// What a run decides about a cluster; not what hangs on the very second.
fn describe_state(state: &Inspection) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for (name, node) in &state.nodes {
        told.insert(
            format!("{name} is"),
            format!("on {}, reachable {}", node.is_on, node.is_reachable),
        );
        for (service, runs) in &node.services {
            told.insert(format!("{service} runs on {name}"), runs.to_string());
        }
        told.insert(format!("mounts of {name}"), format!("{:?}", node.mounts));
        told.insert(format!("software of {name}"), node.installed.clone());
        told.insert(format!("boots of {name}"), node.boots.to_string());
        told.insert(format!("machines of {name}"), node.machines.to_string());
    }
    for server in &state.metadata_servers {
        let is = format!(
            "on {}, runs {}, stale {}, {}",
            server.node, server.is_running, server.is_stale, server.version
        );
        told.insert(format!("MDS {}", server.id), is);
    }
    for server in &state.chunk_servers {
        let is = format!(
            "on {} at {}, runs {}, failed {}, releasing {}, {}",
            server.node,
            server.repository,
            server.is_running,
            server.has_failed,
            server.is_releasing,
            server.version
        );
        told.insert(format!("CS {}", server.id), is);
    }
    told.insert("majority".to_owned(), state.has_majority.to_string());
    told.insert(
        "lost a majority".to_owned(),
        state.majority_lost_at.is_some().to_string(),
    );
    told.insert(
        "journal consistent".to_owned(),
        state.journal_consistent.to_string(),
    );
    told.insert("lost chunks".to_owned(), state.lost_chunks.to_string());
    told
}
