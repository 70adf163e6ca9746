use std::collections::BTreeMap;

use super::{Node, NodeName, NodeSet};

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
    nodes: BTreeMap<NodeName, Node>,
    groups: BTreeMap<String, NodeSet>,
}

impl Inventory {
    /// The nodes of a group; `all_nodes` is every node.
    pub fn group(&self, name: &str) -> Option<&NodeSet> {
        self.groups.get(name)
    }

    /// The names of all groups.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    /// All nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// A node by its name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// The node that `text` speaks of: its name, an alias or its address, with or without a port.
    pub fn find(&self, text: &str) -> Option<NodeName> {
        self.nodes.get(text).map(|node| node.name.clone())
    }
}
