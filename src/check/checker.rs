use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::collect::{Declared, Found, Shelf};
use super::error::{NameError, NodeError};
use super::findings::{Findings, list_names};
use super::program::ParameterDefinition;
use super::scope::{Binding, Role, Scope};
use crate::diagnostic::{Span, Spanned, nearest};
use crate::inventory::{Inventory, NodeSet};
use crate::syntax::Variable;
use crate::value::{Column, Type};

/// Walks one body after another; what it learns is kept for the next ones.
pub(super) struct Checker<'a, 'p> {
    pub(super) declared: &'a Declared,
    pub(super) inventory: &'a Inventory,
    pub(super) findings: &'a mut Findings<'p>,
    pub(super) learned: Learned,
    pub(super) module: String,
    pub(super) is_built_in: bool,
    pub(super) scope: Scope,
    /// What the names of a condition are looked up in, innermost last.
    pub(super) rows: Vec<RowNames>,
    pub(super) place: Place,
    /// Sets of nodes that are written out, read once.
    pub(super) sets: HashMap<String, Option<NodeSet>>,
}

/// What bare names in a `where` or `have` may be.
pub(super) enum RowNames {
    /// These columns.
    Columns(Vec<Column>),
    /// Columns that are not known before the run.
    Open,
    /// The variables of a node.
    Node,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) body: Body,
    pub(super) node: NodeInHand,
    /// Which definition's body this is.
    pub(super) definition: Option<Definition>,
}

/// The kind of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Script,
    Verb,
    Guard,
    Fact,
    Model,
    BeforeStop,
    AfterHook,
    Clause,
}

/// Whether `$node` means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeInHand {
    /// Outside any `on`.
    Nowhere,
    /// On the machine that runs the script.
    Local,
    /// In a verb, fact or guard: whoever calls it has one, or not.
    Callers,
    /// In an `on`, which begins here.
    Here(Span),
    /// In an `on` inside of another one.
    Nested(Span, Span),
}

/// A definition by its place on its shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Definition {
    Fact(usize),
    Guard(usize),
    Verb(usize),
    Service(usize),
    Constant(usize),
    Model(usize),
}

/// A call from a body to a definition.
pub(super) struct Call {
    pub(super) from: Option<Definition>,
    pub(super) to: Definition,
    pub(super) at: Span,
    pub(super) node: NodeInHand,
}

/// How much of a script is checked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// A line of a session: others came before it, and more may come.
    Line,
}

impl Extent {
    /// What the script is given from outside.
    pub(super) fn given(self) -> Role {
        match self {
            Extent::Whole => Role::Parameter,
            Extent::Line => Role::Earlier,
        }
    }
}

/// What the walks found out about the definitions.
#[derive(Default)]
pub(super) struct Learned {
    pub(super) calls: Vec<Call>,
    pub(super) used: HashSet<Definition>,
    /// Definitions with a `$node`, a command or a service in them that needs a node.
    pub(super) uses_node: HashSet<Definition>,
    /// Groups that a module speaks of and the inventory lacks: who uses them, in which module, where.
    pub(super) missing_groups: Vec<(Option<Definition>, String, Spanned<String>)>,
    /// The questions by module and name, and where they stand.
    pub(super) questions: HashMap<(String, String), Span>,
    /// The types of the constants, in their order.
    pub(super) constants: Vec<(Type, Option<Arc<Vec<String>>>)>,
}

impl Body {
    /// What such a body is called, with its article.
    pub(super) fn name(self) -> &'static str {
        match self {
            Body::Script => "the script",
            Body::Verb => "a verb",
            Body::Guard => "a guard",
            Body::Fact => "a fact",
            Body::Model => "what a simulated command prints",
            Body::BeforeStop => "`before stop`",
            Body::AfterHook => "a hook of a service",
            Body::Clause => "a clause of a service",
        }
    }

    /// Whether nothing may be changed in it.
    pub(super) fn only_looks(self) -> bool {
        matches!(
            self,
            Body::Guard | Body::Fact | Body::Model | Body::BeforeStop | Body::Clause
        )
    }
}

impl Checker<'_, '_> {
    /// Begins a body that sees only what it is given.
    pub(super) fn begin_body(&mut self, module: &str, is_built_in: bool, place: Place) {
        self.module = module.to_owned();
        self.is_built_in = is_built_in;
        self.scope = Scope::default();
        self.rows.clear();
        self.place = place;
    }

    /// Gives a name to a value.
    pub(super) fn bind(&mut self, name: &Spanned<String>, kind: Type, role: Role) {
        self.bind_words(name, kind, role, None);
    }

