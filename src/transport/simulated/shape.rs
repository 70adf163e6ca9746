//! The shape of a simulated cluster: its file, read and checked.
//!
//! ```toml
//! [cluster]                          # every key has a default
//! name = "pcs1"
//! edition = "6.0"                    # how `stat` is printed: 6.0, 7 or 4.7
//! replication = "3:2"
//! lag = "9s"                         # how long the view shows a lost server as before
//! version = "6.0.7"
//! available_version = "6.0.8"        # what `yum update` installs
//!
//! [nodes."node[1-5]"]                # no [nodes] at all: the default six
//! rack = "rack1"
//! mds = true
//! disks = 2
//!
//! [groups]
//! spare = "node5"
//!
//! [[state]]                          # how it begins
//! node = "node3"
//! service = "pstorage-mdsd"
//! is = "stopped"                     # or running, absent, broken
//!
//! [[event]]                          # what happens later
//! at = "90s"
//! node = "node2"
//! power = "off"
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::change::{Change, Flaw, flaw};
use crate::inventory::{Inventory, InventoryError, Node, NodeName, NodeSet};
use crate::transport::ShapeError;
use crate::value::{read_duration, read_percent, read_ratio, write_duration};

/// The greatest id that a shape may give to a chunk server; those that come later get the next ones.
const GREATEST_ID: u32 = 1_000_000_000;

/// What a simulated cluster is made of, the state it begins in, and what happens to it when.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// The cluster as a whole.
    #[serde(default)]
    pub cluster: ClusterShape,
    /// Folded sets of nodes and what stands on each of them.
    #[serde(default)]
    pub nodes: BTreeMap<String, NodeShape>,
    /// Groups beside `mds_nodes`, `cs_nodes` and `all_nodes`.
    #[serde(default)]
    pub groups: BTreeMap<String, String>,
    /// Variables of the inventory.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// What is unlike a healthy cluster at the start.
    #[serde(default)]
    pub state: Vec<Change>,
    /// What happens later.
    #[serde(default)]
    pub event: Vec<Change>,
}

/// The cluster as a whole.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterShape {
    /// Its name.
    pub name: String,
    /// How `stat` is printed: `6.0`, `7` or `4.7`.
    pub edition: String,
    /// The normal number of replicas and the least, as `3:2`.
    pub replication: String,
    /// What keeps replicas apart: `disk`, `host` or `rack`.
    pub failure_domain: String,
    /// How long the view shows a lost server as before.
    #[serde(deserialize_with = "read_length", serialize_with = "write_length")]
    pub lag: Duration,
    /// The software installed and running at the start.
    pub version: String,
    /// The software that `yum update` installs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_version: Option<String>,
    /// How many chunks hold data.
    pub chunks: usize,
    /// How much of the space they take, as `82%`; without it, 64 MiB each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<String>,
    /// How long it takes to copy all replicas of one chunk server elsewhere.
    #[serde(deserialize_with = "read_length", serialize_with = "write_length")]
    pub replication_time: Duration,
    /// How long a chunk server is silent before it counts as offline.
    #[serde(deserialize_with = "read_length", serialize_with = "write_length")]
    pub offline_after: Duration,
    /// More offline hosts than this, and nothing is replicated; 0 is no limit.
    pub max_offline_hosts: usize,
    /// Whether `stat` prints addresses for the metadata servers too.
    pub numeric_addresses: bool,
    /// The cluster's password, as `auth-node` wants it.
    pub password: String,
}

impl Default for ClusterShape {
    fn default() -> Self {
        ClusterShape {
            name: "pcs1".to_owned(),
            edition: "6.0".to_owned(),
            replication: "3:2".to_owned(),
            failure_domain: "host".to_owned(),
            lag: Duration::from_secs(9),
            version: "6.0.8".to_owned(),
            available_version: None,
            chunks: 120,
            full: None,
            replication_time: Duration::from_secs(240),
            offline_after: Duration::from_secs(300),
            max_offline_hosts: 2,
            numeric_addresses: false,
            password: "secret".to_owned(),
        }
    }
}

