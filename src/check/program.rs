use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::model::ModelDefinition;
use crate::diagnostic::{Span, Spanned};
use crate::guard::Budget;
use crate::syntax::{Block, Expression, GuardCall, Script, Template, Test, Variable};
use crate::value::Type;

/// A file that takes part: the script itself or a module it uses.
#[derive(Debug, Clone)]
pub struct Module {
    /// The module's name; of the script itself the runbook's name or the empty text.
    pub name: String,
    /// What it says.
    pub script: Script,
    /// Its text, for doc comments.
    pub text: Arc<str>,
    /// Where its text begins on the number line.
    pub base: u32,
    /// Which group of the inventory stands for which group of the module (`use … with`).
    pub with: BTreeMap<String, String>,
    /// Whether it is built in; nothing is reported as unused there.
    pub is_built_in: bool,
}

/// A script whose names, types, effects and safety are settled.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The runbook's name.
    pub title: Option<String>,
    /// The script's own module name, under which its names are looked up.
    pub module: String,
    /// What the script must be given.
    pub parameters: Vec<ParameterDefinition>,
    /// What is done, declarations left out.
    pub body: Block,
    /// What no act of it may break, as what a `require` would ask.
    pub promises: Block,
    /// What commands print on a simulated cluster; of two for one command the first counts.
    pub models: Vec<Arc<ModelDefinition>>,
    pub(super) facts: HashMap<String, Arc<FactDefinition>>,
    pub(super) guards: HashMap<String, Arc<GuardDefinition>>,
    pub(super) services: HashMap<String, Arc<ServiceDefinition>>,
    pub(super) verbs: HashMap<String, Arc<VerbDefinition>>,
    pub(super) constants: HashMap<String, Arc<Constant>>,
    /// Of each module: its group name → the inventory's.
    pub(super) groups: HashMap<String, BTreeMap<String, String>>,
}

/// A parameter of a script, fact, guard, service or verb.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterDefinition {
    /// Without the `$`.
    pub name: String,
    /// Its type; a `path...` is a list.
    pub kind: Type,
    /// Whether it takes all that is left (`path...`).
    pub is_rest: bool,
    /// What it is when nothing is given.
    pub default: Option<Spanned<Expression>>,
    /// What it is, in a sentence.
    pub says: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// A fact, checked.
#[derive(Debug, Clone)]
pub struct FactDefinition {
    /// Its name.
    pub name: String,
    /// The module whose names its body sees.
    pub module: String,
    /// What it must be given.
    pub parameters: Vec<ParameterDefinition>,
    /// What it yields.
    pub kind: Type,
    /// How it is measured.
    pub body: Block,
    /// Its doc comment.
    pub doc: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// A guard, checked.
#[derive(Debug, Clone)]
pub struct GuardDefinition {
    /// Its name.
    pub name: String,
    /// The module whose names its body sees.
    pub module: String,
    /// What it may be given.
    pub parameters: Vec<ParameterDefinition>,
    /// How it judges.
    pub body: Block,
    /// Whether it, or a fact or guard it asks, needs a `$node`.
    pub uses_node: bool,
    /// Its doc comment.
    pub doc: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// A service, checked.
#[derive(Debug, Clone)]
pub struct ServiceDefinition {
    /// Its name.
    pub name: String,
    /// The module whose names its hooks see.
    pub module: String,
    /// What tells its instances apart.
    pub instance: Option<ParameterDefinition>,
    /// The inventory's group that it runs on.
    pub group: String,
    /// Who says which nodes are members, and how they are.
    pub members: Option<Members>,
    /// The command; `$action` and the instance are put in.
    pub command: Template,
    /// What its role may lose, and where that is written.
    pub budget: Option<Spanned<Budget>>,
    /// `until GUARD`: gives a token back although the member is still away.
    pub until: Option<GuardCall>,
    /// Asked before a stop.
    pub before_stop: Block,
    /// Asked after a stop.
    pub after_stop: Block,
    /// Asked after a start.
    pub after_start: Block,
    /// What it needs.
    pub needs: Vec<Need>,
    /// Services that are started before it where both are.
    pub starts_after: Vec<String>,
    /// Services that are stopped before it where both are.
    pub stops_after: Vec<String>,
    /// A command that tells whether it is there at all: 0 present, 1 absent.
    pub optional: Option<Template>,
    /// Its doc comment.
    pub doc: Option<String>,
    /// Where it is declared.
    pub span: Span,
    /// Where its `before stop` is written, for labels.
    pub before_stop_span: Option<Span>,
}

/// `members are (mds | get host)` and `up when …`.
#[derive(Debug, Clone)]
pub struct Members {
    /// The table: what stands before the last `get`.
    pub rows: Spanned<Expression>,
    /// The fact that the table comes from; its rows are masked while a token is held.
    pub fact: String,
    /// The column of nodes.
    pub column: String,
    /// When a row's server is up; without it, when the row is there.
    pub up_when: Option<Spanned<Expression>>,
}

/// `needs X`, `needs X here`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The service needed.
    pub service: String,
    /// On the same node, not within its budget in the cluster.
    pub here: bool,
}

/// A verb, checked.
#[derive(Debug, Clone)]
pub struct VerbDefinition {
    /// Its name.
    pub name: String,
    /// The module whose names its body sees.
    pub module: String,
    /// What it may be given.
    pub parameters: Vec<ParameterDefinition>,
    /// What it does, without its first lines `irreversible`, `joins` and `leaves`.
    pub body: Block,
    /// Whether it cannot be taken back.
    pub irreversible: bool,
    /// Which groups change by it.
    pub memberships: Vec<Membership>,
    /// What settles an unknown outcome of the commands in its body that do not say it themselves.
    pub done_when: Option<Spanned<Test>>,
    /// Whether it needs a `$node`.
    pub uses_node: bool,
    /// Its doc comment.
    pub doc: Option<String>,
    /// Where it is declared.
    pub span: Span,
}

/// `joins GROUP as $host`, `leaves GROUP as $host`.
#[derive(Debug, Clone)]
pub struct Membership {
    /// `joins`, not `leaves`.
    pub joins: bool,
    /// The inventory's group.
    pub group: String,
    /// Who; `None` is `$node`.
    pub host: Option<Variable>,
    /// Where it is written.
    pub span: Span,
}

/// A constant of a module.
#[derive(Debug, Clone)]
pub struct Constant {
    /// Its name.
    pub name: String,
    /// The module whose names its value sees.
    pub module: String,
    /// What it is.
    pub value: Spanned<Expression>,
    /// Its type.
    pub kind: Type,
}

impl Program {
    /// The fact called `name` as seen from `module`.
    pub fn fact(&self, module: &str, name: &str) -> Option<&Arc<FactDefinition>> {
        look_up(&self.facts, module, name)
    }

