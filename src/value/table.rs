use std::sync::Arc;

use super::{Column, Type, Value};
use crate::inventory::NodeName;

/// One row: a cell for each column, in the columns' order.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The columns, shared by all rows of a table.
    pub columns: Arc<Vec<Column>>,
    /// One value a column; what could not be read is [`Value::Unknown`].
    pub cells: Vec<Value>,
}

impl Row {
    /// The cell under `column`, `None` when there is no such column.
    pub fn get(&self, column: &str) -> Option<&Value> {
        let index = self.columns.iter().position(|known| known.name == column)?;
        self.cells.get(index)
    }
}

/// Rows under declared columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Names and types.
    pub columns: Arc<Vec<Column>>,
    /// The rows that are surely in it.
    pub rows: Vec<Row>,
    /// Why there may be more rows than these, when a `where` could not decide about one.
    ///
    /// Only "at least so many" can then hold of the table; everything else cannot be measured.
    pub or_more: Option<Arc<str>>,
}

/// Most columns that a message names.
const HEADERS_SHOWN: usize = 12;

impl Table {
    /// Takes rows whose cells are text under lower-cased names, and gives them under the
    /// declared `columns`, in their order and of their types.
    ///
    /// What cannot be had is [`Value::Unknown`] and says why: a column that is not there, a
    /// cell that is empty or does not convert. Cells that already are of the type pass.
    /// `find_node` looks a node up by name, alias or address.
    pub fn convert(self, columns: &[Column], find_node: &dyn Fn(&str) -> Option<NodeName>) -> Table {
        let places: Vec<Option<usize>> = columns
            .iter()
            .map(|wanted| self.columns.iter().position(|column| column.name == wanted.name))
            .collect();
        let declared = Arc::new(columns.to_vec());
        let found = self.header();
        let convert = |mut row: Row| {
            let cells = places.iter().zip(columns).map(|(place, column)| {
                match place.and_then(|place| row.cells.get_mut(place)) {
                    // Two declared columns never share a name, so each cell is taken once.
                    Some(cell) => {
                        convert_cell(std::mem::replace(cell, Value::Bool(false)), column, find_node)
                    }
                    None => Value::unknown(format!(
                        "there is no column `{}` in the output, which has {found}",
                        column.name
                    )),
                }
            });
            Row {
                columns: declared.clone(),
                cells: cells.collect(),
            }
        };
        let rows = self.rows.into_iter().map(convert).collect();
        Table {
            columns: declared.clone(),
            rows,
            or_more: self.or_more,
        }
    }
}

impl Table {
    /// The columns as they are named, between back quotes; of very many the first.
    pub fn header(&self) -> String {
        let names = self.columns.iter().take(HEADERS_SHOWN);
        let shown: Vec<String> = names.map(|column| format!("`{}`", column.name)).collect();
        let rest = match self.columns.len() > HEADERS_SHOWN {
            true => " …",
            false => "",
        };
        shown.join(" ") + rest
    }

    /// Whether a table that was read has not one of the columns that are declared.
    ///
    /// Then another output was read than the one meant; one that lacks a column is an older edition's.
    pub fn is_foreign_to(&self, declared: &[Column]) -> bool {
        // `on` adds the node itself, whatever was read there.
        let is_read = |column: &&Column| column.name != "node";
        let mut read = self.columns.iter().filter(is_read).peekable();
        read.peek().is_some()
            && declared.iter().any(|column| is_read(&column))
            && !self.rows.is_empty()
            && !read.any(|column| declared.iter().any(|wanted| wanted.name == column.name))
    }
}

