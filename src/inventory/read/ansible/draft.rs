use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::inventory::cluster::why_not_a_name;
use crate::inventory::read::source::Place;
use crate::inventory::read::tree::{Kind, Tree};
use crate::inventory::{InventoryError, read::tree};

/// Variables by their names.
pub(super) type Variables = BTreeMap<String, Tree>;

/// Hosts and groups while the files of an inventory are read, one after the other.
pub(in crate::inventory::read) struct Draft {
    pub groups: Vec<Group>,
    pub hosts: Vec<Host>,
    group_places: HashMap<String, usize>,
    host_places: HashMap<String, usize>,
}

/// A group.
#[derive(Debug, Default)]
pub(in crate::inventory::read) struct Group {
    pub name: String,
    /// Of those with the same depth, the higher one's variables win.
    pub priority: i64,
    pub variables: Variables,
    pub children: BTreeSet<usize>,
    pub parents: BTreeSet<usize>,
}

/// A host.
#[derive(Debug)]
pub(in crate::inventory::read) struct Host {
    pub name: String,
    /// Where it was first named.
    pub place: Place,
    /// The groups that name it.
    pub groups: BTreeSet<usize>,
    pub variables: Variables,
}

/// Where `all` stands among the groups.
pub(super) const ALL: usize = 0;
/// Where `ungrouped` stands among the groups.
pub(super) const UNGROUPED: usize = 1;

impl Draft {
    /// No hosts, and the two groups that there always are.
    pub fn new() -> Draft {
        let group = |name: &str| Group {
            name: name.to_owned(),
            priority: 1,
            ..Group::default()
        };
        let mut draft = Draft {
            groups: vec![group("all"), group("ungrouped")],
            hosts: Vec::new(),
            group_places: HashMap::from([("all".to_owned(), ALL), ("ungrouped".to_owned(), UNGROUPED)]),
            host_places: HashMap::new(),
        };
        draft.groups[ALL].children.insert(UNGROUPED);
        draft.groups[UNGROUPED].parents.insert(ALL);
        draft
    }

    /// A group that is known already.
    pub fn group(&self, name: &str) -> Option<usize> {
        self.group_places.get(name).copied()
    }

    /// The group of this name, which is added if need be.
    pub fn add_group(&mut self, name: &str, place: &Place) -> Result<usize, InventoryError> {
        if let Some(known) = self.group(name) {
            return Ok(known);
        }
        if let Some(why) = why_not_a_name(name, "-_.:") {
            let help = "give the group a name of letters, digits, `-`, `_` and `.`";
            return Err(place.refuse(format!("a group cannot be called `{name}`: {why}"), help));
        }
        self.groups.push(Group {
            name: name.to_owned(),
            priority: 1,
            ..Group::default()
        });
        self.group_places.insert(name.to_owned(), self.groups.len() - 1);
        Ok(self.groups.len() - 1)
    }

    /// Puts a host into a group; a port holds only for a host that is new.
    pub fn add_host(
        &mut self,
        name: &str,
        group: Option<usize>,
        port: Option<u16>,
        place: &Place,
    ) -> Result<(), InventoryError> {
        let known = self.host_places.get(name).copied();
        let host = match known {
            Some(known) => known,
            None => {
                if let Some(why) = why_not_a_name(name, "-_.:") {
                    let help = "give the host a name of letters, digits, `-`, `_` and `.`, and its own as ansible_host";
                    return Err(place.refuse(format!("a host cannot be called `{name}`: {why}"), help));
                }
                self.hosts.push(Host {
                    name: name.to_owned(),
                    place: place.clone(),
                    groups: BTreeSet::new(),
                    variables: Variables::new(),
                });
                self.host_places.insert(name.to_owned(), self.hosts.len() - 1);
                self.hosts.len() - 1
            }
        };
        if let (None, Some(port)) = (known, port) {
            let kind = tree::Kind::Number(port.to_string());
            let place = place.clone();
            let variables = &mut self.hosts[host].variables;
            variables.insert("ansible_port".to_owned(), Tree { kind, place });
        }
        if let Some(group) = group {
            self.hosts[host].groups.insert(group);
        }
        Ok(())
    }

