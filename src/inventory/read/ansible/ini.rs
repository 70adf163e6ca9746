use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::draft::Draft;
use super::hosts::expand_hosts;
use super::literal::read_value;
use crate::inventory::read::source::{Place, Source};
use crate::inventory::{InventoryError, NodeName, NodeSet};

/// What the lines of a section are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Variables,
    Children,
}

/// A group that is named before it is declared.
struct Pending {
    place: Place,
    /// The groups that hold it, or none when only its variables are given.
    parents: Vec<(usize, Place)>,
}

/// Reads an inventory in Ansible's INI form into `draft`.
///
/// # Errors
///
/// [`InventoryError`] for what Ansible refuses or only warns of, and for names that cannot be
/// a node's or a group's here.
pub(super) fn read_ini(draft: &mut Draft, source: &Source) -> Result<(), InventoryError> {
    let mut reader = Reader {
        draft,
        source,
        pending: BTreeMap::new(),
        declared: HashSet::new(),
        group: super::draft::UNGROUPED,
        section: Section::Hosts,
    };
    for line in source.text().lines() {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with(['#', ';']) {
            reader.read_line(line)?;
        }
    }
    reader.check_pending()
}

/// Reads a list of hosts, one or a set of them a line, into `draft`.
///
/// # Errors
///
/// [`InventoryError`] for a line that is neither a host nor a set of nodes.
pub(super) fn read_plain(draft: &mut Draft, source: &Source) -> Result<(), InventoryError> {
    for line in source.text().lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let place = source.place_of(line);
        // A colon in brackets, or before a port, is Ansible's; everything else is a set of nodes.
        if line.contains(':') {
            let (names, port) = expand_hosts(line)
                .map_err(|why| place.refuse(why, "write a host a line, or a set such as node[01-16]"))?;
            for name in names {
                draft.add_host(&name, None, port, &place)?;
            }
            continue;
        }
        let set = NodeSet::expand(line).map_err(|error| place.locate(error))?;
        for name in set.iter().map(NodeName::as_str) {
            draft.add_host(name, None, None, &place)?;
        }
    }
    Ok(())
}

struct Reader<'d, 's> {
    draft: &'d mut Draft,
    source: &'s Source,
    pending: BTreeMap<String, Pending>,
    /// The groups with a section of hosts or children.
    declared: HashSet<String>,
    group: usize,
    section: Section,
}

impl Reader<'_, '_> {
    fn read_line(&mut self, line: &str) -> Result<(), InventoryError> {
        if line.starts_with('[') && self.opens_section(line) {
            return self.read_header(line);
        }
        match self.section {
            Section::Hosts => self.read_host(line),
            Section::Variables => self.read_variable(line),
            Section::Children => self.read_child(line),
        }
    }

    /// Whether a line that begins with a bracket is a header, and not a host such as `[1:3]n`.
    fn opens_section(&self, line: &str) -> bool {
        let inner = line[1..].split(']').next().unwrap_or_default();
        let after = line.get(inner.len() + 2..).unwrap_or_default().trim_start();
        after.is_empty() || after.starts_with('#')
    }

    fn read_header(&mut self, line: &str) -> Result<(), InventoryError> {
        let place = self.source.place_of(line);
        let Some((inner, _)) = line[1..].split_once(']') else {
            return Err(place.refuse(
                "`[` is never closed",
                "write the name of a group in brackets: [name]",
            ));
        };
        let (name, kind) = match inner.split_once(':') {
            Some((name, kind)) => (name, Some(kind)),
            None => (inner, None),
        };
        let place = self.source.place_of(inner);
        self.section = match kind {
            None | Some("hosts") => Section::Hosts,
            Some("vars") => Section::Variables,
            Some("children") => Section::Children,
            Some(kind) => {
                let help = "there are [name], [name:children] and [name:vars]";
                return Err(place.refuse(format!("`{kind}` is no kind of section"), help));
            }
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(place.refuse(
                format!("`[{inner}]` is not the name of a group"),
                "write it without blanks: [name], [name:children] or [name:vars]",
            ));
        }
        let name_place = self.source.place_of(name);
        let is_known = self.draft.group(name).is_some();
        let at = self.draft.add_group(name, &name_place)?;
        self.group = at;
        if self.section == Section::Variables {
            if !is_known && !self.pending.contains_key(name) {
                let parents = Vec::new();
                self.pending.insert(
                    name.to_owned(),
                    Pending {
                        place: name_place,
                        parents,
                    },
                );
            }
            return Ok(());
        }
        self.declared.insert(name.to_owned());
        if let Some(pending) = self.pending.remove(name) {
            for (parent, place) in pending.parents {
                self.draft.add_child(parent, at, &place)?;
            }
        }
        Ok(())
    }

