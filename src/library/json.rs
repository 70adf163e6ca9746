use std::sync::Arc;

use super::columns::tell_apart;
use super::error::show_lines;
use super::{Apply, Filter, FilterArguments, FilterError, refuse, refuse_type};
use crate::value::{Column, Row, Table, Type, Value};

/// The jq program with which an expanded script reads JSON.
pub const JSON_PROGRAM: &str = include_str!("awk/json.jq");

/// What the filters of this file do in an expanded script.
const AWK: &str = include_str!("awk/json.awk");

pub(super) static JSON: Filter = Filter {
    name: "json",
    says: "Reads JSON: an object is a row, a list of objects is a table.",
    parameters: &[],
    gives: |given, _| match given {
        Type::String => Ok(Type::Any),
        other => refuse_type("text", other),
    },
    examples: &[
        (r#""{\"Health\": \"up\"}" | json | get health"#, "up"),
        (r#""[{\"id\": 2}, {\"id\": 3}]" | json | get id | sum"#, "5"),
        (r#""[1, 2]" | json | max"#, "2"),
    ],
    apply: Apply::Pure(read_json),
    shell: AWK,
};

fn read_json(value: Value, _: &FilterArguments) -> Result<Value, FilterError> {
    let Value::Text(text) = value else {
        return refuse("json", "text", value);
    };
    // The reader itself refuses what is nested too deep.
    let read: serde_json::Value = serde_json::from_str(&text).map_err(|error| FilterError::NotJson {
        why: error.to_string(),
        shown: show_lines(&text),
    })?;
    Ok(convert_json(read))
}

fn convert_json(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::unknown("it is null"),
        serde_json::Value::Bool(yes) => Value::Bool(yes),
        // There are no fractions in the language; a declared column may still take the text.
        serde_json::Value::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::text(number.to_string()), Value::Int),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(values) => convert_array(values),
        serde_json::Value::Object(fields) => {
            let names = tell_apart(fields.keys().map(|name| name.to_lowercase()));
            let cells: Vec<Value> = fields.into_iter().map(|(_, value)| convert_json(value)).collect();
            let columns = names.into_iter().zip(&cells);
            Value::Row(Arc::new(Row {
                columns: Arc::new(
                    columns
                        .map(|(name, cell)| Column::new(name, cell.kind()))
                        .collect(),
                ),
                cells,
            }))
        }
    }
}

/// A list; of objects alone, a table with the columns of all of them.
fn convert_array(values: Vec<serde_json::Value>) -> Value {
    let are_objects = !values.is_empty() && values.iter().all(serde_json::Value::is_object);
    let values: Vec<Value> = values.into_iter().map(convert_json).collect();
    if !are_objects {
        return Value::list(values);
    }
    let mut columns: Vec<Column> = Vec::new();
    for value in &values {
        let Value::Row(row) = value else { continue };
        for column in row.columns.iter() {
            match columns.iter_mut().find(|known| known.name == column.name) {
                None => columns.push(column.clone()),
                Some(known) if known.kind != column.kind => known.kind = Type::Any,
                Some(_) => {}
            }
        }
    }
    let columns = Arc::new(columns);
    let spread = |value: &Value| {
        let Value::Row(row) = value else { return None };
        let cells = columns.iter().map(|column| match row.get(&column.name) {
            Some(cell) => cell.clone(),
            None => Value::unknown(format!("there is no `{}` in this one", column.name)),
        });
        Some(Row {
            columns: columns.clone(),
            cells: cells.collect(),
        })
    };
    Value::Table(Arc::new(Table {
        rows: values.iter().filter_map(spread).collect(),
        columns,
        or_more: None,
    }))
}
