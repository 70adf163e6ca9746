use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::time::Duration;

use foldhash::quality::FixedState;

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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    replies: HashMap<Ask, Rc<Reply>>,
    facts: RefCell<HashMap<String, Known>>,
    /// What was asked by the facts that are being measured, the innermost last.
    asked: RefCell<Vec<Vec<Ask>>>,
    memo: Rc<Memo>,
}

/// A fact that was measured, and all that it took.
#[derive(Debug, Clone)]
struct Known {
    value: Value,
    asks: Rc<[Ask]>,
}

impl Measured {
    /// Nothing measured yet; `memo` knows what the same replies have come to before.
    pub fn with(memo: &Rc<Memo>) -> Measured {
        Measured {
            memo: Rc::clone(memo),
            ..Measured::default()
        }
    }

    /// Takes in the answer to a probe.
    pub fn insert(&mut self, ask: &Ask, reply: Reply) {
        self.replies.insert(ask.clone(), Rc::new(reply));
    }

    /// The answer to a probe, if it is there.
    pub fn reply(&self, ask: &Ask) -> Option<&Reply> {
        let reply = self.replies.get(ask)?;
        if let Some(asked) = self.asked.borrow_mut().last_mut() {
            asked.push(ask.clone());
        }
        Some(reply)
    }

    /// The facts that were measured, each as it was asked for, in order of their names.
    pub fn facts(&self) -> Vec<(String, Value)> {
        let facts = self.facts.borrow();
        let mut facts: Vec<(String, Value)> = facts
            .iter()
            .map(|(key, known)| (key.clone(), known.value.clone()))
            .collect();
        facts.sort_by(|left, right| left.0.cmp(&right.0));
        facts
    }

    /// A fact that this statement has measured already, or that the same replies have come to before.
    ///
    /// `circumstances` is what its value hangs on beside the replies.
    pub(super) fn fact(&self, key: &str, circumstances: &str) -> Option<Value> {
        let known = self.facts.borrow().get(key).cloned();
        let known = match known {
            Some(known) => known,
            None => {
                let known = self.memo.find(&format!("{key}{circumstances}"), &self.replies)?;
                self.facts.borrow_mut().insert(key.to_owned(), known.clone());
                known
            }
        };
        if let Some(asked) = self.asked.borrow_mut().last_mut() {
            asked.extend(known.asks.iter().cloned());
        }
        Some(known.value)
    }

    /// A fact begins to be measured.
    pub(super) fn begin_fact(&self) {
        self.asked.borrow_mut().push(Vec::new());
    }

    /// It was measured, or it could not be.
    pub(super) fn end_fact(&self, key: String, circumstances: &str, value: Option<&Value>) {
        let mut asked = self.asked.borrow_mut();
        let asks = asked.pop().unwrap_or_default();
        if let Some(around) = asked.last_mut() {
            around.extend(asks.iter().cloned());
        }
        let Some(value) = value else { return };
        let known = Known {
            value: value.clone(),
            asks: asks.into(),
        };
        self.memo
            .keep(format!("{key}{circumstances}"), &known, &self.replies);
        self.facts.borrow_mut().insert(key, known);
    }
}

/// Most facts that are remembered at once.
const MOST_REMEMBERED: usize = 20_000;

/// What facts have come to, by the replies that they took: the same replies come to the same again.
#[derive(Debug, Default)]
pub struct Memo {
    /// What each fact asked last.
    shapes: RefCell<HashMap<String, Rc<[Ask]>>>,
    known: RefCell<HashMap<(String, u64), Remembered>>,
}

#[derive(Debug, Clone)]
struct Remembered {
    known: Known,
    replies: Vec<Rc<Reply>>,
}

impl Memo {
    fn find(&self, key: &str, replies: &HashMap<Ask, Rc<Reply>>) -> Option<Known> {
        let asks = self.shapes.borrow().get(key).cloned()?;
        let found: Vec<Rc<Reply>> = find_all(&asks, replies)?;
        let known = self.known.borrow();
        let remembered = known.get(&(key.to_owned(), hash_all(&found)))?;
        let is_same = remembered.known.asks == asks && remembered.replies == found;
        is_same.then(|| remembered.known.clone())
    }

    fn keep(&self, key: String, known: &Known, replies: &HashMap<Ask, Rc<Reply>>) {
        let Some(found) = find_all(&known.asks, replies) else {
            return;
        };
        self.shapes.borrow_mut().insert(key.clone(), known.asks.clone());
        let mut all = self.known.borrow_mut();
        if all.len() >= MOST_REMEMBERED {
            all.clear();
        }
        let place = (key, hash_all(&found));
        all.insert(
            place,
            Remembered {
                known: known.clone(),
                replies: found,
            },
        );
    }
}

fn find_all(asks: &[Ask], replies: &HashMap<Ask, Rc<Reply>>) -> Option<Vec<Rc<Reply>>> {
    asks.iter().map(|ask| replies.get(ask).cloned()).collect()
}

fn hash_all(replies: &[Rc<Reply>]) -> u64 {
    FixedState::default().hash_one(replies)
}