    pub(super) fn bind_words(
        &mut self,
        name: &Spanned<String>,
        kind: Type,
        role: Role,
        words: Option<Arc<Vec<String>>>,
    ) {
        let text = name.node.as_str();
        let is_reserved =
            matches!(text, "node" | "cluster" | "it") || self.inventory.variables.contains_key(text);
        if is_reserved {
            self.findings.push(NameError::ReservedName {
                name: name.node.clone(),
                at: name.span,
            });
        } else if let Some(hidden) = self.scope.get(text).filter(|hidden| hidden.role != Role::Earlier) {
            let first = (hidden.role != Role::Given).then_some(hidden.span);
            self.scope.take(text);
            self.findings.push(NameError::ShadowedName {
                name: name.node.clone(),
                at: name.span,
                first,
            });
        } else if !self.is_built_in
            && let Found::One(index) = self.declared.constants.find(&self.module, text)
        {
            self.findings.push(NameError::ShadowedName {
                name: name.node.clone(),
                at: name.span,
                first: Some(self.declared.constants.entries[index].span),
            });
        }
        self.scope.add(Binding {
            name: name.node.clone(),
            kind,
            span: name.span,
            role,
            is_used: is_reserved,
            words,
        });
    }

    /// Lends a name that the language gives: `$it`, `$action`.
    pub(super) fn lend(&mut self, name: &str, kind: Type, at: Span) {
        self.scope.add(Binding {
            name: name.to_owned(),
            kind,
            span: at,
            role: Role::Given,
            is_used: true,
            words: None,
        });
    }

    pub(super) fn bind_parameters(&mut self, parameters: &[ParameterDefinition]) {
        self.bind_given(parameters, Role::Parameter);
    }

    /// Gives names to what a body is given from outside.
    pub(super) fn bind_given(&mut self, parameters: &[ParameterDefinition], role: Role) {
        for parameter in parameters {
            let name = Spanned::new(parameter.name.clone(), parameter.span);
            self.bind(&name, parameter.kind.clone(), role);
        }
    }

    /// Ends a block: what was named in it and never used is reported.
    pub(super) fn close(&mut self, mark: usize) {
        for binding in self.scope.close(mark) {
            if binding.is_used || self.is_built_in || binding.role == Role::Given {
                continue;
            }
            let name = binding.name;
            let (what, help) = match binding.role {
                Role::Parameter => ("parameter", "use it, or delete it".to_owned()),
                Role::Loop => ("loop variable", format!("write `${name}` where it is meant")),
                Role::Node => (
                    "node",
                    format!("write `${name}` where it is meant, or leave `each {name} of` out"),
                ),
                _ => ("value", "use it, or delete the `let`".to_owned()),
            };
            self.findings.push(NameError::UnusedName {
                what,
                name: format!("${name}"),
                at: binding.span,
                help,
            });
        }
    }

    /// The type of `$name.field…`.
    pub(super) fn variable(&mut self, variable: &Variable) -> Type {
        let mut kind = self.variable_name(&variable.name);
        let mut owner = format!("`${}`", variable.name.node);
        for field in &variable.fields {
            kind = self.field(kind, &owner, field);
            owner = format!("{owner}.{}", field.node).replace('`', "");
            owner = format!("`{owner}`");
        }
        kind
    }

    fn variable_name(&mut self, name: &Spanned<String>) -> Type {
        if let Some(binding) = self.scope.take(&name.node) {
            return binding.kind.clone();
        }
        match name.node.as_str() {
            "node" => return self.node_in_hand(name.span),
            "cluster" => return Type::String,
            _ => {}
        }
        if let Some(index) = self.find_one(&self.declared.constants, name) {
            self.learned.used.insert(Definition::Constant(index));
            let known = self.learned.constants.get(index);
            return known.map_or(Type::Any, |(kind, _)| kind.clone());
        }
        if self.inventory.variables.contains_key(&name.node) {
            return Type::String;
        }
        if matches!(
            self.declared.constants.find(&self.module, &name.node),
            Found::Several(_)
        ) {
            return Type::Any;
        }
        self.report_unknown_variable(name);
        Type::Any
    }

    fn node_in_hand(&mut self, at: Span) -> Type {
        match self.place.node {
            NodeInHand::Here(_) => {}
            NodeInHand::Callers => self.mark_uses_node(),
            NodeInHand::Nested(outer, inner) => {
                self.findings.push(NodeError::AmbiguousNode { at, outer, inner });
            }
            NodeInHand::Nowhere => self.findings.push(NodeError::NodeOutsideOn {
                at,
                help: "put it in a block `on NODES < … >`".to_owned(),
            }),
            NodeInHand::Local => self.findings.push(NodeError::NodeOutsideOn {
                at,
                help: "this is `locally`; name the node where its `on` begins, \
                       `on each server of …`, and write `$server`"
                    .to_owned(),
            }),
        }
        Type::Node
    }

    /// Remembers that the definition in hand asks its caller for a node.
    pub(super) fn mark_uses_node(&mut self) {
        if let Some(definition) = self.place.definition {
            self.learned.uses_node.insert(definition);
        }
    }

