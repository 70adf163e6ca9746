use std::collections::BTreeSet;
use std::fmt;

use super::{InventoryError, NodeName};

/// A set of nodes, in the order people count; printed folded: `node[1-3]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NodeSet(BTreeSet<NodeName>);

impl NodeSet {
    /// Reads a folded set without groups: `node[01-03,7],other`.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] when the brackets or ranges are not well formed.
    pub fn expand(text: &str) -> Result<NodeSet, InventoryError> {
        Ok(text.split(',').map(NodeName::from).collect())
    }

    /// The nodes in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &NodeName> + Clone {
        self.0.iter()
    }

    /// Adds a node.
    pub fn insert(&mut self, node: NodeName) {
        self.0.insert(node);
    }

    /// Takes a node out.
    pub fn remove(&mut self, node: &NodeName) {
        self.0.remove(node);
    }

    /// Whether `node` is in it.
    pub fn contains(&self, node: &NodeName) -> bool {
        self.0.contains(node)
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
        NodeSet(self.0.union(&other.0).cloned().collect())
    }

    /// Those of this set that are not in the other.
    pub fn difference(&self, other: &NodeSet) -> NodeSet {
        NodeSet(self.0.difference(&other.0).cloned().collect())
    }

    /// Those in both.
    pub fn intersection(&self, other: &NodeSet) -> NodeSet {
        NodeSet(self.0.intersection(&other.0).cloned().collect())
    }
}

impl FromIterator<NodeName> for NodeSet {
    fn from_iter<T: IntoIterator<Item = NodeName>>(nodes: T) -> Self {
        NodeSet(nodes.into_iter().collect())
    }
}

impl fmt::Display for NodeSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(NodeName::as_str).collect();
        out.pad(&names.join(","))
    }
}
