use std::rc::Rc;

use super::away::Bits;
use super::{Walk, Way};
use crate::check::collect::Found;
use crate::check::types::constant_text;
use crate::diagnostic::Spanned;
use crate::inventory::{Inventory, NodeName};
use crate::syntax::{Arguments, ArithmeticOperator, CompareOperator, Expression, NodeExpression};

impl Walk<'_, '_> {
    /// The services among arguments, as far as they are written out.
    pub(super) fn services(&self, arguments: &Arguments, way: &Way) -> Vec<usize> {
        let mut services = Vec::new();
        for word in &arguments.positional {
            for word in self.words_of(word, way).iter().flat_map(|words| words.iter()) {
                if let Found::One(index) = self.declared.services.find(&way.module, word) {
                    services.push(index);
                }
            }
        }
        services
    }

    /// The words of an expression that is written out in the script.
    pub(super) fn words_of(&self, written: &Spanned<Expression>, way: &Way) -> Option<Rc<Vec<String>>> {
        if let Some(text) = constant_text(&written.node) {
            return Some(Rc::new(vec![text]));
        }
        match &written.node {
            Expression::List(items) => {
                let mut words = Vec::new();
                for item in items {
                    words.extend(self.words_of(item, way)?.iter().cloned());
                }
                Some(Rc::new(words))
            }
            Expression::Group(inner) => self.words_of(inner, way),
            Expression::Name(name) => Some(Rc::new(vec![name.clone()])),
            Expression::Variable(variable) if variable.fields.is_empty() => {
                let name = &variable.name.node;
                if let Some((_, words)) = self.words.iter().rev().find(|(known, _)| known == name) {
                    return Some(words.clone());
                }
                match self.declared.constants.find(&way.module, name) {
                    Found::One(index) => {
                        let words = self.learned.constants.get(index)?.1.as_ref()?;
                        Some(Rc::new((**words).clone()))
                    }
                    _ => None,
                }
            }
            Expression::Pipeline { source, filters } => {
                let known = |name: &str| matches!(name, "reverse" | "sort" | "unique");
                // The order of the words does not matter here.
                let is_same = filters.iter().all(|filter| known(&filter.node.name.node));
                is_same.then(|| self.words_of(source, way)).flatten()
            }
            _ => None,
        }
    }

    pub(super) fn nodes(&mut self, written: &NodeExpression, way: &Way) -> Option<Bits> {
        match written {
            NodeExpression::Name(name) => self.named_nodes(name, way),
            NodeExpression::Folded(text) | NodeExpression::Quoted(text) => self.places.written(text),
            NodeExpression::Value(variable) if variable.fields.is_empty() => {
                let (_, words) = self
                    .words
                    .iter()
                    .rev()
                    .find(|(known, _)| *known == variable.name.node)?;
                let mut set = Bits::default();
                for word in words.clone().iter() {
                    set = set.union(
                        &self
                            .named_nodes(word, way)
                            .or_else(|| self.places.written(word))?,
                    );
                }
                Some(set)
            }
            NodeExpression::Expression(inner) => match &inner.node {
                Expression::Name(name) => self.named_nodes(name, way),
                _ => None,
            },
            NodeExpression::Combined {
                left,
                operator,
                right,
            } => {
                let (left, right) = (self.nodes(&left.node, way)?, self.nodes(&right.node, way)?);
                Some(match operator {
                    ArithmeticOperator::Subtract => left.without(&right),
                    ArithmeticOperator::Intersect => left.both(&right),
                    _ => left.union(&right),
                })
            }
            NodeExpression::Where { nodes, condition } => {
                let set = self.nodes(&nodes.node, way)?;
                let inventory = self.inventory;
                self.places
                    .filter(&set, |node| holds_of(&condition.node, node, inventory))
            }
            NodeExpression::Value(_) => None,
        }
    }

    pub(super) fn named_nodes(&mut self, name: &str, way: &Way) -> Option<Bits> {
        let declared = self.declared;
        if !matches!(declared.facts.find(&way.module, name), Found::Nothing) {
            return None;
        }
        let group = declared.group(&way.module, name);
        self.places.group(group).or_else(|| self.places.node(name))
    }
}

/// Whether a condition on a node's variables holds, where the inventory alone tells.
fn holds_of(condition: &Expression, node: &NodeName, inventory: &Inventory) -> Option<bool> {
    match condition {
        Expression::Group(inner) => holds_of(&inner.node, node, inventory),
        Expression::Not(inner) => Some(!holds_of(&inner.node, node, inventory)?),
        Expression::And(left, right) => {
            Some(holds_of(&left.node, node, inventory)? && holds_of(&right.node, node, inventory)?)
        }
        Expression::Or(left, right) => {
            Some(holds_of(&left.node, node, inventory)? || holds_of(&right.node, node, inventory)?)
        }
        Expression::Compare {
            left,
            operator,
            right,
        } => {
            let Expression::Name(variable) = &left.node else {
                return None;
            };
            let value = inventory.variable(node, variable)?;
            match operator.node {
                CompareOperator::Is => Some(value == constant_text(&right.node)?),
                CompareOperator::IsNot => Some(value != constant_text(&right.node)?),
                _ => None,
            }
        }
        _ => None,
    }
}
