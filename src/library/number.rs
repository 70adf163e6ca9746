use std::cmp::Ordering;
use std::sync::Arc;

use super::list::{NO_COLUMN, items_of};
use super::table::{column_type, sole_column};
use super::{
    Apply, Filter, FilterArguments, FilterError, FilterParameter, ParameterKind, refuse, refuse_type,
};
use crate::value::{Type, Value};

/// What the filters of this file do in an expanded script.
const AWK: &str = include_str!("awk/number.awk");

pub(super) static COUNT: Filter = Filter {
    name: "count",
    says: "Gives how many rows, values or nodes there are.",
    parameters: &[],
    gives: |given, _| match given {
        Type::Table(_) | Type::List(_) | Type::Nodes => Ok(Type::Int),
        other => refuse_type("a table, a list or nodes", other),
    },
    examples: &[("[4 5] | count", "2")],
    apply: Apply::Pure(|value, _| {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        match value {
            Value::Table(table) => Ok(match &table.or_more {
                Some(why) => Value::AtLeast(number(table.rows.len()), why.clone()),
                None => Value::Int(number(table.rows.len())),
            }),
            Value::List(values) => Ok(Value::Int(number(values.len()))),
            Value::Nodes(nodes) => Ok(Value::Int(number(nodes.len()))),
            other => refuse("count", "a table, a list or nodes", other),
        }
    }),
    shell: AWK,
};

/// The column to reckon with, for a table.
const COLUMN: &[FilterParameter] = &[FilterParameter {
    name: "column",
    kind: ParameterKind::Column,
    required: false,
    positional: true,
}];

pub(super) static SUM: Filter = Filter {
    name: "sum",
    says: "Adds up numbers, durations, sizes or percentages; of none, it is 0.",
    parameters: COLUMN,
    gives: |given, arguments| match item_type(given, arguments)? {
        kind @ (Type::Int | Type::Duration | Type::Size | Type::Percent | Type::Any) => Ok(kind),
        other => Err(format!(
            "takes numbers, durations, sizes or percentages, not {other}"
        )),
    },
    examples: &[
        ("[1 2 3] | sum", "6"),
        ("[1GB 512MB] | sum", "1.5GB"),
        (r#""" | lines | sum"#, "0"),
    ],
    apply: Apply::Pure(add_up),
    shell: AWK,
};

fn add_up(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    let items = match items_of("sum", value, arguments)? {
        Ok(items) => items,
        Err(unknown) => return Ok(unknown),
    };
    let mut values = items.iter();
    let Some(first) = values.next() else {
        return Ok(Value::Int(0));
    };
    // One value alone must be a number, too.
    let mut sum = add(zero_like(first).as_ref().unwrap_or(first), first)?;
    for value in values {
        sum = add(&sum, value)?;
    }
    Ok(sum)
}

fn zero_like(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Int(_) => Value::Int(0),
        Value::Duration(_) => Value::Duration(std::time::Duration::ZERO),
        Value::Size(_) => Value::Size(0),
        Value::Percent(_) => Value::Percent(0),
        _ => return None,
    })
}

fn add(one: &Value, two: &Value) -> Result<Value, FilterError> {
    let sum = match (one, two) {
        (Value::Int(one), Value::Int(two)) => one.checked_add(*two).map(Value::Int),
        (Value::Duration(one), Value::Duration(two)) => one.checked_add(*two).map(Value::Duration),
        (Value::Size(one), Value::Size(two)) => one.checked_add(*two).map(Value::Size),
        (Value::Percent(one), Value::Percent(two)) => one.checked_add(*two).map(Value::Percent),
        _ => {
            return Err(FilterError::TakesOther {
                filter: "sum",
                takes: "numbers, durations, sizes or percentages of one kind",
                found: two.kind().to_string(),
            });
        }
    };
    sum.ok_or(FilterError::TooGreat)
}

pub(super) static MIN: Filter = Filter {
    name: "min",
    says: "Gives the least of the values.",
    parameters: COLUMN,
    gives: item_type,
    examples: &[("[3 1 2] | min", "1"), ("[1h 20m] | min", "20m")],
    apply: Apply::Pure(|value, arguments| choose("min", Ordering::Less, value, arguments)),
    shell: AWK,
};

pub(super) static MAX: Filter = Filter {
    name: "max",
    says: "Gives the greatest of the values.",
    parameters: COLUMN,
    gives: item_type,
    examples: &[("[3 1 2] | max", "3"), ("[6.0.7 6.0.10] | max", "6.0.10")],
    apply: Apply::Pure(|value, arguments| choose("max", Ordering::Greater, value, arguments)),
    shell: AWK,
};

fn choose(
    filter: &'static str,
    wanted: Ordering,
    value: Value,
    arguments: &FilterArguments,
) -> Result<Value, FilterError> {
    let items = match items_of(filter, value, arguments)? {
        Ok(items) => items,
        Err(unknown) => return Ok(unknown),
    };
    let mut values = items.iter();
    let mut best = values.next().ok_or(FilterError::Empty { filter })?;
    for value in values {
        let order = compare_values(value, best).ok_or_else(|| FilterError::TakesOther {
            filter,
            takes: "values of one kind that have an order",
            found: format!("{} beside {}", value.kind(), best.kind()),
        })?;
        if order == wanted {
            best = value;
        }
    }
    Ok(best.clone())
}

/// The type of the items of a list, or of a column of a table.
pub(super) fn item_type(given: &Type, arguments: &FilterArguments) -> Result<Type, String> {
    match given {
        Type::List(inner) => Ok((**inner).clone()),
        Type::Table(columns) => match arguments.text(0) {
            Some(name) => column_type(columns, name),
            None if arguments.positional.is_empty() => match sole_column(columns) {
                Some(column) => Ok(column.kind.clone()),
                None => Err(NO_COLUMN.to_owned()),
            },
            None => Ok(Type::Any),
        },
        other => refuse_type("a list, or a table and a column of it", other),
    }
}

/// The order of two values of one kind, `None` when there is none: of two kinds, of
/// unmeasured values, or of values that have no order.
pub fn compare_values(one: &Value, two: &Value) -> Option<Ordering> {
    Some(match (one, two) {
        (Value::Text(one) | Value::Path(one) | Value::Service(one), two) => match two {
            Value::Text(two) | Value::Path(two) | Value::Service(two) => compare_texts(one, two),
            _ => return None,
        },
        (Value::Int(one), Value::Int(two)) => one.cmp(two),
        (Value::Bool(one), Value::Bool(two)) => one.cmp(two),
        (Value::Duration(one), Value::Duration(two)) => one.cmp(two),
        (Value::Size(one), Value::Size(two)) => one.cmp(two),
        (Value::Percent(one), Value::Percent(two)) => one.cmp(two),
        (Value::Ratio(one, two), Value::Ratio(other_one, other_two)) => {
            (one, two).cmp(&(other_one, other_two))
        }
        (Value::Version(one), Value::Version(two)) => one.cmp(two),
        (Value::Node(one), Value::Node(two)) => one.cmp(two),
        _ => return None,
    })
}

fn compare_texts(one: &Arc<str>, two: &Arc<str>) -> Ordering {
    one.as_ref().cmp(two.as_ref())
}