    /// The guard called `name` as seen from `module`.
    pub fn guard(&self, module: &str, name: &str) -> Option<&Arc<GuardDefinition>> {
        look_up(&self.guards, module, name)
    }

    /// The service called `name` as seen from `module`.
    pub fn service(&self, module: &str, name: &str) -> Option<&Arc<ServiceDefinition>> {
        look_up(&self.services, module, name)
    }

    /// The verb called `name` as seen from `module`.
    pub fn verb(&self, module: &str, name: &str) -> Option<&Arc<VerbDefinition>> {
        look_up(&self.verbs, module, name)
    }

    /// The constant called `name` as seen from `module`.
    pub fn constant(&self, module: &str, name: &str) -> Option<&Arc<Constant>> {
        look_up(&self.constants, module, name)
    }

    /// The inventory's name of the group that `module` calls `name`.
    pub fn group<'a>(&'a self, module: &str, name: &'a str) -> &'a str {
        self.groups
            .get(module)
            .and_then(|names| names.get(name))
            .map_or(name, String::as_str)
    }

    /// All services, each once, in order of their names.
    pub fn all_services(&self) -> Vec<&Arc<ServiceDefinition>> {
        all(&self.services, |service| (&service.name, &service.module))
    }

    /// All guards, each once, in order of their names.
    pub fn all_guards(&self) -> Vec<&Arc<GuardDefinition>> {
        all(&self.guards, |guard| (&guard.name, &guard.module))
    }

    /// All facts, each once, in order of their names.
    pub fn all_facts(&self) -> Vec<&Arc<FactDefinition>> {
        all(&self.facts, |fact| (&fact.name, &fact.module))
    }

    /// All verbs, each once, in order of their names.
    pub fn all_verbs(&self) -> Vec<&Arc<VerbDefinition>> {
        all(&self.verbs, |verb| (&verb.name, &verb.module))
    }
}

/// Every definition once: each stands under its full name, which has a dot.
fn all<T>(map: &HashMap<String, Arc<T>>, name_of: impl Fn(&T) -> (&String, &String)) -> Vec<&Arc<T>> {
    let full = map.iter().filter(|(key, _)| key.contains('.'));
    let mut found: Vec<&Arc<T>> = full.map(|(_, definition)| definition).collect();
    found.sort_by(|left, right| name_of(left).cmp(&name_of(right)));
    found
}

/// Definitions are kept under `module.name`, and under `name` alone where only one module has it.
fn look_up<'a, T>(map: &'a HashMap<String, Arc<T>>, module: &str, name: &str) -> Option<&'a Arc<T>> {
    map.get(&format!("{module}.{name}")).or_else(|| map.get(name))
}
