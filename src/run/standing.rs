use std::cell::RefCell;

use super::here::Walked;
use super::token::{State, StoppedService};
use crate::evaluate::Scope;
use crate::inventory::{NodeName, NodeSet};
use crate::plan::{Step, StepKind};
use crate::value::Value;

/// What lives on from one line of a session to the next: tokens, groups, values, and what is
/// known of services.
///
/// It is kept up to date while a line is carried out, so that a line which is broken off loses nothing.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    pub(super) state: RefCell<State>,
    values: RefCell<Vec<(String, Value)>>,
}

impl Standing {
    /// The name of the value that was yielded last.
    pub const LAST: &'static str = "_";

    /// Begins a line: since the last one, anybody may have started or stopped anything.
    pub(super) fn begin(&self) {
        let mut state = self.state.borrow_mut();
        state.epoch += 1;
        state.held_back = false;
        // What a line that was broken off has owed is not done any more.
        let owed = std::mem::take(&mut state.owed);
        state.undos_left.extend(owed);
    }

    /// Keeps what the steps of a line have named, and what the last of them has yielded.
    pub(super) fn keep(&self, steps: &[Step], scope: &Scope, walked: &Walked) {
        let mut last = None;
        for step in steps {
            last = None;
            if let StepKind::Let { name, .. } = &step.kind {
                if let Some(value) = scope.get(name) {
                    self.set_value(name, value.clone());
                }
            } else if !step.acts() && !matches!(step.kind, StepKind::For(..) | StepKind::If(..)) {
                last = walked.as_ref().ok();
            }
        }
        if let Some(value) = last.filter(|value| **value != Value::text("")) {
            self.set_value(Self::LAST, value.clone());
        }
    }

    fn set_value(&self, name: &str, value: Value) {
        let mut values = self.values.borrow_mut();
        values.retain(|(known, _)| known != name);
        values.push((name.to_owned(), value));
    }

    /// The values by their names, the newest last; `_` is what was yielded last.
    pub fn values(&self) -> Vec<(String, Value)> {
        self.values.borrow().clone()
    }

    /// The value of a name.
    pub fn value(&self, name: &str) -> Option<Value> {
        let values = self.values.borrow();
        values
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    /// What was stopped and not started again, in that order.
    pub fn stopped(&self) -> Vec<StoppedService> {
        self.state.borrow().stopped.clone()
    }

    /// The tokens that are held: the service, by `module.name`, and the member.
    pub fn tokens(&self) -> Vec<(String, NodeName)> {
        let state = self.state.borrow();
        let tokens = state.tokens.iter();
        tokens
            .map(|token| (token.service.clone(), token.node.clone()))
            .collect()
    }

    /// The facts that were measured when something was refused last.
    pub fn evidence(&self) -> Vec<(String, Value)> {
        self.state.borrow().evidence.clone()
    }

    /// Undos that were not done, in words.
    pub fn undos_left(&self) -> Vec<String> {
        let state = self.state.borrow();
        state.undos_left.iter().chain(&state.owed).cloned().collect()
    }

    /// The groups that are no longer as the inventory has them, as they are now.
    pub fn groups(&self) -> Vec<(String, NodeSet)> {
        let state = self.state.borrow();
        let changed = state.groups.changed();
        changed
            .map(|(group, nodes)| (group.to_owned(), nodes.clone()))
            .collect()
    }
}
