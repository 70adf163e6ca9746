use std::sync::Arc;

use super::error::{show_line, show_lines};
use super::pattern::read_regex;
use super::{
    Apply, Filter, FilterArguments, FilterError, FilterParameter, ParameterKind, refuse, refuse_type,
};
use crate::value::{Column, Row, Table, Type, Value};

/// What the filters of this file do in an expanded script.
const AWK: &str = include_str!("awk/text.awk");

pub(super) static LINES: Filter = Filter {
    name: "lines",
    says: "Gives the lines of a text as a list.",
    parameters: &[],
    gives: |given, _| match given {
        Type::String => Ok(Type::List(Box::new(Type::String))),
        other => refuse_type("text", other),
    },
    examples: &[
        (r#""a\nb\n" | lines | join ",""#, "a,b"),
        (r#""" | lines | count"#, "0"),
    ],
    apply: Apply::Pure(|value, _| match value {
        Value::Text(text) => Ok(Value::list(text.lines().map(Value::text).collect())),
        other => refuse("lines", "text", other),
    }),
    shell: AWK,
};

pub(super) static TRIM: Filter = Filter {
    name: "trim",
    says: "Drops the blanks around each line of a text, and blank lines before and after it.",
    parameters: &[],
    gives: |given, _| match given {
        Type::String => Ok(Type::String),
        Type::List(inner) if **inner == Type::String => Ok(given.clone()),
        other => refuse_type("text or a list of texts", other),
    },
    examples: &[(r#""  avail  \n" | trim"#, "avail"), (r#""" | trim"#, "")],
    apply: Apply::Pure(|value, _| trim(value)),
    shell: AWK,
};

fn trim(value: Value) -> Result<Value, FilterError> {
    match value {
        Value::Text(text) => {
            let lines: Vec<&str> = text.trim().lines().map(str::trim).collect();
            Ok(Value::text(lines.join("\n")))
        }
        Value::List(values) => {
            let trimmed = values.iter().map(|value| trim(value.clone()));
            Ok(Value::list(trimmed.collect::<Result<_, _>>()?))
        }
        other => refuse("trim", "text or a list of texts", other),
    }
}

pub(super) static SECTION: Filter = Filter {
    name: "section",
    says: "Gives the lines from the first match to before the next blank line or the match of `until`.",
    parameters: &[
        FilterParameter {
            name: "from",
            kind: ParameterKind::Value(Type::Regex),
            required: true,
            positional: true,
        },
        FilterParameter {
            name: "until",
            kind: ParameterKind::Value(Type::Regex),
            required: false,
            positional: false,
        },
    ],
    gives: |given, _| match given {
        Type::String => Ok(Type::String),
        other => refuse_type("text", other),
    },
    examples: &[
        (
            r#""x\nID A\n1 b\n\ny" | section /^ID/ | lines | join ",""#,
            "ID A,1 b",
        ),
        (
            r#""ID A\n1 b\nOTHER\n2 c" | section /^ID/ until=/OTHER/ | lines | join ",""#,
            "ID A,1 b",
        ),
        (r#""x" | section /^ID/ or none"#, ""),
    ],
    apply: Apply::Pure(take_section),
    shell: AWK,
};

fn take_section(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    let Value::Text(text) = value else {
        return refuse("section", "text", value);
    };
    if let Some(unknown) = arguments.unknown() {
        return Ok(unknown);
    }
    let compile = |pattern: &str| {
        read_regex(pattern).map_err(|why| FilterError::BadArgument {
            filter: "section",
            why: format!("cannot read /{pattern}/: {why}"),
        })
    };
    let pattern = arguments.text(0).unwrap_or_default();
    let from = compile(pattern)?;
    let until = arguments.named_text("until").map(compile).transpose()?;
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        match start {
            None if from.is_match(bare) => start = Some(at),
            None => {}
            Some(_) if bare.trim().is_empty() || until.as_ref().is_some_and(|it| it.is_match(bare)) => {
                break;
            }
            Some(_) => {}
        }
        at += line.len();
    }
    match start {
        Some(start) => Ok(Value::text(&text[start..at])),
        None if arguments.or_none => Ok(Value::text("")),
        None => Err(FilterError::NothingFound {
            filter: "section",
            what: format!("no line that matches /{pattern}/"),
            shown: show_lines(&text),
        }),
    }
}

pub(super) static PAIRS: Filter = Filter {
    name: "pairs",
    says: "Cuts each line at the first separator into a table of `key` and `value`.",
    parameters: &[FilterParameter {
        name: "separator",
        kind: ParameterKind::Value(Type::String),
        required: true,
        positional: true,
    }],
    gives: |given, _| match given {
        Type::String => Ok(Type::Table(pair_columns())),
        other => refuse_type("text", other),
    },
    examples: &[(
        r#""State: up\nAddress: 10.0.0.1:22" | pairs ":" | get value | join ",""#,
        "up,10.0.0.1:22",
    )],
    apply: Apply::Pure(cut_pairs),
    shell: AWK,
};

fn pair_columns() -> Vec<Column> {
    vec![
        Column::new("key", Type::String),
        Column::new("value", Type::String),
    ]
}

fn cut_pairs(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    let Value::Text(text) = value else {
        return refuse("pairs", "text", value);
    };
    if let Some(unknown) = arguments.unknown() {
        return Ok(unknown);
    }
    let separator = arguments.text(0).unwrap_or_default();
    if separator.is_empty() {
        return Err(FilterError::BadArgument {
            filter: "pairs",
            why: "needs a separator, such as pairs \":\"".to_owned(),
        });
    }
    let columns = Arc::new(pair_columns());
    let rows: Vec<Row> = text
        .lines()
        .filter_map(|line| line.split_once(separator))
        .map(|(key, value)| Row {
            columns: columns.clone(),
            cells: vec![Value::text(key.trim()), Value::text(value.trim())],
        })
        .collect();
    if rows.is_empty() && !arguments.or_none {
        return Err(FilterError::NothingFound {
            filter: "pairs",
            what: format!("no line with `{}`", show_line(separator)),
            shown: show_lines(&text),
        });
    }
    Ok(Value::Table(Arc::new(Table {
        columns,
        rows,
        or_more: None,
    })))
}
