//! Where something else can go wrong while a node is in hand.

use super::SimulatedCluster;
use super::world::World;

impl SimulatedCluster {
    /// Whether a node has power and is up, or is booting.
    pub fn is_on(&self, node: &str) -> bool {
        let world = self.world.borrow();
        world.find_host(node).is_some_and(|host| world.hosts[host].is_on)
    }

    /// The node of a metadata server that is in step and not master; where there are none, the one
    /// whose declared services would lead next.
    pub fn other_master(&self) -> Option<String> {
        let world = self.world.borrow();
        if world.metadata.servers.is_empty() {
            let next = world.next_to_lead()?;
            return Some(world.hosts[next].name.clone());
        }
        let mut others = world
            .metadata
            .servers
            .iter()
            .filter(|server| server.counts && Some(server.id) != world.metadata.master)
            .map(|server| world.hosts[server.host].name.clone());
        others.next_back()
    }

    /// Another node that holds servers of the storage and is well.
    pub fn host_elsewhere(&self, here: &str) -> Option<String> {
        let world = self.world.borrow();
        let host = find_elsewhere(&world, here)?;
        Some(world.hosts[host].name.clone())
    }

    /// A disk with a chunk server on another node: the node, and where the disk is mounted.
    pub fn disk_elsewhere(&self, here: &str) -> Option<(String, String)> {
        let world = self.world.borrow();
        let host = find_elsewhere(&world, here)?;
        let servers = world.servers_of(host);
        let live = servers.iter().map(|server| &world.storage.servers[*server]);
        let mut live = live.filter(|server| server.is_truly_live());
        let repository = live.next()?.repository.clone();
        Some((world.hosts[host].name.clone(), repository))
    }

    /// All nodes of a rack that `here` does not stand in, none of them down.
    pub fn rack_elsewhere(&self, here: &str) -> Vec<String> {
        let world = self.world.borrow();
        let Some(host) = find_elsewhere(&world, here) else {
            return Vec::new();
        };
        let rack = &world.hosts[host].rack;
        let is_here = world
            .find_host(here)
            .is_some_and(|here| world.hosts[here].rack == *rack);
        if is_here {
            return vec![world.hosts[host].name.clone()];
        }
        let nodes = world.hosts[..world.operator()].iter();
        nodes
            .filter(|it| it.rack == *rack && it.is_on)
            .map(|it| it.name.clone())
            .collect()
    }
}

/// A node other than `here` whose servers all run, in another rack if there is one.
fn find_elsewhere(world: &World, here: &str) -> Option<usize> {
    let here_at = world.find_host(here);
    let rack = here_at.map(|host| world.hosts[host].rack.clone());
    let is_well = |host: &usize| {
        let servers = world.servers_of(*host);
        let node = &world.hosts[*host];
        Some(*host) != here_at
            && node.is_on
            && node.is_reachable
            && (!servers.is_empty() || world.has_declared_running(*host))
            && servers
                .iter()
                .all(|server| world.storage.servers[*server].is_truly_live())
    };
    let mut well: Vec<usize> = (0..world.operator()).filter(is_well).collect();
    // The next one in order is likely to be the next that the run takes in hand.
    let from = here_at.unwrap_or_default();
    well.sort_by_key(|host| {
        let is_near = Some(&world.hosts[*host].rack) == rack.as_ref();
        (is_near, (*host + world.hosts.len() - from) % world.hosts.len())
    });
    well.first().copied()
}