/// What stands on a node.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodeShape {
    /// Its failure domain.
    pub rack: String,
    /// Whether it holds a metadata server.
    pub mds: bool,
    /// How many disks it has, each with a chunk server.
    pub disks: usize,
    /// The ids of the first of these; the others get the next that are free.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chunk_servers: Vec<u32>,
    /// Whether it has an SSD.
    pub ssd: bool,
    /// Whether the SSD holds the journals of its chunk servers, rather than a read cache.
    pub journals: bool,
    /// Whether it mounts the cluster and runs virtual environments.
    pub clients: bool,
    /// How many virtual environments it runs.
    pub vms: usize,
    /// Its address; only for a set of one node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What else the inventory knows of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
}

impl Default for NodeShape {
    fn default() -> Self {
        NodeShape {
            rack: "rack1".to_owned(),
            mds: false,
            disks: 2,
            chunk_servers: Vec::new(),
            ssd: false,
            journals: true,
            clients: true,
            vms: 2,
            address: None,
            variables: BTreeMap::new(),
        }
    }
}

impl NodeShape {
    fn all_variables(&self) -> BTreeMap<String, String> {
        let mut variables = self.variables.clone();
        variables.insert("rack".to_owned(), self.rack.clone());
        variables
    }

    /// The address of the node at a place in the order of all nodes.
    pub(super) fn address_of(&self, place: usize) -> String {
        let number = place + 1;
        let counted = || format!("10.{}.{}.{}", number / 65_536, number / 256 % 256, number % 256);
        self.address.clone().unwrap_or_else(counted)
    }
}

impl Default for Shape {
    /// Five metadata servers, six hosts with two disks each in three racks.
    fn default() -> Self {
        let rack = |rack: &str, mds| NodeShape {
            rack: rack.to_owned(),
            mds,
            ..NodeShape::default()
        };
        Shape {
            cluster: ClusterShape::default(),
            nodes: BTreeMap::from([
                ("node1".to_owned(), rack("rack1", true)),
                ("node2".to_owned(), rack("rack1", true)),
                ("node3".to_owned(), rack("rack2", true)),
                ("node4".to_owned(), rack("rack2", true)),
                ("node5".to_owned(), rack("rack3", true)),
                ("node6".to_owned(), rack("rack3", false)),
            ]),
            groups: BTreeMap::new(),
            variables: BTreeMap::new(),
            state: Vec::new(),
            event: Vec::new(),
        }
    }
}

impl Shape {
    /// Reads a shape; what it does not say is as in the default cluster.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] for text that is not TOML, unknown keys, and clusters that could not be.
    pub fn read(name: &str, text: &str) -> Result<Shape, ShapeError> {
        let mut shape: Shape = toml::from_str(text).map_err(|why| ShapeError::Unreadable {
            name: name.to_owned(),
            why: why.to_string(),
        })?;
        if shape.nodes.is_empty() {
            shape.nodes = Shape::default().nodes;
        }
        shape.check().map_err(|flaw| flaw.in_file(name))?;
        Ok(shape)
    }

