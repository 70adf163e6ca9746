use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::source::{Place, Source};
use crate::inventory::InventoryError;

/// How deep values may lie in values.
const DEEPEST: usize = 64;
/// Most values of one file, those that aliases repeat counted as often as they stand.
const MOST_VALUES: usize = 1_000_000;

/// A value of a YAML or JSON file, with its place.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub kind: Kind,
    pub place: Place,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Truth(bool),
    /// In decimal digits, whatever the file writes.
    Number(String),
    Text(String),
    /// Text marked as holding no template.
    PlainText(String),
    /// Text that ansible-vault has encrypted.
    Encrypted,
    List(Vec<Tree>),
    Table(Vec<(Key, Tree)>),
}

/// A key of a table.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub text: String,
    /// Whether it is text, and not a number, say, that was written like this.
    pub is_text: bool,
    pub place: Place,
}

impl Tree {
    /// What it is, for an error.
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Truth(_) => "a truth value",
            Kind::Number(_) => "a number",
            Kind::Text(_) | Kind::PlainText(_) => "text",
            Kind::Encrypted => "encrypted",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
        }
    }

    /// The value under a key of a table.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let Kind::Table(entries) = &self.kind else {
            return None;
        };
        entries
            .iter()
            .find(|(known, _)| known.text == key)
            .map(|(_, value)| value)
    }

    /// Why only Ansible can tell its value, if so: a template or encrypted text is in it.
    pub fn unreadable(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Text(text) if ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) => {
                Some("a template of Ansible")
            }
            Kind::Encrypted => Some("encrypted by ansible-vault"),
            Kind::List(values) => values.iter().find_map(Tree::unreadable),
            Kind::Table(entries) => entries.iter().find_map(|(_, value)| value.unreadable()),
            _ => None,
        }
    }

    /// As the text of a variable: lists and tables as JSON; none for nothing.
    pub fn to_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Null | Kind::Encrypted => None,
            Kind::Truth(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
            Kind::Number(text) | Kind::Text(text) | Kind::PlainText(text) => Some(text.clone()),
            Kind::List(_) | Kind::Table(_) => Some(self.to_json().to_string()),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null | Kind::Encrypted => serde_json::Value::Null,
            Kind::Truth(yes) => (*yes).into(),
            Kind::Number(text) => match serde_json::from_str(text) {
                Ok(number @ serde_json::Value::Number(_)) => number,
                _ => text.as_str().into(),
            },
            Kind::Text(text) | Kind::PlainText(text) => text.as_str().into(),
            Kind::List(values) => values.iter().map(Tree::to_json).collect(),
            Kind::Table(entries) => {
                let entries = entries.iter();
                entries
                    .map(|(key, value)| (key.text.clone(), value.to_json()))
                    .collect()
            }
        }
    }
}

/// Reads YAML as Ansible and ClusterShell do, by the rules of YAML 1.1; none for an empty text.
///
/// # Errors
///
/// [`InventoryError::Refused`] when it is no YAML, has a key twice, holds several documents, or
/// is too deep or too large.
pub(super) fn read_yaml(source: &Source) -> Result<Option<Tree>, InventoryError> {
    let text = source.text();
    let mut reader = Reader {
        source,
        offsets: match text.is_ascii() {
            true => Vec::new(),
            false => text.char_indices().map(|(at, _)| at).collect(),
        },
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        left: MOST_VALUES,
    };
    let mut whole = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(whole),
            Event::DocumentStart(_) if whole.is_some() => {
                return Err(reader.place(span).refuse(
                    "a second document begins here",
                    "write one document a file, without further `---`",
                ));
            }
            Event::DocumentStart(_) => {
                let (event, span) = reader.next()?;
                if !matches!(event, Event::DocumentEnd) {
                    whole = Some(reader.read_value(event, span, 0)?);
                }
            }
            _ => {}
        }
    }
}

