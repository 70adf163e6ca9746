//! A finding as a short story.

use std::time::Duration;

use serde_json::json;

use super::attempt::{Attempt, Scene};
use super::coverage::Coverage;
use super::error::RehearsalError;
use super::fault_plan::{Crossing, Mishap, Point, Schedule};
use super::finding::{Finding, Line};
use super::invariant::Promise;
use super::place::{find_place, find_promise, find_trouble};
use crate::diagnostic::{SourceMap, keep_on_one_row};
use crate::journal::{Event, Happening, StepResult, TroubleKind};
use crate::transport::simulated::Inspection;
use crate::value::write_duration;

/// How many lines of a story are told.
const MOST_LINES: usize = 12;

/// Tells what a run has broken.
pub(super) fn tell_attempt(scene: Scene<'_>, attempt: &Attempt, others: usize) -> Finding {
    let broken = attempt.broken.as_ref();
    let promise = broken.map_or(Promise::Unbroken, |broken| broken.promise.clone());
    let told = broken.map_or(usize::MAX, |broken| broken.progress.told);
    let point = broken
        .and_then(|broken| broken.progress.point.checked_sub(1))
        .and_then(|index| attempt.points.get(index));
    Finding {
        at: find_place(scene, attempt, &promise, point),
        promised_at: find_promise(scene, &promise),
        schedule: attempt.schedule.clone(),
        node: match find_trouble(attempt, &promise) {
            Some(trouble) => trouble.node.as_ref().map(ToString::to_string),
            None => point.and_then(node_in_hand),
        },
        why: broken.map_or_else(String::new, |broken| broken.why.clone()),
        story: tell_lines(attempt, told),
        cluster: describe_cluster(&attempt.cluster),
        others,
        promise,
    }
}

/// On which node the runbook stood, which may have asked another one.
fn node_in_hand(point: &Point) -> Option<String> {
    match (point.crossing, &point.node) {
        (Crossing::Act, Some(node)) => Some(node.to_string()),
        _ => point.path.node().map(ToOwned::to_owned),
    }
}

fn tell_lines(attempt: &Attempt, told: usize) -> Vec<Line> {
    let planned = attempt.schedule.0.iter();
    let mut faults = planned
        .filter_map(|planned| Some((attempt.points.get(planned.point - 1)?, planned.mishap)))
        .peekable();
    let mut lines = Vec::new();
    for (index, event) in attempt.events.iter().enumerate().take(told) {
        while let Some((point, mishap)) = faults.next_if(|(point, _)| point.told <= index) {
            lines.push(tell_fault(point, mishap));
        }
        lines.extend(tell_event(event));
    }
    lines.extend(faults.map(|(point, mishap)| tell_fault(point, mishap)));
    let surplus = lines.len().saturating_sub(MOST_LINES);
    let mut index = 0;
    lines.retain(|line| {
        index += 1;
        index > surplus || line.is_fault
    });
    lines
}

fn tell_fault(point: &Point, mishap: Mishap) -> Line {
    Line {
        at_ms: milliseconds(point.at),
        node: point.node.as_ref().map(ToString::to_string),
        what: format!("`{}`: {}", point.words, mishap.clause()),
        is_fault: true,
    }
}

fn tell_event(event: &Event) -> Option<Line> {
    let (node, what) = match &event.what {
        Happening::StepStarted { place, what, .. } => (place.node.as_ref(), what.clone()),
        Happening::StepEnded {
            place,
            what,
            result: StepResult::Trouble(trouble),
            ..
        } => (place.node.as_ref(), format!("{what}: {}", trouble.message)),
        Happening::Asked {
            place,
            what,
            holds: Some(false),
            reason,
            ..
        } => (place.node.as_ref(), format!("`{what}` says no: {reason}")),
        Happening::Waited {
            place, what, came, ..
        } => {
            let word = if *came { "came" } else { "did not come" };
            (place.node.as_ref(), format!("`{what}` {word}"))
        }
        Happening::Answered {
            place, name, answer, ..
        } => (place.node.as_ref(), format!("{name} is answered with {answer}")),
        Happening::CleaningUp { place, what, why } => (place.node.as_ref(), format!("{what}: {why}")),
        Happening::Outage { place, why, opens } => {
            let word = if *opens { "begins" } else { "ends" };
            (place.node.as_ref(), format!("the outage {word}: {why}"))
        }
        Happening::RunEnded { exit_code, .. } => (None, format!("the run ends with {exit_code}")),
        _ => return None,
    };
    Some(Line {
        at_ms: milliseconds(event.at),
        node: node.map(ToString::to_string),
        what,
        is_fault: false,
    })
}

