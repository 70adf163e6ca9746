use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use regex::{Captures, Regex};

use super::error::{show_line, show_lines};
use super::{
    Apply, Filter, FilterArguments, FilterError, FilterParameter, ParameterKind, refuse, refuse_type,
};
use crate::diagnostic::nearest;
use crate::value::{Column, Row, Table, Type, Value};

const NAME: &str = "match";

/// What the filters of this file do in an expanded script.
const AWK: &str = include_str!("awk/template.awk");

pub(super) static MATCH: Filter = Filter {
    name: NAME,
    says: "Finds a template such as `{up: int} of {all: int}` in a text and gives a row for each match; \
           `{word}` is one word, `{text: string}` goes on to what follows it or to the end of the line.",
    parameters: &[FilterParameter {
        name: "template",
        kind: ParameterKind::Value(Type::String),
        required: true,
        positional: true,
    }],
    gives: |given, arguments| match (given, arguments.text(0)) {
        (Type::String, Some(template)) => {
            let template = read_template(template)?;
            Ok(Type::Table(template.columns.to_vec()))
        }
        (Type::String, None) => Ok(Type::Any),
        (other, _) => refuse_type("text", other),
    },
    examples: &[
        (
            r#""MDS nodes: 3 of 5, epoch" | match "nodes: {up: int} of {all: int}," | get all"#,
            "5",
        ),
        (
            r#""323 (100%) healthy,  0 (0%) void" | match "{n: int} ({share: percent}) {state}" | get state"#,
            "healthy void",
        ),
        (r#""x" | match "{n: int}" or none | count"#, "0"),
    ],
    apply: Apply::Pure(find_matches),
    shell: AWK,
};

/// A template, ready to be searched for.
struct Template {
    pattern: String,
    /// Compiled when first matched: a checked script has many templates and matches few.
    compiled: OnceCell<Regex>,
    columns: Arc<Vec<Column>>,
    /// Whether the first and last thing in it is a number, which must then not be the end or
    /// beginning of a longer one: the 13 of `13.5`.
    has_open_start: bool,
    has_open_end: bool,
}

/// A pattern so short stays within what the compiler takes, whatever fields are in it.
const SURELY_COMPILES: usize = 1_000;

impl Template {
    fn regex(&self) -> Result<&Regex, String> {
        if let Some(regex) = self.compiled.get() {
            return Ok(regex);
        }
        let regex = Regex::new(&self.pattern).map_err(|_| "has a template that is too long".to_owned())?;
        Ok(self.compiled.get_or_init(|| regex))
    }
}

/// Most templates that are kept ready; with more than these, all are let go at once.
const MOST_KEPT: usize = 64;

thread_local! {
    static READY: RefCell<HashMap<String, Rc<Template>>> = RefCell::default();
}

fn find_matches(value: Value, arguments: &FilterArguments) -> Result<Value, FilterError> {
    let Value::Text(text) = value else {
        return refuse(NAME, "text", value);
    };
    if let Some(unknown) = arguments.unknown() {
        return Ok(unknown);
    }
    let written = arguments.text(0).unwrap_or_default();
    let bad = |why| FilterError::BadArgument { filter: NAME, why };
    let template = read_template(written).map_err(bad)?;
    let rows: Vec<Row> = template
        .regex()
        .map_err(bad)?
        .captures_iter(&text)
        .map(|found| read_match(&template, &found, &text))
        .collect();
    if rows.is_empty() && !arguments.or_none {
        return Err(FilterError::NothingFound {
            filter: NAME,
            what: format!("nothing like `{}`", show_line(written)),
            shown: show_lines(&text),
        });
    }
    Ok(Value::Table(Arc::new(Table {
        columns: template.columns.clone(),
        rows,
        or_more: None,
    })))
}

fn read_match(template: &Template, found: &Captures<'_>, text: &str) -> Row {
    let last = template.columns.len();
    let cells = template.columns.iter().zip(1..).map(|(column, index)| {
        let Some(part) = found.get(index) else {
            return Value::unknown(format!("there is no `{}` in the match", column.name));
        };
        let is_cut = (index == 1 && template.has_open_start && goes_on_before(&text[..part.start()]))
            || (index == last && template.has_open_end && goes_on_after(&text[part.end()..]));
        if is_cut {
            let shown = show_line(part.as_str());
            return Value::unknown(format!("`{shown}` is a part of something longer in the text"));
        }
        let value = Value::read(part.as_str().trim(), &column.kind, &|_| None);
        value.unwrap_or_else(|error| Value::unknown(format!("`{}`: {error}", column.name)))
    });
    Row {
        columns: template.columns.clone(),
        cells: cells.collect(),
    }
}

fn goes_on_before(text: &str) -> bool {
    let mut letters = text.chars().rev();
    match letters.next() {
        Some('.') => letters.next().is_some_and(|letter| letter.is_ascii_digit()),
        Some(letter) => letter.is_alphanumeric(),
        None => false,
    }
}

fn goes_on_after(text: &str) -> bool {
    let mut letters = text.chars();
    match letters.next() {
        Some('.') => letters.next().is_some_and(|letter| letter.is_ascii_digit()),
        Some(letter) => letter.is_alphanumeric() || letter == '%',
        None => false,
    }
}

/// A part of a written template.
enum Part<'a> {
    Text(&'a str),
    Field(Field),
}

struct Field {
    name: String,
    /// `None` when nothing is said: one word.
    kind: Option<Type>,
}

/// Types that a field can have, as they are written.
const KINDS: [(&str, Type); 10] = [
    ("string", Type::String),
    ("int", Type::Int),
    ("bool", Type::Bool),
    ("duration", Type::Duration),
    ("size", Type::Size),
    ("percent", Type::Percent),
    ("ratio", Type::Ratio),
    ("version", Type::Version),
    ("path", Type::Path),
    ("service", Type::Service),
];

fn read_template(written: &str) -> Result<Rc<Template>, String> {
    READY.with_borrow_mut(|ready| {
        if let Some(template) = ready.get(written) {
            return Ok(template.clone());
        }
        let template = Rc::new(compile_template(written)?);
        if ready.len() >= MOST_KEPT {
            ready.clear();
        }
        ready.insert(written.to_owned(), template.clone());
        Ok(template)
    })
}

fn compile_template(written: &str) -> Result<Template, String> {
    let parts = split_template(written)?;
    let mut pattern = String::new();
    let mut columns: Vec<Column> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(text) => push_text(&mut pattern, text),
            Part::Field(field) => {
                if columns.iter().any(|column| column.name == field.name) {
                    return Err(format!("has two fields called `{}` in its template", field.name));
                }
                if matches!(parts.get(index + 1), Some(Part::Field(_))) {
                    return Err(format!("needs some text after the field `{}`", field.name));
                }
                let is_last = index + 1 == parts.len();
                pattern.push_str(&format!("({})", field_pattern(field.kind.as_ref(), is_last)));
                let kind = field.kind.clone().unwrap_or(Type::String);
                columns.push(Column::new(field.name.clone(), kind));
            }
        }
    }
    if columns.is_empty() {
        return Err("needs a field in its template, such as {up: int}".to_owned());
    }
    let is_number = |part: Option<&Part<'_>>| match part {
        Some(Part::Field(field)) => !matches!(
            &field.kind,
            None | Some(Type::String | Type::Path | Type::Service)
        ),
        _ => false,
    };
    let template = Template {
        has_open_start: is_number(parts.first()),
        has_open_end: is_number(parts.last()),
        pattern,
        compiled: OnceCell::new(),
        columns: Arc::new(columns),
    };
    if template.pattern.len() > SURELY_COMPILES {
        template.regex()?;
    }
    Ok(template)
}

