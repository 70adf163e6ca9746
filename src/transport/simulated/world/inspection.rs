//! The truth about a simulated cluster, as plain data.

use std::collections::BTreeMap;
use std::time::Duration;

use super::chunks::ChunkState;
use super::servers::Activity;
use super::state::World;

/// Everything that is true of a simulated cluster at one moment; no view lags here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The virtual time.
    pub now: Duration,
    /// The word for its health that `stat` would print.
    pub health: String,
    /// The nodes by name.
    pub nodes: BTreeMap<String, NodeInspection>,
    /// The configured metadata servers.
    pub metadata_servers: Vec<MetadataInspection>,
    /// How many of them answer and are caught up.
    pub answering: usize,
    /// Whether a majority of those configured does.
    pub has_majority: bool,
    /// When a majority first did not.
    pub majority_lost_at: Option<Duration>,
    /// Whether no follower ever lost its journal.
    pub journal_consistent: bool,
    /// Whether a newer master stood over older servers that the rule for 6.0.7 protects.
    pub master_was_early: bool,
    /// The node of the master.
    pub master: Option<String>,
    /// The chunk servers that are not dropped.
    pub chunk_servers: Vec<ChunkServerInspection>,
    /// How many chunks are in each state, by the word that `stat` prints.
    pub chunks: BTreeMap<&'static str, usize>,
    /// How many chunks can never be read again.
    pub lost_chunks: usize,
    /// When a chunk first had fewer live replicas than the least.
    pub below_least_at: Option<Duration>,
    /// How many nodes their watchdog rebooted.
    pub watchdog_reboots: usize,
    /// How many commands that act were asked for.
    pub acts: usize,
    /// The cluster's event log.
    pub events: Vec<String>,
}

/// A node as it truly is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInspection {
    /// Whether it has power and is up.
    pub is_on: bool,
    /// Whether commands reach it.
    pub is_reachable: bool,
    /// The services installed on it, and whether they run.
    pub services: BTreeMap<String, bool>,
    /// What is mounted on it beside its system.
    pub mounts: Vec<String>,
    /// The software installed on it.
    pub installed: String,
    /// How often it booted.
    pub boots: u32,
    /// How many virtual environments run on it.
    pub machines: usize,
    /// Since when they hang.
    pub machines_hung_since: Option<Duration>,
}

/// A metadata server as it truly is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataInspection {
    /// Its id.
    pub id: u32,
    /// Its node.
    pub node: String,
    /// Whether its process runs.
    pub is_running: bool,
    /// Whether it answers and is caught up.
    pub counts: bool,
    /// Whether it is master.
    pub is_master: bool,
    /// Whether it lost its journal.
    pub is_stale: bool,
    /// The software that runs.
    pub version: String,
}

/// A chunk server as it truly is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkServerInspection {
    /// Its id.
    pub id: u32,
    /// Its node.
    pub node: String,
    /// Its repository.
    pub repository: String,
    /// Whether its process runs.
    pub is_running: bool,
    /// What the metadata servers take it for: `active`, `inactive` or `offline`.
    pub seen: &'static str,
    /// Whether a hard fault took it out.
    pub has_failed: bool,
    /// Whether it is being emptied.
    pub is_releasing: bool,
    /// How many replicas it holds.
    pub replicas: usize,
    /// The software that runs.
    pub version: String,
}

impl World {
    /// Tells the truth.
    pub(in crate::transport::simulated) fn inspect(&self) -> Inspection {
        let counts = self.chunk_counts();
        let master = self
            .metadata
            .servers
            .iter()
            .find(|server| Some(server.id) == self.metadata.master);
        let nodes = (0..self.operator()).map(|host| (self.hosts[host].name.clone(), self.inspect_node(host)));
        Inspection {
            now: self.now,
            health: self.health().to_owned(),
            nodes: nodes.collect(),
            metadata_servers: self.inspect_metadata(),
            answering: self.answering(),
            has_majority: self.answering() >= self.majority(),
            majority_lost_at: self.metadata.majority_lost_at,
            journal_consistent: self.metadata.is_journal_consistent,
            master_was_early: self.metadata.was_master_early,
            master: master.map(|server| self.hosts[server.host].name.clone()),
            chunk_servers: self.inspect_chunk_servers(),
            chunks: ChunkState::ALL
                .into_iter()
                .map(|it| (it.word(), counts[it as usize]))
                .collect(),
            lost_chunks: self.lost_chunks(),
            below_least_at: self.storage.below_least_at,
            watchdog_reboots: self.watchdog_reboots,
            acts: self.act_count,
            events: self.log.iter().map(|line| line.message.clone()).collect(),
        }
    }

    fn inspect_node(&self, host: usize) -> NodeInspection {
        let node = &self.hosts[host];
        let disks = node
            .disks
            .iter()
            .filter(|disk| disk.is_mounted)
            .map(|disk| disk.mount.clone());
        let cluster = node.has_cluster_mount.then(|| self.cluster_mount());
        let names = node.services.keys();
        NodeInspection {
            is_on: node.is_on,
            is_reachable: node.is_on && node.is_reachable,
            services: names
                .map(|it| (it.clone(), self.is_service_running(host, it, None)))
                .collect(),
            mounts: disks.chain(cluster).collect(),
            installed: node.installed.clone(),
            boots: node.boot_count,
            machines: if self.runs_machines(host) {
                node.vm_count
            } else {
                0
            },
            machines_hung_since: node.vms_hung_since,
        }
    }

    fn inspect_metadata(&self) -> Vec<MetadataInspection> {
        let servers = self.metadata.servers.iter();
        servers
            .map(|server| MetadataInspection {
                id: server.id,
                node: self.hosts[server.host].name.clone(),
                is_running: server.pid.is_some(),
                counts: server.counts,
                is_master: Some(server.id) == self.metadata.master,
                is_stale: server.is_stale,
                version: server.version.clone(),
            })
            .collect()
    }

    fn inspect_chunk_servers(&self) -> Vec<ChunkServerInspection> {
        let servers = self.storage.servers.iter().filter(|server| !server.is_dropped);
        servers
            .map(|server| ChunkServerInspection {
                id: server.id,
                node: self.hosts[server.host].name.clone(),
                repository: server.repository.clone(),
                is_running: server.pid.is_some(),
                seen: match server.seen {
                    Activity::Active => "active",
                    Activity::Inactive => "inactive",
                    Activity::Offline => "offline",
                },
                has_failed: server.flaw.is_some(),
                is_releasing: server.is_releasing,
                replicas: server.replica_count,
                version: server.version.clone(),
            })
            .collect()
    }
}
