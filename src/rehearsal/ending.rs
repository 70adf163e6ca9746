//! What an ending must be: told as it is, and clean.

use std::collections::BTreeMap;

use super::alone::count_missing;
use super::attempt::{Start, stage_broken};
use super::invariant::{AFTERMATH, Broken, NOTICE, Progress, Promise};
use super::stage::{Act, Stage};
use crate::journal::{Event, Happening, Ledger, TroubleKind};
use crate::run::Ending;
use crate::transport::Clock;

/// What is wrong with how a run ended that nobody has taken up again.
pub(super) fn judge_ending(
    ending: &Ending,
    events: &[Event],
    start: &Start,
    stage: &Stage<'_>,
) -> Option<Broken> {
    let ledger = Ledger::of(events);
    if let Some(why) = untold(events, &ledger, start, stage) {
        return Some(stage_broken(stage, Promise::Report, why));
    }
    match ending.exit_code {
        0 => judge_done(ending, events, start, stage),
        _ => judge_giving_up(events, &ledger, start, stage),
    }
}

/// What is wrong with a run that says that it is done.
pub(super) fn judge_done(
    ending: &Ending,
    events: &[Event],
    start: &Start,
    stage: &Stage<'_>,
) -> Option<Broken> {
    // What it leaves stopped on purpose it says itself.
    if ending.exit_code != 0 || !Ledger::of(events).left_stopped.is_empty() {
        return None;
    }
    let why = format!("it says that all is done, while {}", worse(start, stage, true)?);
    Some(stage_broken(stage, Promise::Ending, why))
}

/// What is worse in the cluster than it would be without the run: its servers, and if told so its chunks.
fn worse(start: &Start, stage: &Stage<'_>, with_chunks: bool) -> Option<String> {
    let now = count_missing(&stage.cluster);
    if now.iter().all(|(count, _)| *count == 0) || is_too_soon(stage) {
        return None;
    }
    let (judge, until) = (stage.judge.borrow(), stage.now());
    let mut without = vec![count_missing(&start.untouched.at(until))];
    // That what it has started crashes is for the run to see before it says that all is done.
    if !stage.only_blinks() {
        let faults = judge.left_alone().iter();
        without.extend(faults.map(|alone| count_missing(&alone.at(until))));
    }
    let mut all = now.into_iter().enumerate().take(if with_chunks { 3 } else { 2 });
    let worse = all.find(|(index, (count, _))| without.iter().all(|alone| alone[*index].0 < *count));
    worse.map(|(_, (count, what))| format!("{count} {what}"))
}

/// Whether the run could not know yet of what went wrong, or the cluster is still at it.
fn is_too_soon(stage: &Stage<'_>) -> bool {
    let until = stage.now();
    match (stage.only_blinks(), stage.judge.borrow().last_fault()) {
        (true, _) => stage.crashed_at.get().is_none_or(|at| until < at + NOTICE),
        (false, Some(fault)) => until < fault + AFTERMATH,
        (false, None) => false,
    }
}

/// Whether a service is down with no run at all, or since its node was rebooted for what went wrong.
fn is_down_alone(start: &Start, stage: &Stage<'_>, node: &str, service: &str) -> bool {
    let without = start.untouched.at(stage.now()).inspect().nodes.remove(node);
    let runs = without.and_then(|node| node.services.get(service).copied());
    let judge = stage.judge.borrow();
    let mut faults = judge.left_alone().iter();
    !runs.unwrap_or_default() || faults.any(|alone| alone.has_rebooted(node, stage.now()))
}

/// What is wrong with a run that gave up, with nothing wrong that it had to leave it for.
fn judge_giving_up(events: &[Event], ledger: &Ledger, start: &Start, stage: &Stage<'_>) -> Option<Broken> {
    let has_given_up = stage.is_faultless() || stage.was_refused.get();
    if !has_given_up || is_outage_open(ledger) || !ledger.left_stopped.is_empty() {
        return None;
    }
    left_stopped(events, start, stage).or_else(|| {
        // Chunks that wait are copied by the cluster itself.
        let why = worse(start, stage, false)?;
        Some(stage_broken(
            stage,
            Promise::Ending,
            format!("it gives up, and {why}"),
        ))
    })
}