    fn read_host(&mut self, line: &str) -> Result<(), InventoryError> {
        let place = self.source.place_of(line);
        let words = split_words(line).map_err(|why| {
            place.refuse(
                format!("this line cannot be taken apart: {why}"),
                "put a value with blanks in quotes, and a backslash before a quote that is meant",
            )
        })?;
        let Some(((pattern, _), words)) = words.split_first() else {
            return Ok(());
        };
        let pattern_place = self
            .source
            .place_of(line.split_whitespace().next().unwrap_or(line));
        let (names, port) = expand_hosts(pattern).map_err(|why| pattern_place.refuse(why, ""))?;
        for name in &names {
            self.draft
                .add_host(name, Some(self.group), port, &pattern_place)?;
        }
        for (word, at) in words {
            let place = self.source.place_of(&line[at.clone()]);
            let Some((name, value)) = word.split_once('=').filter(|(name, _)| !name.is_empty()) else {
                return Err(place.refuse(
                    format!("`{word}` is no variable of a host"),
                    "after the host write NAME=VALUE, without blanks round the `=`",
                ));
            };
            let value = read_value(value, &place);
            for host in &names {
                self.draft.set_of_host(host, name, &value)?;
            }
        }
        Ok(())
    }

    fn read_variable(&mut self, line: &str) -> Result<(), InventoryError> {
        let place = self.source.place_of(line);
        let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            return Err(place.refuse(format!("`{line}` is no variable of a group"), "write NAME=VALUE"));
        };
        let value = read_value(value.trim(), &place);
        self.draft.set_of_group(self.group, name.trim(), &value)
    }

    fn read_child(&mut self, line: &str) -> Result<(), InventoryError> {
        let name = line.split('#').next().unwrap_or_default().trim();
        let place = self.source.place_of(name);
        if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || ":]".contains(letter)) {
            let place = self.source.place_of(line);
            return Err(place.refuse(
                format!("`{line}` is not the name of a group"),
                "a section [name:children] has the names of groups, one a line",
            ));
        }
        match self.draft.group(name) {
            Some(child) if !self.pending.contains_key(name) => {
                self.draft.add_child(self.group, child, &place)
            }
            _ => {
                let pending = self.pending.entry(name.to_owned()).or_insert_with(|| Pending {
                    place: place.clone(),
                    parents: Vec::new(),
                });
                pending.parents.push((self.group, place));
                Ok(())
            }
        }
    }

    fn check_pending(self) -> Result<(), InventoryError> {
        let Some((name, pending)) = self.pending.into_iter().next() else {
            return Ok(());
        };
        let known = self.declared.iter().map(String::as_str);
        let help = match crate::diagnostic::nearest(&name, known) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("declare it, if only as an empty section: [{name}]"),
        };
        Err(pending.place.refuse(format!("there is no group `{name}`"), help))
    }
}

/// Takes a line apart as a shell does: quotes, backslashes, and `#` begins a comment. Each word
/// comes with where it stands in the line.
///
/// # Source
///
/// Python's `shlex.split(line, comments=True)`.
pub(super) fn split_words(line: &str) -> Result<Vec<(String, Range<usize>)>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<(String, usize)> = None;
    let mut quote = None;
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        if let Some(open) = quote {
            let (text, _) = word.get_or_insert_with(|| (String::new(), at));
            match letter {
                _ if letter == open => quote = None,
                '\\' if open == '"' => match letters.next() {
                    Some((_, next @ ('"' | '\\'))) => text.push(next),
                    Some((_, next)) => text.extend(['\\', next]),
                    None => return Err("a backslash ends it"),
                },
                _ => text.push(letter),
            }
            continue;
        }
        match letter {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take().map(|(text, start)| (text, start..at))),
            '#' => {
                words.extend(word.take().map(|(text, start)| (text, start..at)));
                return Ok(words);
            }
            '"' | '\'' => {
                word.get_or_insert_with(|| (String::new(), at));
                quote = Some(letter);
            }
            '\\' => match letters.next() {
                Some((_, next)) => word.get_or_insert_with(|| (String::new(), at)).0.push(next),
                None => return Err("a backslash ends it"),
            },
            _ => word.get_or_insert_with(|| (String::new(), at)).0.push(letter),
        }
    }
    if quote.is_some() {
        return Err("a quote is never closed");
    }
    words.extend(word.map(|(text, start)| (text, start..line.len())));
    Ok(words)
}
