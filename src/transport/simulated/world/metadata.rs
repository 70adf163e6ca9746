//! Metadata servers: quorum, election, catching up, and the rule of one-way compatibility.

use std::time::Duration;

use super::state::{Due, PRIOR_UPTIME, World};

/// How long a started server catches up before it counts.
const SYNC_TIME: Duration = Duration::from_secs(10);
/// How long an election takes.
const ELECTION_TIME: Duration = Duration::from_secs(5);
/// How long a new master does not know how the cluster is.
const SETTLE_TIME: Duration = Duration::from_secs(20);
/// The last version of which an older follower loses its journal under a newer master.
const LAST_FRAGILE: &str = "6.0.7";

/// All metadata servers and who is master.
#[derive(Debug, Clone, Default)]
pub(in crate::transport::simulated) struct Metadata {
    pub servers: Vec<MetadataServer>,
    pub master: Option<u32>,
    pub elected: Duration,
    pub prior_epoch: Duration,
    pub is_settled_until: Duration,
    pub is_journal_consistent: bool,
    /// A newer master stood over older chunk servers.
    pub was_master_early: bool,
    pub majority_lost_at: Option<Duration>,
    pub(super) is_electing: bool,
    pub(super) generation: u32,
    next_id: u32,
}

/// A configured metadata server.
#[derive(Debug, Clone)]
pub(in crate::transport::simulated) struct MetadataServer {
    pub id: u32,
    pub host: usize,
    pub repository: String,
    /// The version that runs, or ran last.
    pub version: String,
    pub pid: Option<u32>,
    pub is_synced: bool,
    pub is_stale: bool,
    /// Whether its data is still there.
    pub has_repository: bool,
    pub started: Duration,
    pub prior_uptime: Duration,
    pub counts: bool,
    /// When it last counted for the quorum: the view goes on showing it for a while.
    pub last_counted: Option<Duration>,
    pub(super) generation: u32,
}

impl MetadataServer {
    /// Ends its process.
    pub fn end(&mut self) {
        self.pid = None;
        self.is_synced = false;
        self.generation += 1;
    }
}

impl World {
    /// Adds a server that has been running for long.
    pub fn add_built_metadata_server(&mut self, host: usize) {
        let id = self.add_metadata_server(host, format!("/pstorage/{}-mds", self.settings.name));
        if let Some(server) = self.metadata.servers.iter_mut().find(|server| server.id == id) {
            server.is_synced = true;
            server.counts = true;
            server.prior_uptime = PRIOR_UPTIME;
        }
    }

    /// Adds a configured server that does not run yet.
    pub fn add_metadata_server(&mut self, host: usize, repository: String) -> u32 {
        self.metadata.next_id += 1;
        let id = self.metadata.next_id;
        self.metadata.servers.push(MetadataServer {
            id,
            host,
            repository,
            version: self.hosts[host].installed.clone(),
            pid: None,
            is_synced: false,
            is_stale: false,
            has_repository: true,
            started: self.now,
            prior_uptime: Duration::ZERO,
            counts: false,
            last_counted: None,
            generation: 0,
        });
        id
    }

    /// Makes the first server master of a cluster that is long since settled.
    pub fn begin_mastership(&mut self) {
        self.metadata.is_journal_consistent = true;
        self.metadata.prior_epoch = PRIOR_UPTIME;
        self.metadata.master = self.metadata.servers.first().map(|server| server.id);
    }

    /// Takes servers that are down at the start for long since down.
    pub fn settle_metadata(&mut self) {
        for server in self.metadata.servers.iter_mut().filter(|server| !server.counts) {
            server.last_counted = None;
        }
        if self.metadata.is_electing {
            self.metadata.is_electing = false;
            let counting = self.metadata.servers.iter().filter(|server| server.counts);
            self.metadata.master = counting.map(|server| server.id).min();
            self.refresh_watchdogs();
        }
    }

    /// How many servers are a majority of those configured.
    pub fn majority(&self) -> usize {
        self.metadata.servers.len() / 2 + 1
    }

