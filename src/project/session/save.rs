use std::collections::{BTreeMap, BTreeSet};

use super::line::mentions;
use super::{Declared, Session};
use crate::diagnostic::{Problem, Problems, Span, Style};
use crate::inventory::{Inventory, NodeSet};
use crate::project::{Project, write_now};
use crate::run::Standing;

/// How often a text is mended at most.
const MOST_MENDS: usize = 1000;

/// What was said in a session, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// When.
    pub at: String,
    /// As it was typed.
    pub text: String,
    /// As a runbook writes it.
    pub written: String,
    /// What it used of what was declared then.
    pub uses: Vec<Declared>,
    /// What kind of line it is.
    pub kind: DoneKind,
    /// How it ended, in a word: [`Done::WELL`] or what went wrong.
    pub outcome: String,
    /// Why a runbook cannot have it although it ended well.
    pub only_here: Option<String>,
}

impl Done {
    /// The outcome of what ended well.
    pub const WELL: &'static str = "done";

    fn is_done(&self) -> bool {
        self.outcome == Done::WELL
    }
}

/// The kinds of line, by what a runbook wants of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoneKind {
    /// It only declares.
    Declaration,
    /// It changes something.
    Act,
    /// It asks a guard, or waits for one.
    Guard,
    /// It names a value.
    Name(String),
    /// It only looks.
    Look,
}

/// A session as a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The runbook; it passes the checker.
    pub text: String,
    /// What was left out since it would not pass, each with the reason.
    pub left_out: Vec<String>,
}

/// A part of a runbook in the making.
struct Part {
    text: String,
    is_declaration: bool,
    /// Why it is left out.
    refused: Option<String>,
}

impl Session {
    /// Lifts a session into a runbook: what was done and ended well, in order, with its guards.
    ///
    /// # Errors
    ///
    /// Why there is no such runbook: nothing was done, or what was done cannot be one.
    pub fn save(&mut self, name: &str, done: &[Done]) -> Result<Saved, String> {
        let done = &self.mark_changed(done);
        let mut parts: Vec<Part> = self
            .background()
            .declared()
            .iter()
            .map(Part::declaration)
            .collect();
        let statements = choose_statements(done);
        if statements.is_empty() {
            return Err("nothing was done so far that a runbook could do".to_owned());
        }
        let only_here = done
            .iter()
            .filter(|one| one.is_done() && one.kind != DoneKind::Declaration);
        let only_here: Vec<String> = only_here
            .filter_map(|one| Some(format!("{}: {}", one.text.trim(), one.only_here.as_ref()?)))
            .collect();
        let offers = offer(&statements, self.inventory());
        parts.extend(statements.into_iter().map(Part::statement));
        let title = format!(
            "## What was done at the prompt on {}, until {}.\nrunbook {}\n",
            self.inventory().name,
            write_now(),
            plain_name(name)
        );
        let mut is_closed = false;
        for _ in 0..MOST_MENDS {
            let (text, places) = compose(&title, &offers, &parts);
            let Some(problem) = self.first_problem(name, &text) else {
                let text = Project::format_text(name, &text, Style::Plain)?;
                let left = parts.into_iter();
                let refused =
                    left.filter_map(|part| Some(format!("{}: {}", part.text.trim(), part.refused?)));
                let left_out = only_here.into_iter().chain(refused).collect();
                return Ok(Saved { text, left_out });
            };
            if problem.code == "check::left_stopped" && !is_closed {
                is_closed = true;
                parts.extend(self.closing_parts());
                continue;
            }
            let found = places
                .iter()
                .position(|(start, end)| (*start..*end).contains(&problem.at));
            match found.map(|index| (index, &parts[index])) {
                Some((index, part)) if part.is_declaration && problem.code == "check::unused_name" => {
                    parts.remove(index);
                }
                Some((index, _)) => parts[index].refused = Some(problem.text),
                None => return Err(problem.text),
            }
        }
        Err("it would take too many changes to pass the checker".to_owned())
    }

    /// Marks what used a declaration that is another one by now: the runbook has only the last one.
    fn mark_changed(&self, done: &[Done]) -> Vec<Done> {
        let declared = self.background().declared();
        let mark = |one: &Done| {
            let mut one = one.clone();
            let changed = one.uses.iter().find(|used| !declared.contains(used));
            let why = changed.map(|used| format!("{} was declared anew since", used.title));
            one.only_here = one.only_here.or(why);
            one
        };
        done.iter().map(mark).collect()
    }

    /// What is stopped at the end of the session is left so by word.
    fn closing_parts(&self) -> Vec<Part> {
        let stopped = self.standing().stopped().into_iter();
        stopped
            .map(|one| {
                let (name, node) = (one.name, one.node);
                Part::statement(format!(
                    "on {node} < leave {name} stopped \"it was so when the session ended\" >"
                ))
            })
            .collect()
    }

