use super::{Arguments, Block, CommandCall, Declaration, NodeExpression, Test, Variable, Written};
use crate::diagnostic::Spanned;

/// One statement. Declarations stand only at the top of a file, which the checker sees to.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `runbook`, `use`, `param`, `fact`, `guard`, `service`, `verb`, …
    Declaration(Box<Declaration>),
    /// `on NODES … < … >`
    On(Box<On>),
    /// `locally < … >`
    Locally(Block),
    /// `run "…"` or `probe "…"`
    Command(Box<CommandCall>),
    /// `stop a b /path`, `start`, `restart`, `status`
    Service(ServiceCall),
    /// `reboot limit=10m`
    Reboot(Arguments),
    /// `losing a b < … >`
    Losing {
        /// The services the node is out of.
        services: Arguments,
        /// Meanwhile.
        body: Block,
    },
    /// `leave a b stopped "why"`
    Leave {
        /// The services that stay stopped.
        services: Arguments,
        /// Why.
        why: Written,
    },
    /// `manual "text" as NAME rehearsed as "command"`
    Manual {
        /// What the person does.
        text: Written,
        /// The name for `--answer`.
        name: Option<Spanned<String>>,
        /// What a simulated person does.
        rehearsed_as: Option<Written>,
    },
    /// `confirm "question" as NAME`
    Confirm {
        /// What is asked.
        text: Written,
        /// The name for `--answer`.
        name: Option<Spanned<String>>,
    },
    /// `note "text"`
    Note(Written),
    /// `show VALUE`
    Show(Written),
    /// `fail "text"`
    Fail(Written),
    /// `skip "why"`
    Skip(Written),
    /// `let name = VALUE`
    Let {
        /// Without the `$`.
        name: Spanned<String>,
        /// What it is, measured once.
        value: Written,
    },
    /// `undo < … >`
    Undo(Block),
    /// `finally < … >`
    Finally(Block),
    /// `retry 3 times every 10s < … >`
    Retry {
        /// How often at most.
        times: Written,
        /// The pause between two attempts.
        every: Option<Written>,
        /// What is attempted.
        body: Block,
    },
    /// `within 2h < … >`
    Within {
        /// The time all of it may take.
        limit: Written,
        /// All of it.
        body: Block,
    },
    /// `try < … > else < … >`
    Try {
        /// What may fail.
        body: Block,
        /// What is done then.
        otherwise: Option<Block>,
    },
    /// `if COND < … > else < … >`; `else if` is an `If` alone in `otherwise`.
    If {
        /// What is asked.
        condition: Written,
        /// If it holds.
        body: Block,
        /// If not.
        otherwise: Option<Block>,
    },
    /// `for x in LIST < … >`
    For {
        /// The name of each item.
        name: Spanned<String>,
        /// The items.
        list: Written,
        /// Done for each.
        body: Block,
    },
    /// `require GUARD else "why"`
    Require {
        /// What must hold.
        test: Spanned<Test>,
        /// Why it matters here.
        otherwise: Option<Written>,
    },
    /// `wait up to 2h until GUARD holding 5m every 30s else < … >`
    Wait {
        /// How long at most.
        limit: Written,
        /// What is waited for.
        test: Spanned<Test>,
        /// How long it must stay true.
        holding: Option<Written>,
        /// How often it is looked at.
        every: Option<Written>,
        /// What is done when the time is over; without it the step fails.
        otherwise: Option<Block>,
    },
    /// `check CONDITION else "message"`; in a guard only.
    Check {
        /// What must hold.
        condition: Written,
        /// What is said when it does not.
        otherwise: Option<Written>,
    },
    /// `steady EXPRESSION`; in a guard only.
    Steady(Written),
    /// `outage "why" as NAME < … >`
    Outage {
        /// Why.
        why: Written,
        /// The name for `--answer`.
        name: Option<Spanned<String>>,
        /// What is done while budgets are lifted.
        body: Block,
    },
    /// `irreversible`; first lines of a verb.
    Irreversible,
    /// `joins GROUP as $host`, `leaves GROUP as $host`; first lines of a verb.
    Membership {
        /// `joins`, not `leaves`.
        joins: bool,
        /// The group.
        group: Spanned<String>,
        /// Who; `None` is `$node`.
        host: Option<Spanned<Variable>>,
    },
    /// `done when GUARD`: what settles an unknown outcome of what a verb runs; first lines of a verb.
    DoneWhen(Box<Spanned<Test>>),
    /// `rm-cs $cs force=yes`: a verb and its arguments.
    Verb(VerbCall),
    /// An expression whose value is the block's: in facts and in `on` blocks used as values.
    Value(Written),
}

