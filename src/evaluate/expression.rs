use std::sync::Arc;

use super::{Ask, Context, EvaluateError, Frame, Place, Reply, Stop};
use crate::diagnostic::{Span, Spanned};
use crate::inventory::NodeName;
use crate::syntax::{
    ArithmeticOperator, Block, CommandCall, CompareOperator, Expression, Literal, On, Quantifier, Statement,
    Template, TemplatePart, Variable,
};
use crate::value::{Column, CommandLine, CommandText, Piece, Row, Table, Type, Value};

/// How long a probe may take unless told.
const PROBE_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

impl Context<'_> {
    /// The value of an expression.
    ///
    /// # Errors
    ///
    /// [`Stop::Need`] when probes must be answered first; [`Stop::Fail`] when it has no value.
    pub fn evaluate(&self, frame: &Frame, written: &Spanned<Expression>) -> Result<Value, Stop> {
        let at = written.span;
        Ok(match &written.node {
            Expression::Literal(literal) => literal_value(literal),
            Expression::Text(template) => Value::text(self.text(frame, template)?),
            Expression::Word(word) => Value::text(word.as_str()),
            Expression::Regex(text) => Value::Regex(text.as_str().into()),
            Expression::Name(name) => self.name(frame, name, at)?,
            Expression::Variable(variable) => self.variable(frame, variable, at)?,
            Expression::Call { name, arguments } => {
                let values: Result<Vec<Value>, Stop> = arguments
                    .iter()
                    .map(|argument| self.evaluate(frame, argument))
                    .collect();
                self.fact(frame, &name.node, values?, name.span)?
            }
            Expression::List(items) => {
                let values: Result<Vec<Value>, Stop> =
                    items.iter().map(|item| self.evaluate(frame, item)).collect();
                Value::list(values?)
            }
            Expression::Row(cells) => self.row(frame, cells)?,
            Expression::Folded(text) => Value::Nodes(self.folded(text, at)?),
            Expression::Negative(inner) => {
                let inner = self.evaluate(frame, inner)?;
                self.arithmetic(Value::Int(0), ArithmeticOperator::Subtract, inner, at)?
            }
            Expression::Arithmetic {
                left,
                operator,
                right,
            } => {
                let (left, right) = (self.evaluate(frame, left)?, self.evaluate(frame, right)?);
                self.arithmetic(left, operator.node, right, at)?
            }
            Expression::Group(inner) => self.evaluate(frame, inner)?,
            Expression::Pipeline { source, filters } => {
                let source = self.evaluate(frame, source)?;
                self.pipe(frame, source, filters)?
            }
            Expression::On(on) => self.probe_on(frame, on, at)?,
            Expression::Locally(body) => {
                let mut inner = frame.clone();
                inner.place = Place::Local;
                self.body(&inner, body)?
            }
            Expression::Command(call) => self.probe(frame, call, at)?,
            Expression::Not(_)
            | Expression::Compare { .. }
            | Expression::And(..)
            | Expression::Or(..)
            | Expression::Quantified { .. }
            | Expression::Holds(_)
            | Expression::Succeeds(_) => Value::Truth(self.truth(frame, written)?),
        })
    }

    /// The value that a body of `let`s, probes and one last value gives.
    pub(super) fn body(&self, frame: &Frame, body: &Block) -> Result<Value, Stop> {
        let mut frame = frame.clone();
        let mut last = Value::text("");
        for statement in body {
            match &statement.node {
                Statement::Let { name, value } => {
                    let value = self.evaluate(&frame, value)?;
                    frame = frame.with(&name.node, value);
                }
                Statement::Value(value) => last = self.evaluate(&frame, value)?,
                Statement::Command(call) => last = self.probe(&frame, call, statement.span)?,
                Statement::On(on) => last = self.probe_on(&frame, on, statement.span)?,
                Statement::If {
                    condition,
                    body,
                    otherwise,
                } => {
                    let chosen = self.sure(&frame, condition, "this condition")?;
                    last = match (chosen, otherwise) {
                        (true, _) => self.body(&frame, body)?,
                        (false, Some(otherwise)) => self.body(&frame, otherwise)?,
                        (false, None) => last,
                    };
                }
                _ => {
                    let what =
                        "a body that is measured has only `let`, `if`, `probe`, `on` and a value".to_owned();
                    return Err(EvaluateError::Arguments {
                        what,
                        at: statement.span,
                    }
                    .into());
                }
            }
        }
        Ok(last)
    }

    /// A value that must be known.
    pub fn known(&self, value: Value, what: &str, at: Span) -> Result<Value, Stop> {
        match value {
            Value::Unknown(why) => Err(EvaluateError::Unknown {
                what: format!("`{what}`"),
                why: why.to_string(),
                at,
            }
            .into()),
            value => Ok(value),
        }
    }

    /// A value of a certain type, read from text where it is a text; it must be known.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`]; also when it is unknown or of another type.
    pub fn evaluate_as(
        &self,
        frame: &Frame,
        written: &Spanned<Expression>,
        wanted: &Type,
    ) -> Result<Value, Stop> {
        let value = self.evaluate_for(frame, written, wanted)?;
        self.known(value, &describe(&written.node), written.span)
    }

    pub(super) fn name(&self, frame: &Frame, name: &str, at: Span) -> Result<Value, Stop> {
        if let Some(cell) = frame.row.as_ref().and_then(|row| row.get(name)) {
            return Ok(cell.clone());
        }
        if let Some(node) = frame
            .subject
            .as_ref()
            .and_then(|node| self.inventory.node(node.as_str()))
        {
            if name == "name" {
                return Ok(Value::Node(node.name.clone()));
            }
            if let Some(text) = node.variables.get(name) {
                return Ok(Value::text(text.as_str()));
            }
        }
        if self.program.fact(&frame.module, name).is_some() {
            return self.fact(frame, name, Vec::new(), at);
        }
        if let Some(nodes) = self
            .groups
            .of(self.inventory, self.program.group(&frame.module, name))
        {
            return Ok(Value::Nodes(nodes.clone()));
        }
        if let Some(node) = self.inventory.find(name) {
            return Ok(Value::Node(node));
        }
        if self.program.service(&frame.module, name).is_some() {
            return Ok(Value::Service(name.into()));
        }
        if frame.subject.is_some() && self.inventory.variable_names().any(|known| known == name) {
            return Ok(Value::unknown(format!(
                "this node has no `{name}` in the inventory"
            )));
        }
        Err(EvaluateError::NoSuchName {
            kind: "column, fact, group or node".into(),
            name: name.to_owned(),
            at,
        }
        .into())
    }

    pub(super) fn variable(&self, frame: &Frame, variable: &Variable, at: Span) -> Result<Value, Stop> {
        let name = variable.name.node.as_str();
        let mut value = match frame.scope.get(name) {
            Some(value) => value.clone(),
            None => self.outer_variable(frame, name, at)?,
        };
        for field in &variable.fields {
            value = self.field(value, &field.node, field.span)?;
        }
        Ok(value)
    }

    fn outer_variable(&self, frame: &Frame, name: &str, at: Span) -> Result<Value, Stop> {
        match name {
            "node" => {
                let node = frame.place.node().ok_or(EvaluateError::NeedsNode {
                    what: "`$node`".into(),
                    at,
                })?;
                return Ok(Value::Node(node.clone()));
            }
            "cluster" => return Ok(Value::text(self.inventory.name.as_str())),
            _ => {}
        }
        if let Some(constant) = self.program.constant(&frame.module, name) {
            return self.evaluate(&Frame::fresh(&constant.module, Place::Nowhere), &constant.value);
        }
        if let Some(text) = self.inventory.variables.get(name) {
            return Ok(Value::text(text.as_str()));
        }
        Err(EvaluateError::NoSuchName {
            kind: "variable".into(),
            name: format!("${name}"),
            at,
        }
        .into())
    }

    fn field(&self, value: Value, field: &str, at: Span) -> Result<Value, Stop> {
        match value {
            Value::Row(row) => row.get(field).cloned().ok_or_else(|| {
                EvaluateError::NoSuchName {
                    kind: "column".into(),
                    name: field.to_owned(),
                    at,
                }
                .into()
            }),
            Value::Node(node) => {
                let known = self
                    .inventory
                    .node(node.as_str())
                    .and_then(|known| known.variables.get(field));
                Ok(match known {
                    Some(text) => Value::text(text.as_str()),
                    None if field == "name" => Value::text(node.as_str()),
                    None => Value::unknown(format!("{node} has no `{field}` in the inventory")),
                })
            }
            Value::Unknown(why) => Ok(Value::Unknown(why)),
            other => Err(EvaluateError::WrongKind {
                found: other.to_string(),
                wanted: "a row or a node".into(),
                at,
            }
            .into()),
        }
    }

    fn row(&self, frame: &Frame, cells: &[(Spanned<String>, Spanned<Expression>)]) -> Result<Value, Stop> {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (name, cell) in cells {
            let value = self.evaluate(frame, cell)?;
            columns.push(Column::new(name.node.as_str(), value.kind()));
            values.push(value);
        }
        Ok(Value::Row(Arc::new(Row {
            columns: Arc::new(columns),
            cells: values,
        })))
    }

    /// The command that a written command means: a command text, or a value of type `command`.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`].
    pub fn command(&self, frame: &Frame, written: &Spanned<Expression>) -> Result<CommandLine, Stop> {
        match &written.node {
            Expression::Text(template) => self.command_line(frame, template),
            Expression::Group(inner) => self.command(frame, inner),
            _ => match self.evaluate(frame, written)? {
                Value::Command(command) => Ok(CommandLine::from_quoted(Value::Command(command).to_string())),
                Value::Unknown(why) => {
                    let what = "the command".to_owned();
                    Err(EvaluateError::Unknown {
                        what,
                        why: why.to_string(),
                        at: written.span,
                    }
                    .into())
                }
                Value::Text(text) if matches!(written.node, Expression::Word(_)) => {
                    Ok(CommandLine::from_quoted(text))
                }
                other => Err(EvaluateError::WrongKind {
                    found: other.to_string(),
                    wanted: "a command; declare it `command`, not `string`".into(),
                    at: written.span,
                }
                .into()),
            },
        }
    }

    /// A command text as a value: its values are put in where it is written.
    pub(super) fn command_value(&self, frame: &Frame, template: &Template) -> Result<Value, Stop> {
        let line = self.command_line(frame, template)?;
        Ok(Value::Command(Arc::new(CommandText {
            pieces: vec![Piece::Text(line.as_str().to_owned())],
        })))
    }

    fn probe(&self, frame: &Frame, call: &CommandCall, at: Span) -> Result<Value, Stop> {
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
                Ok(Value::text(output.strip_suffix('\n').unwrap_or(&output)))
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
        match self.measured.reply(ask.node.as_ref(), &ask.command) {
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
    fn probe_on(&self, frame: &Frame, on: &On, at: Span) -> Result<Value, Stop> {
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
        let (what, why) = (describe_nodes(on), said.join("; "));
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

fn literal_value(literal: &Literal) -> Value {
    match literal {
        Literal::Int(number) => Value::Int(*number),
        Literal::Bool(yes) => Value::Bool(*yes),
        Literal::Duration(length) => Value::Duration(*length),
        Literal::Size(bytes) => Value::Size(*bytes),
        Literal::Percent(hundredths) => Value::Percent(*hundredths),
        Literal::Ratio(one, two) => Value::Ratio(*one, *two),
        Literal::Version(version) => Value::Version(version.clone()),
    }
}

/// An expression as a person would name it in a message.
pub fn describe(expression: &Expression) -> String {
    let inner = |written: &Spanned<Expression>| describe(&written.node);
    match expression {
        Expression::Literal(literal) => literal_value(literal).to_string(),
        Expression::Text(template) => format!("\"{}\"", describe_template(template)),
        Expression::Word(word) | Expression::Name(word) | Expression::Folded(word) => word.clone(),
        Expression::Regex(text) => format!("/{text}/"),
        Expression::Variable(variable) => describe_variable(variable),
        Expression::Call { name, arguments } => {
            format!(
                "{}({})",
                name.node,
                arguments.iter().map(inner).collect::<Vec<String>>().join(", ")
            )
        }
        Expression::List(items) => {
            format!("[{}]", items.iter().map(inner).collect::<Vec<String>>().join(" "))
        }
        Expression::Row(_) => "a row".to_owned(),
        Expression::Not(condition) => format!("not {}", inner(condition)),
        Expression::Negative(number) => format!("-{}", inner(number)),
        Expression::Arithmetic {
            left,
            operator,
            right,
        } => {
            let sign = match operator.node {
                ArithmeticOperator::Add => "+",
                ArithmeticOperator::Subtract => "-",
                ArithmeticOperator::Multiply => "*",
                ArithmeticOperator::Divide => "/",
                ArithmeticOperator::Intersect => "&",
            };
            format!("{} {sign} {}", inner(left), inner(right))
        }
        Expression::Compare {
            left,
            operator,
            right,
        } => {
            format!(
                "{} {} {}",
                inner(left),
                compare_words(operator.node),
                inner(right)
            )
        }
        Expression::And(left, right) => format!("{} and {}", inner(left), inner(right)),
        Expression::Or(left, right) => format!("{} or {}", inner(left), inner(right)),
        Expression::Quantified {
            quantifier,
            table,
            condition,
            ..
        } => {
            format!(
                "{} of {} have {}",
                quantifier_words(&quantifier.node),
                inner(table),
                inner(condition)
            )
        }
        Expression::Holds(call) => format!("holds {}", call.name.node),
        Expression::Succeeds(_) => "succeeds".to_owned(),
        Expression::Pipeline { source, filters } => {
            let names: Vec<&str> = filters
                .iter()
                .map(|filter| filter.node.name.node.as_str())
                .collect();
            format!("{} | {}", inner(source), names.join(" | "))
        }
        Expression::On(_) | Expression::Locally(_) | Expression::Command(_) => {
            "what this measures".to_owned()
        }
        Expression::Group(written) => inner(written),
    }
}

pub(super) fn compare_words(operator: CompareOperator) -> &'static str {
    match operator {
        CompareOperator::Is => "is",
        CompareOperator::IsNot => "is not",
        CompareOperator::AtLeast => "at least",
        CompareOperator::AtMost => "at most",
        CompareOperator::MoreThan => "more than",
        CompareOperator::LessThan => "less than",
        CompareOperator::In => "in",
        CompareOperator::NotIn => "not in",
        CompareOperator::Matches => "matches",
    }
}

pub(super) fn quantifier_words(quantifier: &Quantifier) -> String {
    match quantifier {
        Quantifier::All => "all".to_owned(),
        Quantifier::None => "none".to_owned(),
        Quantifier::Some => "some".to_owned(),
        Quantifier::Exactly(number) => format!("exactly {}", describe(&number.node)),
        Quantifier::AtLeast(number) => format!("at least {}", describe(&number.node)),
        Quantifier::AtMost(number) => format!("at most {}", describe(&number.node)),
    }
}

fn describe_variable(variable: &Variable) -> String {
    let mut text = format!("${}", variable.name.node);
    for field in &variable.fields {
        text.push('.');
        text.push_str(&field.node);
    }
    text
}

fn describe_template(template: &Template) -> String {
    let part = |part: &Spanned<TemplatePart>| match &part.node {
        TemplatePart::Text(text) => text.clone(),
        TemplatePart::Variable(variable) => describe_variable(variable),
    };
    template.parts.iter().map(part).collect()
}