    fn first_problem(&mut self, name: &str, text: &str) -> Option<Found> {
        let base = self.project.sources().end();
        let problems: Problems = self.project.check_text(name, text);
        // A declaration that came with others is not for this runbook; what is unused inside of one may stay.
        let is_unused = |problem: &&Problem| {
            let text = problem.finding.to_string();
            let is_whole = ["verb ", "guard ", "fact "]
                .iter()
                .any(|word| text.starts_with(word));
            problem.code() == "check::unused_name" && is_whole
        };
        let mut errors = problems.iter().filter(|problem| problem.is_error());
        let found = errors.next().or_else(|| problems.iter().find(is_unused))?;
        let at = found.span().unwrap_or(Span::new(base, base));
        Some(Found {
            code: found.code(),
            text: found.finding.to_string(),
            at: at.start.saturating_sub(base) as usize,
        })
    }
}

/// What is wrong with a text, and where in it.
struct Found {
    code: String,
    text: String,
    at: usize,
}

impl Part {
    fn declaration(declared: &super::Declared) -> Part {
        Part {
            text: declared.text.clone(),
            is_declaration: true,
            refused: None,
        }
    }

    fn statement(text: String) -> Part {
        Part {
            text,
            is_declaration: false,
            refused: None,
        }
    }
}

/// The whole text, and where each part stands in it, in bytes.
fn compose(title: &str, offers: &[String], parts: &[Part]) -> (String, Vec<(usize, usize)>) {
    let mut text = title.to_owned();
    for offer in offers {
        text.push_str(&format!("# {offer}\n"));
    }
    let mut places = Vec::new();
    for part in parts {
        text.push('\n');
        let start = text.len();
        match &part.refused {
            None => text.push_str(part.text.trim()),
            Some(why) => {
                let why = why.lines().next().unwrap_or_default();
                text.push_str(&format!("# Left out, since it does not check: {why}\n"));
                let lines: Vec<String> = part
                    .text
                    .trim()
                    .lines()
                    .map(|line| format!("#   {line}"))
                    .collect();
                text.push_str(&lines.join("\n"));
            }
        }
        places.push((start, text.len() + 1));
        text.push('\n');
    }
    (text, places)
}

/// The statements of a runbook: acts and guards that ended well, and the values that they use.
fn choose_statements(done: &[Done]) -> Vec<String> {
    let mut chosen: Vec<(String, String)> = Vec::new();
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    // From the end: a value is wanted by what comes after it.
    for one in done
        .iter()
        .rev()
        .filter(|one| one.is_done() && one.only_here.is_none())
    {
        let text = one.written.trim();
        let (name, text) = match &one.kind {
            DoneKind::Declaration => continue,
            DoneKind::Act | DoneKind::Guard => (String::new(), text.to_owned()),
            DoneKind::Name(name) if wanted.remove(name) => (name.clone(), text.to_owned()),
            DoneKind::Look if wanted.remove(Standing::LAST) => {
                let name = Standing::LAST.to_owned();
                (name, format!("let {} = {text}", Standing::LAST))
            }
            DoneKind::Name(_) | DoneKind::Look => continue,
        };
        wanted.extend(names_in(&text));
        chosen.push((name, text));
    }
    chosen.reverse();
    rename_values(chosen)
}

/// Gives each value a name of its own: a script names nothing twice, and a session does.
fn rename_values(chosen: Vec<(String, String)>) -> Vec<String> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut now: BTreeMap<String, String> = BTreeMap::new();
    let mut renamed = Vec::new();
    for (name, mut text) in chosen {
        for (old, new) in &now {
            text = rename(&text, old, new);
        }
        if !name.is_empty() {
            let number = count.entry(name.clone()).or_default();
            *number += 1;
            let new = match (name.as_str(), *number) {
                (Standing::LAST, number) => format!("result-{number}"),
                (_, 1) => name.clone(),
                (_, number) => format!("{name}-{number}"),
            };
            text = text.replacen(&format!("let {name}"), &format!("let {new}"), 1);
            now.insert(name, new);
        }
        renamed.push(text);
    }
    renamed
}

/// Every name that a text speaks of as `$name` or `${name}`.
fn names_in(text: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let after = text
        .match_indices('$')
        .map(|(at, _)| text[at + 1..].trim_start_matches('{'));
    let names = after.map(|rest| rest.split(|letter| !is_part(letter)).next().unwrap_or_default());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn rename(text: &str, old: &str, new: &str) -> String {
    if old == new || !mentions(text, old) {
        return text.to_owned();
    }
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let mut renamed = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at + 1);
        renamed.push_str(before);
        let bare = after.strip_prefix('{').unwrap_or(after);
        if after.len() > bare.len() {
            renamed.push('{');
        }
        rest = match bare.strip_prefix(old) {
            Some(tail) if !tail.starts_with(is_part) => {
                renamed.push_str(new);
                tail
            }
            _ => bare,
        };
    }
    renamed + rest
}

