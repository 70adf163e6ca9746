use super::awk_string;
use crate::inventory::{Inventory, NodeSet};

/// The awk function `load_inventory`, which fills the tables that `find_node`, `group` and
/// their like look into.
///
/// `node_index` has the node for everything that a node is called by, `node_whole` marks its
/// full names and aliases, `node_value` has what is known of a node under a name that
/// `known_variable` has, and `group_nodes` the nodes of each group.
pub fn inventory_tables(inventory: &Inventory) -> String {
    let mut lines = vec![
        "# Fills the tables of nodes and groups.".to_owned(),
        "function load_inventory() {".to_owned(),
    ];
    let mut set = |table: &str, key: &str, value: &str| {
        lines.push(format!("    {table}[{key}] = {}", awk_string(value)));
    };
    for (called, node) in inventory.known_names() {
        set("node_index", &awk_string(called), node.name.as_str());
    }
    for node in inventory.nodes() {
        for called in std::iter::once(node.name.as_str()).chain(node.aliases.iter().map(String::as_str)) {
            set("node_whole", &awk_string(called), "1");
        }
        for (name, value) in &node.variables {
            let key = format!("{}, {}", awk_string(node.name.as_str()), awk_string(name));
            set("node_value", &key, value);
        }
    }
    for name in inventory.variable_names() {
        set("known_variable", &awk_string(name), "1");
    }
    for name in inventory.group_names() {
        let nodes = inventory.group(name).map(write_names).unwrap_or_default();
        set("group_nodes", &awk_string(name), &nodes);
    }
    lines.push("}\n".to_owned());
    lines.join("\n")
}

/// The names of a set in order, a blank between.
pub(super) fn write_names(nodes: &NodeSet) -> String {
    let names: Vec<&str> = nodes.iter().map(|node| node.as_str()).collect();
    names.join(" ")
}
