use std::sync::Arc;

use super::{Context, EvaluateError, Frame, Stop};
use crate::diagnostic::{Span, Spanned};
use crate::library::{Apply, FilterArguments, find_filter};
use crate::syntax::{Arguments, Expression, FilterCall, FilterForm};
use crate::value::{Row, Table, Truth, Value};

impl Context<'_> {
    /// What comes out of `filters` when `value` flows in.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`].
    pub fn pipe(&self, frame: &Frame, value: Value, filters: &[Spanned<FilterCall>]) -> Result<Value, Stop> {
        let mut value = value;
        for filter in filters {
            value = match &filter.node.form {
                FilterForm::Where(condition) => self.keep_where(frame, value, condition, filter.span)?,
                FilterForm::Each(expression) => self.each(frame, value, expression, filter.span)?,
                FilterForm::SortBy(keys) => {
                    let keys = keys
                        .iter()
                        .map(|(column, down)| (column.node.clone(), *down))
                        .collect();
                    let arguments = FilterArguments {
                        keys,
                        or_none: filter.node.or_none,
                        ..FilterArguments::default()
                    };
                    apply_filter(value, &filter.node, &arguments, filter.span)?
                }
                FilterForm::Plain(written) => {
                    let arguments = self.filter_arguments(frame, written, filter.node.or_none)?;
                    apply_filter(value, &filter.node, &arguments, filter.span)?
                }
            };
        }
        Ok(value)
    }

    fn filter_arguments(
        &self,
        frame: &Frame,
        written: &Arguments,
        or_none: bool,
    ) -> Result<FilterArguments, Stop> {
        let mut arguments = FilterArguments {
            or_none,
            ..FilterArguments::default()
        };
        for word in &written.positional {
            arguments.positional.push(self.filter_argument(frame, word)?);
        }
        for (name, word) in &written.named {
            arguments
                .named
                .push((name.node.clone(), self.filter_argument(frame, word)?));
        }
        Ok(arguments)
    }

    /// A bare name among a filter's arguments is a column's name or a word.
    fn filter_argument(&self, frame: &Frame, word: &Spanned<Expression>) -> Result<Value, Stop> {
        match &word.node {
            Expression::Name(name) => Ok(Value::text(name.as_str())),
            _ => self.evaluate(frame, word),
        }
    }

    /// Keeps the sure rows; if any could not be decided, the table has that many "or more".
    fn keep_where(
        &self,
        frame: &Frame,
        value: Value,
        condition: &Spanned<Expression>,
        at: Span,
    ) -> Result<Value, Stop> {
        let table = match value {
            Value::Table(table) => table,
            Value::Unknown(why) => return Ok(Value::Unknown(why)),
            Value::Nodes(nodes) => return self.keep_nodes(frame, &nodes, condition, at),
            Value::List(items) => return self.keep_items(frame, &items, condition),
            other => {
                let found = other.to_string();
                return Err(EvaluateError::WrongKind {
                    found,
                    wanted: "a table".into(),
                    at,
                }
                .into());
            }
        };
        let mut kept = Table {
            columns: table.columns.clone(),
            rows: Vec::new(),
            or_more: table.or_more.clone(),
        };
        for row in &table.rows {
            let inner = frame.looking_at(Arc::new(row.clone()));
            match self.truth(&inner, condition)? {
                Truth::Yes => kept.rows.push(row.clone()),
                Truth::No => {}
                Truth::Unknown(why) => {
                    kept.or_more.get_or_insert(why);
                }
            }
        }
        Ok(Value::Table(Arc::new(kept)))
    }

    fn keep_nodes(
        &self,
        frame: &Frame,
        nodes: &crate::inventory::NodeSet,
        condition: &Spanned<Expression>,
        at: Span,
    ) -> Result<Value, Stop> {
        let mut kept = crate::inventory::NodeSet::default();
        for node in nodes.iter() {
            let mut inner = frame.with("it", Value::Node(node.clone()));
            inner.subject = Some(node.clone());
            match self.truth(&inner, condition)? {
                Truth::Yes => kept.insert(node.clone()),
                Truth::No => {}
                Truth::Unknown(why) => {
                    let what = format!("whether {node} is among them");
                    return Err(EvaluateError::Unknown {
                        what,
                        why: why.to_string(),
                        at,
                    }
                    .into());
                }
            }
        }
        Ok(Value::Nodes(kept))
    }

    fn keep_items(
        &self,
        frame: &Frame,
        items: &[Value],
        condition: &Spanned<Expression>,
    ) -> Result<Value, Stop> {
        let mut kept = Vec::new();
        for item in items {
            match self.truth(&frame.with("it", item.clone()), condition)? {
                Truth::Yes => kept.push(item.clone()),
                Truth::No => {}
                // A list has no "or more", so it is unknown as a whole.
                Truth::Unknown(why) => return Ok(Value::Unknown(why)),
            }
        }
        Ok(Value::list(kept))
    }

    /// The expression's value for each item or row, which is `$it`; rows also lend their columns.
    fn each(
        &self,
        frame: &Frame,
        value: Value,
        expression: &Spanned<Expression>,
        at: Span,
    ) -> Result<Value, Stop> {
        if let Value::Unknown(why) = value {
            return Ok(Value::Unknown(why));
        }
        if let Value::Table(table) = &value
            && let Some(why) = &table.or_more
        {
            return Ok(Value::Unknown(why.clone()));
        }
        let mut values = Vec::new();
        for item in self.items(value, at)? {
            let inner = match &item {
                Value::Row(row) => frame.looking_at(Arc::clone(row)),
                _ => frame.with("it", item.clone()),
            };
            values.push(self.evaluate(&inner, expression)?);
        }
        Ok(of_rows(values))
    }
}

/// Rows with the same columns are a table; anything else stays a list.
fn of_rows(values: Vec<Value>) -> Value {
    let rows: Option<Vec<Row>> = values
        .iter()
        .map(|value| {
            if let Value::Row(row) = value {
                Some((**row).clone())
            } else {
                None
            }
        })
        .collect();
    match rows {
        Some(rows) if !rows.is_empty() => {
            let columns = rows[0].columns.clone();
            Value::Table(Arc::new(Table {
                columns,
                rows,
                or_more: None,
            }))
        }
        _ => Value::list(values),
    }
}

fn apply_filter(
    value: Value,
    call: &FilterCall,
    arguments: &FilterArguments,
    at: Span,
) -> Result<Value, Stop> {
    let name = call.name.node.as_str();
    let filter = find_filter(name).ok_or_else(|| EvaluateError::NoSuchName {
        kind: "filter".into(),
        name: name.to_owned(),
        at: call.name.span,
    })?;
    match filter.apply {
        Apply::Pure(apply) => apply(value, arguments).map_err(|error| {
            let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
            EvaluateError::Filter {
                filter: name.to_owned(),
                why: error.to_string(),
                help,
                at,
            }
            .into()
        }),
        Apply::ByEvaluator => {
            let why = "it wants a condition or an expression".to_owned();
            Err(EvaluateError::Filter {
                filter: name.to_owned(),
                why,
                help: None,
                at,
            }
            .into())
        }
    }
}
