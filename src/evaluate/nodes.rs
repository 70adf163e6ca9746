use super::{Context, EvaluateError, Frame, Stop};
use crate::diagnostic::{Span, Spanned};
use crate::inventory::{NodeName, NodeSet};
use crate::syntax::{ArithmeticOperator, NodeExpression};
use crate::value::{Truth, Value};

impl Context<'_> {
    /// The nodes that a written set means now.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`]; also when the set hangs on something that cannot be measured.
    pub fn nodes(&self, frame: &Frame, written: &Spanned<NodeExpression>) -> Result<NodeSet, Stop> {
        let at = written.span;
        match &written.node {
            NodeExpression::Name(name) => {
                let value = self.name(frame, name, at)?;
                self.as_nodes(value, name, at)
            }
            NodeExpression::Folded(text) | NodeExpression::Quoted(text) => self.folded(text, at),
            NodeExpression::Value(variable) => {
                let value = self.variable(frame, variable, at)?;
                self.as_nodes(value, &variable.name.node, at)
            }
            NodeExpression::Expression(expression) => {
                let value = self.evaluate(frame, expression)?;
                self.as_nodes(value, "this set of nodes", at)
            }
            NodeExpression::Combined {
                left,
                operator,
                right,
            } => {
                let (left, right) = (self.nodes(frame, left)?, self.nodes(frame, right)?);
                Ok(combine(&left, *operator, &right))
            }
            NodeExpression::Where { nodes, condition } => {
                let mut kept = NodeSet::default();
                for node in self.nodes(frame, nodes)?.iter() {
                    let mut inner = frame.clone();
                    inner.subject = Some(node.clone());
                    match self.truth(&inner, condition)? {
                        Truth::Yes => kept.insert(node.clone()),
                        Truth::No => {}
                        Truth::Unknown(why) => {
                            let what = format!("whether {node} belongs to the set");
                            return Err(EvaluateError::Unknown {
                                what,
                                why: why.to_string(),
                                at,
                            }
                            .into());
                        }
                    }
                }
                Ok(kept)
            }
        }
    }

    pub(super) fn folded(&self, text: &str, at: Span) -> Result<NodeSet, Stop> {
        let group = |name: &str| match self.groups.of(self.inventory, name) {
            Some(nodes) => Some(nodes.clone()),
            None => self.inventory.named_set(name),
        };
        let written = NodeSet::expand_with(text, &group).map_err(|error| EvaluateError::Arguments {
            what: error.to_string(),
            at,
        })?;
        let mut known = NodeSet::default();
        for name in written.iter() {
            known.insert(self.node_named(name.as_str(), at)?);
        }
        Ok(known)
    }

    pub(super) fn node_named(&self, text: &str, at: Span) -> Result<NodeName, Stop> {
        self.inventory.find(text).ok_or_else(|| {
            EvaluateError::NoSuchName {
                kind: "node".into(),
                name: text.to_owned(),
                at,
            }
            .into()
        })
    }

    pub(super) fn as_nodes(&self, value: Value, what: &str, at: Span) -> Result<NodeSet, Stop> {
        match self.known(value, what, at)? {
            Value::Nodes(nodes) => Ok(nodes),
            Value::Node(node) => Ok(std::iter::once(node).collect()),
            Value::Text(text) | Value::Path(text) => self.folded(&text, at),
            Value::List(values) => {
                let mut nodes = NodeSet::default();
                for value in values.iter() {
                    nodes = nodes.union(&self.as_nodes(value.clone(), what, at)?);
                }
                Ok(nodes)
            }
            other => Err(EvaluateError::WrongKind {
                found: other.to_string(),
                wanted: "a set of nodes".into(),
                at,
            }
            .into()),
        }
    }
}

/// Union, difference or intersection.
pub(super) fn combine(left: &NodeSet, operator: ArithmeticOperator, right: &NodeSet) -> NodeSet {
    match operator {
        ArithmeticOperator::Subtract => left.difference(right),
        ArithmeticOperator::Intersect => left.intersection(right),
        _ => left.union(right),
    }
}
