mod lock;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use miette::{NamedSource, SourceSpan};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::nearest;
use crate::inventory::{Inventory, InventoryError, Node, NodeName, NodeSet};

/// Keys at the top of the file.
const TOP_KEYS: [&str; 6] = ["name", "system", "variables", "groups", "nodes", "lock"];

/// Keys of a node with a meaning of their own; every other one is a variable.
const NODE_KEYS: [&str; 2] = ["address", "aliases"];

/// How deep groups may lie in groups.
const DEEPEST_GROUP: usize = 64;

type Value<'a> = Spanned<DeValue<'a>>;

/// Reads a `cluster.toml`; `name` is the file's.
pub(super) fn read_native(name: &str, text: &str) -> Result<Inventory, InventoryError> {
    let file = File {
        text,
        source: Arc::new(NamedSource::new(name, text.to_owned())),
    };
    let whole = DeTable::parse(text).map_err(|error| InventoryError::Unreadable {
        why: error.message().to_owned(),
        file: file.source.clone(),
        at: span(error.span().unwrap_or(0..0)),
    })?;
    let top = whole.get_ref();
    for key in top.keys() {
        if !TOP_KEYS.contains(&key.get_ref().as_ref()) {
            return Err(file.unknown_key(key, "an inventory", &TOP_KEYS));
        }
    }
    let Some(cluster) = top.get("name") else {
        return Err(InventoryError::NoName {
            file: file.source.clone(),
            at: (0, text.find('\n').unwrap_or(text.len())).into(),
        });
    };
    let cluster = file.text_of(cluster, "`name`")?;
    let system = top
        .get("system")
        .map(|value| file.text_of(value, "`system`"))
        .transpose()?;
    let mut variables = BTreeMap::new();
    for (key, value) in file.table(top, "variables")?.into_iter().flatten() {
        let what = format!("the constant `{}`", key.get_ref());
        variables.insert(key.get_ref().to_string(), file.scalar_of(value, &what)?);
    }
    let mut nodes = file.read_nodes(top)?;
    let groups = file.read_groups(top, &nodes)?;
    for host in groups.values().flatten() {
        nodes
            .entry(host.clone())
            .or_insert_with(|| Node::new(host.clone()));
    }
    let nodes = nodes.into_values().collect();
    let lock = file.read_lock(top)?;
    let built = Inventory::build(cluster, system, nodes, groups, variables);
    let mut inventory = built.map_err(|error| file.point_out(error))?;
    inventory.lock = lock;
    Ok(inventory)
}

fn span(at: Range<usize>) -> SourceSpan {
    (at.start, at.len()).into()
}

/// The text at hand, for errors that point into it.
struct File<'a> {
    text: &'a str,
    source: Arc<NamedSource<String>>,
}

