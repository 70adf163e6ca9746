use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::fold::fold_names;
use super::range::{DIGITS, RangeError, Stretch, read_stretches};
use super::{InventoryError, NodeName};

/// A set of nodes, in the order people count; printed folded: `node[1-3]`.
///
/// A clone shares the nodes; they are copied only when one of the clones is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeSet(Arc<BTreeSet<NodeName>>);

/// Most names that one written set may stand for.
const MOST_NODES: u64 = 1_000_000;

/// Most letters of one name: those of a full host name, RFC 1035.
const MOST_LETTERS: usize = 255;

impl NodeSet {
    /// Reads a folded set without groups: `node[01-03,7],other`.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NodeSet`] when the brackets, ranges or names are not well formed.
    pub fn expand(text: &str) -> Result<NodeSet, InventoryError> {
        NodeSet::expand_with(text, &|_| None)
    }

    /// Reads a folded set in which `@name` stands for a group.
    ///
    /// Operators are taken from left to right: `,` (or a blank) adds, `!` takes away, `&`
    /// keeps what is in both, `^` keeps what is in one of the two. In a name `*` stands for any
    /// letters and `?` for one: those of the nodes that `groups` gives for `*`, which is what `@*`
    /// is as well. A blank text is the empty set.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NodeSet`] when it is not well formed, names an unknown group, has
    /// a wildcard that no node fits, or stands for more than a million nodes.
    ///
    /// # Source
    ///
    /// ClusterShell, nodeset(1), "EXTENDED PATTERNS" and "GROUP SYNTAX"; for wildcards its user
    /// guide, "Node wildcards".
    pub fn expand_with(
        text: &str,
        groups: &dyn Fn(&str) -> Option<NodeSet>,
    ) -> Result<NodeSet, InventoryError> {
        let mut reader = Reader {
            text,
            at: 0,
            left: MOST_NODES,
            groups,
        };
        reader.read_set().map_err(|error| InventoryError::NodeSet {
            text: text.to_owned(),
            why: error.why,
            at: (error.at.start, error.at.len()).into(),
        })
    }

    /// The nodes in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &NodeName> + ExactSizeIterator + Clone {
        self.0.iter()
    }

    /// The first node, in the order people count.
    pub fn first(&self) -> Option<&NodeName> {
        self.0.first()
    }

    /// Adds a node.
    pub fn insert(&mut self, node: NodeName) {
        if !self.0.contains(&node) {
            Arc::make_mut(&mut self.0).insert(node);
        }
    }

    /// Takes a node out.
    pub fn remove(&mut self, node: &NodeName) {
        if self.0.contains(node) {
            Arc::make_mut(&mut self.0).remove(node);
        }
    }

    /// Whether `node` is in it.
    pub fn contains(&self, node: &NodeName) -> bool {
        self.0.contains(node)
    }

    /// Whether each of its nodes is in `other`.
    pub fn is_within(&self, other: &NodeSet) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.is_subset(&other.0)
    }

    /// How many nodes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no node.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of both.
    pub fn union(&self, other: &NodeSet) -> NodeSet {
        if other.is_empty() || Arc::ptr_eq(&self.0, &other.0) {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        self.0.union(&other.0).cloned().collect()
    }

    /// Those of this set that are not in the other.
    pub fn difference(&self, other: &NodeSet) -> NodeSet {
        if other.is_empty() {
            return self.clone();
        }
        self.0.difference(&other.0).cloned().collect()
    }

    /// Those in both.
    pub fn intersection(&self, other: &NodeSet) -> NodeSet {
        if Arc::ptr_eq(&self.0, &other.0) {
            return self.clone();
        }
        self.0.intersection(&other.0).cloned().collect()
    }

    /// Those in exactly one of the two.
    pub fn symmetric_difference(&self, other: &NodeSet) -> NodeSet {
        self.0.symmetric_difference(&other.0).cloned().collect()
    }
}

impl FromIterator<NodeName> for NodeSet {
    fn from_iter<T: IntoIterator<Item = NodeName>>(nodes: T) -> Self {
        NodeSet(Arc::new(nodes.into_iter().collect()))
    }
}

