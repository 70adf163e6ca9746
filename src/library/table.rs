use std::sync::Arc;

use super::{
    Apply, Filter, FilterArguments, FilterError, FilterParameter, ParameterKind, refuse, refuse_type,
};
use crate::diagnostic::nearest;
use crate::value::{Column, Row, Table, Type, Value};

/// What the filters of this file do in an expanded script.
const AWK: &str = include_str!("awk/table.awk");

pub(super) static WHERE: Filter = Filter {
    name: "where",
    says: "Keeps the rows that surely meet a condition; rows that cannot be told make the table `or more`.",
    parameters: &[FilterParameter {
        name: "condition",
        kind: ParameterKind::Condition,
        required: true,
        positional: true,
    }],
    gives: |given, _| match given {
        Type::Table(_) | Type::List(_) | Type::Nodes => Ok(given.clone()),
        other => refuse_type("a table, a list or nodes", other),
    },
    examples: &[(
        r#""ID HOST\n1 n1\n2 n2" | columns | where id is "2" | get host"#,
        "n2",
    )],
    apply: Apply::ByEvaluator,
    shell: "",
};

pub(super) static EACH: Filter = Filter {
    name: "each",
    says: "Writes a text anew for each value, which is `$it` in it.",
    parameters: &[FilterParameter {
        name: "text",
        kind: ParameterKind::Each,
        required: true,
        positional: true,
    }],
    // What it writes may be anything, even rows, and is known to the checker alone.
    gives: |given, _| match given {
        Type::Table(_) | Type::List(_) | Type::Nodes => Ok(Type::Any),
        other => refuse_type("a table, a list or nodes", other),
    },
    examples: &[(r#"["a" "b"] | each "$it:80" | join ",""#, "a:80,b:80")],
    apply: Apply::ByEvaluator,
    shell: "",
};

pub(super) static GET: Filter = Filter {
    name: "get",
    says: "Gives the cells of one column as a list, or the one cell of a row.",
    parameters: &[FilterParameter {
        name: "column",
        kind: ParameterKind::Column,
        required: true,
        positional: true,
    }],
    gives: |given, arguments| match given {
        Type::Table(columns) => match arguments.text(0) {
            Some(name) => Ok(Type::List(Box::new(column_type(columns, name)?))),
            None => Ok(Type::List(Box::new(Type::Any))),
        },
        Type::Row(columns) => match arguments.text(0) {
            Some(name) => column_type(columns, name),
            None => Ok(Type::Any),
        },
        other => refuse_type("a table or a row", other),
    },
    examples: &[
        (r#""ID HOST\n1 n1\n2 n2" | columns | get host"#, "n1 n2"),
        (r#""ID HOST\n1 n1" | columns | only | get host"#, "n1"),
    ],
    apply: Apply::Pure(get_column),
    shell: AWK,
};

fn get_column(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    if let Some(unknown) = arguments.unknown() {
        return Ok(unknown);
    }
    let name = arguments.text(0).unwrap_or_default();
    match value {
        Value::Table(table) if is_bare(&table) => Ok(Value::list(Vec::new())),
        Value::Table(table) => {
            let place = column_place("get", &table.columns, name)?;
            if let Some(why) = &table.or_more {
                return Ok(Value::Unknown(why.clone()));
            }
            Ok(Value::list(column_cells(&table, place)))
        }
        Value::Row(row) => {
            let place = column_place("get", &row.columns, name)?;
            Ok(cell_at(&row, place))
        }
        other => refuse("get", "a table or a row", other),
    }
}

pub(super) static KNOWN: Filter = Filter {
    name: "known",
    says: "Drops the rows in which anything could not be measured.",
    parameters: &[],
    gives: |given, _| match given {
        Type::Table(_) | Type::List(_) => Ok(given.clone()),
        other => refuse_type("a table or a list", other),
    },
    examples: &[(r#""A B C\n1 2 3\n1" | columns | known | count"#, "1")],
    apply: Apply::Pure(|value, _| match value {
        Value::Table(table) => {
            let is_known = |row: &&Row| unknown_of(row).is_none();
            Ok(Value::Table(Arc::new(Table {
                columns: table.columns.clone(),
                rows: table.rows.iter().filter(is_known).cloned().collect(),
                or_more: None,
            })))
        }
        Value::List(values) => {
            let known = values.iter().filter(|value| !value.is_unknown());
            Ok(Value::list(known.cloned().collect()))
        }
        other => refuse("known", "a table or a list", other),
    }),
    shell: AWK,
};

/// Whether it has no rows and no columns, as `columns or none` gives it for an empty text;
/// then no column can be missing.
pub(super) fn is_bare(table: &Table) -> bool {
    table.columns.is_empty() && table.rows.is_empty() && table.or_more.is_none()
}

/// The first cell of a row that could not be measured, and why.
pub(super) fn unknown_of(row: &Row) -> Option<Arc<str>> {
    row.cells.iter().find_map(|cell| match cell {
        Value::Unknown(why) => Some(why.clone()),
        _ => None,
    })
}

/// The cells of the column at `place`.
pub(super) fn column_cells(table: &Table, place: usize) -> Vec<Value> {
    table.rows.iter().map(|row| cell_at(row, place)).collect()
}

fn cell_at(row: &Row, place: usize) -> Value {
    row.cells
        .get(place)
        .cloned()
        .unwrap_or_else(|| Value::unknown("the row has no such cell"))
}

/// Where the column called `name` stands.
pub(super) fn column_place(
    filter: &'static str,
    columns: &[Column],
    name: &str,
) -> Result<usize, FilterError> {
    columns
        .iter()
        .position(|column| column.name == name)
        .ok_or_else(|| FilterError::NoColumn {
            filter,
            column: name.to_owned(),
            help: suggest_column(columns, name),
        })
}

/// The one column that is not the node's, when there is just one: what each node gave.
pub(super) fn sole_column(columns: &[Column]) -> Option<&Column> {
    let mut others = columns
        .iter()
        .filter(|column| column.kind != Type::Node && column.name != "node");
    let first = others.next()?;
    others.next().is_none().then_some(first)
}

/// The type of the column called `name`.
pub(super) fn column_type(columns: &[Column], name: &str) -> Result<Type, String> {
    match columns.iter().find(|column| column.name == name) {
        Some(column) => Ok(column.kind.clone()),
        None => Err(format!(
            "finds no column `{name}`; {}",
            suggest_column(columns, name)
        )),
    }
}

fn suggest_column(columns: &[Column], name: &str) -> String {
    let names = columns.iter().map(|column| column.name.as_str());
    match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    }
}
