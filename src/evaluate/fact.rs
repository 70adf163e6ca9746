use std::collections::HashSet;
use std::sync::Arc;

use super::{Context, EvaluateError, Frame, Place, Stop};
use crate::check::{FactDefinition, ModelDefinition};
use crate::diagnostic::Span;
use crate::inventory::NodeName;
use crate::value::{Table, Type, Value};

impl Context<'_> {
    /// What a fact yields; what cannot be measured is an unknown value, with the reason.
    pub(super) fn fact(
        &self,
        frame: &Frame,
        name: &str,
        arguments: Vec<Value>,
        at: Span,
    ) -> Result<Value, Stop> {
        let Some(fact) = self.program.fact(&frame.module, name) else {
            return Err(EvaluateError::NoSuchName {
                kind: "fact".into(),
                name: name.to_owned(),
                at,
            }
            .into());
        };
        let node = frame.place.node().map_or("", |node| node.as_str());
        let key = format!("{}.{}({arguments:?})@{node}", fact.module, fact.name);
        let circumstances = self.circumstances();
        if let Some(value) = self.measured.fact(&key, &circumstances) {
            return Ok(value);
        }
        self.measured.begin_fact();
        let measured = match self.measure(frame, fact, arguments, at) {
            Err(Stop::Fail(error)) => Ok(Value::unknown(error.to_string())),
            measured => measured,
        };
        self.measured
            .end_fact(key, &circumstances, measured.as_ref().ok());
        measured
    }

    /// What a command prints by its model, on a node; `found` is what stands at the names of its pattern.
    ///
    /// # Errors
    ///
    /// [`Stop::Need`] when probes must be answered first; [`Stop::Fail`] when it cannot be told.
    pub fn simulated(
        &self,
        model: &ModelDefinition,
        node: &NodeName,
        found: &[(&str, String)],
    ) -> Result<String, Stop> {
        let mut frame = Frame::fresh(&model.module, Place::Node(node.clone()));
        for (name, part) in found {
            frame = frame.with(name, Value::text(part.as_str()));
        }
        let value = self.body(&frame, &model.body)?;
        let value = self.wholly_known(value, "what it prints", model.span)?;
        Ok(value.to_string())
    }

    /// What the value of a fact hangs on beside what is measured.
    fn circumstances(&self) -> String {
        let mut text = String::new();
        for mask in self.masks {
            text.push_str(&format!(" {}!{}", mask.fact, mask.node));
        }
        for (group, nodes) in self.groups.changed() {
            text.push_str(&format!(" {group}={nodes}"));
        }
        text
    }

    fn measure(
        &self,
        frame: &Frame,
        fact: &FactDefinition,
        arguments: Vec<Value>,
        at: Span,
    ) -> Result<Value, Stop> {
        let mut inner = Frame::fresh(&fact.module, frame.place.clone());
        if matches!(inner.place, Place::Local) {
            inner.place = Place::Nowhere;
        }
        for (parameter, value) in self.bind_values(&fact.parameters, arguments, at)? {
            inner = inner.with(&parameter, value);
        }
        let value = self.body(&inner, &fact.body)?;
        if let (Value::Table(table), Type::Table(columns)) = (&value, &fact.kind)
            && table.is_foreign_to(columns)
        {
            let wanted: Vec<String> = columns
                .iter()
                .map(|column| format!("`{}`", column.name))
                .collect();
            return Err(EvaluateError::OtherColumns {
                fact: fact.name.clone(),
                wanted: wanted.join(" "),
                found: table.header(),
                at,
            }
            .into());
        }
        Ok(self.mask(fact, self.conform(value, &fact.kind, at)?))
    }

    /// A measured value as the declared type: cells converted, names looked up.
    fn conform(&self, value: Value, kind: &Type, at: Span) -> Result<Value, Stop> {
        let find = |name: &str| self.inventory.find(name);
        match (value, kind) {
            (Value::Unknown(why), _) => Ok(Value::Unknown(why)),
            (Value::Table(table), Type::Table(columns)) => {
                let table = Arc::try_unwrap(table).unwrap_or_else(|shared| (*shared).clone());
                Ok(Value::Table(Arc::new(table.convert(columns, &find))))
            }
            (Value::Row(row), Type::Table(columns)) => {
                let table = Table {
                    columns: row.columns.clone(),
                    rows: vec![(*row).clone()],
                    or_more: None,
                };
                Ok(Value::Table(Arc::new(table.convert(columns, &find))))
            }
            (value, kind) => self.coerce(value, kind, at),
        }
    }

    /// Hides what the rows of masked members say, but for ids and nodes: the view lags.
    fn mask(&self, fact: &FactDefinition, value: Value) -> Value {
        let Value::Table(table) = &value else { return value };
        if self.masks.is_empty() {
            return value;
        }
        let key = format!("{}.{}", fact.module, fact.name);
        let masks = self.masks.iter().filter(|mask| *mask.fact == *key);
        let masked: HashSet<&NodeName> = masks.map(|mask| &mask.node).collect();
        if masked.is_empty() {
            return value;
        }
        let mut table = (**table).clone();
        for row in &mut table.rows {
            let hit = row.cells.iter().find_map(|cell| match cell {
                Value::Node(node) => masked.get(node).copied(),
                _ => None,
            });
            let Some(node) = hit else { continue };
            for (column, cell) in table.columns.iter().zip(&mut row.cells) {
                if !column.is_identity() {
                    *cell = Value::unknown(format!("{node} is out by this run, and the view lags"));
                }
            }
        }
        Value::Table(Arc::new(table))
    }
}
