use super::ProjectError;
use crate::diagnostic::nearest;
use crate::inventory::{Inventory, NodeName, NodeSet};

/// Reads a set of nodes that somebody names: nodes and groups, with or without `@`.
///
/// # Errors
///
/// [`ProjectError`] when it is no set, is empty, or names a node that the inventory does not have.
pub fn read_limit(text: &str, inventory: &Inventory) -> Result<NodeSet, ProjectError> {
    let written = NodeSet::expand_with(text, &|group| inventory.named_set(group))?;
    let mut nodes = NodeSet::default();
    for name in &written {
        match (inventory.find(name.as_str()), inventory.group(name.as_str())) {
            (Some(node), _) => nodes.insert(node),
            (None, Some(group)) => nodes = nodes.union(group),
            (None, None) => return Err(unknown_node(name, inventory)),
        }
    }
    if nodes.is_empty() {
        return Err(ProjectError::Given(format!("`{text}`: this set has no nodes")));
    }
    Ok(nodes)
}

/// Says that a node is not in the inventory, and which was meant.
pub(super) fn unknown_node(name: &NodeName, inventory: &Inventory) -> ProjectError {
    let known = inventory
        .nodes()
        .map(|node| node.name.as_str())
        .chain(inventory.group_names());
    let help = nearest(name.as_str(), known).map(|known| format!("; did you mean `{known}`?"));
    let cluster = &inventory.name;
    ProjectError::Given(format!(
        "cluster {cluster} has no node `{name}`{}",
        help.unwrap_or_default()
    ))
}
