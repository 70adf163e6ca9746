use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use super::{InventoryError, LockSettings, Node, NodeName, NodeSet};
use crate::diagnostic::nearest;

/// The group that every inventory has: all of its nodes.
pub const ALL_NODES: &str = "all_nodes";

/// A cluster: its name, its system, its nodes and their groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// The cluster's name: `$cluster` in a script.
    pub name: String,
    /// The kind of system it is; names the module that every script uses by itself.
    pub system: Option<String>,
    /// Constants of the inventory, each a `$name` in a script.
    pub variables: BTreeMap<String, String>,
    /// Whether it is the built-in simulated cluster.
    pub is_simulated: bool,
    /// How its nodes are reached.
    pub ssh: SshSettings,
    /// Where its maintenance lock lives.
    pub lock: LockSettings,
    /// The source of groups that may be left out: `web` is also `SOURCE:web`.
    pub default_source: Option<String>,
    nodes: Vec<Node>,
    groups: BTreeMap<String, NodeSet>,
    /// Every name, alias, address and unambiguous short name, with its place in `nodes`.
    index: HashMap<String, usize>,
}

/// How the nodes of a cluster are reached; what is not said is left to the transport.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SshSettings {
    /// Whether each connection is made by the system's `ssh`, never in this process.
    pub is_openssh_forced: bool,
    /// The configuration file of `ssh`, instead of the user's and the system's.
    pub config: Option<String>,
    /// How long a connection may take to be made.
    pub connect_limit: Option<Duration>,
    /// How long a connection may be silent before the host is asked whether it lives; it is
    /// given up when three of these questions are not answered.
    pub alive_interval: Option<Duration>,
}

impl Inventory {
    /// Puts an inventory together; the group `all_nodes` is added to `groups`.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] when a name cannot be one, when two nodes share a name, alias or
    /// address, or when a group has a node that is not among `nodes`.
    pub fn build(
        name: &str,
        system: Option<&str>,
        mut nodes: Vec<Node>,
        mut groups: BTreeMap<String, NodeSet>,
        variables: BTreeMap<String, String>,
    ) -> Result<Inventory, InventoryError> {
        check_name("the cluster", name, "-_.")?;
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        for node in &nodes {
            check_name("a node", node.name.as_str(), "-_.:")?;
        }
        let index = index_nodes(&nodes)?;
        let all: NodeSet = nodes.iter().map(|node| node.name.clone()).collect();
        for (group, set) in &groups {
            check_name("a group", group, "-_.:")?;
            let Some(host) = set.iter().find(|host| !all.contains(host)) else {
                continue;
            };
            let known = nodes.iter().map(|node| node.name.as_str());
            return Err(InventoryError::UnknownHost {
                group: group.clone(),
                host: host.to_string(),
                help: nearest(host.as_str(), known).map(|known| format!("did you mean `{known}`?")),
                file: None,
                at: None,
            });
        }
        if groups.get(ALL_NODES).is_some_and(|set| *set != all) {
            return Err(InventoryError::BadName {
                what: "a group".to_owned(),
                name: ALL_NODES.to_owned(),
                why: "it is every node of the inventory, and needs no entry".to_owned(),
                file: None,
                at: None,
            });
        }
        if variables.contains_key("node") {
            return Err(InventoryError::BadName {
                what: "a constant".to_owned(),
                name: "node".to_owned(),
                why: "`$node` is the node in hand".to_owned(),
                file: None,
                at: None,
            });
        }
        groups.insert(ALL_NODES.to_owned(), all);
        Ok(Inventory {
            name: name.to_owned(),
            system: system.map(str::to_owned),
            variables,
            is_simulated: false,
            ssh: SshSettings::default(),
            lock: LockSettings::default(),
            default_source: None,
            nodes,
            groups,
            index,
        })
    }

    /// The nodes of a group; `all_nodes` is every node.
    pub fn group(&self, name: &str) -> Option<&NodeSet> {
        self.groups.get(name).or_else(|| {
            let (source, group) = name.split_once(':')?;
            let is_default = self.default_source.as_deref() == Some(source);
            self.groups.get(group).filter(|_| is_default)
        })
    }

    /// The nodes that `@name` means in a written set: a group's, with `*` those of all nodes, and with
    /// `source:*` those of all groups of a source.
    pub fn named_set(&self, name: &str) -> Option<NodeSet> {
        let Some(source) = name
            .strip_suffix('*')
            .filter(|source| source.is_empty() || source.ends_with(':'))
        else {
            return self.group(name).cloned();
        };
        if source.is_empty() {
            return self.group(ALL_NODES).cloned();
        }
        let groups = self.groups.iter().filter(|(name, _)| name.starts_with(source));
        groups
            .map(|(_, nodes)| nodes.clone())
            .reduce(|all, nodes| all.union(&nodes))
    }