    fn report_unknown_variable(&mut self, name: &Spanned<String>) {
        let text = name.node.as_str();
        let mut known: Vec<&str> = self.scope.iter().map(|binding| binding.name.as_str()).collect();
        known.extend(["node", "cluster"]);
        known.extend(self.declared.constants.names());
        known.extend(self.inventory.variables.keys().map(String::as_str));
        // `$cluster-cs3` takes the longest name; the known part of it is what was meant.
        let part = known
            .iter()
            .filter(|known| {
                text.strip_prefix(**known)
                    .is_some_and(|rest| rest.starts_with(['-', '_']))
            })
            .max_by_key(|known| known.len());
        let parameter = self.declared.parameters.iter().find(|it| it.name == text);
        let help = if let Some(part) = part {
            Some(format!("write `${{{part}}}{}`", &text[part.len()..]))
        } else if parameter.is_some() {
            Some(format!(
                "{} sees its own parameters only; add `{text}` to them and hand it over",
                self.place.body.name()
            ))
        } else {
            nearest(text, known).map(|near| format!("did you mean `${near}`?"))
        };
        self.findings.push(NameError::UnknownVariable {
            name: name.node.clone(),
            at: name.span,
            help,
        });
    }

    fn field(&mut self, kind: Type, owner: &str, field: &Spanned<String>) -> Type {
        let unknown = |help: Option<String>| NameError::UnknownField {
            owner: owner.to_owned(),
            field: field.node.clone(),
            at: field.span,
            help,
        };
        match kind {
            Type::Any => Type::Any,
            Type::Row(columns) => match columns.iter().find(|column| column.name == field.node) {
                Some(column) => column.kind.clone(),
                None => {
                    let names = || columns.iter().map(|column| column.name.as_str());
                    let help = self
                        .findings
                        .suggest(&field.node, names())
                        .unwrap_or_else(|| format!("it has {}", list_names(names(), "and")));
                    self.findings.push(unknown(Some(help)));
                    Type::Any
                }
            },
            Type::Node if field.node == "name" => Type::String,
            Type::Node if self.inventory.withheld(&field.node).is_some() => {
                let error = NameError::withheld(self.inventory, &field.node, field.span);
                error.into_iter().for_each(|error| self.findings.push(error));
                Type::String
            }
            Type::Node if self.inventory.variable_names().any(|name| name == field.node) => Type::String,
            Type::Node => {
                let help = self
                    .findings
                    .suggest(&field.node, self.inventory.variable_names());
                let help = help
                    .unwrap_or_else(|| format!("add `{} = \"…\"` to the nodes of the inventory", field.node));
                self.findings.push(unknown(Some(help)));
                Type::Any
            }
            Type::Table(_) => {
                self.findings.push(unknown(Some(format!(
                    "it is a table of several rows; take one by `| only`, or a column by `| get {}`",
                    field.node
                ))));
                Type::Any
            }
            _ => {
                self.findings.push(unknown(Some(format!(
                    "write `${{{}}}.{}` when the dot is meant as text",
                    owner.trim_matches(['`', '$']),
                    field.node
                ))));
                Type::Any
            }
        }
    }

    /// The definition that `name` means here; one that two modules share is reported.
    pub(super) fn find_one<T>(&mut self, shelf: &Shelf<T>, name: &Spanned<String>) -> Option<usize> {
        match shelf.find(&self.module, &name.node) {
            Found::One(index) => Some(index),
            Found::Nothing => None,
            Found::Several(indices) => {
                let modules: Vec<&str> = indices
                    .iter()
                    .map(|index| shelf.entries[*index].module.as_str())
                    .collect();
                let choices: Vec<String> = modules
                    .iter()
                    .map(|module| format!("{module}.{}", name.node))
                    .collect();
                self.findings.push(NameError::AmbiguousName {
                    name: name.node.clone(),
                    modules: list_names(modules, "and"),
                    choices: list_names(choices.iter().map(String::as_str), "or"),
                    at: name.span,
                });
                None
            }
        }
    }

    /// Remembers a call; what it needs is looked at when all bodies are known.
    pub(super) fn call(&mut self, to: Definition, at: Span) {
        self.learned.used.insert(to);
        self.learned.calls.push(Call {
            from: self.place.definition,
            to,
            at,
            node: self.place.node,
        });
    }

    /// Reports an act or a command that has no node to run on.
    pub(super) fn need_node(&mut self, what: &str, at: Span) {
        match self.place.node {
            NodeInHand::Nowhere => self.findings.push(NodeError::NeedsNode {
                what: what.to_owned(),
                at,
                help: "put it in a block: `on NODES < … >`, or `locally < … >` for this machine".to_owned(),
            }),
            NodeInHand::Callers => self.mark_uses_node(),
            _ => {}
        }
    }
}