/// Cuts a template at its fields; `{{` and `}}` stand for the braces themselves.
fn split_template(written: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = written;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        if brace.starts_with("{{") || brace.starts_with("}}") {
            parts.push(Part::Text(&rest[..at + 1]));
            rest = &brace[2..];
            continue;
        }
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let Some(inner) = brace.strip_prefix('{') else {
            return Err("has a `}` without `{` in its template; write }} for a brace".to_owned());
        };
        let Some((field, after)) = inner.split_once('}') else {
            return Err("has a `{` without `}` in its template; write {{ for a brace".to_owned());
        };
        parts.push(Part::Field(read_field(field)?));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn read_field(written: &str) -> Result<Field, String> {
    let (name, kind) = match written.split_once(':') {
        Some((name, kind)) => (name.trim(), Some(kind.trim())),
        None => (written.trim(), None),
    };
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_%".contains(letter);
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(format!("has a field `{{{written}}}` without a good name"));
    }
    let kind = kind.map(read_kind).transpose()?;
    Ok(Field {
        name: name.to_lowercase(),
        kind,
    })
}

fn read_kind(written: &str) -> Result<Type, String> {
    if let Some(words) = written.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Err("has a choice of no words in its template".to_owned());
        }
        return Ok(Type::Choice(words));
    }
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == written) {
        return Ok(kind.clone());
    }
    let help = match nearest(written, KINDS.iter().map(|(name, _)| *name)) {
        Some(near) => format!("did you mean `{near}`?"),
        // A node is looked up when the fact gives its table, which declares the column.
        None => format!("there are {}", KINDS.map(|(name, _)| name).join(", ")),
    };
    Err(format!("knows no field of type `{written}`; {help}"))
}

