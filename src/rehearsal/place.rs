//! Where in the runbook a finding is.

use super::attempt::{Attempt, Scene};
use super::coverage::{place_of, span_of};
use super::fault_plan::Point;
use super::invariant::Promise;
use super::promised::describe_promise;
use crate::diagnostic::Span;
use crate::journal::{Event, Happening, Trouble};
use crate::plan::{PathParts, Plan, Step, StepKind, identify_step};
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

/// What a run has failed by of which that is all there is to tell.
pub(super) fn find_trouble<'a>(attempt: &'a Attempt, promise: &Promise) -> Option<&'a Trouble> {
    let mut events = attempt.events.iter().rev();
    events.find_map(|event| match &event.what {
        Happening::RunEnded { trouble, .. } if matches!(promise, Promise::Unbroken | Promise::Refused) => {
            trouble.as_ref()
        }
        _ => None,
    })
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
    let trouble = find_trouble(attempt, promise).map(|trouble| trouble.at);
    let around = point.map_or_else(Vec::new, |point| {
        find_spans(scene.plan, &attempt.events, &point.path)
    });
    let count = attempt
        .broken
        .as_ref()
        .map_or(usize::MAX, |broken| broken.progress.told);
    let told = attempt.events.iter().take(count).rev();
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
        if let Some(told) = place_of(&event.what).filter(|told| path.is_in(&told.path)) {
            found.push((told.path.parts().count(), told.span));
        }
    }
    found.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
    found.into_iter().map(|(_, span)| span).collect()
}

/// The verbs that a path leads through, each with its depth; nothing is told of a verb itself.
fn find_verbs(plan: &Plan, path: &StepPath) -> Vec<(usize, Span)> {
    let mut found = Vec::new();
    let mut blocks: Vec<&[Step]> = vec![&plan.steps];
    for (index, part) in path.parts().enumerate() {
        let step = blocks.iter().find_map(|block| find_step(block, part));
        // Nodes and turns are parts of a path that are no steps.
        let Some(step) = step else { continue };
        if let StepKind::Verb { .. } = step.kind {
            found.push((index + 1, step.span));
        }
        blocks = step.kind.bodies();
    }
    found
}

/// The step of a block that a part of a path names.
fn find_step<'p>(block: &'p [Step], part: &str) -> Option<&'p Step> {
    let mut parts = PathParts::default();
    block
        .iter()
        .find(|step| parts.name(identify_step(&step.kind)) == part)
}