    /// The names of all groups.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// All nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        let node = &self.nodes[*self.index.get(name)?];
        (node.name.as_str() == name).then_some(node)
    }

    /// The node that `text` speaks of: its name, an alias or its address, with or without a
    /// port, or the first part of its full host name where only one node has it.
    pub fn find(&self, text: &str) -> Option<NodeName> {
        let found = |text: &str| self.index.get(text).map(|at| self.nodes[*at].name.clone());
        if let Some(name) = found(text) {
            return Some(name);
        }
        let host = without_port(text);
        if host != text
            && let Some(name) = found(host)
        {
            return Some(name);
        }
        // An output may write `node1.example.com` for what the inventory calls `node1`.
        let node = &self.nodes[*self.index.get(short_name(host)?)?];
        let is_whole = |name: &str| Some(name) == short_name(host);
        (is_whole(node.name.as_str()) || node.aliases.iter().any(|alias| is_whole(alias)))
            .then(|| node.name.clone())
    }

    /// Everything that a node is called by, in order: names, aliases, addresses and unambiguous
    /// short names, each with its node.
    pub fn known_names(&self) -> impl Iterator<Item = (&str, &Node)> {
        let sorted: BTreeMap<&str, usize> =
            self.index.iter().map(|(name, at)| (name.as_str(), *at)).collect();
        sorted.into_iter().map(|(name, at)| (name, &self.nodes[at]))
    }

    /// What the inventory knows of a node under `name`, such as its `rack`.
    pub fn variable(&self, node: &NodeName, name: &str) -> Option<&str> {
        let node = self.node(node.as_str())?;
        node.variables.get(name).map(String::as_str)
    }

    /// The names under which something is known of any node.
    pub fn variable_names(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> = self
            .nodes
            .iter()
            .flat_map(|node| node.variables.keys())
            .map(String::as_str)
            .collect();
        names.into_iter()
    }

    /// A node whose `name` the inventory has and that cannot be read here, with what it is.
    pub fn withheld(&self, name: &str) -> Option<(&Node, &str)> {
        let mut nodes = self.nodes.iter();
        nodes.find_map(|node| Some((node, node.withheld.get(name)?.as_str())))
    }

    /// Parts `nodes` by what they have as `variable`, in the order of their first nodes: the
    /// racks of `by rack`. A node without it is a domain of its own, called as the node is.
    pub fn domains(&self, nodes: &NodeSet, variable: &str) -> Vec<(String, NodeSet)> {
        let mut domains: Vec<(String, Vec<NodeName>)> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for node in nodes {
            let Some(value) = self.variable(node, variable) else {
                domains.push((node.to_string(), vec![node.clone()]));
                continue;
            };
            let index = *known.entry(value).or_insert_with(|| {
                domains.push((value.to_owned(), Vec::new()));
                domains.len() - 1
            });
            domains[index].1.push(node.clone());
        }
        let collect = |(name, nodes): (String, Vec<NodeName>)| (name, nodes.into_iter().collect());
        domains.into_iter().map(collect).collect()
    }
}

/// Draws an inventory as text: its groups with their counts, and the variables by value.
pub fn describe_inventory(inventory: &Inventory) -> String {
    let mut lines = vec![format!("cluster {}", inventory.name)];
    if let Some(system) = &inventory.system {
        lines.push(format!("system {system}"));
    }
    if !inventory.variables.is_empty() {
        lines.push("constants".to_owned());
        let constants = inventory.variables.iter();
        lines.extend(constants.map(|(name, value)| format!("  {name} = {value}")));
    }
    lines.push("groups".to_owned());
    let width = inventory.group_names().map(str::len).max().unwrap_or(0);
    for (name, nodes) in &inventory.groups {
        let line = format!("  {name:width$}  {:>3}  {nodes}", nodes.len());
        lines.push(line.trim_end().to_owned());
    }
    for name in inventory.variable_names() {
        lines.push(format!("{name} of a node"));
        let mut values: BTreeMap<&str, Vec<NodeName>> = BTreeMap::new();
        for node in inventory.nodes() {
            if let Some(value) = node.variables.get(name) {
                values.entry(value).or_default().push(node.name.clone());
            }
        }
        let width = values.keys().map(|value| value.len()).max().unwrap_or(0);
        for (value, nodes) in values {
            let nodes: NodeSet = nodes.into_iter().collect();
            lines.push(format!("  {value:width$}  {:>3}  {nodes}", nodes.len()));
        }
    }
    lines.join("\n") + "\n"
}