impl<'a> IntoIterator for &'a NodeSet {
    type Item = &'a NodeName;
    type IntoIter = std::collections::btree_set::Iter<'a, NodeName>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Display for NodeSet {
    /// Folded, so that [`NodeSet::expand`] reads back the same set.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&fold_names(&self.0))
    }
}

/// Reads a written set from left to right; `left` is how many names it may still make.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    left: u64,
    groups: &'a dyn Fn(&str) -> Option<NodeSet>,
}

/// A part of a folded name.
enum Part<'a> {
    Text(&'a str),
    Numbers(Vec<Stretch>),
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.:*?".contains(&byte)
}

/// Whether a name fits a pattern in which `*` stands for any letters and `?` for one.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|taken| fits(&name[taken..], rest)),
        [b'?', rest @ ..] => !name.is_empty() && fits(&name[1..], rest),
        [letter, rest @ ..] => name.first() == Some(letter) && fits(&name[1..], rest),
    }
}

impl<'a> Reader<'a> {
    fn read_set(&mut self) -> Result<NodeSet, RangeError> {
        self.skip_blanks();
        let mut set = NodeSet::default();
        let mut operator = ',';
        if self.at == self.text.len() {
            return Ok(set);
        }
        loop {
            let term = self.read_term()?;
            set = match operator {
                '!' => set.difference(&term),
                '&' => set.intersection(&term),
                '^' => set.symmetric_difference(&term),
                _ => set.union(&term),
            };
            self.skip_blanks();
            let Some(next) = self.text[self.at..].chars().next() else {
                return Ok(set);
            };
            operator = ',';
            if ",!&^".contains(next) {
                operator = next;
                self.at += 1;
                self.skip_blanks();
            }
        }
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Takes the letters that names are made of.
    fn take_name(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.bytes().position(|byte| !is_name_byte(byte));
        let name = &rest[..end.unwrap_or(rest.len())];
        self.at += name.len();
        name
    }

    fn error<T>(&self, why: impl Into<String>, start: usize, end: usize) -> Result<T, RangeError> {
        let end = end.min(self.text.len()).max(start);
        Err(RangeError {
            why: why.into(),
            at: start..end,
        })
    }

    fn read_term(&mut self) -> Result<NodeSet, RangeError> {
        let start = self.at;
        let is_group = self.text[start..].starts_with('@');
        if is_group {
            self.at += 1;
        }
        let parts = self.read_parts()?;
        if parts.is_empty() {
            let next = self.text[self.at..].chars().next();
            let length = next.map_or(0, char::len_utf8);
            let why = match next {
                Some(']') => "`]` closes nothing".to_owned(),
                Some(letter) if !",!&^@".contains(letter) => {
                    format!("`{letter}` cannot stand in a name")
                }
                _ if is_group => "a group's name is missing after `@`".to_owned(),
                Some(operator) => format!("a name is missing before `{operator}`"),
                None => "a name is missing at the end".to_owned(),
            };
            return self.error(why, self.at, self.at + length);
        }
        if let Some(letter) = self.text[self.at..].chars().next()
            && !letter.is_whitespace()
            && !",!&^".contains(letter)
        {
            let why = match letter {
                ']' => "`]` closes nothing".to_owned(),
                '@' => "`@` begins a group; write `,` before it".to_owned(),
                _ => format!("`{letter}` cannot stand in a name"),
            };
            return self.error(why, self.at, self.at + letter.len_utf8());
        }
        let names = self.expand_parts(&parts, start)?;
        if !is_group {
            return self.find_nodes(names, start);
        }
        let mut set = NodeSet::default();
        for name in names {
            let Some(group) = (self.groups)(&name) else {
                return self.error(format!("there is no group `{name}`"), start, self.at);
            };
            set = set.union(&group);
        }
        Ok(set)
    }

    /// The nodes of these names; those with a wildcard are looked for among all.
    fn find_nodes(&self, names: Vec<String>, start: usize) -> Result<NodeSet, RangeError> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            if !name.contains(['*', '?']) {
                found.push(NodeName::from(name));
                continue;
            }
            let Some(all) = (self.groups)("*") else {
                let why = format!("only an inventory knows which nodes `{name}` stands for");
                return self.error(why, start, self.at);
            };
            let before = found.len();
            found.extend(
                all.iter()
                    .filter(|node| fits(node.as_str().as_bytes(), name.as_bytes()))
                    .cloned(),
            );
            if found.len() == before {
                return self.error(format!("no node fits `{name}`"), start, self.at);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Reads `n[1-2]-ib[0-1]` into its parts.
    fn read_parts(&mut self) -> Result<Vec<Part<'a>>, RangeError> {
        let mut parts = Vec::new();
        if self.text[self.at..].starts_with('-') {
            let why = "a name cannot begin with `-`, which commands take for an option";
            return self.error(why, self.at, self.at + 1);
        }
        loop {
            let name = self.take_name();
            if !name.is_empty() {
                parts.push(Part::Text(name));
            }
            if !self.text[self.at..].starts_with('[') {
                return Ok(parts);
            }
            let open = self.at;
            let inner = &self.text[open + 1..];
            match inner.find(['[', ']']) {
                Some(end) if inner[end..].starts_with(']') => {
                    parts.push(Part::Numbers(read_stretches(&inner[..end], open + 1)?));
                    self.at = open + 1 + end + 1;
                }
                Some(end) => {
                    let at = open + 1 + end;
                    return self.error("`[` inside of brackets", at, at + 1);
                }
                None => return self.error("`[` is never closed", open, open + 1),
            }
        }
    }

    /// Makes the names, each text with each number; counted before anything is made.
    fn expand_parts(&mut self, parts: &[Part<'_>], start: usize) -> Result<Vec<String>, RangeError> {
        let (mut count, mut letters) = (1_u64, 0_usize);
        for part in parts {
            match part {
                Part::Text(text) => letters += text.len(),
                Part::Numbers(stretches) => {
                    let numbers = stretches
                        .iter()
                        .fold(0_u64, |sum, stretch| sum.saturating_add(stretch.count()));
                    count = count.saturating_mul(numbers);
                    letters += DIGITS;
                }
            }
        }
        if count > self.left {
            let why = format!("it stands for more than {MOST_NODES} nodes");
            return self.error(why, start, self.at);
        }
        if letters > MOST_LETTERS + DIGITS {
            let why = format!("a name has more than {MOST_LETTERS} letters");
            return self.error(why, start, self.at);
        }
        self.left -= count;
        let mut names = vec![String::new()];
        for part in parts {
            match part {
                Part::Text(text) => names.iter_mut().for_each(|name| name.push_str(text)),
                Part::Numbers(stretches) => {
                    let numbers: Vec<String> = stretches.iter().flat_map(|it| it.numbers()).collect();
                    names = names
                        .iter()
                        .flat_map(|name| numbers.iter().map(move |number| format!("{name}{number}")))
                        .collect();
                }
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str) -> NodeSet {
        NodeSet::expand(text).expect(text)
    }

    #[test]
    fn sets_are_read_and_folded() {
        let cases = [
            ("", "", 0),
            ("node1", "node1", 1),
            ("node[1-3]", "node[1-3]", 3),
            ("node3,node1,node2", "node[1-3]", 3),
            ("n[01-10/2,15]", "n[01,03,05,07,09,15]", 6),
            ("n[08-11]", "n[08-11]", 4),
            ("n[1-2]-ib[0-1]", "n[1-2]-ib[0-1]", 4),
            ("n1-ib0,n2-ib1", "n1-ib0,n2-ib1", 2),
            ("a1,b1,a2", "a[1-2],b1", 3),
            ("n[1-9]!n5", "n[1-4,6-9]", 8),
            ("n[1-5]&n[4-9]", "n[4-5]", 2),
            ("n[1-3]^n[2-4]", "n[1,4]", 2),
            ("n1 n2, n3", "n[1-3]", 3),
            ("n[1-3] ! n2", "n[1,3]", 2),
            ("10.0.0.[1-2]", "10.0.0.[1-2]", 2),
            ("node[1-2].example.com,gate", "gate,node[1-2].example.com", 3),
            ("n12345678901234567890", "n12345678901234567890", 1),
        ];
        for (text, folded, count) in cases {
            assert_eq!(set(text).to_string(), folded, "{text}");
            assert_eq!(set(text).len(), count, "{text}");
        }
    }

    #[test]
    fn odd_sets_are_refused_at_their_place() {
        let cases = [
            ("n[1-3", "`[` is never closed", 1),
            ("n1-3]", "`]` closes nothing", 4),
            ("n[1-[2]]", "`[` inside of brackets", 4),
            ("n[5-1]", "`5-1` runs backwards; write 1-5", 2),
            ("n1,,n2", "a name is missing before `,`", 3),
            ("n1,", "a name is missing at the end", 3),
            ("m1,n*", "only an inventory knows which nodes `n*` stands for", 3),
            ("n+", "`+` cannot stand in a name", 1),
            ("@*", "there is no group `*`", 0),
            (
                "n1,-rf",
                "a name cannot begin with `-`, which commands take for an option",
                3,
            ),
            ("n1,@mds", "there is no group `mds`", 3),
            ("@", "a group's name is missing after `@`", 1),
            ("n1@mds", "`@` begins a group; write `,` before it", 2),
            ("n[1-2000000]", "it stands for more than 1000000 nodes", 0),
            ("n[1-1001][1-1001]", "it stands for more than 1000000 nodes", 0),
            (
                "n[0-999999999999999999]",
                "it stands for more than 1000000 nodes",
                0,
            ),
            (
                "n[1-600000],m[1-600000]",
                "it stands for more than 1000000 nodes",
                12,
            ),
            ("é", "`é` cannot stand in a name", 0),
        ];
        for (text, why, offset) in cases {
            let InventoryError::NodeSet { why: found, at, .. } = NodeSet::expand(text).unwrap_err() else {
                panic!("another error for {text}");
            };
            assert_eq!((found.as_str(), at.offset()), (why, offset), "{text}");
        }
    }

    #[test]
    fn groups_are_put_in() {
        let groups = |name: &str| match name {
            "mds" => Some(set("node[1-3]")),
            "rack1" => Some(set("node[1-2]")),
            "rack2" => Some(set("node[3-4]")),
            "site:north" => Some(set("node[1-2]")),
            "*" => Some(set("node[1-10],gate")),
            _ => None,
        };
        let cases = [
            ("@mds", "node[1-3]"),
            ("@mds!node2", "node[1,3]"),
            ("@rack[1-2]&@mds", "node[1-3]"),
            ("@site:north", "node[1-2]"),
            ("@*", "gate,node[1-10]"),
            ("node?", "node[1-9]"),
            ("node[1-3]*", "node[1-3,10]"),
            ("*!@mds", "gate,node[4-10]"),
            ("*e*", "gate,node[1-10]"),
        ];
        for (text, folded) in cases {
            let read = NodeSet::expand_with(text, &groups).expect(text);
            assert_eq!(read.to_string(), folded, "{text}");
        }
        for (text, why) in [
            ("node1,x*", "no node fits `x*`"),
            ("@site:south", "there is no group `site:south`"),
        ] {
            let error = NodeSet::expand_with(text, &groups).unwrap_err().to_string();
            assert!(error.ends_with(why), "{error}");
        }
    }

    #[test]
    fn a_changed_clone_leaves_the_other_alone() {
        let whole = set("n[1-3]");
        let mut part = whole.clone();
        part.remove(&NodeName::from("n2"));
        assert_eq!((whole.len(), part.to_string().as_str()), (3, "n[1,3]"));
    }

    #[test]
    fn ten_thousand_nodes_fold_to_one_word() {
        assert_eq!(set("n[00001-10000]").to_string(), "n[00001-10000]");
    }

    proptest! {
        #[test]
        fn what_is_folded_expands_to_the_same(
            names in prop::collection::btree_set("[a-c]{0,2}[0-9]{1,3}(-ib[0-9]{1,2})?(x[0-9])?", 0..40)
        ) {
            let whole: NodeSet = names.iter().map(|name| NodeName::from(name.as_str())).collect();
            prop_assert_eq!(NodeSet::expand(&whole.to_string()), Ok(whole));
        }

        #[test]
        fn no_text_is_too_odd(text in "[-n0-9,!&^@ é/\\[\\]]{0,24}") {
            let _ = NodeSet::expand(&text);
        }
    }
}
