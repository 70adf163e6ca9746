use super::checker::{Checker, Definition, RowNames};
use super::collect::Found;
use super::error::{NameError, NodeError, TypeError};
use super::fit::{fits, name_type};
use crate::diagnostic::{Span, Spanned, nearest};
use crate::inventory::NodeSet;
use crate::syntax::{ArithmeticOperator, Expression, NodeExpression};
use crate::value::Type;

impl Checker<'_, '_> {
    /// Checks a written set of nodes; gives the set where it is known before the run.
    pub(super) fn node_set(&mut self, written: &Spanned<NodeExpression>) -> Option<NodeSet> {
        let at = written.span;
        match &written.node {
            NodeExpression::Name(name) => self.named_set(name, at),
            NodeExpression::Folded(text) | NodeExpression::Quoted(text) => self.read_set(text, at),
            NodeExpression::Value(variable) => {
                let kind = self.variable(variable);
                self.expect_nodes(&kind, at);
                None
            }
            NodeExpression::Expression(expression) => {
                let kind = self.infer(expression);
                self.expect_nodes(&kind, at);
                match &expression.node {
                    Expression::Name(name) => self.group_set(name),
                    _ => None,
                }
            }
            NodeExpression::Combined {
                left,
                operator,
                right,
            } => {
                // Large sets are put together once, however often a script writes them.
                let key = key_of(&written.node).map(|key| format!("{}: {key}", self.module));
                if let Some(known) = key.as_ref().and_then(|key| self.sets.get(key)) {
                    return known.clone();
                }
                let (left, right) = (self.node_set(left), self.node_set(right));
                let (left, right) = (left?, right?);
                let set = match operator {
                    ArithmeticOperator::Subtract => left.difference(&right),
                    ArithmeticOperator::Intersect => left.intersection(&right),
                    _ => left.union(&right),
                };
                if let Some(key) = key {
                    self.sets.insert(key, Some(set.clone()));
                }
                Some(set)
            }
            NodeExpression::Where { nodes, condition } => {
                self.node_set(nodes);
                let mark = self.scope.mark();
                self.rows.push(RowNames::Node);
                self.lend("it", Type::Node, at);
                self.condition(condition);
                self.rows.pop();
                self.scope.close(mark);
                None
            }
        }
    }

    fn expect_nodes(&mut self, kind: &Type, at: Span) {
        if fits(kind, &Type::Nodes) && *kind != Type::Secret {
            return;
        }
        let help = match kind {
            Type::Table(_) => Some("take its column with the nodes: `(… | get host)`".to_owned()),
            Type::Row(_) => Some("take its column with the node: `$row.host`".to_owned()),
            _ => None,
        };
        self.findings.push(TypeError::WrongType {
            what: "what stands after `on`".to_owned(),
            wanted: "nodes".to_owned(),
            given: name_type(kind),
            at,
            help,
        });
    }

    /// The nodes of the group that is called so here.
    fn group_set(&self, name: &str) -> Option<NodeSet> {
        self.inventory
            .group(self.declared.group(&self.module, name))
            .cloned()
    }

    fn named_set(&mut self, name: &str, at: Span) -> Option<NodeSet> {
        let declared = self.declared;
        if let Found::One(index) = declared.facts.find(&self.module, name) {
            let kind = declared.facts.entries[index].item.kind.clone();
            self.call(Definition::Fact(index), at);
            self.expect_nodes(&kind, at);
            return None;
        }
        if let Some(set) = self.group_set(name) {
            return Some(set);
        }
        if let Some(node) = self.inventory.find(name) {
            return Some(std::iter::once(node).collect());
        }
        match declared.module_needs(&self.module, name) {
            true => self.miss_group(name, at),
            false => self.report_unknown_set(name, at),
        }
        None
    }

    /// Remembers a group that the inventory lacks: a module may speak of it where nobody asks for it.
    pub(super) fn miss_group(&mut self, name: &str, at: Span) {
        let name = Spanned::new(name.to_owned(), at);
        let user = self.place.definition;
        self.learned
            .missing_groups
            .push((user, self.module.clone(), name));
    }

    fn report_unknown_set(&mut self, name: &str, at: Span) {
        let known = self
            .inventory
            .group_names()
            .chain(self.inventory.nodes().map(|node| node.name.as_str()));
        let needed_by = self
            .declared
            .module_groups
            .iter()
            .find(|(_, groups)| groups.contains(name));
        let help = if self.scope.get(name).is_some() {
            self.scope.take(name);
            Some(format!("did you mean `${name}`?"))
        } else if let Some((module, _)) = needed_by {
            Some(format!(
                "module {module} speaks of it; add `{name}` to the groups of the inventory"
            ))
        } else if self.declared.services.get(&self.module, name).is_some() {
            Some(format!(
                "`{name}` is a service; `on` takes the nodes that it runs on"
            ))
        } else {
            Some(nearest(name, known).map_or_else(
                || {
                    let groups: Vec<&str> = self.inventory.group_names().take(8).collect();
                    format!("it has the groups {}", super::findings::list_names(groups, "and"))
                },
                |near| format!("did you mean `{near}`?"),
            ))
        };
        self.findings.push(NameError::UnknownGroup {
            cluster: self.inventory.name.clone(),
            name: name.to_owned(),
            at,
            help,
        });
    }

    /// The set that a text such as `node[1-3]` writes out; each of its nodes must be known.
    pub(super) fn read_set(&mut self, text: &str, at: Span) -> Option<NodeSet> {
        if let Some(known) = self.sets.get(text) {
            return known.clone();
        }
        let groups = |name: &str| {
            let name = self.declared.group(&self.module, name);
            self.inventory.named_set(name)
        };
        let read = match NodeSet::expand_with(text, &groups) {
            Ok(read) => read,
            Err(error) => {
                self.findings.push(NodeError::BadNodes {
                    why: error.to_string(),
                    at,
                });
                return None;
            }
        };
        let mut known = NodeSet::default();
        let mut found = Vec::with_capacity(read.len());
        for name in &read {
            match self.inventory.find(name.as_str()) {
                Some(node) => found.push(node),
                None => {
                    self.report_unknown_node(name.as_str(), at);
                    return None;
                }
            }
        }
        if !found.is_empty() {
            known = found.into_iter().collect();
        }
        self.sets.insert(text.to_owned(), Some(known.clone()));
        Some(known)
    }

    pub(super) fn report_unknown_node(&mut self, name: &str, at: Span) {
        let known = self.inventory.nodes().map(|node| node.name.as_str());
        let help = self.findings.suggest(name, known);
        self.findings.push(NameError::UnknownNode {
            cluster: self.inventory.name.clone(),
            name: name.to_owned(),
            at,
            help,
        });
    }
}

/// A set of named and written sets as text; sets that hang on values have none.
fn key_of(written: &NodeExpression) -> Option<String> {
    match written {
        NodeExpression::Name(text) | NodeExpression::Folded(text) | NodeExpression::Quoted(text) => {
            Some(text.clone())
        }
        NodeExpression::Combined {
            left,
            operator,
            right,
        } => Some(format!(
            "({} {operator:?} {})",
            key_of(&left.node)?,
            key_of(&right.node)?
        )),
        _ => None,
    }
}
