use super::inventory::write_names;
use crate::library::write_extended;
use crate::value::{Column, Row, Table, Truth, Type, Value};

/// Parts the items of a list, the rows of a table, and a header from what is under it.
const ITEM: &str = "\u{1e}";

/// Parts the columns of a header and the cells of a row.
const CELL: &str = "\u{1f}";

/// A value as the awk library holds it: one string whose first character says what it is.
///
/// A secret has no such form, and a regular expression need not have one; such a value is an
/// error that says so.
pub fn encode_value(value: &Value) -> String {
    match value {
        Value::Unknown(why) | Value::Truth(Truth::Unknown(why)) => format!("?{why}"),
        Value::Text(text) => format!("t{text}"),
        Value::Int(number) => format!("i{number}"),
        Value::AtLeast(number, why) => format!("a{number} {why}"),
        Value::Bool(true) | Value::Truth(Truth::Yes) => "byes".to_owned(),
        Value::Bool(false) | Value::Truth(Truth::No) => "bno".to_owned(),
        Value::Duration(length) => format!("d{}", length.as_millis()),
        Value::Size(bytes) => format!("s{bytes}"),
        Value::Percent(hundredths) => format!("%{hundredths}"),
        Value::Ratio(..) => format!("r{value}"),
        Value::Version(version) => format!("v{version}"),
        Value::Path(path) => format!("p{path}"),
        Value::Node(node) => format!("n{node}"),
        Value::Nodes(nodes) => format!("N{}", write_names(nodes)),
        Value::Service(name) => format!("S{name}"),
        Value::Command(_) => format!("c{value}"),
        Value::Secret(_) => "!fa secret cannot stand in an expanded script".to_owned(),
        Value::List(values) => {
            let items = values
                .iter()
                .map(|value| format!("{ITEM}{}", hide_marks(&encode_value(value))));
            format!("L{}", items.collect::<String>())
        }
        Value::Table(table) => encode_table(table),
        Value::Row(row) => format!("R{}{ITEM}{}", encode_columns(&row.columns), encode_cells(row)),
        Value::Regex(pattern) => encode_pattern(pattern),
    }
}

/// The pattern as awk reads it, then as it is written where that is another.
fn encode_pattern(pattern: &str) -> String {
    match write_extended(pattern) {
        Ok(extended) if extended == pattern => format!("x{extended}"),
        Ok(extended) => format!("x{extended}{ITEM}{pattern}"),
        Err(why) => format!("!f/{pattern}/ cannot stand in an expanded script: {why}"),
    }
}

fn encode_table(table: &Table) -> String {
    let why = table.or_more.as_ref().map(|why| hide_marks(&format!("?{why}")));
    let rows = table
        .rows
        .iter()
        .map(|row| format!("{ITEM}{}", encode_cells(row)));
    format!(
        "T{}{ITEM}{}{}",
        why.unwrap_or_default(),
        encode_columns(&table.columns),
        rows.collect::<String>()
    )
}

fn encode_cells(row: &Row) -> String {
    let cells = row.cells.iter().map(|cell| hide_marks(&encode_value(cell)));
    cells.collect::<Vec<String>>().join(CELL)
}

/// The header of a row or of a table.
pub fn encode_columns(columns: &[Column]) -> String {
    let columns = columns
        .iter()
        .map(|column| format!("{}:{}", hide_marks(&column.name), encode_type(&column.kind)));
    columns.collect::<Vec<String>>().join(CELL)
}

/// The code of a type; the columns of tables and rows within a table are not told.
pub fn encode_type(kind: &Type) -> String {
    let code = match kind {
        Type::String => "t",
        Type::Int => "i",
        Type::Bool => "b",
        Type::Duration => "d",
        Type::Size => "s",
        Type::Percent => "%",
        Type::Ratio => "r",
        Type::Version => "v",
        Type::Path => "p",
        Type::Node => "n",
        Type::Nodes => "N",
        Type::Service => "S",
        Type::Command => "c",
        Type::Regex => "x",
        Type::Truth => "y",
        Type::Table(_) => "T",
        Type::Row(_) => "R",
        Type::Any | Type::Secret => "*",
        Type::Choice(words) => return format!("[{}]", words.join(" ")),
        Type::List(inner) => return format!("L{}", encode_type(inner)),
    };
    code.to_owned()
}

/// Hides the characters that part cells and items.
fn hide_marks(text: &str) -> String {
    text.replace('\u{1b}', "\u{1b}e")
        .replace('\u{1e}', "\u{1b}r")
        .replace('\u{1f}', "\u{1b}u")
}

/// An encoded value as one line, for a variable of the shell.
pub fn export_value(encoded: &str) -> String {
    encoded.replace('\u{1b}', "\u{1b}e").replace('\n', "\u{1b}n")
}

/// A text as a string of an awk program, between its quotes.
pub fn awk_string(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            '\n' => written.push_str("\\n"),
            control if control.is_ascii_control() => {
                written.push_str(&format!("\\{:03o}", u32::from(control)));
            }
            plain => written.push(plain),
        }
    }
    written.push('"');
    written
}
