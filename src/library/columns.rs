use std::sync::Arc;

use super::error::{show_line, show_lines};
use super::{
    Apply, Filter, FilterArguments, FilterError, FilterParameter, ParameterKind, refuse, refuse_type,
};
use crate::value::{Column, Row, Table, Type, Value};

const NAME: &str = "columns";

/// What the filters of this file do in an expanded script.
const AWK: &str = include_str!("awk/columns.awk");

pub(super) static COLUMNS: Filter = Filter {
    name: NAME,
    says: "Reads a table under a line of headers, each cell by its header's word in lower case.",
    parameters: &[parameter("mark"), parameter("as"), parameter("wide")],
    // Which columns there are shows when it runs; a fact declares those it wants.
    gives: |given, arguments| match given {
        Type::String if arguments.named("mark").is_some() != arguments.named("as").is_some() => {
            Err(MARK_ALONE.to_owned())
        }
        Type::String => Ok(Type::Any),
        other => refuse_type("text", other),
    },
    examples: &[
        (
            r#""ID HOST\n 1 n1\n 2 n2" | columns | get host | join ",""#,
            "n1,n2",
        ),
        (
            r#""ID HOST\nM 1 n1\nM2 n2\n3 n3" | columns mark=M as=master | get master"#,
            "yes yes no",
        ),
        (r#""ID UP HOST\n1 2d 3h n1" | columns wide=UP | get up"#, "2d 3h"),
        (r#""" | columns or none | count"#, "0"),
    ],
    apply: Apply::Pure(read_columns),
    shell: AWK,
};

const MARK_ALONE: &str = "needs both: the mark and the column it becomes, as in mark=M as=master";

const fn parameter(name: &'static str) -> FilterParameter {
    FilterParameter {
        name,
        kind: ParameterKind::Value(Type::String),
        required: false,
        positional: false,
    }
}

/// How the rows of one table are read.
struct Layout<'a> {
    /// How many headers there are.
    width: usize,
    /// What stands before the first cell of some rows, as a column of its own.
    mark: Option<&'a str>,
    /// The place of the one column whose cells have several words.
    wide: Option<usize>,
}

fn read_columns(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    let Value::Text(text) = value else {
        return refuse(NAME, "text", value);
    };
    if let Some(unknown) = arguments.unknown() {
        return Ok(unknown);
    }
    let (mark, mark_name) = (arguments.named_text("mark"), arguments.named_text("as"));
    if mark.is_some() != mark_name.is_some() {
        return Err(FilterError::BadArgument {
            filter: NAME,
            why: MARK_ALONE.to_owned(),
        });
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let headers = lines.next().unwrap_or_default().split_whitespace();
    let mut names = tell_apart(headers.map(str::to_lowercase));
    let layout = Layout {
        width: names.len(),
        mark,
        wide: find_wide(&names, arguments.named_text("wide"))?,
    };
    let mut columns: Vec<Column> = Vec::with_capacity(names.len() + 1);
    columns.extend(names.drain(..).map(|name| Column::new(name, Type::String)));
    if let Some(name) = mark_name {
        columns.push(Column::new(name.to_lowercase(), Type::Bool));
    }
    let columns = Arc::new(columns);
    let rows: Vec<Row> = lines
        .map(|line| Row {
            columns: columns.clone(),
            cells: layout.read_row(line),
        })
        .collect();
    if rows.is_empty() && !arguments.or_none {
        return Err(FilterError::NothingFound {
            filter: NAME,
            what: if layout.width == 0 {
                "no line of headers"
            } else {
                "no row under the headers"
            }
            .to_owned(),
            shown: show_lines(&text),
        });
    }
    Ok(Value::Table(Arc::new(Table {
        columns,
        rows,
        or_more: None,
    })))
}

/// The place of the wide column; an empty text has no headers, and then no such place either.
fn find_wide(names: &[String], wide: Option<&str>) -> Result<Option<usize>, FilterError> {
    let Some(wide) = wide else { return Ok(None) };
    let place = names.iter().position(|name| *name == wide.to_lowercase());
    if place.is_none() && !names.is_empty() {
        return Err(FilterError::NoColumn {
            filter: NAME,
            column: wide.to_owned(),
            help: show_line(&format!("the headers are {}", names.join(" "))),
        });
    }
    Ok(place)
}

impl Layout<'_> {
    /// The cells of a row, in the order of the headers, and the mark after them.
    ///
    /// Blanks alone part cells: their place in the line is never looked at, since outputs
    /// are aligned in many ways. A row whose cells cannot be counted off is all unknown;
    /// only the last cell may be missing, as a column of flags often is.
    fn read_row(&self, line: &str) -> Vec<Value> {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let is_marked = self.mark.is_some_and(|mark| take_mark(&mut words, mark));
        let mut cells = match self.wide {
            Some(place) => self.read_wide(&words, place),
            None => self.read_plain(&words),
        }
        .unwrap_or_else(|| {
            let why = Value::unknown(format!(
                "the row `{}` has {} cells under {} headers",
                show_line(line.trim()),
                words.len(),
                self.width
            ));
            vec![why; self.width]
        });
        if self.mark.is_some() {
            cells.push(Value::Bool(is_marked));
        }
        cells
    }

    fn read_plain(&self, words: &[&str]) -> Option<Vec<Value>> {
        let mut cells: Vec<Value> = words.iter().map(|word| Value::text(*word)).collect();
        if words.len() + 1 == self.width && self.width > 1 {
            cells.push(Value::unknown("the last cell of the row is empty"));
        }
        (cells.len() == self.width).then_some(cells)
    }

    fn read_wide(&self, words: &[&str], place: usize) -> Option<Vec<Value>> {
        let right = self.width - place - 1;
        let end = words.len().checked_sub(right).filter(|end| *end > place)?;
        let mut cells: Vec<Value> = Vec::with_capacity(self.width + 1);
        cells.extend(words[..place].iter().map(|word| Value::text(*word)));
        cells.push(Value::text(words[place..end].join(" ")));
        cells.extend(words[end..].iter().map(|word| Value::text(*word)));
        Some(cells)
    }
}

/// Takes the mark off the front of a row, whether it stands alone or sticks to the first
/// cell. A letter sticks to a number only: the `M` of `Main` is no mark.
fn take_mark(words: &mut Vec<&str>, mark: &str) -> bool {
    let Some(first) = words.first().copied() else {
        return false;
    };
    if first == mark {
        words.remove(0);
        return true;
    }
    let is_sign = !mark.ends_with(|letter: char| letter.is_alphanumeric());
    match first.strip_prefix(mark) {
        Some(rest) if is_sign || rest.starts_with(|letter: char| letter.is_ascii_digit()) => {
            words[0] = rest;
            true
        }
        _ => false,
    }
}

/// Gives names that stand twice a number from the second on: `state`, `state-2`.
pub(super) fn tell_apart(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for name in names {
        let mut free = name.clone();
        let mut number = 2;
        while known.contains(&free) {
            free = format!("{name}-{number}");
            number += 1;
        }
        known.push(free);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, named: &[(&str, &str)]) -> Arc<Table> {
        let named = named
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::text(*value)));
        let arguments = FilterArguments {
            named: named.collect(),
            ..FilterArguments::default()
        };
        match read_columns(Value::text(text), &arguments) {
            Ok(Value::Table(table)) => table,
            other => panic!("no table: {other:?}"),
        }
    }

    fn cells(table: &Table, column: &str) -> Vec<String> {
        let show = |row: &Row| match row.get(column) {
            Some(Value::Unknown(_)) => "?".to_owned(),
            Some(cell) => cell.to_string(),
            None => "no column".to_owned(),
        };
        table.rows.iter().map(show).collect()
    }

    #[test]
    fn rows_of_another_length_are_unknown() {
        let table = read("A B C FLAGS\n1 2 3 4\n1 2 3\n1 2\n1 2 3 4 5", &[]);
        assert_eq!(cells(&table, "a"), ["1", "1", "?", "?"]);
        assert_eq!(cells(&table, "c"), ["3", "3", "?", "?"]);
        assert_eq!(cells(&table, "flags"), ["4", "?", "?", "?"]);
    }

    #[test]
    fn a_wide_column_takes_what_is_between() {
        let table = read("A UPTIME HOST\n1 9d 21h n1\n2 5m n2\n3 n3", &[("wide", "UPTIME")]);
        assert_eq!(cells(&table, "uptime"), ["9d 21h", "5m", "?"]);
        assert_eq!(cells(&table, "host"), ["n1", "n2", "?"]);
    }

    #[test]
    fn marks_stand_alone_or_stick() {
        let text = "ID HOST\nM 1 n1\nM2 n2\n3 n3\nMain n4\nM5";
        let table = read(text, &[("mark", "M"), ("as", "master")]);
        assert_eq!(cells(&table, "id"), ["1", "2", "3", "Main", "5"]);
        assert_eq!(cells(&table, "master"), ["yes", "yes", "no", "no", "yes"]);
        assert_eq!(cells(&table, "host"), ["n1", "n2", "n3", "n4", "?"]);
        let table = read("N\n*n1\nn2", &[("mark", "*"), ("as", "leader")]);
        assert_eq!(cells(&table, "n"), ["n1", "n2"]);
    }

    #[test]
    fn headers_that_stand_twice_are_told_apart() {
        let table = read("STATE STATE\n1 2", &[]);
        assert_eq!(cells(&table, "state-2"), ["2"]);
    }
}