fn milliseconds(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

/// What of a cluster is not as it should be.
fn describe_cluster(cluster: &Inspection) -> Vec<String> {
    let mut lines = Vec::new();
    if !cluster.metadata_servers.is_empty() {
        lines.extend(describe_storage(cluster));
    }
    for (name, node) in &cluster.nodes {
        let stopped: Vec<&str> = node
            .services
            .iter()
            .filter(|(_, runs)| !**runs)
            .map(|(service, _)| service.as_str())
            .collect();
        if !node.is_on {
            lines.push(format!("{name}: has no power"));
        } else if !stopped.is_empty() {
            lines.push(format!("{name}: stopped: {}", stopped.join(", ")));
        }
        if node.machines_hung_since.is_some() {
            lines.push(format!("{name}: its virtual environments hang"));
        }
    }
    if lines.is_empty() {
        lines.push("every node has power, and every service runs".to_owned());
    }
    lines
}

fn describe_storage(cluster: &Inspection) -> [String; 2] {
    let servers = format!(
        "metadata servers: {} of {} in step, master on {}",
        cluster.answering,
        cluster.metadata_servers.len(),
        cluster.master.as_deref().unwrap_or("nobody")
    );
    let chunks: Vec<String> = cluster
        .chunks
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    [servers, format!("chunks: {}", chunks.join(", "))]
}

/// How a run ended, in words.
pub(super) fn describe_ending(events: &[Event]) -> String {
    let ended = events.iter().rev().find_map(|event| match &event.what {
        Happening::RunEnded { trouble, exit_code } => Some((trouble, exit_code)),
        _ => None,
    });
    match ended {
        Some((Some(trouble), code)) if trouble.kind == TroubleKind::Refused => {
            format!("it is refused ({code}): {}", trouble.message)
        }
        Some((Some(trouble), code)) => format!("it ends with {code}: {}", trouble.message),
        Some((None, code)) => format!("it ends with {code}"),
        None => "it has no end".to_owned(),
    }
}

/// A finding as it is drawn; `again` is the command line that replays it.
pub fn tell_finding(finding: &Finding, again: &str) -> RehearsalError {
    let mut lines = Vec::new();
    if !finding.why.is_empty() {
        lines.push(finding.why.clone());
    }
    lines.push("it came to that like this:".to_owned());
    for line in &finding.story {
        let mark = if line.is_fault { "!" } else { " " };
        let node = line
            .node
            .as_ref()
            .map_or_else(String::new, |node| format!("{node}: "));
        lines.push(format!(
            "{mark} {:>6}  {node}{}",
            write_clock(line.at_ms),
            line.what
        ));
    }
    lines.push("the cluster then:".to_owned());
    lines.extend(finding.cluster.iter().map(|line| format!("  {line}")));
    if finding.others > 0 {
        lines.push(format!(
            "{} other schedules break the same promise here",
            finding.others
        ));
    }
    lines.push(format!("again: {}", keep_on_one_row(again)));
    let label = match &finding.node {
        Some(node) => format!("here, on {node}"),
        None => "here".to_owned(),
    };
    RehearsalError {
        message: finding.promise.broken().to_owned(),
        at: finding.at,
        promised_at: finding.promised_at,
        label,
        help: Some(lines.join("\n")),
    }
}

fn write_clock(at_ms: u64) -> String {
    write_duration(Duration::from_secs(at_ms / 1000))
}

/// A finding for machines.
pub fn write_finding_json(finding: &Finding, sources: &SourceMap, again: &str) -> serde_json::Value {
    let place = sources.place(finding.at);
    let promised_at = finding.promised_at.and_then(|span| sources.place(span));
    json!({
        "promise": finding.promise.word(),
        "message": finding.promise.broken(),
        "why": finding.why,
        "schedule": finding.schedule.to_string(),
        "file": place.as_ref().map(|place| place.file.clone()),
        "line": place.as_ref().map(|place| place.line),
        "column": place.as_ref().map(|place| place.column),
        "promised_at": promised_at.map(|place| json!({ "file": place.file, "line": place.line })),
        "node": finding.node,
        "story": finding.story,
        "cluster": finding.cluster,
        "others": finding.others,
        "again": again,
    })
}

/// What was tried, for people.
pub fn describe_coverage(coverage: &Coverage, sources: &SourceMap, schedule: Option<&Schedule>) -> String {
    let mut lines = Vec::new();
    let runs = match schedule {
        Some(schedule) if schedule.0.is_empty() => "one run, with nothing going wrong".to_owned(),
        Some(schedule) => format!("one run, with {schedule}"),
        None => format!(
            "{} runs over {} points, {} steps, {} states; {} ended where all was known",
            coverage.runs, coverage.points, coverage.steps, coverage.states, coverage.joined
        ),
    };
    lines.push(runs);
    let counts = Mishap::ALL.into_iter().filter_map(|mishap| {
        let count = coverage.faults.get(&mishap)?;
        Some(format!("{} {count}", mishap.word()))
    });
    let faults: Vec<String> = counts.collect();
    if !faults.is_empty() {
        lines.push(format!("faults: {}", faults.join(", ")));
    }
    let reached = coverage.plan_steps - coverage.unreached.len();
    lines.push(format!(
        "{reached} of {} steps of the runbook were reached",
        coverage.plan_steps
    ));
    for span in &coverage.unreached {
        let text = sources.text(*span).lines().next().unwrap_or_default().trim();
        let place = sources
            .place(*span)
            .map(|place| format!("{}:{}", place.file, place.line));
        lines.push(format!(
            "  never reached: {} ({})",
            text,
            place.unwrap_or_default()
        ));
    }
    for promise in &coverage.never_held {
        lines.push(format!(
            "  did not hold once in the run without faults: `promise {promise}`"
        ));
    }
    for command in &coverage.assumed {
        lines.push(format!("  assumed to do nothing, and well: `{command}`"));
    }
    lines.join("\n") + "\n"
}

/// What was tried, for machines.
pub fn write_coverage_json(coverage: &Coverage, sources: &SourceMap) -> serde_json::Value {
    let faults = coverage
        .faults
        .iter()
        .map(|(mishap, count)| (mishap.word(), *count));
    let unreached = coverage.unreached.iter().filter_map(|span| {
        let place = sources.place(*span)?;
        Some(json!({ "file": place.file, "line": place.line, "column": place.column }))
    });
    json!({
        "runs": coverage.runs,
        "points": coverage.points,
        "steps": coverage.steps,
        "states": coverage.states,
        "joined": coverage.joined,
        "faults": faults.collect::<std::collections::BTreeMap<_, _>>(),
        "runbook_steps": coverage.plan_steps,
        "unreached": unreached.collect::<Vec<_>>(),
        "never_held": coverage.never_held,
        "assumed": coverage.assumed,
    })
}
