use super::checker::{Checker, Definition, RowNames};
use super::collect::Found;
use super::error::NameError;
use crate::diagnostic::{Span, Spanned, nearest};
use crate::syntax::{Arguments, Expression};
use crate::value::Type;

impl Checker<'_, '_> {
    /// Whether `name` is a group, or a fact that may give nodes.
    pub(super) fn is_set_name(&mut self, name: &str) -> bool {
        let declared = self.declared;
        if let Found::One(index) = declared.facts.find(&self.module, name) {
            let fact = &declared.facts.entries[index].item;
            self.call(Definition::Fact(index), fact.span);
            return true;
        }
        let group = declared.group(&self.module, name);
        self.inventory.group(group).is_some() || declared.module_needs(&self.module, name)
    }

    /// What a bare name in an expression means: a column, a fact, a group, a node, a service.
    pub(super) fn name(&mut self, name: &str, at: Span) -> Type {
        let declared = self.declared;
        if let Some(kind) = self.row_name(name) {
            return kind;
        }
        let spanned = Spanned::new(name.to_owned(), at);
        if let Some(index) = self.find_one(&declared.facts, &spanned) {
            let fact = &declared.facts.entries[index].item;
            let what = format!("fact `{name}`");
            self.fill_parameters(&what, &fact.parameters, &Arguments::default(), at);
            self.call(Definition::Fact(index), at);
            return fact.kind.clone();
        }
        let group = declared.group(&self.module, name);
        if self.inventory.group(group).is_some() {
            return Type::Nodes;
        }
        if declared.module_needs(&self.module, name) {
            if self.inventory.find(name).is_none() {
                self.miss_group(name, at);
            }
            return Type::Nodes;
        }
        if self.inventory.find(name).is_some() {
            return Type::Node;
        }
        if matches!(declared.services.find(&self.module, name), Found::One(_)) {
            return Type::Service;
        }
        // The item in hand has no column to name it by, so its own name stands for it, as in `sort by it`.
        if name == "it"
            && let Some(item) = self.scope.take(name)
        {
            return item.kind.clone();
        }
        if !matches!(declared.facts.find(&self.module, name), Found::Several(_)) {
            self.report_unknown_name(name, at);
        }
        Type::Any
    }

    /// A column of the row in hand, or a variable of the node in hand.
    pub(super) fn row_name(&self, name: &str) -> Option<Type> {
        let mut is_open = false;
        for names in self.rows.iter().rev() {
            match names {
                RowNames::Columns(columns) => {
                    if let Some(column) = columns.iter().find(|column| column.name == name) {
                        return Some(column.kind.clone());
                    }
                }
                RowNames::Node if name == "name" => return Some(Type::Node),
                RowNames::Node if self.inventory.variable_names().any(|known| known == name) => {
                    return Some(Type::String);
                }
                RowNames::Node => {}
                RowNames::Open => is_open = true,
            }
        }
        let is_known = || {
            !matches!(self.declared.facts.find(&self.module, name), Found::Nothing)
                || self
                    .inventory
                    .group(self.declared.group(&self.module, name))
                    .is_some()
        };
        (is_open && !is_known()).then_some(Type::Any)
    }

    pub(super) fn report_unknown_name(&mut self, name: &str, at: Span) {
        let columns: Vec<String> = self
            .rows
            .iter()
            .flat_map(|names| match names {
                RowNames::Columns(columns) => columns.iter().map(|column| column.name.clone()).collect(),
                RowNames::Node => self.inventory.variable_names().map(str::to_owned).collect(),
                RowNames::Open => Vec::new(),
            })
            .collect();
        let known = columns
            .iter()
            .map(String::as_str)
            .chain(self.declared.facts.names())
            .chain(self.inventory.group_names());
        let help = if self.scope.get(name).is_some() {
            Some(format!("write `${name}` for its value"))
        } else if let Some(near) = nearest(name, known) {
            Some(format!("did you mean `{near}`? text is quoted: \"{name}\""))
        } else if self.declared.guards.get(&self.module, name).is_some() {
            Some(format!("`{name}` is a guard: write `holds {name}`"))
        } else {
            Some(format!("if it is text, quote it: \"{name}\""))
        };
        let kinds = if self.rows.is_empty() {
            "fact or group"
        } else {
            "column, fact or group"
        };
        self.findings.push(NameError::UnknownName {
            kinds: kinds.to_owned(),
            name: name.to_owned(),
            at,
            help,
        });
    }

    pub(super) fn fact_call(
        &mut self,
        name: &Spanned<String>,
        arguments: &[Spanned<Expression>],
        at: Span,
    ) -> Type {
        let declared = self.declared;
        let Some(index) = self.find_one(&declared.facts, name) else {
            if matches!(declared.facts.find(&self.module, &name.node), Found::Nothing) {
                let help = if declared.guards.get(&self.module, &name.node).is_some() {
                    Some(format!("`{0}` is a guard: write `holds {0} …`", name.node))
                } else {
                    self.findings.suggest(&name.node, declared.facts.names())
                };
                self.findings.push(NameError::UnknownName {
                    kinds: "fact".to_owned(),
                    name: name.node.clone(),
                    at: name.span,
                    help,
                });
            }
            arguments.iter().for_each(|argument| {
                self.infer(argument);
            });
            return Type::Any;
        };
        let fact = &declared.facts.entries[index].item;
        let given = Arguments {
            positional: arguments.to_vec(),
            named: Vec::new(),
        };
        self.fill_parameters(&format!("fact `{}`", name.node), &fact.parameters, &given, at);
        self.call(Definition::Fact(index), name.span);
        fact.kind.clone()
    }
}
