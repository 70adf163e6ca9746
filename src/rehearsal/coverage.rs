use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::attempt::Attempt;
use super::fault_plan::Mishap;
use crate::diagnostic::{SourceMap, Span};
use crate::journal::{Happening, StepPlace, StepResult, Trouble};
use crate::plan::{Plan, Step, StepKind, identify_step};
use crate::transport::StepPath;

/// What a rehearsal has tried.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// How many runs.
    pub runs: usize,
    /// How many commands, probes and questions in all of them and in their resumes.
    pub steps: usize,
    /// How many different states of the cluster and of the run before an act.
    pub states: usize,
    /// How many runs came to a state from which all was known, and were ended there.
    pub joined: usize,
    /// How often each thing went wrong.
    pub faults: BTreeMap<Mishap, usize>,
    /// How many points the unbroken run has.
    pub points: usize,
    /// How many steps the runbook has.
    pub plan_steps: usize,
    /// Steps that no run came to.
    pub unreached: Vec<Span>,
    /// Commands that the simulated cluster does not model: taken for done, without effect.
    pub assumed: BTreeSet<String>,
    /// Promises of the runbook that did not hold once in the unbroken run, and so were not judged in it.
    pub never_held: Vec<String>,
    reached: BTreeSet<Span>,
    paths: HashSet<StepPath>,
}

impl Coverage {
    /// Takes in what a run has tried.
    pub(super) fn take(&mut self, attempt: &Attempt) {
        self.runs += 1;
        self.steps += attempt.steps;
        self.joined += usize::from(attempt.is_joined);
        for planned in &attempt.schedule.0 {
            *self.faults.entry(planned.mishap).or_default() += 1;
        }
        self.assumed.extend(attempt.assumed.iter().cloned());
        for event in &attempt.events {
            // Of a `fail` nothing is told but that it did.
            self.reached
                .extend(trouble_of(&event.what).map(|trouble| trouble.at));
            if let Some(place) = place_of(&event.what) {
                self.reached.insert(place.span);
                if !self.paths.contains(&place.path) {
                    self.paths.insert(place.path.clone());
                }
            }
        }
    }

    /// The same with what another worker has tried.
    pub(super) fn add(&mut self, other: Coverage) {
        self.runs += other.runs;
        self.steps += other.steps;
        self.joined += other.joined;
        for (mishap, count) in other.faults {
            *self.faults.entry(mishap).or_default() += count;
        }
        self.assumed.extend(other.assumed);
        self.reached.extend(other.reached);
        self.paths.extend(other.paths);
    }

    /// Says which steps of a plan no run came to.
    pub(super) fn compare(&mut self, plan: &Plan, sources: &SourceMap) {
        let mut steps = Vec::new();
        collect_steps(&plan.steps, &mut steps);
        // What a verb of a module might do besides is no matter of this runbook.
        let file_of = |span: Span| sources.place(span).map(|place| place.file);
        let own = plan.steps.first().and_then(|step| file_of(step.span));
        steps.retain(|step| file_of(step.span) == own);
        self.plan_steps = steps.len();
        let parts: HashSet<&str> = self.paths.iter().flat_map(StepPath::parts).collect();
        let missing = steps.into_iter().filter(|step| !self.is_reached(step, &parts));
        let missing: BTreeSet<Span> = missing.map(|step| step.span).collect();
        self.unreached = missing.into_iter().collect();
    }

    /// A block is reached where anything in it is, and a verb where a path leads through it.
    fn is_reached(&self, step: &Step, parts: &HashSet<&str>) -> bool {
        if let StepKind::Verb { .. } = step.kind {
            let own = identify_step(&step.kind);
            // One that stands there several times is numbered.
            let is_it = |rest: &str| rest.is_empty() || rest.starts_with(' ');
            return parts
                .iter()
                .any(|part| part.strip_prefix(&own).is_some_and(is_it));
        }
        let inside = |it: &Span| step.span.start <= it.start && it.end <= step.span.end;
        let mut bodies = step.kind.bodies().into_iter().flatten();
        self.reached.iter().any(inside) || bodies.any(|inner| self.is_reached(inner, parts))
    }
}

/// All steps of a plan, each before those of its bodies.
fn collect_steps<'p>(steps: &'p [Step], all: &mut Vec<&'p Step>) {
    for step in steps {
        all.push(step);
        for body in step.kind.bodies() {
            collect_steps(body, all);
        }
    }
}

/// Where something that was told is written.
pub(super) fn span_of(what: &Happening) -> Option<Span> {
    place_of(what).map(|place| place.span)
}

fn trouble_of(what: &Happening) -> Option<&Trouble> {
    match what {
        Happening::RunEnded { trouble, .. } => trouble.as_ref(),
        Happening::Caught { trouble, .. } => Some(trouble),
        Happening::NodeEnded {
            result: StepResult::Trouble(trouble),
            ..
        } => Some(trouble),
        _ => None,
    }
}

/// The statement that something was told of.
pub(super) fn place_of(what: &Happening) -> Option<&StepPlace> {
    match what {
        Happening::NodesChosen { place, .. }
        | Happening::StepStarted { place, .. }
        | Happening::StepEnded { place, .. }
        | Happening::PassedOver { place, .. }
        | Happening::Asked { place, .. }
        | Happening::Waiting { place, .. }
        | Happening::Waited { place, .. }
        | Happening::Answered { place, .. }
        | Happening::Outage { place, .. }
        | Happening::LeftStopped { place, .. }
        | Happening::Note { place, .. }
        | Happening::Shown { place, .. }
        | Happening::Named { place, .. }
        | Happening::CleaningUp { place, .. }
        | Happening::Caught { place, .. }
        | Happening::Branch { place, .. } => Some(place),
        _ => None,
    }
}
