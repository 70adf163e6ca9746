use std::collections::BTreeMap;
use std::time::Duration;

use super::event::NO_STEP;
use super::{Event, Happening, Recorder, StepPlace, StepResult};
use crate::diagnostic::Span;
use crate::inventory::NodeName;
use crate::transport::StepPath;

/// The code of the finding that a script leaves a service stopped.
const LEFT_STOPPED: &str = "check::left_stopped";

/// A finding about a script that is run all the same, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverriddenFinding {
    /// The finding's code.
    pub code: String,
    /// What it says.
    pub finding: String,
    /// The typed reason.
    pub why: String,
    /// Where in the script.
    pub at: Span,
}

/// Passes events on, and records with them what the script is run in spite of.
///
/// No step meets such a finding, so it stands at the start; what was left stopped stands at the end.
pub struct WithOverridden<'a> {
    inner: Box<dyn Recorder + 'a>,
    findings: Vec<OverriddenFinding>,
    stopped: BTreeMap<(String, NodeName), StepPlace>,
}

impl OverriddenFinding {
    /// What is recorded of it, where no step meets it.
    pub fn happening(&self) -> Happening {
        Happening::Overridden {
            place: StepPlace {
                step: NO_STEP,
                span: self.at,
                node: None,
                path: StepPath::default(),
            },
            what: self.code.clone(),
            reason: self.finding.clone(),
            why: self.why.clone(),
        }
    }
}

impl<'a> WithOverridden<'a> {
    /// Stands before a recorder.
    pub fn new(inner: Box<dyn Recorder + 'a>, findings: Vec<OverriddenFinding>) -> Self {
        WithOverridden {
            inner,
            findings,
            stopped: BTreeMap::new(),
        }
    }

    fn record_findings(&mut self, start: &Event) {
        for finding in &self.findings {
            let what = finding.happening();
            self.inner.record(&Event { at: start.at, what });
        }
    }

    fn note_service(&mut self, place: &StepPlace, what: &str) {
        let Some(node) = &place.node else {
            return;
        };
        match what.split_once(' ') {
            Some(("stop", service)) => {
                self.stopped
                    .insert((service.to_owned(), node.clone()), place.clone());
            }
            Some(("start" | "restart", service)) => {
                // Without instances named, all of them are started.
                let is_started = |known: &str| known == service || known.split(' ').next() == Some(service);
                self.stopped
                    .retain(|(known, at), _| at != node || !is_started(known));
            }
            // A node starts its services when it boots.
            None if what == "reboot" => self.stopped.retain(|(_, at), _| at != node),
            _ => {}
        }
    }

    fn record_left_stopped(&mut self, end: &Event) {
        let Some(finding) = self.findings.iter().find(|finding| finding.code == LEFT_STOPPED) else {
            return;
        };
        for ((service, _), place) in std::mem::take(&mut self.stopped) {
            let why = finding.why.clone();
            let what = Happening::LeftStopped { place, service, why };
            self.inner.record(&Event { at: end.at, what });
        }
    }
}

impl Recorder for WithOverridden<'_> {
    fn record(&mut self, event: &Event) {
        match &event.what {
            Happening::StepEnded {
                place,
                what,
                result: StepResult::Done,
                ..
            } => self.note_service(place, what),
            Happening::RunEnded { .. } => self.record_left_stopped(event),
            _ => {}
        }
        self.inner.record(event);
        if matches!(event.what, Happening::RunStarted { .. }) {
            self.record_findings(event);
        }
    }

    fn pass(&mut self, at: Duration) {
        self.inner.pass(at);
    }

    fn recall(&mut self, event: &Event) {
        self.inner.recall(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::StepId;

    fn ended(what: &str, node: &str) -> Happening {
        Happening::StepEnded {
            place: StepPlace {
                step: StepId(1),
                span: Span::default(),
                node: Some(node.into()),
                path: StepPath::default(),
            },
            what: what.to_owned(),
            result: StepResult::Done,
            output: String::new(),
            errors: String::new(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn what_was_not_started_again_is_left_stopped() {
        let mut events = Vec::new();
        let finding = OverriddenFinding {
            code: LEFT_STOPPED.to_owned(),
            finding: "a is left stopped".to_owned(),
            why: "drill".to_owned(),
            at: Span::default(),
        };
        let mut recorder = WithOverridden::new(Box::new(&mut events), vec![finding]);
        let steps = [
            ended("stop a", "n1"),
            ended("stop b /x", "n1"),
            ended("stop a", "n2"),
            ended("start b", "n1"),
            ended("restart a", "n2"),
        ];
        let (trouble, exit_code) = (None, 0);
        for what in steps
            .into_iter()
            .chain([Happening::RunEnded { trouble, exit_code }])
        {
            let at = Duration::ZERO;
            recorder.record(&Event { at, what });
        }
        drop(recorder);
        let left: Vec<String> = events
            .iter()
            .filter_map(|event| match &event.what {
                Happening::LeftStopped { place, service, why } => {
                    Some(format!("{service} {:?} {why}", place.node))
                }
                _ => None,
            })
            .collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].starts_with("a ") && left[0].contains("n1"), "{left:?}");
    }
}
