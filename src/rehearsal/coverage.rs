use std::collections::{BTreeMap, BTreeSet};

use super::attempt::Attempt;
use super::fault_plan::Mishap;
use crate::diagnostic::{SourceMap, Span};
use crate::journal::Happening;
use crate::plan::{Plan, Step};

/// What a rehearsal has tried.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// How many runs.
    pub runs: usize,
    /// How many commands, probes and questions in all of them, resumes left out.
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
    reached: BTreeSet<Span>,
}

impl Coverage {
    /// Takes in what a run has tried.
    pub(super) fn take(&mut self, attempt: &Attempt) {
        self.runs += 1;
        self.steps += attempt.points.len();
        self.joined += usize::from(attempt.is_joined);
        for planned in &attempt.schedule.0 {
            *self.faults.entry(planned.mishap).or_default() += 1;
        }
        self.assumed.extend(attempt.assumed.iter().cloned());
        for event in &attempt.events {
            self.reached.extend(span_of(&event.what));
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
    }

    /// Says which steps of a plan no run came to.
    pub(super) fn compare(&mut self, plan: &Plan, sources: &SourceMap) {
        let mut spans = Vec::new();
        collect(&plan.steps, &mut spans);
        // What a verb of a module might do besides is no matter of this runbook.
        let file_of = |span: Span| sources.place(span).map(|place| place.file);
        let own = plan.steps.first().and_then(|step| file_of(step.span));
        spans.retain(|span| file_of(*span) == own);
        self.plan_steps = spans.len();
        // A block is reached where anything in it is.
        let is_reached = |span: &Span| {
            let inside = |it: &Span| span.start <= it.start && it.end <= span.end;
            self.reached.iter().any(inside)
        };
        let missing = spans.into_iter().filter(|span| !is_reached(span));
        self.unreached = missing.collect::<BTreeSet<Span>>().into_iter().collect();
    }
}

fn collect(steps: &[Step], spans: &mut Vec<Span>) {
    for step in steps {
        spans.push(step.span);
        for body in step.kind.bodies() {
            collect(body, spans);
        }
    }
}

/// Where something that was told is written.
pub(super) fn span_of(what: &Happening) -> Option<Span> {
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
        | Happening::Branch { place, .. } => Some(place.span),
        _ => None,
    }
}