/// Reads JSON.
///
/// # Errors
///
/// [`InventoryError::Refused`] when it is no JSON, or has a key twice.
pub(super) fn read_json(name: &str, text: &str) -> Result<Tree, InventoryError> {
    let source = Source::new(name, join_surrogates(text));
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        let line = source
            .text()
            .lines()
            .nth(error.line().saturating_sub(1))
            .unwrap_or_default();
        let why = error.to_string();
        let why = why.split(" at line").next().unwrap_or(&why);
        return Err(source.place_of(line).refuse(
            format!("this is not JSON: {why}, in column {}", error.column()),
            "",
        ));
    }
    // What is JSON is YAML, and the reader of YAML knows where everything stands.
    let tree = read_yaml(&source)?;
    tree.ok_or_else(|| source.beginning().refuse("there is no JSON here", ""))
}

/// Writes the two halves of a letter beyond U+FFFF as the one letter that YAML knows.
fn join_surrogates(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        joined.push_str(&rest[..at]);
        rest = &rest[at..];
        let half = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            u32::from_str_radix(digits, 16).ok()
        };
        if let Some(high @ 0xd800..=0xdbff) = half(rest)
            && let Some(low @ 0xdc00..=0xdfff) = half(&rest[6..])
        {
            let letter = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            joined.push_str(&format!("\\U{letter:08x}"));
            rest = &rest[12..];
        } else {
            let next = rest[1..].chars().next().map_or(0, char::len_utf8);
            joined.push_str(&rest[..1 + next]);
            rest = &rest[1 + next..];
        }
    }
    joined + rest
}

struct Reader<'a> {
    source: &'a Source,
    /// Where each letter begins, in bytes; empty when each is one byte.
    offsets: Vec<usize>,
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// The value of each anchor, with how many values are in it.
    anchors: HashMap<usize, (Tree, usize)>,
    left: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), InventoryError> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let start = self.byte(error.marker().index());
                let why = format!("this is not YAML: {}", error.info());
                Err(self.source.place(start, 0).refuse(why, ""))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn byte(&self, index: usize) -> usize {
        let length = self.source.text().len();
        match self.offsets.is_empty() {
            true => index.min(length),
            false => self.offsets.get(index).copied().unwrap_or(length),
        }
    }

    fn place(&self, span: Span) -> Place {
        let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
        let written = self.source.text().get(start..end).unwrap_or_default();
        self.source.place(start, written.trim_end().len())
    }

    fn charge(&mut self, count: usize, place: &Place) -> Result<(), InventoryError> {
        match self.left.checked_sub(count) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(place.refuse(format!("there are more than {MOST_VALUES} values"), "")),
        }
    }

    fn read_value(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Tree, InventoryError> {
        let place = self.place(span);
        self.charge(1, &place)?;
        if depth > DEEPEST {
            return Err(place.refuse(format!("values lie more than {DEEPEST} deep in each other"), ""));
        }
        let before = self.left;
        let (kind, anchor) = match event {
            Event::Alias(anchor) => {
                let Some((tree, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(place.refuse("an alias cannot stand in the value that it names", ""));
                };
                self.charge(size, &place)?;
                return Ok(tree);
            }
            Event::Scalar(text, style, anchor, tag) => {
                (self.read_scalar(&text, style, tag.as_deref(), &place)?, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut values = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => values.push(self.read_value(event, span, depth + 1)?),
                    }
                }
                (Kind::List(values), anchor)
            }
            Event::MappingStart(anchor, _) => (self.read_table(depth)?, anchor),
            _ => return Err(place.refuse("a value is missing here", "")),
        };
        let tree = Tree { kind, place };
        if anchor > 0 {
            self.anchors
                .insert(anchor, (tree.clone(), before - self.left + 1));
        }
        Ok(tree)
    }

    fn read_table(&mut self, depth: usize) -> Result<Kind, InventoryError> {
        let mut entries: Vec<(Key, Tree)> = Vec::new();
        let mut known: HashMap<String, ()> = HashMap::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let written = match &event {
                Event::Scalar(text, ..) => Some(text.to_string()),
                _ => None,
            };
            let key = self.read_value(event, span, depth + 1)?;
            let text = match (key.kind, written) {
                (Kind::Text(text) | Kind::PlainText(text), _) => (text, true),
                (Kind::Null | Kind::Truth(_) | Kind::Number(_), Some(text)) => (text, false),
                _ => return Err(key.place.refuse("a key must be text", "")),
            };
            let (event, span) = self.next()?;
            let value = self.read_value(event, span, depth + 1)?;
            if is_merge {
                merged.push(value);
                continue;
            }
            let key = Key {
                text: text.0,
                is_text: text.1,
                place: key.place,
            };
            if known.insert(key.text.clone(), ()).is_some() {
                let why = format!("the key `{}` stands here twice", key.text);
                return Err(key.place.refuse(why, "join the two, or take one out"));
            }
            entries.push((key, value));
        }
        for value in merged {
            let place = value.place.clone();
            let tables = match value.kind {
                Kind::List(values) => values,
                _ => vec![value],
            };
            for table in tables {
                let Kind::Table(others) = table.kind else {
                    return Err(place.refuse("`<<` takes a table, or a list of tables", ""));
                };
                for (key, value) in others {
                    if known.insert(key.text.clone(), ()).is_none() {
                        entries.push((key, value));
                    }
                }
            }
        }
        Ok(Kind::Table(entries))
    }

    fn read_scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        place: &Place,
    ) -> Result<Kind, InventoryError> {
        let Some(tag) = tag else {
            return Ok(match style {
                ScalarStyle::Plain => resolve_plain(text),
                _ => Kind::Text(text.to_owned()),
            });
        };
        Ok(match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => Kind::Text(text.to_owned()),
            (true, "int" | "float" | "bool" | "null") => resolve_plain(text),
            (false, "vault" | "vault-encrypted") => Kind::Encrypted,
            (false, "unsafe") => Kind::PlainText(text.to_owned()),
            _ => {
                let why = format!("the tag `{tag}` is not known here");
                return Err(place.refuse(why, "take it out"));
            }
        })
    }
}