/// Writes an inventory as JSON: `{"groups": {GROUP: [NODE]}, "hosts": {NODE: {"address", "port",
/// "user"}}}`.
///
/// `all` has every node and `ungrouped` those in no group, unless the inventory says otherwise.
/// `address` is the node's name when no other is known; `port`, a number, and `user` are null
/// when the configuration of `ssh` decides.
pub fn write_inventory(inventory: &Inventory) -> String {
    let names = |set: &NodeSet| -> Vec<String> { set.iter().map(ToString::to_string).collect() };
    let all = inventory.groups.get(ALL_NODES).cloned().unwrap_or_default();
    let own = inventory.groups.iter().filter(|(name, _)| *name != ALL_NODES);
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut rest = all.clone();
    for (name, set) in own {
        groups.insert(name, names(set));
        if name != "all" {
            rest = rest.difference(set);
        }
    }
    groups.entry("all").or_insert_with(|| names(&all));
    groups.entry("ungrouped").or_insert_with(|| names(&rest));
    let hosts = inventory.nodes.iter().map(|node| {
        let host = serde_json::json!({
            "address": node.address.as_deref().unwrap_or(node.name.as_str()),
            "port": node.login.port,
            "user": node.login.user,
        });
        (node.name.to_string(), host)
    });
    let hosts: serde_json::Map<String, serde_json::Value> = hosts.collect();
    let whole = serde_json::json!({"groups": groups, "hosts": hosts});
    format!("{whole:#}\n")
}

/// Refuses names that a command line or a set of nodes would take for something else.
fn check_name(what: &str, name: &str, signs: &str) -> Result<(), InventoryError> {
    let Some(why) = why_not_a_name(name, signs) else {
        return Ok(());
    };
    Err(InventoryError::BadName {
        what: what.to_owned(),
        name: name.to_owned(),
        why,
        file: None,
        at: None,
    })
}

/// Why a name cannot be one, where letters, digits and `signs` can stand in it.
pub(super) fn why_not_a_name(name: &str, signs: &str) -> Option<String> {
    let odd = name
        .chars()
        .find(|letter| !letter.is_ascii_alphanumeric() && !signs.contains(*letter));
    if name.is_empty() {
        return Some("a name has at least one letter".to_owned());
    }
    if name.starts_with('-') {
        return Some("commands would take it for an option".to_owned());
    }
    odd.map(|letter| format!("`{letter}` cannot stand in a name"))
}

/// Indexes nodes by everything that they are called.
fn index_nodes(nodes: &[Node]) -> Result<HashMap<String, usize>, InventoryError> {
    let mut index: HashMap<String, usize> = HashMap::with_capacity(nodes.len() * 2);
    for (at, node) in nodes.iter().enumerate() {
        if index.insert(node.name.to_string(), at).is_some() {
            return Err(InventoryError::SameHost {
                host: node.name.to_string(),
            });
        }
    }
    // Two servers at one address, each with a port of its own, are not told apart by it.
    let mut ambiguous = HashSet::new();
    for (at, node) in nodes.iter().enumerate() {
        for name in node.aliases.iter().chain(&node.address) {
            let first = *index.entry(name.clone()).or_insert(at);
            if first == at {
                continue;
            }
            let first = &nodes[first];
            if is_elsewhere(first, node, name) {
                ambiguous.insert(name.as_str());
                continue;
            }
            return Err(InventoryError::SharedName {
                name: name.clone(),
                first: first.name.to_string(),
                second: node.name.to_string(),
                file: None,
                at: None,
            });
        }
    }
    index.retain(|name, at| !ambiguous.contains(name.as_str()) || nodes[*at].name.as_str() == name);
    let mut short: HashMap<&str, Option<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for name in std::iter::once(node.name.as_str()).chain(node.aliases.iter().map(String::as_str)) {
            let Some(name) = short_name(name) else {
                continue;
            };
            // Two nodes with one short name: then it names neither.
            short
                .entry(name)
                .and_modify(|known| *known = known.filter(|known| *known == at))
                .or_insert(Some(at));
        }
    }
    for (name, at) in short {
        if let Some(at) = at {
            index.entry(name.to_owned()).or_insert(at);
        }
    }
    Ok(index)
}

/// Whether two nodes at one address are two servers, with ports of their own, or this machine,
/// which is reached without its address.
fn is_elsewhere(first: &Node, second: &Node, address: &str) -> bool {
    let is_at = |node: &Node| node.address.as_deref().unwrap_or(node.name.as_str()) == address;
    let port = |node: &Node| node.login.port.unwrap_or(22);
    let is_local = first.login.is_local || second.login.is_local;
    is_at(first) && is_at(second) && (is_local || port(first) != port(second))
}

