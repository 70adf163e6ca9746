use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::error::{MOST_SHOWN, show_line};
use super::number::{compare_values, item_type};
use super::table::{column_cells, column_place, column_type, is_bare, sole_column, unknown_of};
use super::{
    Apply, Filter, FilterArguments, FilterError, FilterParameter, ParameterKind, refuse, refuse_type,
};
use crate::inventory::NodeSet;
use crate::value::{Row, Table, Type, Value};

/// What a filter of one column says to a table of several.
pub(super) const NO_COLUMN: &str = "needs to know of which column of the table: write its name after it";

const TABLE_OR_LIST: &str = "a table or a list";

/// The same type for a table or a list.
fn keep_type(given: &Type, _: &FilterArguments) -> Result<Type, String> {
    match given {
        Type::Table(_) | Type::List(_) => Ok(given.clone()),
        other => refuse_type(TABLE_OR_LIST, other),
    }
}

/// A row of a table, or an item of a list.
fn one_type(given: &Type, _: &FilterArguments) -> Result<Type, String> {
    match given {
        Type::Table(columns) => Ok(Type::Row(columns.clone())),
        Type::List(inner) => Ok((**inner).clone()),
        other => refuse_type(TABLE_OR_LIST, other),
    }
}

/// What the filters of this file do in an expanded script.
const AWK: &str = include_str!("awk/list.awk");

pub(super) static SORT: Filter = Filter {
    name: "sort",
    says: "Puts rows in order, by one column after the other; `down` puts the greatest first.",
    parameters: &[FilterParameter {
        name: "by",
        kind: ParameterKind::SortKeys,
        required: false,
        positional: false,
    }],
    gives: |given, arguments| match given {
        Type::Table(_) if arguments.keys.is_empty() => {
            Err("needs to know by which column: write `sort by` and its name".to_owned())
        }
        Type::Table(columns) => {
            for (name, _) in &arguments.keys {
                column_type(columns, name)?;
            }
            Ok(given.clone())
        }
        Type::List(_) if !arguments.keys.is_empty() => {
            Err("sorts a list by its values; drop the `by`".to_owned())
        }
        other => keep_type(other, arguments),
    },
    examples: &[
        ("[3 1 2] | sort", "1 2 3"),
        (
            r#""A B\nx 1\ny 2\nx 3" | columns | sort by a, b down | get b"#,
            "3 1 2",
        ),
    ],
    apply: Apply::Pure(sort),
    shell: AWK,
};

fn sort(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    match value {
        Value::List(values) => {
            let keyed = values.iter().map(|value| (vec![value.clone()], value.clone()));
            let sorted = sort_by_keys(keyed.collect(), &[false])?;
            Ok(sorted.map_or_else(|unknown| unknown, Value::list))
        }
        Value::Table(table) if is_bare(&table) => Ok(Value::Table(table)),
        Value::Table(table) => {
            let mut places = Vec::new();
            for (name, _) in &arguments.keys {
                places.push(column_place("sort", &table.columns, name)?);
            }
            if places.is_empty() {
                return Err(FilterError::BadArgument {
                    filter: "sort",
                    why: "needs to know by which column: write `sort by` and its name".to_owned(),
                });
            }
            let downs: Vec<bool> = arguments.keys.iter().map(|(_, down)| *down).collect();
            let keyed = table.rows.iter().map(|row| {
                let keys = places.iter().filter_map(|place| row.cells.get(*place).cloned());
                (keys.collect(), row.clone())
            });
            let sorted = sort_by_keys(keyed.collect(), &downs)?;
            Ok(sorted.map_or_else(
                |unknown| unknown,
                |rows| with_rows(&table, rows, table.or_more.clone()),
            ))
        }
        other => refuse("sort", TABLE_OR_LIST, other),
    }
}