/// What might be made more general by hand: hosts that make up a group, and literals that stand often.
fn offer(statements: &[String], inventory: &Inventory) -> Vec<String> {
    let mut offers = Vec::new();
    let group_of = |nodes: &NodeSet| {
        inventory
            .group_names()
            .find(|group| *group != "all_nodes" && inventory.group(group) == Some(nodes))
            .map(str::to_owned)
    };
    // Each block by what it does: the nodes that it was done on, one after the other.
    let mut blocks: BTreeMap<String, NodeSet> = BTreeMap::new();
    let mut told: BTreeSet<String> = BTreeSet::new();
    for statement in statements {
        let Some((written, body)) = statement
            .strip_prefix("on ")
            .and_then(|rest| rest.split_once('<'))
        else {
            continue;
        };
        let Some(nodes) = written
            .split_whitespace()
            .next()
            .and_then(|word| known_nodes(word, inventory))
        else {
            continue;
        };
        let body = body.split_whitespace().collect::<Vec<&str>>().join(" ");
        if nodes.len() > 1
            && let Some(group) = group_of(&nodes)
            && told.insert(nodes.to_string())
        {
            offers.push(format!("{nodes} are all of {group}: that could be `on {group}`"));
        }
        let all = blocks.entry(body).or_default();
        *all = all.union(&nodes);
    }
    for (body, nodes) in &blocks {
        if nodes.len() > 1
            && let Some(group) = group_of(nodes)
            && told.insert(nodes.to_string())
        {
            offers.push(format!(
                "the same was done on {nodes}, which are all of {group}: `on {group} serially < {body}`"
            ));
        }
    }
    for (literal, count) in literals(statements).into_iter().filter(|(_, count)| *count > 1) {
        offers.push(format!(
            "{literal} stands {count} times: that could be a parameter, `param NAME: TYPE = {literal}`"
        ));
    }
    offers
}

fn known_nodes(word: &str, inventory: &Inventory) -> Option<NodeSet> {
    let nodes = NodeSet::expand(word.trim_end_matches(',')).ok()?;
    let is_known = nodes.iter().all(|node| inventory.node(node.as_str()).is_some());
    is_known.then_some(nodes)
}

/// Numbers, paths and quoted texts, and how often each stands in the statements.
fn literals(statements: &[String]) -> BTreeMap<String, usize> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for statement in statements {
        for (index, part) in statement.split('"').enumerate() {
            if index % 2 == 1 {
                if !part.contains('$') && part.len() > 2 {
                    *found.entry(format!("\"{part}\"")).or_default() += 1;
                }
                continue;
            }
            let words = part.split(|letter: char| letter.is_whitespace() || letter == '=');
            for word in words {
                let is_number = word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_digit());
                let is_path = word.len() > 2 && word.starts_with('/') && !word.ends_with('/');
                if is_number || is_path {
                    *found.entry(word.to_owned()).or_default() += 1;
                }
            }
        }
    }
    found
}

/// The name of a file as that of a runbook.
fn plain_name(file: &str) -> String {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let stem = stem.strip_suffix(".runbook").unwrap_or(stem);
    let plain: String = stem
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    match plain.trim_matches('-') {
        "" => "session".to_owned(),
        name if name.starts_with(|letter: char| letter.is_ascii_digit()) => format!("session-{name}"),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(kind: DoneKind, text: &str) -> Done {
        Done {
            at: String::new(),
            text: text.to_owned(),
            written: text.to_owned(),
            uses: Vec::new(),
            kind,
            outcome: Done::WELL.to_owned(),
            only_here: None,
        }
    }

    #[test]
    fn only_what_is_used_is_kept() {
        let name = |name: &str| DoneKind::Name(name.to_owned());
        let lines = [
            done(DoneKind::Look, "mds"),
            done(name("cs"), "let cs = 1026"),
            done(name("idle"), "let idle = 3"),
            done(DoneKind::Guard, "require quorum losing=node1"),
            done(DoneKind::Look, "chunk-servers | where csid is $cs | only"),
            done(DoneKind::Act, "on $_.host < stop pstorage-csd >"),
            done(name("cs"), "let cs = 1027"),
            done(DoneKind::Act, "rm-cs $cs \"${cs}\""),
        ];
        let expected = [
            "let cs = 1026",
            "require quorum losing=node1",
            "let result-1 = chunk-servers | where csid is $cs | only",
            "on $result-1.host < stop pstorage-csd >",
            "let cs-2 = 1027",
            "rm-cs $cs-2 \"${cs-2}\"",
        ];
        assert_eq!(choose_statements(&lines), expected);
    }

    #[test]
    fn names_of_files_become_names_of_runbooks() {
        let cases = [
            ("night.runbook", "night"),
            ("/tmp/Disk 1026.runbook", "disk-1026"),
            ("2026-11-28.runbook", "session-2026-11-28"),
            ("...", "session"),
        ];
        for (file, name) in cases {
            assert_eq!(plain_name(file), name, "{file}");
        }
    }
}
