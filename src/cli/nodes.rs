use super::arguments::{NodesAction, NodesFlags, SetFlags};
use super::exit::{Exit, Stop};
use super::streams::print;
use crate::diagnostic::nearest;
use crate::inventory::{Inventory, NodeName, NodeSet};
use crate::project::{InventoryChoice, Project, ProjectError};

/// Prints sets of nodes: expanded, folded, or counted.
pub(super) fn tell_nodes(flags: &NodesFlags) -> Result<Exit, Stop> {
    let text = match &flags.action {
        NodesAction::Expand(sets) => {
            let nodes = read_sets(sets)?;
            let names: Vec<&str> = nodes.iter().map(NodeName::as_str).collect();
            names.join(" ")
        }
        NodesAction::Fold(sets) => read_sets(sets)?.to_string(),
        NodesAction::Count(sets) => read_sets(sets)?.len().to_string(),
    };
    print(&format!("{text}\n"))?;
    Ok(Exit::Done)
}

fn read_sets(flags: &SetFlags) -> Result<NodeSet, Stop> {
    // Sets without groups need no inventory.
    let names_others = |set: &String| set.contains(['@', '*', '?']);
    let needs_groups = flags.inventory.is_some() || flags.sets.iter().any(names_others);
    let project = match (&flags.inventory, needs_groups) {
        (Some(file), _) => Some(Project::new(&InventoryChoice::File(file.clone()))?),
        (None, true) => Some(Project::new(&InventoryChoice::Found)?),
        (None, false) => None,
    };
    let mut all = NodeSet::default();
    for set in &flags.sets {
        let known = |group: &str| project.as_ref()?.inventory().named_set(group);
        let nodes = NodeSet::expand_with(set, &known).map_err(ProjectError::from)?;
        all = all.union(&nodes);
    }
    if all.is_empty() {
        let sets = flags.sets.join(" ");
        return Err(Stop::Usage(format!("`{sets}`: this set has no nodes")));
    }
    Ok(all)
}

/// Reads the set of `--limit`: nodes and groups, with or without `@`.
pub(super) fn read_limit(text: &str, inventory: &Inventory) -> Result<NodeSet, Stop> {
    let written =
        NodeSet::expand_with(text, &|group| inventory.named_set(group)).map_err(ProjectError::from)?;
    let mut nodes = NodeSet::default();
    for name in &written {
        match (inventory.find(name.as_str()), inventory.group(name.as_str())) {
            (Some(node), _) => nodes.insert(node),
            (None, Some(group)) => nodes = nodes.union(group),
            (None, None) => return Err(unknown_node(name, inventory)),
        }
    }
    if nodes.is_empty() {
        return Err(Stop::Usage(format!("--limit {text}: this set has no nodes")));
    }
    Ok(nodes)
}

/// Says that a node is not in the inventory, and which was meant.
pub(super) fn unknown_node(name: &NodeName, inventory: &Inventory) -> Stop {
    let known = inventory
        .nodes()
        .map(|node| node.name.as_str())
        .chain(inventory.group_names());
    let help = nearest(name.as_str(), known).map(|known| format!("; did you mean `{known}`?"));
    let cluster = &inventory.name;
    Stop::Usage(format!(
        "cluster {cluster} has no node `{name}`{}",
        help.unwrap_or_default()
    ))
}
