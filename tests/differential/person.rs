//! The person on both sides: answers as told, and what was asked is kept.

use std::cell::RefCell;
use std::collections::BTreeMap;

use async_trait::async_trait;
use quorate::transport::simulated::{SimulatedCluster, SimulatedPerson};
use quorate::transport::{Answer, Person, Question, QuestionKind};

/// Answers by the names of the questions; what is not named is answered with yes.
pub type Said = BTreeMap<String, Answer>;

struct Scripted(Said);

#[async_trait(?Send)]
impl Person for Scripted {
    async fn ask(&self, question: &Question) -> Answer {
        self.0.get(&question.name).cloned().unwrap_or(Answer::Yes)
    }
}

/// A person beside a simulated cluster.
pub struct Witness {
    inner: SimulatedPerson,
    asked: RefCell<Vec<(Question, Answer)>>,
}

impl Witness {
    /// A person who answers so.
    pub fn new(cluster: &SimulatedCluster, said: &Said) -> Self {
        Witness {
            inner: cluster.person(Box::new(Scripted(said.clone()))),
            asked: RefCell::default(),
        }
    }

    /// The questions in order, and what was answered.
    pub fn asked(&self) -> Vec<(Question, Answer)> {
        self.asked.borrow().clone()
    }
}

#[async_trait(?Send)]
impl Person for Witness {
    async fn ask(&self, question: &Question) -> Answer {
        let answer = match self.inner.ask(question).await {
            // A person at a script cannot say more than no.
            Answer::CouldNot(_) | Answer::Nobody => Answer::No,
            answer => answer,
        };
        self.asked.borrow_mut().push((question.clone(), answer.clone()));
        answer
    }
}

/// The word by which a script names a kind of question.
pub fn word_of(kind: QuestionKind) -> &'static str {
    match kind {
        QuestionKind::Confirm => "confirm",
        QuestionKind::Manual => "manual",
        QuestionKind::Outage => "outage",
        QuestionKind::Irreversible => "irreversible",
        QuestionKind::Unsettled => "unsettled",
    }
}

/// A question in words.
pub fn describe_question(question: &Question) -> String {
    let node = question.node.as_ref().map_or("nowhere", |node| node.as_str());
    let kind = word_of(question.kind);
    format!("{kind} `{}` ({node}): {}", question.name, question.text)
}