/// What a text without quotes stands for.
///
/// # Source
///
/// YAML 1.1, "Language-Independent Types", as PyYAML's resolver has them: `yes` and `off` are
/// truth values, `010` is octal, `1:30` counts in sixties.
fn resolve_plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Kind::Truth(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Kind::Truth(false);
        }
        _ => {}
    }
    match read_integer(text).or_else(|| read_float(text)) {
        Some(number) => Kind::Number(number),
        None => Kind::Text(text.to_owned()),
    }
}

fn read_integer(text: &str) -> Option<String> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    if !digits.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let bare: String = digits.chars().filter(|letter| *letter != '_').collect();
    let based = |digits: &str, base: u32| {
        let number = u128::from_str_radix(digits, base).ok()?;
        Some(format!("{}{number}", if number == 0 { "" } else { sign }))
    };
    if let Some(digits) = bare.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = bare.strip_prefix("0b") {
        return based(digits, 2);
    }
    if bare.len() > 1 && bare.starts_with('0') {
        return based(&bare[1..], 8);
    }
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("{sign}{bare}"));
    }
    let mut parts = bare.split(':');
    let mut number: u128 = parts.next()?.parse().ok()?;
    for part in parts {
        let is_sixtieth = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let part: u128 = part.parse().ok().filter(|part| is_sixtieth && *part < 60)?;
        number = number.checked_mul(60)?.checked_add(part)?;
    }
    Some(format!("{sign}{number}"))
}

/// A number with a point, as it is written; one in sixties in decimal.
fn read_float(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some((whole, fraction)) = text.split_once('.')
        && whole.contains(':')
        && fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
    {
        return Some(format!("{}.{}", read_integer(whole)?, fraction.replace('_', "")));
    }
    if matches!(digits.to_ascii_lowercase().as_str(), ".inf" | ".nan") {
        return Some(text.to_owned());
    }
    let (whole, rest) = digits.split_once('.')?;
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let has_digit = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or_default();
        has_digit(digits) && is_digits(digits)
    };
    let is_float = is_digits(whole)
        && is_digits(fraction)
        && (has_digit(whole) || (whole.is_empty() && has_digit(fraction)))
        && exponent.is_none_or(is_exponent);
    is_float.then(|| text.replace('_', ""))
}