/// Text as it stands, but any blanks match any others; a line may go on in an indented one.
fn push_text(pattern: &mut String, text: &str) {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (piece, after) = if letter.is_whitespace() {
            let after = rest.trim_start();
            let blanks = &rest[..rest.len() - after.len()];
            let any = if blanks.contains('\n') {
                r"[ \t\r]*\n\s*"
            } else {
                r"(?:[ \t]+|[ \t\r]*\n[ \t]+)"
            };
            (any.to_owned(), after)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (regex::escape(&rest[..end]), &rest[end..])
        };
        pattern.push_str(&piece);
        rest = after;
    }
}

/// What a field matches. A text goes on to what follows it, or to the end of its line.
fn field_pattern(kind: Option<&Type>, is_last: bool) -> String {
    let pattern = match kind {
        None => r"[^\s,;()]+",
        Some(Type::Int) => r"-?[0-9]+",
        Some(Type::Bool) => "yes|no",
        Some(Type::Duration) => r"[0-9]+(?:ms|[smhd])(?: ?[0-9]+(?:ms|[smhd]))*",
        Some(Type::Size) => r"[0-9]+(?:\.[0-9]+)?[KMGTP]?B",
        Some(Type::Percent) => r"-?[0-9]+(?:\.[0-9]+)?%",
        Some(Type::Ratio) => r"[0-9]+:[0-9]+",
        Some(Type::Version) => r"[0-9]+(?:\.[0-9]+)*",
        Some(Type::Path | Type::Service) => r"[^\s,;()]+",
        Some(Type::Choice(words)) => {
            let mut words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
            // The longest first, so that `up` does not hide `upgrading`.
            words.sort_by_key(|word| std::cmp::Reverse(word.len()));
            return words.join("|");
        }
        Some(_) if is_last => r"[^\r\n]+",
        Some(_) => r"[^\r\n]+?",
    };
    pattern.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, template: &str) -> Vec<String> {
        let arguments = FilterArguments {
            positional: vec![Value::text(template)],
            ..FilterArguments::default()
        };
        match find_matches(Value::text(text), &arguments) {
            Ok(Value::Table(table)) => table
                .rows
                .iter()
                .map(|row| {
                    let cells = row.cells.iter().map(|cell| match cell {
                        Value::Unknown(_) => "?".to_owned(),
                        cell => cell.to_string(),
                    });
                    cells.collect::<Vec<_>>().join("|")
                })
                .collect(),
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn templates_are_found() {
        let cases = [
            ("a:   3 of 5, b", "a: {up: int} of {all: int}, b", vec!["3|5"]),
            (
                "up 3 of 5\nup 4 of 6",
                "up {a: int} of {b: int}",
                vec!["3|5", "4|6"],
            ),
            ("x 13.5", "x {n: int}", vec!["?"]),
            ("x 13%", "x {n: int}", vec!["?"]),
            ("x 2.13 y", "{n: int} y", vec!["?"]),
            (
                "Cluster 'pcs1': SMART warning",
                "'{name}': {health: string}",
                vec!["pcs1|SMART warning"],
            ),
            (
                "free 1.5TB of 3TB",
                "free {a: size} of {b: size}",
                vec!["1.5TB|3TB"],
            ),
            (
                "uptime: 19d 23h, version",
                "uptime: {t: duration}, version",
                vec!["19d23h"],
            ),
            ("one,\n   two", "one, {x}", vec!["two"]),
            ("one,\ntwo", "one,\n{x}", vec!["two"]),
            ("is upgrading", "is {x: [up upgrading]}", vec!["upgrading"]),
            ("{a}", "{{{x}}}", vec!["a"]),
            ("a.b", "a.{x}", vec!["b"]),
        ];
        for (text, template, wanted) in cases {
            assert_eq!(rows(text, template), wanted, "{template}");
        }
    }

    #[test]
    fn odd_templates_are_refused() {
        let cases = [
            ("abc", "needs a field in its template, such as {up: int}"),
            ("{a}{b}", "needs some text after the field `a`"),
            ("{a} {a}", "has two fields called `a` in its template"),
            (
                "{a",
                "has a `{` without `}` in its template; write {{ for a brace",
            ),
            (
                "a}",
                "has a `}` without `{` in its template; write }} for a brace",
            ),
            ("{}", "has a field `{}` without a good name"),
            ("{a: itn}", "knows no field of type `itn`; did you mean `int`?"),
        ];
        for (template, why) in cases {
            assert_eq!(read_template(template).err().as_deref(), Some(why), "{template}");
        }
    }
}