impl Statement {
    /// The blocks that are walked where the statement stands; what an `undo` or a `finally` holds comes
    /// later, and is none of them.
    pub fn bodies(&self) -> Vec<&Block> {
        match self {
            Statement::On(on) => vec![&on.body],
            Statement::Locally(body)
            | Statement::Losing { body, .. }
            | Statement::Retry { body, .. }
            | Statement::Within { body, .. }
            | Statement::For { body, .. }
            | Statement::Outage { body, .. } => vec![body],
            Statement::Try { body, otherwise } | Statement::If { body, otherwise, .. } => {
                std::iter::once(body).chain(otherwise).collect()
            }
            Statement::Wait {
                otherwise: Some(body),
                ..
            } => vec![body],
            _ => Vec::new(),
        }
    }
}

/// A verb's name and its arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct VerbCall {
    /// The verb, maybe `module.name`.
    pub name: Spanned<String>,
    /// What it is given.
    pub arguments: Arguments,
}

/// `stop pstorage-csd /pstorage/stor1-cs3`.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceCall {
    /// What is done.
    pub action: Spanned<ServiceAction>,
    /// Services, then what is not a service: their arguments. Telling them apart is the checker's work.
    pub arguments: Arguments,
}

/// What can be done with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceAction {
    /// `stop`
    Stop,
    /// `start`
    Start,
    /// `restart`
    Restart,
    /// `status`
    Status,
}

impl ServiceAction {
    /// The word, as in a script and in `$action`.
    pub fn word(self) -> &'static str {
        match self {
            ServiceAction::Stop => "stop",
            ServiceAction::Start => "start",
            ServiceAction::Restart => "restart",
            ServiceAction::Status => "status",
        }
    }
}

/// An `on` block as written: `on mds_nodes serially, mds_master last < … >`.
#[derive(Debug, Clone, PartialEq)]
pub struct On {
    /// `on any`: the first that answers.
    pub any: bool,
    /// `on each server of …`: the node's name in the body.
    pub each: Option<Spanned<String>>,
    /// The nodes aimed at; looking them up is the checker's work.
    pub nodes: Spanned<NodeExpression>,
    /// How they are taken; `None` means `serially`.
    pub mode: Option<Spanned<Mode>>,
    /// What follows the mode, in the order written.
    pub options: Vec<Spanned<OnOption>>,
    /// Whether an empty set of nodes is fine.
    pub or_none: bool,
    /// What is done on each node.
    pub body: Block,
}

/// How the nodes of an `on` are taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// One after another.
    Serially,
    /// All at once.
    InParallel,
    /// `in batches of 1 10% 50%`: the last size repeats.
    InBatches(Vec<Spanned<super::Expression>>),
    /// `by rack`: the name of the inventory variable that tells failure domains apart.
    By(String),
}

/// What follows the mode of an `on`.
#[derive(Debug, Clone, PartialEq)]
pub enum OnOption {
    /// `mds_master last`: a fact, read again before each node.
    Last(Spanned<String>),
    /// `tolerating 1`
    Tolerating(Written),
    /// `at most 20 at once`
    AtMost(Written),
    /// `as root`
    AsRoot,
}
