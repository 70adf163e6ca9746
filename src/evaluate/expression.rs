use std::sync::Arc;

use super::{Context, EvaluateError, Frame, Place, Stop, describe};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{ArithmeticOperator, Block, Expression, Literal, Statement, Template, Variable};
use crate::value::{Column, CommandLine, CommandText, Piece, Row, Type, Value};

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
            Expression::Text(template) => self.text_value(frame, template)?,
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
                Statement::Fail(said) => {
                    let why = self.message(&frame, said)?;
                    return Err(EvaluateError::Said {
                        why,
                        at: statement.span,
                    }
                    .into());
                }
                _ => {
                    let what =
                        "a body that is measured has only `let`, `if`, `probe`, `on`, `fail` and a value"
                            .to_owned();
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
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Unknown`] when it is not.
    pub fn known(&self, value: Value, what: &str, at: Span) -> Result<Value, Stop> {
        match value {
            Value::Unknown(why) => Err(unknown(what, &why, at)),
            value => Ok(value),
        }
    }

    /// A value that must be known with all that is in it: what a command is made of.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Unknown`] when anything in it is not.
    pub fn wholly_known(&self, value: Value, what: &str, at: Span) -> Result<Value, Stop> {
        match value.unsure() {
            Some(why) => Err(unknown(what, &why, at)),
            None => Ok(value),
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
        if name == "it"
            && let Some(item) = frame.scope.get(name)
        {
            return Ok(item.clone());
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
}

fn unknown(what: &str, why: &str, at: Span) -> Stop {
    EvaluateError::Unknown {
        what: format!("`{what}`"),
        why: why.to_owned(),
        at,
    }
    .into()
}

pub(super) fn literal_value(literal: &Literal) -> Value {
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