/// Sorts items by their keys; with a key that could not be measured no order is sure, and
/// then it gives that unknown one.
fn sort_by_keys<T>(
    mut keyed: Vec<(Vec<Value>, T)>,
    downs: &[bool],
) -> Result<Result<Vec<T>, Value>, FilterError> {
    if let Some(unknown) = keyed
        .iter()
        .flat_map(|(keys, _)| keys)
        .find(|key| key.is_unknown())
    {
        return Ok(Err(unknown.clone()));
    }
    let mut without_order = None;
    keyed.sort_by(|(one, _), (two, _)| {
        for ((one, two), down) in one.iter().zip(two).zip(downs) {
            match compare_values(one, two) {
                Some(Ordering::Equal) => {}
                Some(order) => return if *down { order.reverse() } else { order },
                None => without_order = Some(format!("{} beside {}", one.kind(), two.kind())),
            }
        }
        Ordering::Equal
    });
    match without_order {
        Some(found) => Err(FilterError::TakesOther {
            filter: "sort",
            takes: "values of one kind that have an order",
            found,
        }),
        None => Ok(Ok(keyed.into_iter().map(|(_, item)| item).collect())),
    }
}

fn with_rows(table: &Table, rows: Vec<Row>, or_more: Option<Arc<str>>) -> Value {
    Value::Table(Arc::new(Table {
        columns: table.columns.clone(),
        rows,
        or_more,
    }))
}

pub(super) static FIRST: Filter = Filter {
    name: "first",
    says: "Gives the first row or value.",
    parameters: &[],
    gives: one_type,
    examples: &[("[3 1 2] | first", "3")],
    apply: Apply::Pure(|value, _| pick("first", value, |values| values.first(), |rows| rows.first())),
    shell: AWK,
};

pub(super) static LAST: Filter = Filter {
    name: "last",
    says: "Gives the last row or value.",
    parameters: &[],
    gives: one_type,
    examples: &[("[3 1 2] | last", "2")],
    apply: Apply::Pure(|value, _| pick("last", value, |values| values.last(), |rows| rows.last())),
    shell: AWK,
};

fn pick(
    filter: &'static str,
    value: Value,
    of_values: fn(&[Value]) -> Option<&Value>,
    of_rows: fn(&[Row]) -> Option<&Row>,
) -> Result<Value, FilterError> {
    match value {
        Value::Table(table) => match &table.or_more {
            Some(why) => Ok(Value::Unknown(why.clone())),
            None => of_rows(&table.rows)
                .map(|row| Value::Row(Arc::new(row.clone())))
                .ok_or(FilterError::Empty { filter }),
        },
        Value::List(values) => of_values(&values).cloned().ok_or(FilterError::Empty { filter }),
        other => refuse(filter, TABLE_OR_LIST, other),
    }
}

