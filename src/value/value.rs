use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::{Row, Secret, Table, Truth, Type, Version, unit};
use crate::inventory::{NodeName, NodeSet};

/// What an expression yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// It could not be measured, and why.
    Unknown(Arc<str>),
    /// Text, also of the types `string` and a choice.
    Text(Arc<str>),
    /// A whole number.
    Int(i64),
    /// At least this many: the count of a table that may have more rows.
    AtLeast(i64, Arc<str>),
    /// `yes` or `no`.
    Bool(bool),
    /// A length of time.
    Duration(Duration),
    /// Bytes.
    Size(u64),
    /// Hundredths of a percent are kept: 12.5 % is 1250.
    Percent(i64),
    /// Such as `3:2`.
    Ratio(u32, u32),
    /// Such as `6.0.7`.
    Version(Version),
    /// A path on a node.
    Path(Arc<str>),
    /// One node.
    Node(NodeName),
    /// A set of nodes.
    Nodes(NodeSet),
    /// A declared service, by name.
    Service(Arc<str>),
    /// A command text whose values are not yet put in.
    Command(Arc<CommandText>),
    /// Never shown.
    Secret(Secret),
    /// Several values.
    List(Arc<Vec<Value>>),
    /// Rows under columns.
    Table(Arc<Table>),
    /// One row.
    Row(Arc<Row>),
    /// A regular expression, as written between its slashes.
    Regex(Arc<str>),
    /// What a condition yielded.
    Truth(Truth),
}

/// A command with its places for values: `service pstorage-mdsd $action`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandText {
    /// Text and values in turn.
    pub pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text as written.
    Text(String),
    /// A value, by its name and then its fields: `row.column` is `["row", "column"]`.
    Variable(Vec<String>),
}

/// A text that is not of the type it ought to be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not {wanted}")]
pub struct ValueError {
    /// What was found.
    pub text: String,
    /// What was expected, with its article: `a duration such as 30s or 5m`.
    pub wanted: String,
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<Arc<str>>) -> Value {
        Value::Text(text.into())
    }

    /// A list.
    pub fn list(values: Vec<Value>) -> Value {
        Value::List(Arc::new(values))
    }

    /// Unmeasured, and why.
    pub fn unknown(why: impl Into<Arc<str>>) -> Value {
        Value::Unknown(why.into())
    }

    /// Whether it, or anything in it, is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Value::Unknown(_))
    }

    /// Why it, or something in it, is not surely known.
    pub fn unsure(&self) -> Option<Arc<str>> {
        match self {
            Value::Unknown(why) | Value::AtLeast(_, why) | Value::Truth(Truth::Unknown(why)) => {
                Some(why.clone())
            }
            Value::List(values) => values.iter().find_map(Value::unsure),
            Value::Row(row) => row.cells.iter().find_map(Value::unsure),
            Value::Table(table) => {
                let in_rows = || {
                    table
                        .rows
                        .iter()
                        .flat_map(|row| &row.cells)
                        .find_map(Value::unsure)
                };
                table.or_more.clone().or_else(in_rows)
            }
            _ => None,
        }
    }

    /// The type it is of, as far as the value alone tells.
    pub fn kind(&self) -> Type {
        match self {
            Value::Unknown(_) => Type::Any,
            Value::Text(_) => Type::String,
            Value::Int(_) | Value::AtLeast(..) => Type::Int,
            Value::Bool(_) => Type::Bool,
            Value::Duration(_) => Type::Duration,
            Value::Size(_) => Type::Size,
            Value::Percent(_) => Type::Percent,
            Value::Ratio(..) => Type::Ratio,
            Value::Version(_) => Type::Version,
            Value::Path(_) => Type::Path,
            Value::Node(_) => Type::Node,
            Value::Nodes(_) => Type::Nodes,
            Value::Service(_) => Type::Service,
            Value::Command(_) => Type::Command,
            Value::Secret(_) => Type::Secret,
            Value::List(values) => Type::List(Box::new(values.first().map_or(Type::Any, Value::kind))),
            Value::Table(table) => Type::Table(table.columns.to_vec()),
            Value::Row(row) => Type::Row(row.columns.to_vec()),
            Value::Regex(_) => Type::Regex,
            Value::Truth(_) => Type::Truth,
        }
    }

    /// Reads `text` as a value of type `wanted`: an argument, a `--set`, a cell of a table.
    ///
    /// `find_node` looks a node up by name, alias or address.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when it is not of that type. Tables and rows cannot be read from text.
    pub fn read(
        text: &str,
        wanted: &Type,
        find_node: &dyn Fn(&str) -> Option<NodeName>,
    ) -> Result<Value, ValueError> {
        let no = |what: &str| ValueError {
            text: text.to_owned(),
            wanted: what.to_owned(),
        };
        Ok(match wanted {
            Type::String | Type::Any => Value::text(text),
            Type::Path => Value::Path(text.into()),
            Type::Service => Value::Service(text.into()),
            Type::Regex => Value::Regex(text.into()),
            Type::Secret => Value::Secret(Secret::new(text)),
            Type::Int => text.parse().map(Value::Int).map_err(|_| no("a whole number"))?,
            Type::Bool => match text {
                "yes" => Value::Bool(true),
                "no" => Value::Bool(false),
                _ => return Err(no("`yes` or `no`")),
            },
            Type::Duration => unit::read_duration(text)
                .map(Value::Duration)
                .map_err(|_| no("a duration such as 30s or 5m"))?,
            Type::Size => unit::read_size(text)
                .map(Value::Size)
                .map_err(|_| no("a size such as 10GB"))?,
            Type::Percent => unit::read_percent(text)
                .map(Value::Percent)
                .map_err(|_| no("a percentage such as 80%"))?,
            Type::Ratio => unit::read_ratio(text)
                .map(|(one, two)| Value::Ratio(one, two))
                .map_err(|_| no("a ratio such as 3:2"))?,
            Type::Version => unit::read_version(text)
                .map(Value::Version)
                .map_err(|_| no("a version such as 6.0.7"))?,
            Type::Node => find_node(text)
                .map(Value::Node)
                .ok_or_else(|| no("a node of the inventory"))?,
            Type::Nodes => {
                let set = NodeSet::expand(text).map_err(|_| no("a set of nodes such as node[1-3]"))?;
                let mut known = NodeSet::default();
                for name in set.iter() {
                    known.insert(
                        find_node(name.as_str()).ok_or_else(|| no("a set of nodes of the inventory"))?,
                    );
                }
                Value::Nodes(known)
            }
            Type::Command => Value::Command(Arc::new(CommandText {
                pieces: vec![Piece::Text(text.to_owned())],
            })),
            Type::Choice(words) => {
                if !words.iter().any(|word| word == text) {
                    return Err(no(&format!("one of {}", words.join(", "))));
                }
                Value::text(text)
            }
            Type::List(inner) => {
                let inside = text
                    .trim()
                    .strip_prefix('[')
                    .and_then(|rest| rest.strip_suffix(']'));
                let words: Result<Vec<Value>, ValueError> = inside
                    .unwrap_or(text)
                    .split(|letter: char| letter == ',' || letter.is_whitespace())
                    .filter(|word| !word.is_empty())
                    .map(|word| Value::read(word, inner, find_node))
                    .collect();
                Value::list(words?)
            }
            Type::Table(_) | Type::Row(_) | Type::Truth => return Err(no(&format!("a {wanted}"))),
        })
    }
}

