//! A simulated cluster that begins as a real one is now.

use std::collections::BTreeMap;

use super::change::Change;
use super::shape::{NodeShape, Shape};
use crate::inventory::{Inventory, NodeName, NodeSet};
use crate::transport::ShapeError;
use crate::value::{Row, Table, Value};

/// What was seen of a real cluster.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// What these facts come to, of [`Shape::SEEN_BY`] those that the modules in use have.
    pub facts: BTreeMap<String, Value>,
    /// Of each service whose module says who is a member: the nodes with one that is not up.
    pub down: BTreeMap<String, NodeSet>,
    /// The nodes that do not answer.
    pub silent: NodeSet,
}

impl Sight {
    /// The nodes of which some server is surely up, as the cluster sees it.
    fn up(&self) -> NodeSet {
        let mut up = NodeSet::default();
        for (fact, well) in [("pstorage.mds", "avail"), ("pstorage.chunk-servers", "active")] {
            let rows = table(self, fact).map_or(&[][..], |table| &table.rows);
            let is_well = |row: &&Row| row.get("status").is_some_and(|status| status.to_string() == well);
            for name in rows.iter().filter(is_well).filter_map(node_in) {
                up.insert(name);
            }
        }
        up
    }

    /// The facts that could not be had, each with the reason.
    pub fn unseen(&self) -> Vec<(String, String)> {
        let unknown = self.facts.iter().filter_map(|(fact, value)| match value {
            Value::Unknown(why) => Some((fact.clone(), why.to_string())),
            _ => None,
        });
        unknown.collect()
    }
}

impl Shape {
    /// The facts that tell how a storage cluster is.
    pub const SEEN_BY: [&'static str; 6] = [
        "pstorage.mds",
        "pstorage.chunk-servers",
        "pstorage.replication-level",
        "pstorage.failure-domain",
        "pstorage.mds-versions",
        "pstorage.space",
    ];

    /// The shape of a cluster as it was seen: who holds what, who is down, which versions run, how full
    /// the disks are. What was not seen is as in the default cluster.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when some node holds chunk servers, and none a metadata server.
    pub fn as_seen(inventory: &Inventory, sight: &Sight) -> Result<Shape, ShapeError> {
        let mut shape = Shape::of_inventory(inventory)?;
        for (node, known) in inventory.nodes().map(|node| (node.name.to_string(), node)) {
            if let Some(seen) = shape.nodes.get_mut(&node) {
                seen.variables.clone_from(&known.variables);
                seen.variables.remove("rack");
            }
        }
        shape.see_metadata_servers(sight);
        shape.see_chunk_servers(sight);
        shape.see_settings(sight);
        for (service, nodes) in &sight.down {
            // Of chunk servers each one was seen.
            if service != "pstorage-csd" {
                shape
                    .state
                    .extend(nodes.iter().map(|node| stopped(node, service)));
            }
        }
        // Who only does not answer here, and is seen up by the others, has its power.
        let is_up = |node: &&NodeName| sight.up().contains(node);
        let gone = sight.silent.iter().filter(|node| !is_up(node));
        shape.state.extend(gone.map(|node| Change {
            power: Some("off".to_owned()),
            ..on(node)
        }));
        shape.check().map_err(|flaw| flaw.in_file(&inventory.name))?;
        Ok(shape)
    }

    fn see_metadata_servers(&mut self, sight: &Sight) {
        let Some(table) = table(sight, "pstorage.mds") else {
            return;
        };
        for node in self.nodes.values_mut() {
            node.mds = false;
        }
        for row in &table.rows {
            let Some(name) = node_in(row) else { continue };
            self.of_node(&name).mds = true;
            if row.get("master") == Some(&Value::Bool(true)) {
                self.state.push(Change {
                    master: Some(name.to_string()),
                    ..Change::default()
                });
            }
        }
    }

    fn see_chunk_servers(&mut self, sight: &Sight) {
        let Some(table) = table(sight, "pstorage.chunk-servers") else {
            return;
        };
        for node in self.nodes.values_mut() {
            node.disks = 0;
        }
        let cluster = self.cluster.name.clone();
        for row in &table.rows {
            let (Some(name), Some(Value::Int(id))) = (node_in(row), row.get("csid")) else {
                continue;
            };
            let Ok(id) = u32::try_from(*id) else { continue };
            let node = self.of_node(&name);
            node.disks += 1;
            node.chunk_servers.push(id);
            let repository = format!("/pstorage/{cluster}-cs{}", node.disks);
            let status = row.get("status").filter(|status| !status.is_unknown());
            match status.map(ToString::to_string).as_deref() {
                None | Some("active" | "releasing") => {}
                Some("failed") => self.state.push(Change {
                    disk: Some(repository),
                    is: Some("failed".to_owned()),
                    ..on(&name)
                }),
                Some(_) => self.state.push(Change {
                    path: Some(repository),
                    ..stopped(&name, "pstorage-csd")
                }),
            }
        }
    }

    fn see_settings(&mut self, sight: &Sight) {
        let cluster = &mut self.cluster;
        if let Some(level @ Value::Ratio(..)) = sight.facts.get("pstorage.replication-level") {
            cluster.replication = level.to_string();
        }
        if let Some(Value::Text(domain)) = sight.facts.get("pstorage.failure-domain")
            && ["disk", "host", "rack"].contains(&&**domain)
        {
            cluster.failure_domain = domain.to_string();
        }
        if let Some(table) = table(sight, "pstorage.space")
            && let Some(row) = table.rows.first()
            && let (Some(Value::Size(free)), Some(Value::Size(capacity @ 1..))) =
                (row.get("free"), row.get("capacity"))
        {
            let used = u128::from(capacity.saturating_sub(*free)) * 100 / u128::from(*capacity);
            cluster.full = Some(format!("{used}%"));
        }
        let Some(versions) = table(sight, "pstorage.mds-versions") else {
            return;
        };
        let version_in = |row: &Row| match row.get("value") {
            Some(Value::Version(version)) => Some(version.clone()),
            _ => None,
        };
        let Some(newest) = versions.rows.iter().filter_map(version_in).max() else {
            return;
        };
        cluster.version = newest.to_string();
        for row in &versions.rows {
            if let (Some(name), Some(version)) = (node_in(row), version_in(row))
                && version != newest
            {
                self.state.push(Change {
                    version: Some(version.to_string()),
                    ..on(&name)
                });
            }
        }
    }

    fn of_node(&mut self, name: &NodeName) -> &mut NodeShape {
        self.nodes.entry(name.to_string()).or_default()
    }
}

fn on(node: &NodeName) -> Change {
    Change {
        node: Some(node.to_string()),
        ..Change::default()
    }
}

fn stopped(node: &NodeName, service: &str) -> Change {
    Change {
        service: Some(service.to_owned()),
        is: Some("stopped".to_owned()),
        ..on(node)
    }
}

fn table<'s>(sight: &'s Sight, fact: &str) -> Option<&'s Table> {
    match sight.facts.get(fact)? {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

fn node_in(row: &Row) -> Option<NodeName> {
    row.cells.iter().find_map(|cell| match cell {
        Value::Node(node) => Some(node.clone()),
        _ => None,
    })
}
