//! Ansible's ways of writing inventories, and its rules of which variable wins.
//!
//! The files of an inventory are laid into one [`Draft`], in order; [`finish`] then works out
//! what each host has, from these files and from `group_vars` and `host_vars` beside them.

mod connection;
mod draft;
mod hosts;
mod ini;
mod list;
mod literal;
mod variables;
mod yaml;

use std::collections::BTreeMap;

use super::source::{Place, Source, Surroundings};
use super::tree::Tree;
use crate::inventory::{Inventory, InventoryError, Node, NodeName, NodeSet};
use draft::{ALL, Variables};
use variables::VariableFolder;

pub(super) use draft::Draft;
pub(super) use variables::{ending_of, join_path, read_tree};
pub(super) use yaml::SECTIONS;

/// Variables of `all` that speak of the cluster as a whole.
const CLUSTER: &str = "quorate_cluster";
const SYSTEM: &str = "quorate_system";

/// Reads an INI file into `draft`.
pub(super) fn read_ini(draft: &mut Draft, source: &Source) -> Result<(), InventoryError> {
    ini::read_ini(draft, source)
}

/// Reads a list of hosts into `draft`.
pub(super) fn read_plain(draft: &mut Draft, source: &Source) -> Result<(), InventoryError> {
    ini::read_plain(draft, source)
}

/// Reads a YAML file into `draft`.
pub(super) fn read_yaml(draft: &mut Draft, tree: &Tree) -> Result<(), InventoryError> {
    yaml::read_groups(draft, tree)
}

/// Reads what a program prints for `--list` into `draft`; without the program, a copy of it.
pub(super) fn read_list(
    draft: &mut Draft,
    tree: &Tree,
    program: Option<(&str, &dyn Surroundings)>,
) -> Result<(), InventoryError> {
    list::read_list(draft, tree, program)
}

/// Makes the inventory of all that was read; `base` is the folder of `group_vars` and
/// `host_vars`, and `name` what the cluster is called when no variable says it.
///
/// # Errors
///
/// [`InventoryError`] for files of variables that cannot be read, for connection variables that
/// cannot be taken, and for hosts that cannot be told apart.
///
/// # Source
///
/// Ansible, "Using variables", "Understanding variable precedence", rows 3 to 10 less the
/// playbook's own folders: the files' `all`, their groups, `group_vars/all`, `group_vars/*`, the
/// files' hosts, `host_vars/*`. Of groups the deeper one wins, then the one with the higher
/// `ansible_group_priority`, then the later one by name.
pub(super) fn finish(
    mut draft: Draft,
    base: &str,
    name: &str,
    surroundings: &dyn Surroundings,
) -> Result<Inventory, InventoryError> {
    draft.settle();
    let of_groups = VariableFolder::open(base, "group_vars", surroundings)?;
    let of_hosts = VariableFolder::open(base, "host_vars", surroundings)?;
    let from_files = draft.groups.iter().map(|group| of_groups.read(&group.name));
    let from_files: Vec<Variables> = from_files.collect::<Result<_, _>>()?;
    let order = draft.order();

    let mut nodes = Vec::with_capacity(draft.hosts.len());
    let mut members: Vec<Vec<NodeName>> = vec![Vec::new(); draft.groups.len()];
    for host in &draft.hosts {
        let mut within = draft.ancestors(host.groups.iter().copied());
        within.insert(ALL);
        let node = NodeName::from(host.name.as_str());
        let own = of_hosts.read(&host.name)?;
        let mut known: BTreeMap<&str, &Tree> = BTreeMap::new();
        let ordered = || order.iter().copied().filter(|group| within.contains(group));
        let layers = ordered()
            .map(|group| &draft.groups[group].variables)
            .chain(ordered().map(|group| &from_files[group]))
            .chain([&host.variables, &own]);
        for (name, value) in layers.flatten() {
            known.insert(name, value);
        }
        nodes.push(make_node(&node, &known)?);
        for group in within {
            members[group].push(node.clone());
        }
    }
    check_addresses(&draft, &nodes)?;
    let groups: BTreeMap<String, NodeSet> = draft
        .groups
        .iter()
        .zip(members)
        .map(|(group, members)| (group.name.clone(), members.into_iter().collect()))
        .collect();

    let of_all = |name: &str| {
        from_files[ALL]
            .get(name)
            .or(draft.groups[ALL].variables.get(name))
    };
    let cluster = of_all(CLUSTER).map(|value| text_of(value, CLUSTER)).transpose()?;
    let system = of_all(SYSTEM).map(|value| text_of(value, SYSTEM)).transpose()?;
    let built = Inventory::build(
        cluster.as_deref().unwrap_or(name),
        system.as_deref(),
        nodes,
        groups,
        BTreeMap::new(),
    );
    built.map_err(|error| locate(&draft, &of_all, error))
}

/// Adds the place to an error about the inventory as a whole.
fn locate<'t>(
    draft: &'t Draft,
    of_all: &dyn Fn(&str) -> Option<&'t Tree>,
    error: InventoryError,
) -> InventoryError {
    let host = |name: &str| {
        draft
            .hosts
            .iter()
            .find(|host| host.name == name)
            .map(|host| &host.place)
    };
    let place: Option<&Place> = match &error {
        InventoryError::SharedName { second, .. } => host(second),
        InventoryError::BadName { what, .. } if what == "the cluster" => of_all(CLUSTER).map(|it| &it.place),
        InventoryError::BadName { .. } => draft.hosts.first().map(|host| &host.place),
        _ => None,
    };
    match place {
        Some(place) => place.locate(error),
        None => error,
    }
}

/// Refuses two nodes that are one machine: the same address, and the same port.
fn check_addresses(draft: &Draft, nodes: &[Node]) -> Result<(), InventoryError> {
    let mut known: BTreeMap<(&str, u16), &Node> = BTreeMap::new();
    for (node, host) in nodes.iter().zip(&draft.hosts) {
        let Some(address) = node.address.as_deref().filter(|_| !node.login.is_local) else {
            continue;
        };
        if let Some(first) = known.insert((address, node.login.port.unwrap_or(22)), node) {
            return Err(host.place.refuse(
                format!("`{}` and `{}` are both at {address}", first.name, node.name),
                "a guard would count one machine twice; give each its own address or port",
            ));
        }
    }
    Ok(())
}

/// A text that speaks of the cluster.
fn text_of(value: &Tree, name: &str) -> Result<String, InventoryError> {
    if let Some(why) = value.unreadable() {
        return Err(value.place.refuse(format!("`{name}` is {why}"), "write it out"));
    }
    let text = value.to_text();
    text.ok_or_else(|| value.place.refuse(format!("`{name}` must be text"), ""))
}

/// The node of a host with these variables.
///
/// What begins with `ansible_` speaks to Ansible, of how to connect and how to become root, and
/// may be a password: it is no variable of the node.
fn make_node(name: &NodeName, known: &BTreeMap<&str, &Tree>) -> Result<Node, InventoryError> {
    let mut node = Node::new(name.clone());
    connection::read_connection(&mut node, known)?;
    for (key, value) in known {
        if key.starts_with("ansible_") || [CLUSTER, SYSTEM].contains(key) {
            continue;
        }
        if let Some(why) = value.unreadable() {
            node.withheld.insert((*key).to_owned(), why.to_owned());
        } else if let Some(text) = value.to_text() {
            node.variables.insert((*key).to_owned(), text);
        }
    }
    Ok(node)
}