    /// Makes the shape of a simulated cluster with the nodes of an inventory, each with the
    /// roles that `mds_nodes` and `cs_nodes` give it.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] when some node of the inventory holds chunk servers, and none a metadata server.
    pub fn of_inventory(inventory: &Inventory) -> Result<Shape, ShapeError> {
        let is_in =
            |group: &str, node: &Node| inventory.group(group).is_some_and(|it| it.contains(&node.name));
        let has_storage = inventory.nodes().any(|node| is_in("mds_nodes", node));
        let shape_of = |node: &Node| NodeShape {
            clients: has_storage,
            rack: node
                .variables
                .get("rack")
                .cloned()
                .unwrap_or_else(|| "rack1".to_owned()),
            mds: is_in("mds_nodes", node),
            disks: if is_in("cs_nodes", node) { 2 } else { 0 },
            // What the tools print of it must be what the inventory knows it by.
            address: node
                .address
                .clone()
                .or_else(|| node.aliases.first().cloned())
                .or_else(|| Some(node.name.to_string())),
            ..NodeShape::default()
        };
        let known = ["mds_nodes", "cs_nodes", "all_nodes"];
        let others = inventory.group_names().filter(|name| !known.contains(name));
        let set_of = |name: &str| inventory.group(name).map(ToString::to_string).unwrap_or_default();
        let shape = Shape {
            cluster: ClusterShape {
                name: inventory.name.clone(),
                ..ClusterShape::default()
            },
            nodes: inventory
                .nodes()
                .map(|node| (node.name.to_string(), shape_of(node)))
                .collect(),
            groups: others.map(|name| (name.to_owned(), set_of(name))).collect(),
            variables: inventory.variables.clone(),
            state: Vec::new(),
            event: Vec::new(),
        };
        shape.check().map_err(|flaw| flaw.in_file(&inventory.name))?;
        Ok(shape)
    }

    /// The normal number of replicas and the least.
    pub(super) fn ratio(&self) -> (usize, usize) {
        let (normal, least) = read_ratio(&self.cluster.replication).unwrap_or((3, 2));
        (normal as usize, least as usize)
    }

    /// The names of all nodes, each with what stands on it, in order.
    pub(super) fn node_names(&self) -> Vec<(String, NodeShape)> {
        let mut named = BTreeMap::new();
        for (set, shape) in &self.nodes {
            let nodes = NodeSet::expand(set).unwrap_or_default();
            named.extend(nodes.iter().map(|node| (node.clone(), shape.clone())));
        }
        named
            .into_iter()
            .map(|(name, shape)| (name.to_string(), shape))
            .collect()
    }

    /// The inventory of the cluster: `mds_nodes` and `cs_nodes` where it holds a storage, and the
    /// groups of the shape.
    pub(super) fn inventory(&self) -> Result<Inventory, InventoryError> {
        let named = self.node_names();
        let group = |is_in: &dyn Fn(&NodeShape) -> bool| -> NodeSet {
            let members = named.iter().filter(|(_, node)| is_in(node));
            members.map(|(name, _)| NodeName::from(name.as_str())).collect()
        };
        let has_storage = named.iter().any(|(_, node)| node.mds);
        let mut groups = BTreeMap::new();
        if has_storage {
            groups.insert("mds_nodes".to_owned(), group(&|node| node.mds));
            groups.insert("cs_nodes".to_owned(), group(&|node| node.disks > 0));
        }
        for (name, set) in &self.groups {
            groups.insert(name.clone(), NodeSet::expand(set)?);
        }
        let nodes = named.iter().enumerate().map(|(place, (name, node))| Node {
            aliases: vec![node.address_of(place)],
            variables: node.all_variables(),
            ..Node::new(NodeName::from(name.as_str()))
        });
        let (name, system) = (&self.cluster.name, has_storage.then_some("pstorage"));
        let variables = self.variables.clone();
        let mut inventory = Inventory::build(name, system, nodes.collect(), groups, variables)?;
        inventory.is_simulated = true;
        Ok(inventory)
    }

    /// How much of the space the chunks take, in hundredths of a percent.
    pub(super) fn fullness(&self) -> Option<u64> {
        let full = self.cluster.full.as_deref()?;
        let full = read_percent(full).ok()?;
        u64::try_from(full).ok().filter(|full| *full <= 10_000)
    }

    /// The shape as [`Shape::read`] reads it.
    pub fn write(&self) -> String {
        toml::to_string(self).expect("a shape has only what TOML has")
    }