    /// How many servers answer and are caught up.
    pub fn answering(&self) -> usize {
        self.metadata
            .servers
            .iter()
            .filter(|server| server.counts)
            .count()
    }

    /// Whether the cluster takes requests: a majority and a master.
    pub fn has_master(&self) -> bool {
        self.metadata.master.is_some()
    }

    /// Whether the master has not yet been told how the cluster is.
    pub fn is_unsettled(&self) -> bool {
        self.now < self.metadata.is_settled_until
    }

    /// Whether the view shows a server as good: it counts, or it did a moment ago.
    pub fn is_seen_available(&self, server: &MetadataServer) -> bool {
        server.counts || server.last_counted.is_some_and(|at| self.now < at + self.lag)
    }

    /// Judges anew who counts, whether there is a majority, and who is master.
    pub fn refresh_metadata(&mut self) {
        let had_master = self.has_master();
        for index in 0..self.metadata.servers.len() {
            let server = &self.metadata.servers[index];
            let counts = server.pid.is_some()
                && server.is_synced
                && !server.is_stale
                && self.is_on_storage(server.host);
            let server = &mut self.metadata.servers[index];
            if server.counts && !counts {
                server.last_counted = Some(self.now);
            }
            server.counts = counts;
        }
        let has_majority = self.answering() >= self.majority();
        if !has_majority && self.metadata.majority_lost_at.is_none() {
            self.metadata.majority_lost_at = Some(self.now);
        }
        let master = self.metadata.master;
        let master_counts = self
            .metadata
            .servers
            .iter()
            .any(|server| Some(server.id) == master && server.counts);
        if !has_majority || !master_counts {
            self.metadata.master = None;
        }
        if has_majority && self.metadata.master.is_none() && !self.metadata.is_electing {
            self.metadata.is_electing = true;
            self.metadata.generation += 1;
            let generation = self.metadata.generation;
            self.schedule(ELECTION_TIME, Due::Elected { generation });
        }
        if !has_majority && self.metadata.is_electing {
            self.metadata.is_electing = false;
            self.metadata.generation += 1;
        }
        if had_master != self.has_master() {
            self.refresh_watchdogs();
        }
    }

    /// Ends an election: of those that count, the one with the lowest id wins.
    pub fn finish_election(&mut self, generation: u32) {
        if self.metadata.generation != generation || !self.metadata.is_electing {
            return;
        }
        self.metadata.is_electing = false;
        let winner = self
            .metadata
            .servers
            .iter()
            .filter(|server| server.counts)
            .map(|server| server.id)
            .min();
        if let Some(id) = winner {
            self.crown(id);
        }
    }

    /// Moves mastership to the server of a node, if that one counts.
    pub fn make_master(&mut self, host: usize) {
        let on_host = |server: &&super::metadata::MetadataServer| server.host == host && server.counts;
        if let Some(id) = self.metadata.servers.iter().find(on_host).map(|server| server.id)
            && self.metadata.master != Some(id)
        {
            if self.now == Duration::ZERO {
                self.metadata.master = Some(id);
            } else {
                self.crown(id);
            }
        }
    }

    fn crown(&mut self, id: u32) {
        self.metadata.master = Some(id);
        self.metadata.elected = self.now;
        self.metadata.prior_epoch = Duration::ZERO;
        self.metadata.is_settled_until = self.now + SETTLE_TIME;
        let address = self.metadata_address(id);
        self.note("JRN", "info", format!("MDS#{id} at {address} became master"));
        self.check_versions();
        self.recount_servers();
        self.note_health();
        self.refresh_watchdogs();
    }

    /// The address of a server with its port.
    pub fn metadata_address(&self, id: u32) -> String {
        let server = self.metadata.servers.iter().find(|server| server.id == id);
        server.map_or_else(String::new, |server| {
            format!("{}:2510", self.hosts[server.host].address)
        })
    }

