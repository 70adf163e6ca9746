use std::sync::Arc;

use super::{Ask, Context, EvaluateError, Frame, Place, Reply, Stop};
use crate::diagnostic::{Span, Spanned};
use crate::inventory::NodeName;
use crate::syntax::{CommandCall, Expression, On};
use crate::value::{Column, Row, Table, Type, Value};

/// How long a probe may take unless told.
const PROBE_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

impl Context<'_> {
    pub(super) fn probe(&self, frame: &Frame, call: &CommandCall, at: Span) -> Result<Value, Stop> {
        let (ask, reply) = self.answered(frame, &call.command, &call.named, at)?;
        let place = ask
            .node
            .as_ref()
            .map_or("this machine".to_owned(), NodeName::to_string);
        let command = ask.command.to_string();
        match reply {
            Reply::Silent(why) => Err(EvaluateError::NoAnswer {
                command,
                node: place,
                why,
                at,
            }
            .into()),
            Reply::Ran {
                status,
                output,
                errors,
            } => {
                if !self.accepted(frame, &call.named)?.contains(&i64::from(status)) {
                    let said = errors
                        .trim()
                        .lines()
                        .last()
                        .map_or(String::new(), |line| format!(": {line}"));
                    return Err(EvaluateError::ProbeFailed {
                        command,
                        node: place,
                        status,
                        said,
                        at,
                    }
                    .into());
                }
                let output = output.strip_suffix('\n').unwrap_or(&output);
                if let Some(Value::Regex(pattern)) = self.named(frame, &call.named, "expect", &Type::Regex)? {
                    let expected = regex::Regex::new(&pattern).expect("the checker has read it");
                    if !expected.is_match(output) {
                        return Err(EvaluateError::OutputDiffers {
                            command,
                            node: place,
                            pattern: pattern.to_string(),
                            at,
                        }
                        .into());
                    }
                }
                Ok(Value::text(output))
            }
        }
    }

    /// The reply to a probe, or the need to ask it.
    pub(super) fn answered(
        &self,
        frame: &Frame,
        command: &Spanned<Expression>,
        named: &[(Spanned<String>, Spanned<Expression>)],
        at: Span,
    ) -> Result<(Ask, Reply), Stop> {
        let node = match &frame.place {
            Place::Node(node) => Some(node.clone()),
            Place::Local => None,
            Place::Nowhere => {
                return Err(EvaluateError::NeedsNode {
                    what: "a command".into(),
                    at,
                }
                .into());
            }
        };
        let limit = match self.named(frame, named, "limit", &Type::Duration)? {
            Some(Value::Duration(limit)) => limit,
            _ => PROBE_LIMIT,
        };
        let input = match self.named(frame, named, "input", &Type::Secret)? {
            Some(Value::Secret(secret)) => Some(secret),
            _ => None,
        };
        let ask = Ask {
            node,
            command: self.command(frame, command)?,
            limit,
            input,
        };
        match self.measured.reply(&ask) {
            Some(reply) => {
                let reply = reply.clone();
                Ok((ask, reply))
            }
            None => Err(Stop::Need(vec![ask])),
        }
    }

    /// The statuses that count as success: `ok=[0 1]`, else 0.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`].
    pub fn accepted(
        &self,
        frame: &Frame,
        named: &[(Spanned<String>, Spanned<Expression>)],
    ) -> Result<Vec<i64>, Stop> {
        Ok(
            match self.named(frame, named, "ok", &Type::List(Box::new(Type::Int)))? {
                Some(Value::List(values)) => values
                    .iter()
                    .filter_map(|value| {
                        if let Value::Int(status) = value {
                            Some(*status)
                        } else {
                            None
                        }
                    })
                    .collect(),
                Some(Value::Int(status)) => vec![status],
                _ => vec![0],
            },
        )
    }

    /// A named argument, if it was given.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate_as`].
    pub fn named(
        &self,
        frame: &Frame,
        named: &[(Spanned<String>, Spanned<Expression>)],
        name: &str,
        wanted: &Type,
    ) -> Result<Option<Value>, Stop> {
        named
            .iter()
            .find(|(known, _)| known.node == name)
            .map(|(_, value)| self.evaluate_as(frame, value, wanted))
            .transpose()
    }

    /// An `on` of probes: of the first node that answers, or a table with a row of each node.
    pub(super) fn probe_on(&self, frame: &Frame, on: &On, at: Span) -> Result<Value, Stop> {
        let nodes = self.nodes(frame, &on.nodes)?;
        if nodes.is_empty() && !on.or_none {
            return Err(EvaluateError::NoNodes { at: on.nodes.span }.into());
        }
        if on.any {
            return self.probe_any(frame, on, nodes.iter(), at);
        }
        let mut needed = Vec::new();
        let mut values = Vec::new();
        for node in nodes.iter() {
            match self.body(&on_node(frame, on, node), &on.body) {
                Ok(value) => values.push((node.clone(), value)),
                Err(Stop::Need(asks)) => needed.extend(asks),
                Err(Stop::Fail(error)) => values.push((node.clone(), Value::unknown(error.to_string()))),
            }
        }
        if !needed.is_empty() {
            return Err(Stop::Need(needed));
        }
        Ok(gather(values))
    }

    fn probe_any<'n>(
        &self,
        frame: &Frame,
        on: &On,
        nodes: impl Iterator<Item = &'n NodeName>,
        at: Span,
    ) -> Result<Value, Stop> {
        let mut said = Vec::new();
        for node in nodes {
            match self.body(&on_node(frame, on, node), &on.body) {
                Err(Stop::Fail(error)) => said.push(error.to_string()),
                found => return found,
            }
        }
        let (what, why) = (describe_nodes(on), shorten(&said));
        Err(EvaluateError::Unknown {
            what: format!("any of {what}"),
            why,
            at,
        }
        .into())
    }
}

