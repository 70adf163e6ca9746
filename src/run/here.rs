use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use crate::check::ServiceDefinition;
use crate::evaluate::Frame;
use crate::inventory::NodeName;
use crate::journal::{Trouble, TroubleKind};
use crate::plan::Step;
use crate::transport::StepPath;
use crate::value::Value;

/// The number of a body in hand: of an `on`, on one node.
pub(super) type BodyId = u64;

/// Where the walk stands: what names mean, which node is in hand, what encloses it.
#[derive(Debug, Clone, Default)]
pub(super) struct Here {
    /// What names mean.
    pub frame: Frame,
    /// The bodies that enclose this place, outermost first; tokens belong to bodies.
    pub bodies: Rc<Vec<BodyId>>,
    /// When the innermost `within` runs out.
    pub deadline: Option<Duration>,
    /// The outage that is open.
    pub outage: Option<Rc<Outage>>,
    /// Starts whose `after start` is asked at the end of the `on`; inside an outage only.
    pub starts: Option<Rc<RefCell<Vec<Started>>>>,
    /// Services that an enclosing `losing` has taken a node out of, by `module.name` and node.
    pub losing: Rc<BTreeSet<(String, NodeName)>>,
    /// Whether commands run as root.
    pub as_root: bool,
    /// Whether a person has confirmed what cannot be taken back; kept for the whole run.
    pub confirmed: Rc<Cell<bool>>,
    /// Whether a dry run only shows this branch, which a run might not take.
    pub is_shown: bool,
    /// Whether a failure in it is caught by what encloses it, and no matter for a person.
    pub is_caught: bool,
    /// Whether this is what a block owes at its end, which is done after a signal as well.
    pub is_owed: bool,
    /// Whether other nodes may be in hand as well.
    pub is_beside: bool,
    /// Which statement is carried out.
    pub path: StepPath,
    /// Whether what is measured is measured once and for all: a value that is named, a list, an
    /// order of nodes.
    pub is_kept: bool,
}

impl Here {
    /// The node in hand.
    pub fn node(&self) -> Option<&NodeName> {
        self.frame.place.node()
    }

    /// The innermost body.
    pub fn body(&self) -> BodyId {
        self.bodies.last().copied().unwrap_or_default()
    }

    /// Whether an enclosing `losing` has taken `node` out of a service.
    pub fn is_losing(&self, used: &Used, node: &NodeName) -> bool {
        self.losing.contains(&(used.key(), node.clone()))
    }

    /// The same place in a fresh frame: the body of a verb or hook.
    pub fn fresh(&self, module: &str) -> Here {
        Here {
            frame: Frame::fresh(module, self.frame.place.clone()),
            ..self.clone()
        }
    }

    /// The same place, where a failure is caught.
    pub fn catching(&self) -> Here {
        Here {
            is_caught: true,
            ..self.clone()
        }
    }

    /// The same place, where what is measured is measured once and for all.
    pub fn keeping(&self) -> Here {
        Here {
            is_kept: true,
            ..self.clone()
        }
    }

    /// The same place, further down.
    pub fn further(&self, part: &str) -> Here {
        Here {
            path: self.path.child(part),
            ..self.clone()
        }
    }

    /// The same place with one more variable.
    pub fn with(&self, name: &str, value: Value) -> Here {
        Here {
            frame: self.frame.with(name, value),
            ..self.clone()
        }
    }
}

/// An open outage.
#[derive(Debug)]
pub(super) struct Outage {
    /// Why.
    pub why: String,
    /// When it began.
    pub since: Duration,
    /// What was stopped in it and was not started again, with the place where.
    pub stopped: RefCell<Vec<(Used, NodeName)>>,
    /// Whether it is over: an undo that runs later is guarded again.
    pub is_over: Cell<bool>,
}

/// A service that was started inside an outage, and where.
#[derive(Debug, Clone)]
pub(super) struct Started {
    /// Where the walk stood.
    pub here: Here,
    /// What was started.
    pub used: Used,
}

/// A service as one statement uses it.
#[derive(Debug, Clone)]
pub(super) struct Used {
    /// Which.
    pub service: std::sync::Arc<ServiceDefinition>,
    /// Which instances; an empty list means all on the node.
    pub instances: Value,
}

impl Used {
    /// `module.name`.
    pub fn key(&self) -> String {
        service_key(&self.service)
    }

    /// The service, and which instances.
    pub fn name(&self) -> String {
        format!("{} {}", self.service.name, self.instances)
            .trim_end()
            .to_owned()
    }

    /// `module.name`, and which instances.
    pub fn full_key(&self) -> String {
        format!("{} {}", self.key(), self.instances)
    }

    /// Whether no instance was named: all on the node are meant.
    pub fn names_all(&self) -> bool {
        matches!(&self.instances, Value::List(values) if values.is_empty())
    }

    /// One use for each instance that was named: a service's command takes one at a time.
    pub fn one_by_one(&self) -> Vec<Used> {
        match &self.instances {
            Value::List(values) if values.len() > 1 => values
                .iter()
                .map(|value| Used {
                    service: self.service.clone(),
                    instances: Value::list(vec![value.clone()]),
                })
                .collect(),
            _ => vec![self.clone()],
        }
    }
}

/// `module.name` of a service.
pub(super) fn service_key(service: &ServiceDefinition) -> String {
    format!("{}.{}", service.module, service.name)
}

/// Why a sequence of steps did not go on.
#[derive(Debug, Clone)]
pub(super) enum Halt {
    /// Something went wrong.
    Trouble(Box<Trouble>),
    /// `skip`: done with this node.
    Skipped(String),
    /// A person passes the node over after a failure, so that what it owes is still to be settled.
    GivenUp(String),
}

/// What walking a step gives.
pub(super) type Walked = Result<Value, Halt>;

/// Trouble at a step.
pub(super) fn trouble(kind: TroubleKind, message: impl Into<String>, step: &Step, here: &Here) -> Halt {
    Halt::Trouble(Box::new(Trouble {
        kind,
        message: message.into(),
        help: None,
        at: step.span,
        node: here.node().cloned(),
    }))
}

impl Halt {
    /// The same with advice on what to do.
    pub fn with_help(self, help: impl Into<String>) -> Halt {
        match self {
            Halt::Trouble(mut trouble) => {
                trouble.help = Some(help.into());
                Halt::Trouble(trouble)
            }
            skipped => skipped,
        }
    }
}