/// Drops a port: `node1:2510`, `[fe80::1]:2510`; an IPv6 address without brackets has none.
fn without_port(text: &str) -> &str {
    if let Some(inner) = text.strip_prefix('[') {
        return inner.split_once(']').map_or(text, |(host, _)| host);
    }
    match text.split_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => text,
    }
}

/// The first part of a full host name; addresses and bare names have none.
fn short_name(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('.')?;
    (!name.is_empty() && !name.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, address: Option<&str>, aliases: &[&str], rack: Option<&str>) -> Node {
        Node {
            address: address.map(str::to_owned),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            variables: rack
                .map(|rack| ("rack".to_owned(), rack.to_owned()))
                .into_iter()
                .collect(),
            ..Node::new(name.into())
        }
    }

    fn build(nodes: Vec<Node>, groups: &[(&str, &str)]) -> Result<Inventory, InventoryError> {
        let groups = groups
            .iter()
            .map(|(name, set)| ((*name).to_owned(), NodeSet::expand(set).expect(set)));
        Inventory::build("pcs1", Some("pstorage"), nodes, groups.collect(), BTreeMap::new())
    }

    fn example() -> Inventory {
        let nodes = vec![
            node("node2", Some("10.0.0.2"), &["n2.example"], Some("r1")),
            node("node1", Some("10.0.0.1"), &["fe80::1"], Some("r1")),
            node("node10", None, &[], None),
            node("gate.example.com", None, &[], Some("r2")),
        ];
        build(nodes, &[("mds_nodes", "node[1-2]"), ("none", "")]).expect("a good inventory")
    }

    #[test]
    fn nodes_are_found_by_all_their_names() {
        let cases = [
            ("node1", Some("node1")),
            ("node1:2510", Some("node1")),
            ("10.0.0.1", Some("node1")),
            ("10.0.0.2:2510", Some("node2")),
            ("fe80::1", Some("node1")),
            ("[fe80::1]:2510", Some("node1")),
            ("n2.example", Some("node2")),
            ("n2", Some("node2")),
            ("node1.example.com", Some("node1")),
            ("node1.example.com:2510", Some("node1")),
            ("gate", Some("gate.example.com")),
            ("gate.other.org", None),
            ("10.0.0.3", None),
            ("node3", None),
            ("", None),
        ];
        let inventory = example();
        for (text, name) in cases {
            assert_eq!(inventory.find(text), name.map(NodeName::from), "{text}");
        }
        assert!(inventory.node("10.0.0.1").is_none());
        assert!(inventory.node("node10").is_some());
    }

    #[test]
    fn nodes_are_parted_into_domains() {
        let inventory = example();
        let all = inventory.group(ALL_NODES).expect("every inventory has it");
        let domains: Vec<(String, String)> = inventory
            .domains(all, "rack")
            .into_iter()
            .map(|(name, nodes)| (name, nodes.to_string()))
            .collect();
        let wanted = [
            ("r2", "gate.example.com"),
            ("r1", "node[1-2]"),
            ("node10", "node10"),
        ];
        assert_eq!(domains, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn an_inventory_is_described() {
        let wanted = "cluster pcs1\nsystem pstorage\ngroups\n  all_nodes    4  gate.example.com,node[1-2,10]\n  \
                      mds_nodes    2  node[1-2]\n  none         0\nrack of a node\n  r1    2  node[1-2]\n  \
                      r2    1  gate.example.com\n";
        assert_eq!(describe_inventory(&example()), wanted);
    }

    #[test]
    fn inventories_that_cannot_be_are_refused() {
        let plain = |name: &str| node(name, None, &[], None);
        let cases = [
            (
                vec![plain("a"), plain("a")],
                "",
                "the inventory has two nodes called `a`",
            ),
            (
                vec![
                    node("a", Some("10.0.0.1"), &[], None),
                    node("b", Some("10.0.0.1"), &[], None),
                ],
                "",
                "`10.0.0.1` would be both `a` and `b`",
            ),
            (
                vec![plain("a"), node("b", None, &["a"], None)],
                "",
                "`a` would be both `a` and `b`",
            ),
            (
                vec![plain("")],
                "",
                "a node cannot be called ``: a name has at least one letter",
            ),
            (
                vec![plain("-rf")],
                "",
                "a node cannot be called `-rf`: commands would take it for an option",
            ),
            (
                vec![plain("node1")],
                "node2",
                "group `g` has `node2`, which is not in the inventory",
            ),
        ];
        for (nodes, group, message) in cases {
            let error = build(nodes, &[("g", group)]).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
