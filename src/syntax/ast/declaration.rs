use super::{Block, Expression, GuardCall, Template, Test, Written};
use crate::diagnostic::Spanned;

/// What stands at the top of a file and names something.
#[derive(Debug, Clone, PartialEq)]
pub enum Declaration {
    /// `language 1`
    Language(Spanned<i64>),
    /// `runbook NAME`
    Runbook(Spanned<String>),
    /// `module NAME`
    Module(Spanned<String>),
    /// `use pstorage`, `use "other.runbook" with members=k8s_members`
    Use {
        /// A module of the standard library, or a file relative to this one when quoted.
        module: Spanned<String>,
        /// Whether it was quoted: a file.
        is_file: bool,
        /// Which group of the inventory stands for which group of the module.
        with: Vec<(Spanned<String>, Spanned<String>)>,
    },
    /// `param cs: int = 5 "what it is"`
    Param {
        /// Its name, type and default.
        parameter: Parameter,
        /// What it is.
        says: Option<Spanned<Template>>,
    },
    /// `promise quorum else "why"`: what no act of the runbook may break, whatever goes wrong.
    Promise {
        /// What must hold.
        test: Spanned<Test>,
        /// Why it matters.
        otherwise: Option<Written>,
    },
    /// `group mds_nodes "hosts that hold a metadata server"`
    Group {
        /// The group that the module needs.
        name: Spanned<String>,
        /// What it is.
        says: Option<Spanned<Template>>,
    },
    /// `simulate "etcdctl member list" < … >`: what a command prints on a simulated cluster.
    Simulate(Simulate),
    /// `fact mds: table(…) < … >`
    Fact(Fact),
    /// `guard quorum(losing: nodes = []) < … >`
    Guard(Guard),
    /// `service pstorage-mdsd < … >`
    Service(Service),
    /// `verb rm-cs(cs: int) < … >`
    Verb(Verb),
}

/// `mount: path...`, `spare: int = 0`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Without the `$`.
    pub name: Spanned<String>,
    /// Its type.
    pub kind: Spanned<TypeExpression>,
    /// What it is when nothing is given.
    pub default: Option<Spanned<Expression>>,
}

/// A type as written.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeExpression {
    /// `int`, `duration`, …
    Name(String),
    /// `[a b c]`
    Choice(Vec<String>),
    /// `path...`
    List(Box<TypeExpression>),
    /// `table(mdsid: int, host: node)`
    Table(Vec<(Spanned<String>, Spanned<TypeExpression>)>),
}

/// Something measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Its name.
    pub name: Spanned<String>,
    /// What it must be given.
    pub parameters: Vec<Parameter>,
    /// What it yields.
    pub kind: Spanned<TypeExpression>,
    /// How it is measured: `let`s, then one value.
    pub body: Block,
}

/// A command of a simulated cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulate {
    /// Its words; `{name}` stands for what is not always the same.
    pub command: Spanned<Template>,
    /// What it prints: `let`s, then one value.
    pub body: Block,
}

/// A question about the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Its name.
    pub name: Spanned<String>,
    /// What it may be given.
    pub parameters: Vec<Parameter>,
    /// `let`, `check`, `if`, `for`, `steady`, `require`.
    pub body: Block,
}

/// A procedure with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Verb {
    /// Its name.
    pub name: Spanned<String>,
    /// What it may be given.
    pub parameters: Vec<Parameter>,
    /// What it does; `irreversible`, `joins`, `leaves` come first.
    pub body: Block,
}

/// A service and what its role may lose.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: Spanned<String>,
    /// At most one: what tells its instances apart.
    pub parameters: Vec<Parameter>,
    /// What is said of it, in order.
    pub clauses: Vec<Spanned<ServiceClause>>,
}

/// One line of a service.
#[derive(Debug, Clone, PartialEq)]
pub enum ServiceClause {
    /// `on mds_nodes`
    On(Spanned<String>),
    /// `members are (mds | get host)`: a table, then the column of its nodes.
    Members(Written),
    /// `up when status is "avail"`: of a row of that table.
    UpWhen(Written),
    /// `command "service pstorage-mdsd $action"`
    Command(Spanned<Template>),
    /// `may lose a minority`, `may lose 1 node until replicated`
    MayLose {
        /// How many.
        budget: Spanned<WrittenBudget>,
        /// What gives a token back although the member is still away.
        until: Option<Spanned<GuardCall>>,
    },
    /// `before stop < … >`
    BeforeStop(Block),
    /// `after stop < … >`
    AfterStop(Block),
    /// `after start < … >`
    AfterStart(Block),
    /// `needs a b`, `needs a here`
    Needs {
        /// The services.
        services: Vec<Spanned<String>>,
        /// On the same node.
        here: bool,
    },
    /// `starts after a b`
    StartsAfter(Vec<Spanned<String>>),
    /// `stops after a b`
    StopsAfter(Vec<Spanned<String>>),
    /// `optional "test -x …"`
    Optional(Spanned<Template>),
}

/// `a minority`, `2 nodes`, `1 rack`, `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrittenBudget {
    /// Less than half.
    Minority,
    /// So many nodes.
    Nodes(u32),
    /// So many failure domains, told apart by this inventory variable.
    Domains(u32, String),
    /// Not one.
    None,
}