impl<'a> File<'a> {
    /// The table under a key at the top, if it is there.
    fn table<'t>(&self, top: &'t DeTable<'a>, key: &str) -> Result<Option<&'t DeTable<'a>>, InventoryError> {
        let Some(value) = top.get(key) else {
            return Ok(None);
        };
        match value.get_ref().as_table() {
            Some(table) => Ok(Some(table)),
            None => Err(self.wrong_value(value, &format!("`{key}`"), &format!("a table: [{key}]"))),
        }
    }

    fn read_nodes(&self, top: &DeTable<'a>) -> Result<BTreeMap<NodeName, Node>, InventoryError> {
        let mut nodes: BTreeMap<NodeName, Node> = BTreeMap::new();
        let mut written: HashMap<NodeName, Range<usize>> = HashMap::new();
        let table = self.table(top, "nodes")?;
        // In the order of the file, so that of two entries the later one is the second.
        let mut entries: Vec<_> = table.into_iter().flatten().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let set = self.expand(key.get_ref(), key.span(), &|_| None)?;
            let template = self.read_node(key.get_ref(), value, &set)?;
            for name in &set {
                if let Some(first) = written.insert(name.clone(), key.span()) {
                    return Err(InventoryError::DuplicateHost {
                        host: name.to_string(),
                        file: self.source.clone(),
                        first: span(first),
                        second: span(key.span()),
                    });
                }
                let name = name.clone();
                nodes.insert(
                    name.clone(),
                    Node {
                        name,
                        ..template.clone()
                    },
                );
            }
        }
        Ok(nodes)
    }

    /// Reads what is said of each node of `set`; the name is put in by the caller.
    fn read_node(&self, key: &str, value: &Value<'a>, set: &NodeSet) -> Result<Node, InventoryError> {
        let Some(entries) = value.get_ref().as_table() else {
            let what = format!("the entry of `{key}`");
            return Err(self.wrong_value(value, &what, "a table, such as { rack = \"r1\" }"));
        };
        let mut node = Node::new(NodeName::from(key));
        for (entry, value) in entries {
            let name = entry.get_ref().as_ref();
            let what = format!("`{name}` of `{key}`");
            if NODE_KEYS.contains(&name) && set.len() > 1 {
                return Err(InventoryError::SharedByEntry {
                    what: if name == "address" {
                        "one address"
                    } else {
                        "aliases"
                    }
                    .to_owned(),
                    count: set.len(),
                    example: set.first().map(ToString::to_string).unwrap_or_default(),
                    file: self.source.clone(),
                    at: span(entry.span()),
                });
            }
            match name {
                "address" => node.address = Some(self.text_of(value, &what)?.to_owned()),
                "aliases" => {
                    let texts = self.texts_of(value, &what)?;
                    node.aliases = texts.into_iter().map(|(text, _)| text.to_owned()).collect();
                }
                // Not taken for a variable: the node would then not be found by it.
                "alias" | "addr" | "ip" => {
                    return Err(self.unknown_key(entry, "a node", &NODE_KEYS));
                }
                _ if nearest(name, NODE_KEYS).is_some() => {
                    return Err(self.unknown_key(entry, "a node", &NODE_KEYS));
                }
                _ => {
                    node.variables
                        .insert(name.to_owned(), self.scalar_of(value, &what)?);
                }
            }
        }
        Ok(node)
    }

    fn read_groups(
        &self,
        top: &DeTable<'a>,
        nodes: &BTreeMap<NodeName, Node>,
    ) -> Result<BTreeMap<String, NodeSet>, InventoryError> {
        let Some(table) = self.table(top, "groups")? else {
            return Ok(BTreeMap::new());
        };
        let groups = Groups {
            file: self,
            table,
            nodes,
            known: RefCell::default(),
        };
        for key in table.keys() {
            groups.resolve(key.get_ref(), key.span(), &[])?;
        }
        Ok(groups.known.into_inner())
    }

    /// Expands a set written in the string at `at`.
    fn expand(
        &self,
        text: &str,
        at: Range<usize>,
        groups: &dyn Fn(&str) -> Option<NodeSet>,
    ) -> Result<NodeSet, InventoryError> {
        NodeSet::expand_with(text, groups).map_err(|error| match error {
            InventoryError::NodeSet { text, why, at: inner } => {
                // Escapes in the string move what follows them; then all of it is shown.
                let written = self.text.get(at.clone()).unwrap_or_default();
                let at = match written.find(&text) {
                    Some(start) if !text.is_empty() => {
                        (at.start + start + inner.offset(), inner.len()).into()
                    }
                    _ => span(at),
                };
                InventoryError::WrittenSet {
                    text,
                    why,
                    file: self.source.clone(),
                    at,
                }
            }
            other => other,
        })
    }

    fn text_of<'v>(&self, value: &'v Value<'a>, what: &str) -> Result<&'v str, InventoryError> {
        let text = value.get_ref().as_str();
        text.ok_or_else(|| self.wrong_value(value, what, "text in quotes"))
    }

    /// One text or several, each with its place.
    fn texts_of<'v>(
        &self,
        value: &'v Value<'a>,
        what: &str,
    ) -> Result<Vec<(&'v str, Range<usize>)>, InventoryError> {
        if let Some(text) = value.get_ref().as_str() {
            return Ok(vec![(text, value.span())]);
        }
        let Some(list) = value.get_ref().as_array() else {
            return Err(self.wrong_value(value, what, "text or a list of texts"));
        };
        list.iter()
            .map(|value| Ok((self.text_of(value, what)?, value.span())))
            .collect()
    }

    /// A text, number or yes-or-no, as text.
    fn scalar_of(&self, value: &Value<'a>, what: &str) -> Result<String, InventoryError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Boolean(yes) => Ok(if *yes { "yes" } else { "no" }.to_owned()),
            DeValue::Integer(_) | DeValue::Float(_) => Ok(self.text[value.span()].to_owned()),
            _ => Err(self.wrong_value(value, what, "text, a number, true or false")),
        }
    }

    fn wrong_value(&self, value: &Value<'a>, what: &str, wanted: &str) -> InventoryError {
        let found = match value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        InventoryError::WrongValue {
            what: what.to_owned(),
            wanted: wanted.to_owned(),
            file: self.source.clone(),
            at: span(value.span()),
            found: found.to_owned(),
        }
    }

    /// Adds the place to an error about the inventory as a whole: the last one where the
    /// name that it speaks of stands by itself.
    fn point_out(&self, mut error: InventoryError) -> InventoryError {
        if let InventoryError::SharedName { name, file, at, .. }
        | InventoryError::UnknownHost {
            host: name, file, at, ..
        }
        | InventoryError::BadName { name, file, at, .. } = &mut error
        {
            let is_part = |byte: Option<&u8>| {
                byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
            };
            let bytes = self.text.as_bytes();
            let place = self
                .text
                .rmatch_indices(name.as_str())
                .map(|(start, _)| start)
                .find(|start| {
                    let before = start.checked_sub(1).and_then(|index| bytes.get(index));
                    !is_part(before) && !is_part(bytes.get(start + name.len()))
                });
            *at = place.map(|start| (start, name.len()).into());
            *file = Some(self.source.clone());
        }
        error
    }

    fn unknown_key(
        &self,
        key: &Spanned<std::borrow::Cow<'a, str>>,
        place: &str,
        known: &[&str],
    ) -> InventoryError {
        let help = match nearest(key.get_ref(), known.iter().copied()) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        InventoryError::UnknownKey {
            key: key.get_ref().to_string(),
            place: place.to_owned(),
            help,
            file: self.source.clone(),
            at: span(key.span()),
        }
    }
}