    /// Gives a host a variable; where a group has the host's name, it is the group's.
    pub fn set_of_host(&mut self, host: &str, name: &str, value: &Tree) -> Result<(), InventoryError> {
        if let Some(group) = self.group(host) {
            return self.set_of_group(group, name, value);
        }
        let host = self.host_places[host];
        self.hosts[host].variables.insert(name.to_owned(), value.clone());
        Ok(())
    }

    /// Gives a group a variable.
    pub fn set_of_group(&mut self, group: usize, name: &str, value: &Tree) -> Result<(), InventoryError> {
        let group = &mut self.groups[group];
        if name != "ansible_group_priority" {
            group.variables.insert(name.to_owned(), value.clone());
            return Ok(());
        }
        let priority = match &value.kind {
            Kind::Number(text) | Kind::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        let Some(priority) = priority else {
            let why = format!("the priority of group `{}` must be a whole number", group.name);
            return Err(value.place.refuse(why, ""));
        };
        group.priority = priority;
        Ok(())
    }

    /// Puts a group into another.
    pub fn add_child(&mut self, parent: usize, child: usize, place: &Place) -> Result<(), InventoryError> {
        // `all` holds every group in the end, whether a file says so or not.
        if child == ALL || parent == child || self.is_below(child, parent) {
            let names = [
                self.groups[parent].name.as_str(),
                self.groups[child].name.as_str(),
            ];
            return Err(place.refuse_cycle(names[0], &names));
        }
        self.groups[parent].children.insert(child);
        self.groups[child].parents.insert(parent);
        Ok(())
    }

    /// Whether `low` lies in `high`, or in a group that does.
    fn is_below(&self, high: usize, low: usize) -> bool {
        self.ancestors([low]).contains(&high)
    }

    /// The groups, and those that they lie in.
    pub fn ancestors(&self, groups: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        let mut waiting: Vec<usize> = groups.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(group) = waiting.pop() {
            if seen.insert(group) {
                waiting.extend(&self.groups[group].parents);
            }
        }
        seen
    }

    /// Puts what lies nowhere into `all` and `ungrouped`, once everything is read.
    pub fn settle(&mut self) {
        for group in 1..self.groups.len() {
            if self.groups[group].parents.is_empty() {
                self.groups[group].parents.insert(ALL);
                self.groups[ALL].children.insert(group);
            }
        }
        for host in 0..self.hosts.len() {
            let within = self.ancestors(self.hosts[host].groups.iter().copied());
            let groups = &mut self.hosts[host].groups;
            if within.iter().any(|group| *group > UNGROUPED) {
                groups.remove(&UNGROUPED);
            } else {
                groups.insert(UNGROUPED);
            }
        }
    }

    /// The groups in the order in which their variables are laid over each other.
    pub fn order(&self) -> Vec<usize> {
        let mut depths = vec![None; self.groups.len()];
        for group in 0..self.groups.len() {
            self.measure_depth(group, &mut depths);
        }
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by_key(|at| {
            let group = &self.groups[*at];
            (*at != ALL, depths[*at], group.priority, group.name.as_str())
        });
        order
    }

    /// How far a group lies below `all`, by the longest way.
    fn measure_depth(&self, group: usize, depths: &mut [Option<usize>]) -> usize {
        // A stack of its own, since groups may lie deeper in each other than calls may.
        let mut waiting = vec![group];
        while let Some(group) = waiting.last().copied() {
            let parents = &self.groups[group].parents;
            let unknown = parents.iter().copied().filter(|parent| depths[*parent].is_none());
            let unknown: Vec<usize> = unknown.collect();
            if unknown.is_empty() {
                let deepest = parents.iter().filter_map(|parent| depths[*parent]).max();
                depths[group] = Some(deepest.map_or(0, |depth| depth + 1));
                waiting.pop();
            }
            waiting.extend(unknown);
        }
        depths[group].unwrap_or(0)
    }
}
