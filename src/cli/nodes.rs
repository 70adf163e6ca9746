use super::arguments::{NodesAction, NodesFlags, SetFlags};
use super::exit::{Exit, Stop};
use super::streams::print;
use crate::inventory::{NodeName, NodeSet};
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