/// Reads a cell as what its column declares.
fn convert_cell(cell: Value, column: &Column, find_node: &dyn Fn(&str) -> Option<NodeName>) -> Value {
    let text: Arc<str> = match (cell, &column.kind) {
        (Value::Unknown(why), _) => return Value::Unknown(why),
        (cell, Type::Any) => return cell,
        (Value::Text(text), _) => text,
        // JSON has bare numbers only; of a size they are the bytes.
        (Value::Int(bytes), Type::Size) if bytes >= 0 => return Value::Size(bytes.unsigned_abs()),
        (cell @ Value::AtLeast(..), Type::Int) => return cell,
        (cell @ Value::List(_), Type::List(_)) => return cell,
        (cell @ Value::Table(_), Type::Table(_)) => return cell,
        (cell @ Value::Row(_), Type::Row(_)) => return cell,
        (cell, kind) if cell.kind() == *kind => return cell,
        (cell, _) => cell.to_string().into(),
    };
    let trimmed = text.trim();
    if trimmed.is_empty() && column.kind != Type::String {
        return Value::unknown(format!("the cell under `{}` is empty", column.name));
    }
    let read = match (&column.kind, trimmed) {
        (Type::String, _) if trimmed.len() == text.len() => return Value::Text(text),
        (Type::Bool, "true") => return Value::Bool(true),
        (Type::Bool, "false") => return Value::Bool(false),
        (kind, trimmed) => Value::read(trimmed, kind, find_node),
    };
    read.unwrap_or_else(|error| Value::unknown(format!("`{}`: {error}", column.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Version;

    fn convert_one(cell: Value, kind: Type) -> Value {
        let columns = Arc::new(vec![Column::new("x", Type::String)]);
        let table = Table {
            rows: vec![Row {
                columns: columns.clone(),
                cells: vec![cell],
            }],
            columns,
            or_more: None,
        };
        let find_node = |text: &str| (text == "node1:2510").then(|| NodeName::from("node1"));
        let mut table = table.convert(&[Column::new("x", kind)], &find_node);
        table.rows.remove(0).cells.remove(0)
    }

    #[test]
    fn cells_become_what_is_declared() {
        let words = Type::Choice(vec!["avail".to_owned(), "stale".to_owned()]);
        let cases = [
            ("1025", Type::Int, Some(Value::Int(1_025))),
            ("105GB", Type::Size, Some(Value::Size(105 << 30))),
            ("0.1%", Type::Percent, Some(Value::Percent(10))),
            ("yes", Type::Bool, Some(Value::Bool(true))),
            ("false", Type::Bool, Some(Value::Bool(false))),
            (
                "6.0.7",
                Type::Version,
                Some(Value::Version(Version(vec![6, 0, 7]))),
            ),
            ("avail", words.clone(), Some(Value::text("avail"))),
            ("node1:2510", Type::Node, Some(Value::Node("node1".into()))),
            ("", Type::String, Some(Value::text(""))),
            ("", Type::Bool, None),
            ("dead", words, None),
            ("14m", Type::Size, None),
            ("node9", Type::Node, None),
            ("-", Type::Int, None),
        ];
        for (text, kind, wanted) in cases {
            let found = convert_one(Value::text(text), kind.clone());
            match wanted {
                Some(wanted) => assert_eq!(found, wanted, "{text} as {kind}"),
                None => assert!(found.is_unknown(), "{text} as {kind}"),
            }
        }
    }

    #[test]
    fn typed_cells_pass() {
        assert_eq!(convert_one(Value::Int(5), Type::Int), Value::Int(5));
        assert_eq!(convert_one(Value::Int(5), Type::String), Value::text("5"));
        assert_eq!(convert_one(Value::Int(5), Type::Size), Value::Size(5));
        assert!(convert_one(Value::Int(-5), Type::Size).is_unknown());
        assert!(convert_one(Value::unknown("why"), Type::String).is_unknown());
    }

    #[test]
    fn columns_that_are_not_there_are_unknown() {
        let columns = Arc::new(vec![Column::new("a", Type::String)]);
        let row = Row {
            columns: columns.clone(),
            cells: vec![Value::text("1")],
        };
        let table = Table {
            columns,
            rows: vec![row],
            or_more: None,
        };
        let declared = [Column::new("b", Type::Int), Column::new("a", Type::Int)];
        let table = table.convert(&declared, &|_| None);
        assert_eq!(table.rows[0].get("a"), Some(&Value::Int(1)));
        let why = Value::unknown("there is no column `b` in the output, which has `a`");
        assert_eq!(table.rows[0].get("b"), Some(&why));
    }
}
