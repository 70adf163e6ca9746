//! What the language brings along: the filters of pipelines, and the standard modules.
//!
//! Each filter is one row of [`FILTERS`]: its name, sentence, parameters, types, examples
//! and what it does. Checker, documentation, completion and tests all read that table.
//! A filter never turns what could not be measured into something sure: an unknown input
//! gives an unknown result.
//!
//! May import: `diagnostic`, `inventory`, `value`.

mod columns;
mod error;
mod json;
mod list;
mod lock;
mod number;
mod pattern;
mod stdlib;
mod table;
mod template;
mod text;

use crate::value::{Type, Value};

pub use error::FilterError;
pub use json::JSON_PROGRAM;
pub use lock::{LOCK_MARK, LOCK_PROGRAM, lock_file};
pub use number::compare_values;
pub use pattern::{read_regex, write_extended};
pub use stdlib::{stdlib, stdlib_names};

/// A step of a pipeline: one row of [`FILTERS`].
pub struct Filter {
    /// Its name after the `|`.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub says: &'static str,
    /// What may follow the name, in order.
    pub parameters: &'static [FilterParameter],
    /// The type that it gives for what it is given.
    ///
    /// The error goes on from the filter's name: `takes text, not int`. An argument whose
    /// value is not known yet is a [`Value::Unknown`].
    pub gives: fn(&Type, &FilterArguments) -> Result<Type, String>,
    /// Pipelines and what they give.
    pub examples: &'static [(&'static str, &'static str)],
    /// What it does.
    pub apply: Apply,
    /// What it does in an expanded script: the text of an awk function `filter_NAME` and of
    /// those that it calls, one text for the filters of a topic; empty where the script loops
    /// over the rows itself.
    ///
    /// The function takes the value, an argument for each parameter in order, empty where it is
    /// not given, and 1 or 0 for `or none`.
    pub shell: &'static str,
}

/// How a filter is carried out.
pub enum Apply {
    /// By a function of its input and arguments alone.
    Pure(fn(Value, &FilterArguments) -> Result<Value, FilterError>),
    /// By the evaluator, since its argument is evaluated for each row.
    ByEvaluator,
}

/// What may follow a filter's name.
pub struct FilterParameter {
    /// Its name; in `name=value` when it is not positional.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it is given by its place rather than by its name.
    pub positional: bool,
}

/// What a parameter of a filter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterKind {
    /// A value of this type.
    Value(Type),
    /// The bare name of a column, handed over as text.
    Column,
    /// Columns to sort by, each perhaps with `down`: [`FilterArguments::keys`].
    SortKeys,
    /// A condition on each row.
    Condition,
    /// A text with `$it` in it, written anew for each row.
    Each,
}

/// What followed a filter's name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilterArguments {
    /// Arguments without a name, in order; columns as text.
    pub positional: Vec<Value>,
    /// Arguments with a name, in order.
    pub named: Vec<(String, Value)>,
    /// What `sort by` goes by: the column, and whether the greatest comes first.
    pub keys: Vec<(String, bool)>,
    /// Whether finding nothing is well.
    pub or_none: bool,
}

impl FilterArguments {
    /// The argument called `name`.
    pub fn named(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.named.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// The first argument that could not be measured; then the result cannot be, either.
    fn unknown(&self) -> Option<Value> {
        let named = self.named.iter().map(|(_, value)| value);
        self.positional
            .iter()
            .chain(named)
            .find(|value| value.is_unknown())
            .cloned()
    }

    /// The text of the positional argument at `index`, when it is one and is known.
    fn text(&self, index: usize) -> Option<&str> {
        self.positional.get(index).and_then(text_of)
    }

    /// The text of the argument called `name`, when it is one and is known.
    fn named_text(&self, name: &str) -> Option<&str> {
        self.named(name).and_then(text_of)
    }
}

/// Every filter, in the order of the reference.
pub static FILTERS: &[&Filter] = &[
    &text::LINES,
    &text::TRIM,
    &text::SECTION,
    &columns::COLUMNS,
    &template::MATCH,
    &text::PAIRS,
    &json::JSON,
    &table::WHERE,
    &table::GET,
    &table::EACH,
    &table::KNOWN,
    &list::SORT,
    &list::FIRST,
    &list::LAST,
    &list::ONLY,
    &list::SAME,
    &list::UNIQUE,
    &list::REVERSE,
    &list::JOIN,
    &number::COUNT,
    &number::SUM,
    &number::MIN,
    &number::MAX,
];

/// The filter called `name`.
pub fn find_filter(name: &str) -> Option<&'static Filter> {
    FILTERS.iter().find(|filter| filter.name == name).copied()
}

/// The names of all filters.
pub fn filter_names() -> impl Iterator<Item = &'static str> {
    FILTERS.iter().map(|filter| filter.name)
}

/// The text of a value that is text of some kind.
fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) | Value::Path(text) | Value::Service(text) | Value::Regex(text) => Some(text),
        _ => None,
    }
}

/// What a filter says to an input that it does not take. An unknown one stays unknown.
fn refuse(filter: &'static str, takes: &'static str, value: Value) -> Result<Value, FilterError> {
    if value.is_unknown() {
        return Ok(value);
    }
    Err(FilterError::TakesOther {
        filter,
        takes,
        found: value.kind().to_string(),
    })
}

/// The same for types.
fn refuse_type(takes: &str, found: &Type) -> Result<Type, String> {
    match found {
        Type::Any => Ok(Type::Any),
        _ => Err(format!("takes {takes}, not {found}")),
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
