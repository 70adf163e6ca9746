//! Where in the runbook a finding is.

use super::attempt::{Attempt, Scene};
use super::coverage::{collect_steps, span_of};
use super::fault_plan::Point;
use super::invariant::Promise;
use super::promised::describe_promise;
use crate::diagnostic::Span;
use crate::journal::{Event, Happening};
use crate::plan::{Plan, StepKind, identify_step};
use crate::transport::StepPath;

/// Where the runbook states a promise itself.
pub(super) fn find_promise(scene: Scene<'_>, promise: &Promise) -> Option<Span> {
    let Promise::Stated(guard) = promise else {
        return None;
    };
    let mut all = scene.plan.promises.iter();
    let stated = all.find(|step| describe_promise(step) == *guard);
    stated.map(|step| step.span)
}

/// Where the runbook stood: its own statement rather than the hook of a module that it led to.
pub(super) fn find_place(
    scene: Scene<'_>,
    attempt: &Attempt,
    promise: &Promise,
    point: Option<&Point>,
) -> Span {
    let file_of = |span: Span| scene.sources.place(span).map(|place| place.file);
    let own = scene.plan.steps.first().and_then(|step| file_of(step.span));
    let trouble = attempt.events.iter().rev().find_map(|event| match &event.what {
        Happening::RunEnded {
            trouble: Some(trouble),
            ..
        } if matches!(promise, Promise::Unbroken | Promise::Refused) => Some(trouble.at),
        _ => None,
    });
    let around = point.map_or_else(Vec::new, |point| {
        find_spans(scene.plan, &attempt.events, &point.path)
    });
    let told = attempt.events.iter().rev();
    let told = told.filter_map(|event| span_of(&event.what));
    let places: Vec<Span> = trouble.into_iter().chain(around).chain(told).collect();
    let is_own = |span: &&Span| file_of(**span) == own;
    let place = places.iter().find(is_own).or(places.first());
    place.copied().unwrap_or_default()
}

/// Where a statement is written, and those around it of which something was told, the innermost first.
fn find_spans(plan: &Plan, events: &[Event], path: &StepPath) -> Vec<Span> {
    let mut found = find_verbs(plan, path);
    for event in events {
        let told = path_of(&event.what).filter(|told| path.is_in(told));
        if let (Some(told), Some(span)) = (told, span_of(&event.what)) {
            found.push((told.parts().count(), span));
        }
    }
    found.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
    found.into_iter().map(|(_, span)| span).collect()
}

/// The verbs that a path leads through, each with its depth; nothing is told of a verb itself.
fn find_verbs(plan: &Plan, path: &StepPath) -> Vec<(usize, Span)> {
    let mut steps = Vec::new();
    collect_steps(&plan.steps, &mut steps);
    steps.retain(|step| matches!(step.kind, StepKind::Verb { .. }));
    let parts = path.parts().enumerate().filter_map(|(index, part)| {
        // One that stands there several times is numbered from the second on.
        let mut same = steps.iter().filter(|step| {
            let own = identify_step(&step.kind);
            part.strip_prefix(&own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
        });
        let number = part
            .rsplit_once(" (")
            .and_then(|(_, rest)| rest.strip_suffix(')'));
        let number: usize = number.and_then(|number| number.parse().ok()).unwrap_or(1);
        let first = same.clone().next();
        let step = same.nth(number - 1).or(first)?;
        Some((index + 1, step.span))
    });
    parts.collect()
}

fn path_of(what: &Happening) -> Option<&StepPath> {
    match what {
        Happening::NodesChosen { place, .. }
        | Happening::StepStarted { place, .. }
        | Happening::Asked { place, .. }
        | Happening::Waiting { place, .. }
        | Happening::Waited { place, .. }
        | Happening::Answered { place, .. }
        | Happening::Named { place, .. }
        | Happening::Branch { place, .. } => Some(&place.path),
        _ => None,
    }
}