    pub(super) fn check(&self) -> Result<(), Flaw> {
        let cluster = &self.cluster;
        if !["6.0", "7", "4.7"].contains(&cluster.edition.as_str()) {
            return Err(flaw(
                format!("no edition `{}`", cluster.edition),
                "write 6.0, 7 or 4.7",
            ));
        }
        if !["disk", "host", "rack"].contains(&cluster.failure_domain.as_str()) {
            let why = format!("no failure domain `{}`", cluster.failure_domain);
            return Err(flaw(why, "write disk, host or rack"));
        }
        match read_ratio(&cluster.replication) {
            Ok((normal, least)) if least >= 1 && normal >= least => {}
            _ => {
                return Err(flaw(
                    format!("`{}` is no replication", cluster.replication),
                    "write 3:2",
                ));
            }
        }
        if let Some(full) = &cluster.full
            && self.fullness().is_none()
        {
            return Err(flaw(format!("`{full}` is no part of a whole"), "write 82%"));
        }
        let mut seen = NodeSet::default();
        for set in self.nodes.keys() {
            let nodes = NodeSet::expand(set).map_err(|error| Flaw {
                why: error.to_string(),
                help: None,
            })?;
            if let Some(node) = nodes.iter().find(|node| seen.contains(node)) {
                return Err(flaw(
                    format!("`{node}` is in two sets of [nodes]"),
                    "name each node once",
                ));
            }
            seen = seen.union(&nodes);
        }
        self.check_ids()?;
        self.inventory().map_err(|error| Flaw {
            why: error.to_string(),
            help: None,
        })?;
        let nodes = self.node_names();
        if nodes.iter().all(|(_, node)| !node.mds) && nodes.iter().any(|(_, node)| node.disks > 0) {
            return Err(flaw(
                "no node holds a metadata server, and some hold chunk servers".to_owned(),
                "give some node `mds = true`, or all of them `disks = 0`",
            ));
        }
        self.check_changes()
    }

    /// Each chunk server has an id of its own, and each id that is given a disk.
    fn check_ids(&self) -> Result<(), Flaw> {
        let nodes = self.node_names();
        if let Some((name, node)) = nodes
            .iter()
            .find(|(_, node)| node.chunk_servers.len() > node.disks)
        {
            let (ids, disks) = (node.chunk_servers.len(), node.disks);
            return Err(flaw(
                format!("{name} has {ids} ids of chunk servers, and {disks} disks"),
                "give no more `chunk_servers` than `disks`",
            ));
        }
        let mut ids: Vec<u32> = nodes
            .iter()
            .flat_map(|(_, node)| node.chunk_servers.clone())
            .collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(flaw(
                format!("two chunk servers have the id {}", pair[0]),
                "give `chunk_servers` to sets of one node, each id once",
            ));
        }
        if let Some(id) = ids.last().filter(|id| **id > GREATEST_ID) {
            return Err(flaw(
                format!("{id} is too great for the id of a chunk server"),
                "write ids such as 1025",
            ));
        }
        Ok(())
    }

    /// A state is there at the start, an event comes later, and each must mean something.
    fn check_changes(&self) -> Result<(), Flaw> {
        for change in &self.state {
            if change.at.is_some() {
                return Err(flaw(
                    "a [[state]] has an `at`".to_owned(),
                    "what happens later is an [[event]]",
                ));
            }
            self.faults(change)?;
        }
        for change in &self.event {
            if change.at.is_none() {
                return Err(flaw(
                    "an [[event]] has no `at`".to_owned(),
                    "write when, such as at = \"90s\"",
                ));
            }
            self.faults(change)?;
        }
        Ok(())
    }
}

/// Reads a length of time such as `90s`.
fn read_length<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    read_duration(&text).map_err(serde::de::Error::custom)
}

/// Writes a length of time as it is read.
fn write_length<S: Serializer>(length: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&write_duration(*length))
}

/// Writes a length of time where there may be none.
#[expect(clippy::ref_option, reason = "serde gives a reference")]
pub(super) fn write_optional_length<S: Serializer>(
    length: &Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match length {
        Some(length) => write_length(length, to),
        None => to.serialize_none(),
    }
}

/// Reads a length of time where there may be none.
pub(super) fn read_optional_length<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    read_length(from).map(Some)
}