fn describe_nodes(on: &On) -> String {
    match &on.nodes.node {
        crate::syntax::NodeExpression::Name(name)
        | crate::syntax::NodeExpression::Folded(name)
        | crate::syntax::NodeExpression::Quoted(name) => format!("`{name}`"),
        _ => "these nodes".to_owned(),
    }
}

fn on_node(frame: &Frame, on: &On, node: &NodeName) -> Frame {
    let mut inner = frame.clone();
    inner.place = Place::Node(node.clone());
    match &on.each {
        Some(name) => inner.with(&name.node, Value::Node(node.clone())),
        None => inner,
    }
}

/// A table with a column `node` of what each node gave: rows keep their columns, a table's rows
/// each get their node, anything else stands in a column `value`.
pub fn gather(values: Vec<(NodeName, Value)>) -> Value {
    let mut columns = vec![Column::new("node", Type::Node)];
    let model = values.iter().find_map(|(_, value)| match value {
        Value::Row(row) => Some(row.columns.clone()),
        Value::Table(table) => Some(table.columns.clone()),
        _ => None,
    });
    match &model {
        Some(model) => columns.extend(model.iter().cloned()),
        None => {
            let known = values.iter().find(|(_, value)| !value.is_unknown());
            columns.push(Column::new(
                "value",
                known.map_or(Type::Any, |(_, value)| value.kind()),
            ));
        }
    }
    let width = columns.len() - 1;
    let columns = Arc::new(columns);
    let mut or_more = None;
    let mut rows = Vec::new();
    let mut push = |node: &NodeName, cells: Vec<Value>| {
        let mut all = vec![Value::Node(node.clone())];
        all.extend(cells);
        rows.push(Row {
            columns: columns.clone(),
            cells: all,
        });
    };
    for (node, value) in &values {
        match value {
            Value::Row(row) => push(node, row.cells.clone()),
            Value::Table(table) => {
                or_more = or_more.or_else(|| table.or_more.clone());
                table.rows.iter().for_each(|row| push(node, row.cells.clone()));
            }
            Value::Unknown(_) => push(node, vec![value.clone(); width]),
            other => push(node, vec![other.clone()]),
        }
    }
    Value::Table(Arc::new(Table {
        columns,
        rows,
        or_more,
    }))
}

/// The first reasons of many: after two the rest say the same as a rule.
fn shorten(said: &[String]) -> String {
    match said {
        [first, second, rest @ ..] if !rest.is_empty() => {
            format!("{first}; {second}; and {} more", rest.len())
        }
        few => few.join("; "),
    }
}
