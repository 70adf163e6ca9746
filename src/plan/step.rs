use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::check::{Program, VerbDefinition};
use crate::diagnostic::{Span, Spanned};
use crate::inventory::Inventory;
use crate::syntax::{
    Arguments, CommandCall, Expression, Mode, NodeExpression, OnOption, ServiceAction, ServiceCall, Test,
    Written,
};
use crate::value::{Secret, Value};

/// What will be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The checked program that the steps come from.
    pub program: Arc<Program>,
    /// The inventory it was checked with.
    pub inventory: Arc<Inventory>,
    /// The script's parameters and their values.
    pub arguments: Vec<(String, Value)>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What no act may break, each as a `require`; only a rehearsal asks it.
    pub promises: Vec<Step>,
    /// The hooks of each service, under `module.name`.
    pub hooks: HashMap<String, Hooks>,
    /// How many steps the script has, verbs laid out; hooks are numbered from here on.
    pub step_count: u32,
}

/// The first step that acts, and whether any takes a member away outside an outage.
#[derive(Debug, Clone, Copy)]
pub struct Acting<'p> {
    /// The first step that acts.
    pub step: &'p Step,
    /// Whether any takes a member away outside an outage.
    pub takes_away: bool,
}

/// The shortest secret that is blotted out of what hosts print, in bytes: a shorter one would take
/// half of it away.
pub const SHORTEST_SECRET: usize = 4;

impl Plan {
    /// A plan that does nothing: for whoever only looks.
    pub fn of_nothing(program: Arc<Program>, inventory: Arc<Inventory>) -> Plan {
        Plan {
            program,
            inventory,
            arguments: Vec::new(),
            steps: Vec::new(),
            promises: Vec::new(),
            hooks: HashMap::new(),
            step_count: 0,
        }
    }

    /// The secrets among the arguments that are blotted out of what hosts print.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.arguments.iter().filter_map(|(_, value)| match value {
            Value::Secret(secret) if secret.reveal().len() >= SHORTEST_SECRET => Some(secret),
            _ => None,
        })
    }

    /// What the plan does to services and nodes; `None` when it only looks.
    pub fn acting(&self) -> Option<Acting<'_>> {
        let mut found = None;
        look_for_acts(&self.steps, false, &mut found);
        found
    }

    /// The names of all questions, as `--answer` takes them.
    pub fn question_names(&self) -> BTreeSet<&str> {
        fn collect<'p>(steps: &'p [Step], names: &mut BTreeSet<&'p str>) {
            for step in steps {
                match &step.kind {
                    StepKind::Manual { name, .. }
                    | StepKind::Confirm { name, .. }
                    | StepKind::Outage { name, .. } => {
                        names.insert(name);
                    }
                    StepKind::Verb { verb, name, .. } if verb.irreversible => {
                        names.insert(name);
                    }
                    _ => {}
                }
                for body in step.kind.bodies() {
                    collect(body, names);
                }
            }
        }
        let mut names = BTreeSet::new();
        collect(&self.steps, &mut names);
        for hooks in self.hooks.values() {
            for steps in [&hooks.before_stop, &hooks.after_stop, &hooks.after_start] {
                collect(steps, &mut names);
            }
        }
        names
    }
}

/// What is asked round the stops and starts of a service.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Before a stop.
    pub before_stop: Vec<Step>,
    /// After a stop.
    pub after_stop: Vec<Step>,
    /// After a start.
    pub after_start: Vec<Step>,
}

/// The number of a step, in the order of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub u32);

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// Where it is written.
    pub span: Span,
    /// What it is.
    pub kind: StepKind,
}