/// What it has stopped and not started again.
fn left_stopped(events: &[Event], start: &Start, stage: &Stage<'_>) -> Option<Broken> {
    let (before, now) = (start.cluster.inspect(), stage.cluster.inspect());
    let (done, hit) = (stage.done.borrow(), stage.hit.borrow());
    for (name, node) in before.nodes.iter().filter(|(name, _)| !hit.contains(*name)) {
        for (service, ran) in &node.services {
            let runs = now
                .nodes
                .get(name)
                .and_then(|node| node.services.get(service).copied());
            // Who did it, rather than where it ended.
            let stopped_at = last_touch(&done, service, name).filter(|(_, is_stop)| *is_stop);
            let Some((point, _)) = stopped_at.filter(|_| *ran && !runs.unwrap_or_default()) else {
                continue;
            };
            if has_left(events, name) || is_down_alone(start, stage, name, service) {
                continue;
            }
            let why =
                format!("{service} was stopped on {name} and is not started again; an `undo` would do it");
            let progress = Progress {
                point,
                ..stage.progress()
            };
            return Some(Broken {
                progress,
                ..stage_broken(stage, Promise::Ending, why)
            });
        }
    }
    None
}

/// Whether a node has left a role; who has, has no service of it any more.
fn has_left(events: &[Event], node: &str) -> bool {
    events.iter().any(|event| {
        matches!(&event.what, Happening::GroupChanged { node: left, joined: false, .. } if left.as_str() == node)
    })
}

/// The last point at which the run did something with a service on a node, and whether it stopped it.
fn last_touch(done: &BTreeMap<Act, Vec<usize>>, service: &str, node: &str) -> Option<(usize, bool)> {
    let touching = done.iter().filter(|(act, _)| is_touch(act, service, node));
    let last = touching.filter_map(|(act, points)| {
        let is_stop = act.command.split_whitespace().any(|word| word == "stop");
        Some((points.iter().max().copied()?, is_stop))
    });
    last.max()
}

fn is_touch(act: &Act, service: &str, node: &str) -> bool {
    act.node.as_ref().is_some_and(|it| it.as_str() == node)
        && act.command.split_whitespace().any(|word| word == service)
}

fn is_outage_open(ledger: &Ledger) -> bool {
    ledger.outages.iter().any(|outage| outage.lasted.is_none())
}

/// What the report does not say: a service that the run stopped, and that does not run.
fn untold(events: &[Event], ledger: &Ledger, start: &Start, stage: &Stage<'_>) -> Option<String> {
    let (before, now) = (start.cluster.inspect(), stage.cluster.inspect());
    let hit = stage.hit.borrow();
    let is_unknown = ledger
        .trouble
        .as_ref()
        .is_some_and(|trouble| matches!(trouble.kind, TroubleKind::Unknown | TroubleKind::Unreachable));
    if is_unknown || is_outage_open(ledger) {
        return None;
    }
    for (name, node) in &before.nodes {
        let Some(after) = now.nodes.get(name).filter(|_| !hit.contains(name)) else {
            continue;
        };
        // A fault has made its watchdog reboot it.
        if !after.is_on && !stage.is_faultless() {
            continue;
        }
        for (service, ran) in &node.services {
            let runs = after.services.get(service).copied().unwrap_or_default();
            let is_away = ledger.still_away.get(service);
            let is_told = is_away.is_some_and(|away| away.iter().any(|node| node.as_str() == name))
                || tells_of(events, ledger, service, name);
            // What went wrong by itself is told by nobody.
            let is_own = stage.is_faultless() || last_touch(&stage.done.borrow(), service, name).is_some();
            if *ran && !runs && !is_told && is_own && !is_down_alone(start, stage, name, service) {
                return Some(format!("{service} does not run on {name}, and nothing says so"));
            }
        }
    }
    None
}

/// Whether the report says that something went wrong on that node, or that the service is left stopped.
fn tells_of(events: &[Event], ledger: &Ledger, service: &str, node: &str) -> bool {
    let is_left = ledger
        .left_stopped
        .iter()
        .any(|(left, nodes, _)| left == service && nodes.iter().any(|it| it.as_str() == node));
    let has_failed = ledger
        .troubles
        .iter()
        .any(|(_, nodes)| nodes.iter().any(|it| it.as_str() == node));
    // A run that just ends with its services stopped says so by its last act on them.
    let last_act = events.iter().rev().find_map(|event| match &event.what {
        Happening::StepEnded { place, what, .. }
            if place.node.as_ref().is_some_and(|it| it.as_str() == node) && what.contains(service) =>
        {
            Some(what.starts_with("stop"))
        }
        _ => None,
    });
    is_left || has_failed || has_left(events, node) || last_act == Some(true)
}
