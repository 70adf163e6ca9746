//! Doors that break a run off at a certain point, as the end of its process does.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::Future;
use std::panic::panic_any;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{Shared, join_all};
use quorate::inventory::NodeName;
use quorate::transport::simulated::SimulatedCluster;
use quorate::transport::{
    Answer, Answers, Outcome, Person, Purpose, Question, QuestionKind, Request, StepPath, Transport,
    TransportError,
};

/// What the process is ended with.
pub struct Crash;

/// What survives a crash of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// The process ends: what was written is there.
    Killed,
    /// The power goes: what was synced is there.
    PowerLost,
}

/// The points at which a run can be broken off, counted from 0, and where it is.
pub struct Points {
    journal: PathBuf,
    survives: PathBuf,
    model: Model,
    crash_at: Option<usize>,
    passed: Cell<usize>,
}

impl Points {
    /// Counts, and crashes at the point of that number: the journal in `journal` is then in `survives`.
    pub fn new(journal: &Path, survives: &Path, model: Model, crash_at: Option<usize>) -> Points {
        let points = Points {
            journal: journal.to_owned(),
            survives: survives.to_owned(),
            model,
            crash_at,
            passed: Cell::new(0),
        };
        points.copy();
        points
    }

    /// How many were passed.
    pub fn passed(&self) -> usize {
        self.passed.get()
    }

    /// Hears that the journal was written.
    pub fn written(&self, is_synced: bool) {
        if is_synced && self.model == Model::PowerLost && self.crash_at.is_some() {
            self.copy();
        }
        self.pass();
    }

    fn pass(&self) {
        let number = self.passed.get();
        self.passed.set(number + 1);
        if self.crash_at == Some(number) {
            if self.model == Model::Killed {
                self.copy();
            }
            panic_any(Crash);
        }
    }

    fn copy(&self) {
        fs::create_dir_all(&self.survives).expect("a folder can be made");
        for name in ["journal.db", "journal.db-wal"] {
            let (from, to) = (self.journal.join(name), self.survives.join(name));
            match fs::copy(&from, &to) {
                Ok(_) => {}
                // Nothing is in the log yet.
                Err(_) => drop(fs::remove_file(to)),
            }
        }
    }
}

type Going = Shared<Pin<Box<dyn Future<Output = Result<Outcome, TransportError>>>>>;

/// Which act: where in the runbook, on which node, and what. One command may stand in a runbook twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Act {
    path: StepPath,
    node: String,
    command: String,
}

/// How often each act went well.
pub type Done = BTreeMap<Act, usize>;

/// Carries commands out on a simulated cluster, and knows which have done something.
pub struct Door<'p> {
    cluster: SimulatedCluster,
    points: Option<&'p Points>,
    going: RefCell<Vec<Going>>,
    done: Rc<RefCell<Done>>,
}

impl<'p> Door<'p> {
    /// A door that breaks off at a point, if it is told one; `done` counts the acts that went well.
    pub fn new(cluster: &SimulatedCluster, points: Option<&'p Points>, done: &Rc<RefCell<Done>>) -> Door<'p> {
        Door {
            cluster: cluster.clone(),
            points,
            going: RefCell::default(),
            done: Rc::clone(done),
        }
    }

    /// What was sent goes on without the process that sent it.
    pub fn let_finish(&self) {
        let going = self.going.take();
        self.cluster.block_on(join_all(going));
    }
}

#[async_trait(?Send)]
impl Transport for Door<'_> {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        if let Some(points) = self.points {
            points.pass();
        }
        let (transport, request, done) = (self.cluster.transport(), request.clone(), Rc::clone(&self.done));
        let act = Act {
            path: request.path.clone(),
            node: name_of(request.node.as_ref()),
            command: request.command.to_string(),
        };
        let going = async move {
            let replied = transport.carry_out(&request).await;
            let went_well = match &replied {
                Ok(outcome) => outcome.status == 0,
                // It cut its own connection.
                Err(TransportError::Unknown { is_late, .. }) => request.may_disconnect && !is_late,
                Err(_) => false,
            };
            if request.purpose == Purpose::Act && went_well {
                *done.borrow_mut().entry(act).or_default() += 1;
            }
            replied
        };
        let going = going.boxed_local().shared();
        self.going.borrow_mut().push(going.clone());
        let replied = going.clone().await;
        self.going
            .borrow_mut()
            .retain(|other| !Shared::ptr_eq(other, &going));
        if let Some(points) = self.points {
            points.pass();
        }
        replied
    }
}

/// A person who does by hand what they are asked for, and not again when they are asked once more.
pub struct Diligent<P> {
    inner: P,
    done: Rc<RefCell<BTreeSet<(String, String)>>>,
}

impl<P> Diligent<P> {
    /// `done` is what was done by hand so far.
    pub fn new(inner: P, done: &Rc<RefCell<BTreeSet<(String, String)>>>) -> Diligent<P> {
        let done = Rc::clone(done);
        Diligent { inner, done }
    }
}

#[async_trait(?Send)]
impl<P: Person> Person for Diligent<P> {
    async fn ask(&self, question: &Question) -> Answer {
        let which = (question.path.to_string(), question.name.clone());
        if self.done.borrow().contains(&which) {
            return Answer::Yes;
        }
        let answer = self.inner.ask(question).await;
        if answer == Answer::Yes && question.rehearsed_as.is_some() {
            self.done.borrow_mut().insert(which);
        }
        answer
    }
}

/// A person who answers as the command line says, and about acts that nobody knows only when told the truth.
pub struct Witness {
    /// What the command line says.
    pub answers: Answers,
    /// Which acts have gone well, and whether the person tells of it.
    pub truth: Option<Rc<RefCell<Done>>>,
}

#[async_trait(?Send)]
impl Person for Witness {
    async fn ask(&self, question: &Question) -> Answer {
        if question.kind != QuestionKind::Unsettled {
            return self.answers.ask(question).await;
        }
        let Some(truth) = &self.truth else {
            return Answer::Nobody;
        };
        let node = name_of(question.node.as_ref());
        let was_done = truth.borrow().keys().any(|act| {
            question.path.is_in(&act.path)
                && act.node == node
                && question.text.contains(&format!("`{}`", act.command))
        });
        match was_done {
            true => Answer::Yes,
            false => Answer::No,
        }
    }
}

fn name_of(node: Option<&NodeName>) -> String {
    node.map_or_else(String::new, ToString::to_string)
}