/// The kinds of step.
#[derive(Debug, Clone)]
pub enum StepKind {
    /// `on NODES < … >`
    On(Box<OnStep>),
    /// `locally < … >`
    Locally(Vec<Step>),
    /// `run` or `probe`
    Command(Box<CommandCall>),
    /// `stop`, `start`, `restart`, `status`
    Service(ServiceCall),
    /// `reboot`
    Reboot(Arguments),
    /// `losing … < … >`
    Losing(Arguments, Vec<Step>),
    /// `leave … stopped "why"`
    Leave(Arguments, Written),
    /// `manual`
    Manual {
        /// The name for `--answer`.
        name: String,
        /// What the person does.
        text: Written,
        /// What a simulated person does.
        rehearsed_as: Option<Written>,
    },
    /// `confirm`
    Confirm {
        /// The name for `--answer`.
        name: String,
        /// What is asked.
        text: Written,
        /// Whether something that cannot be taken back follows it: then it takes more than `--yes`.
        before_irreversible: bool,
    },
    /// `note`
    Note(Written),
    /// `show`
    Show(Written),
    /// `fail`
    Fail(Written),
    /// `skip`
    Skip(Written),
    /// `let name = VALUE`; what is to be walked first (an `on`, a `run`) stands in `source`.
    Let {
        /// The name.
        name: String,
        /// The value.
        value: Written,
        /// Steps whose last value flows into the filters of `value`, when it begins with acts.
        source: Option<Vec<Step>>,
    },
    /// `undo`
    Undo(Arc<Vec<Step>>),
    /// `finally`
    Finally(Arc<Vec<Step>>),
    /// `retry`
    Retry {
        /// How often at most.
        times: Written,
        /// The pause.
        every: Option<Written>,
        /// What is attempted.
        body: Vec<Step>,
    },
    /// `within`
    Within(Written, Vec<Step>),
    /// `try < … > else < … >`
    Try(Vec<Step>, Vec<Step>),
    /// `if`
    If(Written, Vec<Step>, Vec<Step>),
    /// `for`
    For(Spanned<String>, Written, Vec<Step>),
    /// `require`
    Require(Spanned<Test>, Option<Written>),
    /// `wait`
    Wait {
        /// How long at most.
        limit: Written,
        /// What is waited for.
        test: Spanned<Test>,
        /// How long it must stay true.
        holding: Option<Written>,
        /// How often it is looked at.
        every: Option<Written>,
        /// What is done when the time is over.
        otherwise: Option<Vec<Step>>,
    },
    /// `outage`
    Outage {
        /// The name for `--answer`.
        name: String,
        /// Why.
        why: Written,
        /// Meanwhile.
        body: Vec<Step>,
    },
    /// A verb, laid out.
    Verb {
        /// Which.
        verb: Arc<VerbDefinition>,
        /// What it is given.
        arguments: Arguments,
        /// The name for `--answer`, when it is irreversible.
        name: String,
        /// What it does.
        body: Vec<Step>,
    },
    /// An expression whose value is the block's.
    Value(Spanned<Expression>),
}

impl Step {
    /// Whether it, or anything in it, changes something or asks a person.
    pub fn acts(&self) -> bool {
        match &self.kind {
            StepKind::Command(call) => call.acts,
            StepKind::Service(call) => call.action.node != ServiceAction::Status,
            StepKind::Reboot(_)
            | StepKind::Losing(..)
            | StepKind::Leave(..)
            | StepKind::Manual { .. }
            | StepKind::Confirm { .. }
            | StepKind::Outage { .. } => true,
            StepKind::Verb { verb, .. } if verb.irreversible || !verb.memberships.is_empty() => true,
            kind => kind.bodies().into_iter().flatten().any(Step::acts),
        }
    }
}

impl StepKind {
    /// The bodies of a step, in the order written.
    pub fn bodies(&self) -> Vec<&[Step]> {
        match self {
            StepKind::On(on) => vec![&on.body],
            StepKind::Locally(body)
            | StepKind::Losing(_, body)
            | StepKind::Within(_, body)
            | StepKind::For(_, _, body)
            | StepKind::Retry { body, .. }
            | StepKind::Outage { body, .. }
            | StepKind::Verb { body, .. } => vec![body],
            StepKind::Undo(body) | StepKind::Finally(body) => vec![body],
            StepKind::Try(body, otherwise) | StepKind::If(_, body, otherwise) => vec![body, otherwise],
            StepKind::Wait {
                otherwise: Some(body),
                ..
            }
            | StepKind::Let {
                source: Some(body), ..
            } => vec![body],
            _ => Vec::new(),
        }
    }
}

/// An `on` block.
#[derive(Debug, Clone)]
pub struct OnStep {
    /// `on any`.
    pub any: bool,
    /// The node's name in the body.
    pub each: Option<String>,
    /// The nodes aimed at.
    pub nodes: Spanned<NodeExpression>,
    /// How they are taken.
    pub mode: Mode,
    /// What follows the mode.
    pub options: Vec<Spanned<OnOption>>,
    /// Whether an empty set is fine.
    pub or_none: bool,
    /// What is done on each.
    pub body: Vec<Step>,
}

fn look_for_acts<'p>(steps: &'p [Step], in_outage: bool, found: &mut Option<Acting<'p>>) {
    for step in steps {
        let (acts, takes) = match &step.kind {
            StepKind::Service(call) => match call.action.node {
                ServiceAction::Stop | ServiceAction::Restart => (true, true),
                ServiceAction::Start => (true, false),
                ServiceAction::Status => (false, false),
            },
            StepKind::Losing(..) | StepKind::Reboot(_) | StepKind::Leave(..) => (true, true),
            StepKind::Command(call) => (call.acts, false),
            StepKind::Verb { verb, .. } => {
                let leaves = verb.memberships.iter().any(|membership| !membership.joins);
                (!verb.memberships.is_empty(), leaves)
            }
            _ => (false, false),
        };
        if acts {
            let known = found.get_or_insert(Acting {
                step,
                takes_away: false,
            });
            known.takes_away |= takes && !in_outage;
        }
        let inside = in_outage || matches!(step.kind, StepKind::Outage { .. });
        for body in step.kind.bodies() {
            look_for_acts(body, inside, found);
        }
    }
}
