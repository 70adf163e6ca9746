use std::collections::BTreeMap;

use rustyline::completion::Pair;

use super::command::COMMANDS;
use crate::inventory::Inventory;
use crate::project::{KEYWORDS, Vocabulary};
use crate::value::Type;

/// Most candidates that are listed one by one.
const MOST: usize = 60;

/// The characters that end a word.
const BREAKS: &[char] = &[
    ' ', '\t', '\n', '<', '>', '|', ';', '(', ')', '=', ',', '+', '&', '"', '\'',
];

/// The words that a node set may follow.
const BEFORE_NODES: &[&str] = &["on", "of", "any", ":nodes", ":drop", ":limit"];

/// The words that a service may follow.
const BEFORE_SERVICES: &[&str] = &["stop", "start", "restart", "status", "losing", "leave"];

/// The words that a guard may follow.
const BEFORE_GUARDS: &[&str] = &["require", "until", "holds", ":watch"];

/// The filters that take the columns of a table.
const BEFORE_COLUMNS: &[&str] = &[
    "where", "get", "select", "sort", "by", "each", "drop", "unique", "and", "or", "not",
];

/// What a word that is being typed may become: where it begins, and the candidates.
pub(super) fn complete(line: &str, cursor: usize, vocabulary: &Vocabulary) -> (usize, Vec<Pair>) {
    let before = &line[..cursor];
    let start = word_start(before);
    let word = &before[start..];
    if let Some(found) = complete_set(word, vocabulary.inventory()) {
        return (start, found);
    }
    let place = Place::of(&before[..start]);
    if let Some(name) = word.strip_prefix('$') {
        return (start, complete_variable(name, vocabulary));
    }
    let mut names: Vec<String> = Vec::new();
    let mut nodes = false;
    match &place {
        Place::Command if word.starts_with(':') => {
            names.extend(COMMANDS.iter().map(|(name, ..)| format!(":{name}")));
        }
        Place::File => return (start, Vec::new()),
        Place::Statement | Place::Command => {
            names.extend(KEYWORDS.iter().map(|(name, _)| (*name).to_owned()));
            names.extend(owned(vocabulary.verbs()));
            names.extend(owned(vocabulary.facts()));
            names.extend(owned(vocabulary.guards()));
            nodes = false;
        }
        Place::Nodes => nodes = true,
        Place::Services => names.extend(owned(vocabulary.services())),
        Place::Guards => names.extend(owned(vocabulary.guards())),
        Place::Filter => names.extend(owned(vocabulary.filters())),
        Place::Columns(pipeline) => names.extend(vocabulary.columns(pipeline)),
        Place::Anything => {
            names.extend(owned(vocabulary.facts()));
            names.extend(owned(vocabulary.guards()));
            names.extend(owned(vocabulary.services()));
            names.extend(owned(vocabulary.verbs()));
            nodes = true;
        }
        Place::Argument(head) => {
            let parameters = vocabulary.parameters(head);
            names.extend(parameters.iter().map(|parameter| format!("{}=", parameter.name)));
            nodes = parameters.iter().any(|parameter| is_of_nodes(&parameter.kind));
            if parameters.iter().any(|parameter| parameter.kind == Type::Service) {
                names.extend(owned(vocabulary.services()));
            }
        }
        Place::Value(head, parameter) => {
            let parameters = vocabulary.parameters(head);
            match parameters
                .iter()
                .find(|known| known.name == *parameter)
                .map(|known| &known.kind)
            {
                Some(Type::Choice(words)) => names.extend(words.iter().cloned()),
                Some(Type::Bool) => names.extend(["yes".to_owned(), "no".to_owned()]),
                Some(Type::Service) => names.extend(owned(vocabulary.services())),
                _ => nodes = true,
            }
        }
    }
    let mut found = pairs(names, word);
    if nodes {
        found.extend(complete_nodes(word, vocabulary.inventory()));
    }
    (start, found)
}

/// Whether a file's name is being typed, and where it begins.
pub(super) fn file_start(before: &str) -> Option<usize> {
    let start = [":load ", ":save "]
        .into_iter()
        .find(|word| before.starts_with(word))?
        .len();
    Some(start)
}

fn owned(names: Vec<&str>) -> impl Iterator<Item = String> {
    names.into_iter().map(str::to_owned)
}

fn is_of_nodes(kind: &Type) -> bool {
    match kind {
        Type::Node | Type::Nodes => true,
        Type::List(inner) => is_of_nodes(inner),
        _ => false,
    }
}