pub(super) static ONLY: Filter = Filter {
    name: "only",
    says: "Gives the one row or value, and fails unless there is exactly one.",
    parameters: &[],
    gives: one_type,
    examples: &[(r#""ID\n7" | columns | only"#, "id 7"), ("[7] | only", "7")],
    apply: Apply::Pure(|value, _| match value {
        Value::Table(table) => match (&table.or_more, table.rows.as_slice()) {
            (Some(why), _) => Ok(Value::Unknown(why.clone())),
            (None, [row]) => Ok(Value::Row(Arc::new(row.clone()))),
            (None, rows) => {
                let rows = rows.iter().take(MOST_SHOWN + 1);
                let shown = rows.map(|row| Value::Row(Arc::new(row.clone())).to_string());
                Err(not_one(table.rows.len(), shown.collect()))
            }
        },
        Value::List(values) => match values.as_slice() {
            [value] => Ok(value.clone()),
            several => {
                let shown = several.iter().take(MOST_SHOWN + 1).map(Value::to_string);
                Err(not_one(several.len(), shown.collect()))
            }
        },
        other => refuse("only", TABLE_OR_LIST, other),
    }),
    shell: AWK,
};

fn not_one(count: usize, shown: Vec<String>) -> FilterError {
    let shown = match count {
        0 => "what comes before it gave no rows".to_owned(),
        _ => format!("they are\n{}", list_some(&shown)),
    };
    FilterError::NotOne { count, shown }
}

/// Up to five texts, one a line.
fn list_some(texts: &[String]) -> String {
    let mut lines: Vec<String> = texts
        .iter()
        .take(MOST_SHOWN)
        .map(|text| show_line(text))
        .collect();
    if texts.len() > MOST_SHOWN {
        lines.push("...".to_owned());
    }
    lines.join("\n")
}

pub(super) static SAME: Filter = Filter {
    name: "same",
    says: "Gives the one value that all have, and fails when they differ, naming who has which.",
    parameters: &[FilterParameter {
        name: "column",
        kind: ParameterKind::Column,
        required: false,
        positional: true,
    }],
    gives: item_type,
    examples: &[
        ("[7 7] | same", "7"),
        (r#""HOST V\nn1 6.0\nn2 6.0" | columns | same v"#, "6.0"),
    ],
    apply: Apply::Pure(find_common),
    shell: AWK,
};

fn find_common(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    let nodes = nodes_of_rows(&value);
    let values = match list_or_column("same", value, arguments)? {
        Ok((values, None)) => values,
        Ok((_, Some(why))) => return Ok(Value::Unknown(why)),
        Err(unknown) => return Ok(unknown),
    };
    let mut kinds: Vec<(&Value, Vec<usize>)> = Vec::new();
    for (index, value) in values.iter().enumerate().filter(|(_, value)| !value.is_unknown()) {
        match kinds.iter_mut().find(|(known, _)| *known == value) {
            Some((_, places)) => places.push(index),
            None => kinds.push((value, vec![index])),
        }
    }
    // Two known values differ, whatever else could not be measured.
    if kinds.len() > 1 {
        let who = kinds.iter().take(MOST_SHOWN).map(|(value, places)| {
            let value = show_line(&value.to_string());
            match &nodes {
                Some(nodes) => {
                    let set: NodeSet = places.iter().map(|place| nodes[*place].clone()).collect();
                    format!("`{value}` on {set}")
                }
                None => format!("`{value}` {}", times(places.len())),
            }
        });
        let who: Vec<String> = who.collect();
        return Err(FilterError::Differ { who: who.join(", ") });
    }
    if let Some(unknown) = values.iter().find(|value| value.is_unknown()) {
        return Ok(unknown.clone());
    }
    let common = kinds.first().map(|(value, _)| (*value).clone());
    common.ok_or(FilterError::Empty { filter: "same" })
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// The node of each row, when each row has one.
fn nodes_of_rows(value: &Value) -> Option<Vec<crate::inventory::NodeName>> {
    let Value::Table(table) = value else { return None };
    let node_of = |row: &Row| {
        row.cells.iter().find_map(|cell| match cell {
            Value::Node(node) => Some(node.clone()),
            _ => None,
        })
    };
    table.rows.iter().map(node_of).collect()
}

pub(super) static UNIQUE: Filter = Filter {
    name: "unique",
    says: "Drops rows and values that were there before.",
    parameters: &[],
    gives: keep_type,
    examples: &[("[1 2 1] | unique", "1 2")],
    apply: Apply::Pure(|value, _| match value {
        Value::List(values) => match values.iter().find(|value| value.is_unknown()) {
            Some(unknown) => Ok(unknown.clone()),
            None => Ok(Value::list(drop_repeated(values.iter(), |value| {
                hash_values(std::iter::once(value))
            }))),
        },
        Value::Table(table) => {
            // A row with an unknown cell may be one of the others, or one more.
            let unknown = table.rows.iter().find_map(unknown_of);
            let known = table.rows.iter().filter(|row| unknown_of(row).is_none());
            let rows = drop_repeated(known, |row| hash_values(row.cells.iter()));
            Ok(with_rows(&table, rows, table.or_more.clone().or(unknown)))
        }
        other => refuse("unique", TABLE_OR_LIST, other),
    }),
    shell: AWK,
};

/// `hash` gives equal items the same number, and most others another one.
fn drop_repeated<'a, T: PartialEq + Clone + 'a>(
    items: impl Iterator<Item = &'a T>,
    hash: impl Fn(&T) -> u64,
) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for item in items {
        let alike = places.entry(hash(item)).or_default();
        if !alike.iter().any(|place| kept[*place] == *item) {
            alike.push(kept.len());
            kept.push(item.clone());
        }
    }
    kept
}

fn hash_values<'a>(values: impl Iterator<Item = &'a Value>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for value in values {
        std::mem::discriminant(value).hash(&mut hasher);
        match value {
            Value::Text(text) | Value::Path(text) | Value::Service(text) | Value::Regex(text) => {
                text.hash(&mut hasher);
            }
            Value::Node(node) => node.hash(&mut hasher),
            Value::Int(number) | Value::Percent(number) => number.hash(&mut hasher),
            Value::Size(bytes) => bytes.hash(&mut hasher),
            Value::Duration(length) => length.hash(&mut hasher),
            // Seldom many in a list; the same number for all of a kind is right as well.
            _ => {}
        }
    }
    hasher.finish()
}

pub(super) static REVERSE: Filter = Filter {
    name: "reverse",
    says: "Puts the last first.",
    parameters: &[],
    gives: keep_type,
    examples: &[("[3 1 2] | reverse", "2 1 3")],
    apply: Apply::Pure(|value, _| match value {
        Value::List(values) => Ok(Value::list(values.iter().rev().cloned().collect())),
        Value::Table(table) => {
            let rows = table.rows.iter().rev().cloned().collect();
            Ok(with_rows(&table, rows, table.or_more.clone()))
        }
        other => refuse("reverse", TABLE_OR_LIST, other),
    }),
    shell: AWK,
};

pub(super) static JOIN: Filter = Filter {
    name: "join",
    says: "Writes the values one after another as one text, a blank or the given text between.",
    parameters: &[FilterParameter {
        name: "separator",
        kind: ParameterKind::Value(Type::String),
        required: false,
        positional: true,
    }],
    gives: |given, _| match given {
        Type::List(_) | Type::Nodes => Ok(Type::String),
        other => refuse_type("a list or nodes", other),
    },
    examples: &[("[a b] | join", "a b"), (r#"[1 2] | join ", ""#, "1, 2")],
    apply: Apply::Pure(|value, arguments| {
        if let Some(unknown) = arguments.unknown() {
            return Ok(unknown);
        }
        let separator = arguments.text(0).unwrap_or(" ");
        let texts: Vec<String> = match value {
            Value::List(values) => match values.iter().find(|value| value.is_unknown()) {
                Some(unknown) => return Ok(unknown.clone()),
                None => values.iter().map(Value::to_string).collect(),
            },
            Value::Nodes(nodes) => nodes.iter().map(ToString::to_string).collect(),
            other => return refuse("join", "a list or nodes", other),
        };
        Ok(Value::text(texts.join(separator)))
    }),
    shell: AWK,
};

/// The values of a list or of the named column of a table, and why there may be more; or,
/// inside, the unknown input itself.
#[allow(clippy::type_complexity)] // three plain outcomes, used by the two functions below and above
fn list_or_column(
    filter: &'static str,
    value: Value,
    arguments: &FilterArguments,
) -> Result<Result<(Vec<Value>, Option<Arc<str>>), Value>, FilterError> {
    if let Some(unknown) = arguments.unknown() {
        return Ok(Err(unknown));
    }
    match value {
        Value::List(values) => Ok(Ok((values.to_vec(), None))),
        Value::Table(table) => {
            let sole = sole_column(&table.columns).map(|column| column.name.as_str());
            let named = arguments.text(0).or(sole);
            if is_bare(&table) {
                return Ok(Ok((Vec::new(), None)));
            }
            let Some(name) = named else {
                return Err(FilterError::BadArgument {
                    filter,
                    why: NO_COLUMN.to_owned(),
                });
            };
            let place = column_place(filter, &table.columns, name)?;
            Ok(Ok((column_cells(&table, place), table.or_more.clone())))
        }
        other => refuse(filter, "a list, or a table and a column of it", other).map(Err),
    }
}

/// The values to reckon with, when each of them is known and there are surely no more;
/// else, inside, the unknown result.
pub(super) fn items_of(
    filter: &'static str,
    value: Value,
    arguments: &FilterArguments,
) -> Result<Result<Vec<Value>, Value>, FilterError> {
    Ok(match list_or_column(filter, value, arguments)? {
        Err(unknown) => Err(unknown),
        Ok((_, Some(why))) => Err(Value::Unknown(why)),
        Ok((values, None)) => {
            let unknown = values
                .iter()
                .find(|value| matches!(value, Value::Unknown(_) | Value::AtLeast(..)));
            match unknown {
                Some(Value::AtLeast(_, why)) => Err(Value::Unknown(why.clone())),
                Some(unknown) => Err(unknown.clone()),
                None => Ok(values),
            }
        }
    })
}
