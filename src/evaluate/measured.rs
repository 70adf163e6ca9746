use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use super::EvaluateError;
use crate::inventory::NodeName;
use crate::value::{CommandLine, Secret, Value};

/// A probe whose answer is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Where; `None` is the machine that runs the script.
    pub node: Option<NodeName>,
    /// What is asked.
    pub command: CommandLine,
    /// How long it may take.
    pub limit: Duration,
    /// What it reads from its standard input.
    pub input: Option<Secret>,
}

/// How a probe was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It ran to its end.
    Ran {
        /// Its exit status.
        status: i32,
        /// Its standard output.
        output: String,
        /// Its standard error.
        errors: String,
    },
    /// The node did not answer, or not in time, and why.
    Silent(String),
}

/// Why an evaluation did not end with a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// These probes must be answered first; all of them may be asked at once.
    Need(Vec<Ask>),
    /// It cannot be evaluated.
    Fail(Box<EvaluateError>),
}

impl From<EvaluateError> for Stop {
    fn from(error: EvaluateError) -> Self {
        Stop::Fail(Box::new(error))
    }
}

/// What one statement has measured so far: facts are measured anew for each statement that
/// asks, and once within it.
#[derive(Debug, Default)]
pub struct Measured {
    replies: HashMap<Ask, Reply>,
    facts: RefCell<HashMap<String, Value>>,
}

impl Measured {
    /// Takes in the answer to a probe.
    pub fn insert(&mut self, ask: &Ask, reply: Reply) {
        self.replies.insert(ask.clone(), reply);
    }

    /// The answer to a probe, if it is there.
    pub fn reply(&self, ask: &Ask) -> Option<&Reply> {
        self.replies.get(ask)
    }

    /// The facts that were measured, each as it was asked for, in order of their names.
    pub fn facts(&self) -> Vec<(String, Value)> {
        let facts = self.facts.borrow();
        let mut facts: Vec<(String, Value)> = facts
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        facts.sort_by(|left, right| left.0.cmp(&right.0));
        facts
    }

    pub(super) fn fact(&self, key: &str) -> Option<Value> {
        self.facts.borrow().get(key).cloned()
    }

    pub(super) fn keep_fact(&self, key: String, value: Value) {
        self.facts.borrow_mut().insert(key, value);
    }
}