    /// Applies the rule that compatibility is one-way: an older follower of a newer master
    /// loses its journal.
    pub fn check_versions(&mut self) {
        let master = self
            .metadata
            .servers
            .iter()
            .find(|server| Some(server.id) == self.metadata.master);
        let Some(version) = master.map(|master| read_version(&master.version)) else {
            return;
        };
        let is_hurt = |older: &str| {
            let older = read_version(older);
            older < version && older <= read_version(LAST_FRAGILE)
        };
        let hurt: Vec<u32> = self
            .metadata
            .servers
            .iter()
            .filter(|server| server.pid.is_some() && server.is_synced && !server.is_stale)
            .filter(|server| is_hurt(&server.version))
            .map(|server| server.id)
            .collect();
        let older_chunk_server = self
            .storage
            .servers
            .iter()
            .any(|server| server.is_pinging && is_hurt(&server.version));
        self.metadata.was_master_early |= older_chunk_server;
        for id in &hurt {
            let address = self.metadata_address(*id);
            self.note(
                "JRN",
                "err",
                format!("MDS#{id} ({address}) lags behind for more than 1000 rounds"),
            );
            if let Some(server) = self.metadata.servers.iter_mut().find(|server| server.id == *id) {
                server.is_stale = true;
            }
        }
        if !hurt.is_empty() {
            self.metadata.is_journal_consistent = false;
            self.refresh_metadata();
        }
    }

    /// Starts a server with the software that is installed; it counts once it has caught up.
    pub fn start_metadata_server(&mut self, index: usize) {
        let host = self.metadata.servers[index].host;
        let repository = self.metadata.servers[index].repository.clone();
        let pid = self.hosts[host].add_process("mdsd", None);
        let version = self.hosts[host].installed.clone();
        let now = self.now;
        let server = &mut self.metadata.servers[index];
        let was_stale = server.is_stale;
        server.repository = repository;
        server.pid = Some(pid);
        server.version = version;
        server.started = now;
        server.prior_uptime = Duration::ZERO;
        server.is_synced = false;
        server.is_stale = false;
        server.generation += 1;
        let (id, generation) = (server.id, server.generation);
        let mut sync = SYNC_TIME;
        if was_stale {
            sync *= 3;
            let address = self.metadata_address(id);
            let message = format!("MDS#{id} ({address}) state is outdated and will do a full resync");
            self.note("JRN", "err", message);
        }
        self.schedule(sync, Due::MetadataSynced { id, generation });
        self.refresh_metadata();
    }

    /// Stops a server.
    pub fn stop_metadata_server(&mut self, index: usize) {
        let (host, pid) = (
            self.metadata.servers[index].host,
            self.metadata.servers[index].pid,
        );
        self.metadata.servers[index].end();
        if let Some(pid) = pid {
            self.hosts[host].processes.remove(&pid);
        }
        self.refresh_metadata();
    }

    /// Lets a server that has caught up count.
    pub fn finish_sync(&mut self, id: u32, generation: u32) {
        let server = self.metadata.servers.iter_mut().find(|server| server.id == id);
        let Some(server) = server.filter(|server| server.generation == generation) else {
            return;
        };
        if server.pid.is_none() {
            return;
        }
        server.is_synced = true;
        self.check_versions();
        self.refresh_metadata();
    }

    /// Removes a server from the configuration.
    pub fn remove_metadata_server(&mut self, id: u32) {
        if let Some(index) = self.metadata.servers.iter().position(|server| server.id == id) {
            self.stop_metadata_server(index);
            self.metadata.servers.remove(index);
            self.refresh_metadata();
        }
    }

    /// Whether the cluster would still have a majority without a server.
    pub fn survives_removal(&self, id: u32) -> bool {
        let counting = self
            .metadata
            .servers
            .iter()
            .filter(|server| server.counts && server.id != id)
            .count();
        let configured = self.metadata.servers.len().saturating_sub(1);
        configured > 0 && counting > configured / 2
    }
}

/// The numbers of a version, for comparison.
pub(in crate::transport::simulated) fn read_version(text: &str) -> Vec<u64> {
    text.split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .collect()
}
