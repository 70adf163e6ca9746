use std::sync::Arc;

use super::{Column, Value};

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