impl fmt::Display for Value {
    /// As the language writes it, without quotes: what `$x` in a text becomes.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unknown(why) => write!(out, "unknown ({why})"),
            Value::Text(text) | Value::Path(text) | Value::Service(text) => write!(out, "{text}"),
            Value::Int(number) => write!(out, "{number}"),
            Value::AtLeast(number, _) => write!(out, "at least {number}"),
            Value::Bool(yes) => write!(out, "{}", if *yes { "yes" } else { "no" }),
            Value::Duration(length) => write!(out, "{}", unit::write_duration(*length)),
            Value::Size(bytes) => write!(out, "{}", unit::write_size(*bytes)),
            Value::Percent(hundredths) if hundredths % 100 == 0 => write!(out, "{}%", hundredths / 100),
            Value::Percent(hundredths) => write!(out, "{}%", *hundredths as f64 / 100.0),
            Value::Ratio(one, two) => write!(out, "{one}:{two}"),
            Value::Version(version) => write!(out, "{version}"),
            Value::Node(node) => write!(out, "{node}"),
            Value::Nodes(nodes) => write!(out, "{nodes}"),
            Value::Command(command) => {
                for piece in &command.pieces {
                    match piece {
                        Piece::Text(text) => write!(out, "{text}")?,
                        Piece::Variable(path) => write!(out, "${{{}}}", path.join("."))?,
                    }
                }
                Ok(())
            }
            Value::Secret(secret) => write!(out, "{secret}"),
            Value::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    write!(out, "{}{value}", if index == 0 { "" } else { " " })?;
                }
                Ok(())
            }
            Value::Table(table) => write_table(out, table),
            Value::Row(row) => write_row(out, row),
            Value::Regex(text) => write!(out, "/{text}/"),
            Value::Truth(Truth::Yes) => write!(out, "yes"),
            Value::Truth(Truth::No) => write!(out, "no"),
            Value::Truth(Truth::Unknown(why)) => write!(out, "unknown ({why})"),
        }
    }
}

fn write_row(out: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    for (index, (column, cell)) in row.columns.iter().zip(&row.cells).enumerate() {
        write!(
            out,
            "{}{} {cell}",
            if index == 0 { "" } else { ", " },
            column.name
        )?;
    }
    Ok(())
}

/// A header in capitals and a line a row, the columns aligned.
fn write_table(out: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
    let header = table
        .columns
        .iter()
        .map(|column| column.name.to_uppercase())
        .collect();
    let mut lines: Vec<Vec<String>> = vec![header];
    for row in &table.rows {
        lines.push(row.cells.iter().map(cell).collect());
    }
    let width = |index: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(index))
            .map(|text| text.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:<width$}"))
            .collect();
        write!(out, "{}", padded.join("  ").trim_end())?;
    }
    if table.or_more.is_some() {
        write!(out, "\n(and perhaps more: some rows could not be read)")?;
    }
    Ok(())
}

/// A cell on one line; why it is unknown stands where it is asked for.
fn cell(value: &Value) -> String {
    match value {
        Value::Unknown(_) => "?".to_owned(),
        other => other.to_string().replace('\n', " "),
    }
}