/// The groups while they are put in each other.
struct Groups<'f, 'a> {
    file: &'f File<'a>,
    table: &'f DeTable<'a>,
    nodes: &'f BTreeMap<NodeName, Node>,
    known: RefCell<BTreeMap<String, NodeSet>>,
}

impl Groups<'_, '_> {
    /// Whether a node of this name has an entry of its own.
    fn is_described(&self, name: &str) -> bool {
        self.nodes.contains_key(&NodeName::from(name))
    }

    /// The nodes of a group used at `at`; `chain` are the groups that are being resolved.
    fn resolve(&self, name: &str, at: Range<usize>, chain: &[&str]) -> Result<NodeSet, InventoryError> {
        if let Some(set) = self.known.borrow().get(name) {
            return Ok(set.clone());
        }
        if chain.contains(&name) || chain.len() > DEEPEST_GROUP {
            return Err(InventoryError::CyclicGroup {
                group: name.to_owned(),
                chain: chain.join(", "),
                file: self.file.source.clone(),
                at: span(at),
            });
        }
        let mut chain = chain.to_vec();
        chain.push(name);
        let mut whole = NodeSet::default();
        let what = format!("group `{name}`");
        let value = &self.table[name];
        for (text, at) in self.file.texts_of(value, &what)? {
            // What goes wrong in an inner group is told in place of "there is no such group".
            let failed = RefCell::new(None);
            let look_up = |inner: &str| {
                let inner_at = at.clone();
                self.table.get(inner)?;
                self.resolve(inner, inner_at, &chain)
                    .map_err(|error| failed.replace(Some(error)))
                    .ok()
            };
            let set = self.file.expand(text, at.clone(), &look_up);
            if let Some(error) = failed.take() {
                return Err(error);
            }
            let set = set?;
            let is_group = |host: &&NodeName| {
                self.table.contains_key(host.as_str()) && !self.is_described(host.as_str())
            };
            if let Some(group) = set.iter().find(is_group) {
                return Err(InventoryError::WrittenSet {
                    text: text.to_owned(),
                    why: format!("`{group}` is a group; within a group write `@{group}`"),
                    file: self.file.source.clone(),
                    at: span(at),
                });
            }
            whole = whole.union(&set);
        }
        self.known.borrow_mut().insert(name.to_owned(), whole.clone());
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{describe_inventory, read_inventory};

    const EXAMPLE: &str = r#"
name = "pcs1"
system = "pstorage"
[variables]
stor = "/pstorage"
level = 3
[groups]
mds_nodes = "node[1-5]"
cs_nodes = ["node[1-6]", "@spare"]
spare = "@mds_nodes!node[2-5]"
empty = ""
[nodes."node[1-2]"]
rack = "r1"
[nodes.node3]
address = "10.0.0.3"
aliases = ["n3.example"]
"#;

    #[test]
    fn an_inventory_is_read() {
        let inventory = read_inventory("cluster.toml", EXAMPLE).expect("a good inventory");
        assert_eq!(
            describe_inventory(&inventory),
            "cluster pcs1\nsystem pstorage\nconstants\n  level = 3\n  stor = /pstorage\ngroups\n  all_nodes    6  \
             node[1-6]\n  cs_nodes     6  node[1-6]\n  empty        0\n  mds_nodes    5  node[1-5]\n  spare        \
             1  node1\nrack of a node\n  r1    2  node[1-2]\n"
        );
        assert_eq!(inventory.find("10.0.0.3:22"), Some(NodeName::from("node3")));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let cases = [
            // text, message, what the label points at
            ("name = ", "the inventory cannot be read", ""),
            (
                "system = 'x'",
                "the inventory does not say which cluster it is of",
                "system = 'x'",
            ),
            (
                "name = 'a'\nnods = 1",
                "`nods` means nothing in an inventory",
                "nods",
            ),
            ("name = 1", "`name` must be text in quotes", "1"),
            (
                "name = 'a'\ngroups = 1",
                "`groups` must be a table: [groups]",
                "1",
            ),
            (
                "name = 'a'\n[groups]\nx = ['n1', 'n[1-']",
                "`n[1-` is not a set of nodes: `[` is never closed",
                "[",
            ),
            (
                "name = 'a'\n[groups]\nx = '@y'",
                "`@y` is not a set of nodes: there is no group `y`",
                "@y",
            ),
            (
                "name = 'a'\n[groups]\nx = 'n1'\ny = 'n2,x'",
                "`n2,x` is not a set of nodes: `x` is a group; within a group write `@x`",
                "'n2,x'",
            ),
            (
                "name = 'a'\n[variables]\nnode = 'q'",
                "a constant cannot be called `node`: `$node` is the node in hand",
                "node",
            ),
            (
                "name = 'a'\n[groups]\nx = '@y'\ny = '@x'",
                "group `x` holds itself, by way of x, y",
                "'@x'",
            ),
            (
                "name = 'a'\n[nodes.'n[1-3]']\nrack = 'r'\n[nodes.n2]\nrack = 's'",
                "`n2` is described twice",
                "'n[1-3]'",
            ),
            (
                "name = 'a'\n[nodes.'n[1-3]']\naddress = 'r'",
                "3 nodes cannot share one address",
                "address",
            ),
            (
                "name = 'a'\n[nodes.n1]\nadress = 'r'",
                "`adress` means nothing in a node",
                "adress",
            ),
            (
                "name = 'a'\n[nodes]\nn1 = 3",
                "the entry of `n1` must be a table",
                "3",
            ),
            (
                "name = 'a'\n[lock]\nectd = 'x'",
                "`ectd` means nothing in `lock`",
                "ectd",
            ),
            (
                "name = 'a'\n[lock]\netcd = ['http://a:1', 'b:2']",
                "an address of etcd is written as",
                "'b:2'",
            ),
            ("name = 'a'\n[lock]\netcd = []", "`etcd` names no address", "[]"),
            (
                "name = 'a'\n[lock]\nlease = '1s'",
                "`lease` must be a time from",
                "'1s'",
            ),
            ("name = 'a'\n[lock]\nlease = 5", "`lease` must be text", "5"),
            (
                "name = 'a'\n[lock]\nkey = 'x'",
                "`certificate` and `key` are named together",
                "key",
            ),
            (
                "name = 'a'\n[nodes.n1]\nrack = []",
                "`rack` of `n1` must be text",
                "[]",
            ),
        ];
        for (text, message, label) in cases {
            let error = read_inventory("cluster.toml", text).unwrap_err();
            assert!(error.to_string().starts_with(message), "{text}: {error}");
            let diagnostic: &dyn miette::Diagnostic = &error;
            let at = diagnostic
                .labels()
                .and_then(|mut labels| labels.next())
                .expect(message);
            assert_eq!(&text[at.offset()..at.offset() + at.len()], label, "{text}");
        }
    }
}
