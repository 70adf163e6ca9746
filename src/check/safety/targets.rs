use std::rc::Rc;

use super::away::Bits;
use super::{Walk, Way};
use crate::check::collect::Found;
use crate::check::types::constant_text;
use crate::diagnostic::Spanned;
use crate::inventory::{Inventory, NodeName};
use crate::syntax::{Arguments, ArithmeticOperator, CompareOperator, Expression, NodeExpression, Variable};

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
                if let Some(host) = self.host(&variable.name.node, way) {
                    return Some(host);
                }
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
                self.hangs_on_node |= names_value(&left.node) || names_value(&right.node);
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

    /// The nodes that `$node`, or the name that an `on each` gives, stands for.
    pub(super) fn host(&self, name: &str, way: &Way) -> Option<Bits> {
        if name == "node" {
            return way.nodes.clone();
        }
        let known = self.hosts.iter().rev();
        let (_, nodes) = known.into_iter().find(|(known, _)| known == name)?;
        Some(nodes.clone())
    }

    /// Of the nodes in hand, those for which a condition surely holds and surely does not,
    /// where the inventory alone tells.
    pub(super) fn told(&mut self, condition: &Expression, way: &Way) -> (Bits, Bits) {
        match condition {
            Expression::Group(inner) => self.told(&inner.node, way),
            Expression::Not(inner) => {
                let (yes, no) = self.told(&inner.node, way);
                (no, yes)
            }
            Expression::And(left, right) => {
                let (left, right) = (self.told(&left.node, way), self.told(&right.node, way));
                (left.0.both(&right.0), left.1.union(&right.1))
            }
            Expression::Or(left, right) => {
                let (left, right) = (self.told(&left.node, way), self.told(&right.node, way));
                (left.0.union(&right.0), left.1.both(&right.1))
            }
            Expression::Compare {
                left,
                operator,
                right,
            } => {
                let Expression::Variable(subject) = &left.node else {
                    return Default::default();
                };
                let told = self.compared(subject, right, way).unwrap_or_default();
                match operator.node {
                    CompareOperator::Is | CompareOperator::In => told,
                    CompareOperator::IsNot | CompareOperator::NotIn => (told.1, told.0),
                    _ => Default::default(),
                }
            }
            _ => Default::default(),
        }
    }

    /// Where `$node`, or a variable of it, is what stands to the right.
    fn compared(
        &mut self,
        subject: &Variable,
        right: &Spanned<Expression>,
        way: &Way,
    ) -> Option<(Bits, Bits)> {
        let nodes = way.nodes.clone()?;
        let host = self.host(&subject.name.node, way)?;
        let (yes, no) = match subject.fields.as_slice() {
            [] => {
                let set = self.set_of(right, way)?;
                (host.both(&set), host.without(&set))
            }
            [variable] => {
                let words = self.words_of(right, way)?;
                let inventory = self.inventory;
                let value = |node: &NodeName| match variable.node.as_str() {
                    "name" => Some(node.as_str().to_owned()),
                    variable => inventory.variable(node, variable).map(str::to_owned),
                };
                let yes = self
                    .places
                    .filter(&host, |node| Some(words.contains(&value(node)?)))?;
                (yes.clone(), host.without(&yes))
            }
            _ => return None,
        };
        if host == nodes {
            return Some((yes, no));
        }
        // Another node than the one in hand: it decides for all of them.
        match (yes.is_empty(), no.is_empty()) {
            (true, false) => Some((Bits::default(), nodes)),
            (false, true) => Some((nodes, Bits::default())),
            _ => None,
        }
    }

    fn set_of(&mut self, written: &Spanned<Expression>, way: &Way) -> Option<Bits> {
        match &written.node {
            Expression::Group(inner) => self.set_of(inner, way),
            Expression::Name(name) => self.named_nodes(name, way),
            Expression::Folded(text) => self.places.written(text),
            Expression::List(items) => {
                let mut set = Bits::default();
                for item in items {
                    set = set.union(&self.set_of(item, way)?);
                }
                Some(set)
            }
            Expression::Variable(variable) if variable.fields.is_empty() => {
                match self.host(&variable.name.node, way) {
                    // One name for several nodes is one of them at a time.
                    Some(host) => (host.count() == 1).then_some(host),
                    None => self.set_of_words(written, way),
                }
            }
            _ => self.set_of_words(written, way),
        }
    }

    pub(super) fn set_of_words(&mut self, written: &Spanned<Expression>, way: &Way) -> Option<Bits> {
        let mut set = Bits::default();
        for word in self.words_of(written, way)?.iter() {
            let nodes = self.named_nodes(word, way);
            set = set.union(&nodes.or_else(|| self.places.written(word))?);
        }
        Some(set)
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

/// Whether a set of nodes is put together with a value in it, such as `mds_nodes - $host`.
fn names_value(written: &NodeExpression) -> bool {
    match written {
        NodeExpression::Value(_) => true,
        NodeExpression::Combined { left, right, .. } => names_value(&left.node) || names_value(&right.node),
        NodeExpression::Where { nodes, .. } => names_value(&nodes.node),
        _ => false,
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