/// Where the word before the cursor begins; what stands in the brackets of a folded set belongs to it.
fn word_start(before: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in before.char_indices().rev() {
        match letter {
            ']' => depth += 1,
            '[' => depth -= 1,
            // `n[1-4,` is one word although a comma ends others.
            ',' if before[..at]
                .rfind('[')
                .is_some_and(|open| !before[open..at].contains([']', ' '])) => {}
            _ if depth <= 0 && BREAKS.contains(&letter) => return at + letter.len_utf8(),
            _ => {}
        }
    }
    0
}

/// What may stand at a place.
enum Place<'t> {
    Command,
    File,
    Statement,
    Nodes,
    Services,
    Guards,
    Filter,
    Columns(&'t str),
    Argument(&'t str),
    Value(&'t str, &'t str),
    Anything,
}

impl<'t> Place<'t> {
    /// The place after a text.
    fn of(before: &'t str) -> Place<'t> {
        if before.is_empty() {
            return Place::Command;
        }
        if file_start(before).is_some() {
            return Place::File;
        }
        let before = [":plan ", ":expand "]
            .into_iter()
            .find_map(|word| before.strip_prefix(word))
            .unwrap_or(before);
        let segment = before.rsplit(['<', '>', ';', '\n']).next().unwrap_or(before);
        let last = segment
            .split([' ', '\t', '(', '='])
            .rfind(|word| !word.is_empty())
            .unwrap_or_default();
        let trimmed = segment.trim_end();
        if trimmed.is_empty() {
            return Place::Statement;
        }
        if let Some((head, name)) = named_argument(segment) {
            return Place::Value(head, name);
        }
        if trimmed.ends_with('|') {
            return Place::Filter;
        }
        if BEFORE_GUARDS.contains(&last) {
            return Place::Guards;
        }
        if let Some((pipeline, filter)) = segment.rsplit_once('|') {
            let in_columns = filter
                .split_whitespace()
                .next()
                .is_some_and(|word| BEFORE_COLUMNS.contains(&word));
            return match in_columns {
                true => Place::Columns(pipeline),
                false => Place::Anything,
            };
        }
        let first = segment.split_whitespace().next().unwrap_or_default();
        if BEFORE_SERVICES.contains(&first) {
            return Place::Services;
        }
        if BEFORE_NODES.contains(&last) || trimmed.ends_with(['+', '&', ',']) && first == "on" {
            return Place::Nodes;
        }
        let head = match first {
            "require" => segment.split_whitespace().nth(1),
            "wait" => segment
                .split_whitespace()
                .skip_while(|word| *word != "until")
                .nth(1),
            _ => Some(first),
        };
        match head {
            Some(head) if !KEYWORDS.iter().any(|(word, _)| *word == head) && !head.starts_with(':') => {
                Place::Argument(head)
            }
            _ => Place::Anything,
        }
    }
}

/// The call and the parameter of a `name=` at the end of a text.
fn named_argument(segment: &str) -> Option<(&str, &str)> {
    let rest = segment.strip_suffix('=')?;
    let name = rest.rsplit([' ', '\t']).next()?;
    let mut words = segment.split_whitespace();
    let head = words.find(|word| !matches!(*word, "require" | "let"))?;
    (head != name && !segment.trim_start().starts_with("let ")).then_some((head, name))
}

fn pairs(names: Vec<String>, word: &str) -> Vec<Pair> {
    let mut names: Vec<String> = names.into_iter().filter(|name| name.starts_with(word)).collect();
    names.sort();
    names.dedup();
    let pair = |name: String| Pair {
        display: name.clone(),
        replacement: name,
    };
    names.into_iter().map(pair).collect()
}

fn complete_variable(name: &str, vocabulary: &Vocabulary) -> Vec<Pair> {
    if let Some((owner, field)) = name.split_once('.') {
        let fields = vocabulary
            .fields(owner)
            .into_iter()
            .filter(|known| known.starts_with(field));
        return pairs(
            fields.map(|known| format!("${owner}.{known}")).collect(),
            &format!("${name}"),
        );
    }
    let names = vocabulary.variables().iter().map(|(name, _)| name.as_str());
    let names = names.chain(["node", "cluster"]);
    pairs(
        names.map(|known| format!("${known}")).collect(),
        &format!("${name}"),
    )
}

/// The groups and nodes that begin so; very many nodes are counted by their next letter.
fn complete_nodes(word: &str, inventory: &Inventory) -> Vec<Pair> {
    let mut found = pairs(inventory.group_names().map(str::to_owned).collect(), word);
    let nodes = inventory.nodes().map(|node| &node.name);
    let nodes: Vec<_> = nodes.filter(|name| name.as_str().starts_with(word)).collect();
    if nodes.len() <= MOST {
        found.extend(pairs(nodes.into_iter().map(ToString::to_string).collect(), word));
        return found;
    }
    // By their next letter: so each is a few keys away.
    let common = common_beginning(nodes.iter().map(|name| name.as_str()));
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    for name in nodes {
        let letter = name.as_str()[common.len()..].chars().next();
        let start = common.clone() + &letter.map(String::from).unwrap_or_default();
        *next.entry(start).or_default() += 1;
    }
    found.extend(next.into_iter().map(|(replacement, count)| Pair {
        display: match count {
            1 => replacement.clone(),
            _ => format!("{replacement}… ({count} nodes)"),
        },
        replacement,
    }));
    found
}

fn common_beginning<'n>(mut names: impl Iterator<Item = &'n str>) -> String {
    let mut common = names.next().unwrap_or_default();
    for name in names {
        let same = common
            .bytes()
            .zip(name.bytes())
            .take_while(|(one, other)| one == other)
            .count();
        common = &common[..common.floor_char_boundary(same)];
    }
    common.to_owned()
}

/// The number that a folded set may go on with: `node[1-` up to what there is.
fn complete_set(word: &str, inventory: &Inventory) -> Option<Vec<Pair>> {
    let (prefix, inside) = word
        .rsplit_once('[')
        .filter(|(_, inside)| !inside.contains(']'))?;
    if prefix.is_empty() || prefix.contains(['"', '$']) {
        return None;
    }
    let (kept, typed) = match inside.rfind([',', '-']) {
        Some(at) => inside.split_at(at + 1),
        None => ("", inside),
    };
    let start = kept
        .strip_suffix('-')
        .and_then(|kept| kept.rsplit(',').next()?.parse::<u64>().ok());
    let numbers = inventory
        .nodes()
        .filter_map(|node| node.name.as_str().strip_prefix(prefix));
    let numbers = numbers.filter(|number| {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number
            && number.starts_with(typed)
            && start.is_none_or(|start| number.parse::<u64>().is_ok_and(|it| it > start))
    });
    let mut numbers: Vec<&str> = numbers.collect();
    numbers.sort_by_key(|number| (number.len(), *number));
    if numbers.len() > MOST {
        // The last one is what is meant most often.
        numbers = numbers.split_off(numbers.len() - 1);
    }
    let pair = |number: &str| Pair {
        display: number.to_owned(),
        replacement: format!("{prefix}[{kept}{number}"),
    };
    Some(numbers.into_iter().map(pair).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::project::{LockWishes, Project, Session, SessionWays, Ways};
    use crate::transport::Terminal;

    /// The names of the built-in simulated cluster.
    pub fn vocabulary() -> Vocabulary {
        let ways = SessionWays {
            ways: Ways::default(),
            terminal: Terminal::new(None),
            listener: None,
            output_folder: None,
            lock: LockWishes::default(),
        };
        let session = Session::open(Project::simulated(), ways).expect("it is built in");
        session.vocabulary()
    }

    #[test]
    fn each_place_has_its_names() {
        let vocabulary = vocabulary();
        let cases = [
            // what is typed, one that is offered, one that is not
            ("re", "require", "quorum"),
            ("on md", "mds_nodes", "mds"),
            ("on node", "node3", "mds_nodes"),
            ("on node[1-", "node[1-5", "node1"),
            ("on node[1,", "node[1,3", "node1"),
            ("on mds_nodes < stop pst", "pstorage-mdsd", "pstorage"),
            ("require quo", "quorum", "require"),
            ("require quorum lo", "losing=", "quorum"),
            ("require quorum losing=no", "node2", "losing="),
            ("wait up to 5m until rep", "replicated", "require"),
            ("mds | whe", "where", "mds"),
            ("mds | where st", "status", "stop"),
            ("mds | sort by mds", "mdsid", "mds"),
            ("let x = chu", "chunks", "check"),
            (":pl", ":plan", "plan"),
            (":plan on node", "node1", ":plan"),
            ("rm-cs cs=1026 fo", "force=", "for"),
            ("show $no", "$node", "node"),
        ];
        for (typed, offered, other) in cases {
            let (_, found) = complete(typed, typed.len(), &vocabulary);
            let found: Vec<&str> = found.iter().map(|pair| pair.replacement.as_str()).collect();
            assert!(found.contains(&offered), "{typed}: {found:?}");
            assert!(!found.contains(&other), "{typed}: {found:?}");
        }
    }
}
