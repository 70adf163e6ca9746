//! Chunk servers as they are and as they are seen, and the states of chunks.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use super::state::{Due, World};

/// How long a started chunk server takes to be seen.
const REGISTER_TIME: Duration = Duration::from_secs(3);
/// The first id of a chunk server.
const FIRST_ID: u32 = 1025;
/// How many bytes a chunk holds.
pub(in crate::transport::simulated) const CHUNK_SIZE: u64 = 64 << 20;
/// How many bytes a disk holds.
pub(in crate::transport::simulated) const DISK_SIZE: u64 = 105 << 30;

/// What the metadata servers observe of a chunk server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transport::simulated) enum Activity {
    Active,
    Inactive,
    Offline,
}

/// The eleven states of a chunk, in the order in which they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkState {
    /// Enough active replicas.
    Healthy,
    /// A replica is away for a moment.
    Standby,
    /// Fewer replicas than normal.
    Degraded,
    /// No more replicas than the least, and written since.
    Urgent,
    /// Fewer replicas than the least: no writes.
    Blocked,
    /// Blocked, and somebody waits to write.
    Pending,
    /// No active replica.
    Offline,
    /// Being replicated.
    Replicating,
    /// More replicas than normal.
    Overcommitted,
    /// Surplus replicas are being deleted.
    Deleting,
    /// Never used.
    Void,
}

impl ChunkState {
    /// All states, in the order in which they are printed.
    pub const ALL: [ChunkState; 11] = [
        ChunkState::Healthy,
        ChunkState::Standby,
        ChunkState::Degraded,
        ChunkState::Urgent,
        ChunkState::Blocked,
        ChunkState::Pending,
        ChunkState::Offline,
        ChunkState::Replicating,
        ChunkState::Overcommitted,
        ChunkState::Deleting,
        ChunkState::Void,
    ];

    /// The word that `stat` prints.
    pub fn word(self) -> &'static str {
        match self {
            ChunkState::Healthy => "healthy",
            ChunkState::Standby => "standby",
            ChunkState::Degraded => "degraded",
            ChunkState::Urgent => "urgent",
            ChunkState::Blocked => "blocked",
            ChunkState::Pending => "pending",
            ChunkState::Offline => "offline",
            ChunkState::Replicating => "replicating",
            ChunkState::Overcommitted => "overcommitted",
            ChunkState::Deleting => "deleting",
            ChunkState::Void => "void",
        }
    }
}

/// How many chunks are in each state, in the order of [`ChunkState::ALL`].
pub(in crate::transport::simulated) type ChunkCounts = [usize; 11];

/// All chunk servers that ever were, and all chunks.
#[derive(Debug, Clone, Default)]
pub(in crate::transport::simulated) struct Storage {
    pub servers: Vec<ChunkServer>,
    pub chunks: Vec<Chunk>,
    /// When a chunk first had fewer live replicas than the least, in truth.
    pub below_least_at: Option<Duration>,
    pub(super) job: Option<Job>,
    pub(super) is_recovering: bool,
    pub(super) has_cleanup: bool,
    pub(super) counts: Cell<Option<ChunkCounts>>,
}

/// A chunk server.
#[derive(Debug, Clone)]
pub(in crate::transport::simulated) struct ChunkServer {
    pub id: u32,
    pub host: usize,
    pub repository: String,
    pub pid: Option<u32>,
    pub version: String,
    pub seen: Activity,
    pub is_pinging: bool,
    pub is_releasing: bool,
    /// The flag of a hard fault: it runs and is not trusted.
    pub flaw: Option<char>,
    pub is_dropped: bool,
    /// Whether it ever registered: a new one is in no table before.
    pub is_known: bool,
    /// Whether its data is still there.
    pub has_repository: bool,
    pub journal: Option<String>,
    pub replica_count: usize,
    silent_since: Duration,
    generation: u32,
}

/// A chunk and the places of the servers that hold a replica.
#[derive(Debug, Clone)]
pub(in crate::transport::simulated) struct Chunk {
    pub replicas: Vec<usize>,
    pub(super) is_deleting: bool,
}

/// A copy in hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub chunk: usize,
    pub target: usize,
}

impl ChunkServer {
    /// Whether it is in the tables.
    pub fn is_configured(&self) -> bool {
        self.is_known && !self.is_dropped
    }

    /// Whether its replicas count.
    pub fn is_live(&self) -> bool {
        self.seen == Activity::Active && self.flaw.is_none() && !self.is_dropped
    }

    pub fn is_away_shortly(&self) -> bool {
        self.seen == Activity::Inactive && self.flaw.is_none() && !self.is_dropped
    }

    fn is_truly_live(&self) -> bool {
        self.is_pinging && self.flaw.is_none() && !self.is_dropped
    }

    fn is_readable(&self) -> bool {
        self.has_repository && self.flaw.is_none() && !self.is_dropped
    }
}

impl World {
    /// Adds a server that has been running for long.
    pub fn add_built_chunk_server(&mut self, host: usize, number: usize, has_ssd: bool) {
        let name = &self.settings.name;
        let journal = has_ssd.then(|| format!("/pstorage/{name}-ssd/cs{number}-journal"));
        let server = self.add_chunk_server(host, format!("/pstorage/{name}-cs{number}"), journal);
        let server = &mut self.storage.servers[server];
        server.seen = Activity::Active;
        server.is_pinging = true;
        server.is_known = true;
    }

    /// Adds a server that does not run yet; its id was never used before.
    pub fn add_chunk_server(&mut self, host: usize, repository: String, journal: Option<String>) -> usize {
        self.storage.servers.push(ChunkServer {
            id: FIRST_ID + self.storage.servers.len() as u32,
            host,
            repository,
            pid: None,
            version: self.hosts[host].installed.clone(),
            seen: Activity::Offline,
            is_pinging: false,
            is_releasing: false,
            flaw: None,
            is_dropped: false,
            is_known: false,
            has_repository: true,
            journal,
            replica_count: 0,
            silent_since: self.now,
            generation: 0,
        });
        let server = self.storage.servers.len() - 1;
        self.hosts[host].chunk_servers.push(server);
        server
    }

    /// Spreads replicas evenly, one to a failure domain.
    pub fn place_chunks(&mut self) {
        for number in 0..self.settings.chunks {
            let mut replicas: Vec<usize> = Vec::with_capacity(self.normal);
            while replicas.len() < self.normal {
                let free = |server: &usize| replicas.iter().all(|other| !self.share_domain(*server, *other));
                let place = (0..self.storage.servers.len())
                    .filter(free)
                    .min_by_key(|server| (self.storage.servers[*server].replica_count, mix(number, *server)));
                let Some(place) = place else { break };
                self.storage.servers[place].replica_count += 1;
                replicas.push(place);
            }
            self.storage.chunks.push(Chunk {
                replicas,
                is_deleting: false,
            });
        }
    }

    /// The servers of a node that are not dropped.
    pub fn servers_of(&self, host: usize) -> Vec<usize> {
        let ever = self.hosts[host].chunk_servers.iter().copied();
        ever.filter(|server| !self.storage.servers[*server].is_dropped)
            .collect()
    }

    /// The server with an id, dropped or not.
    pub fn find_server(&self, id: u32) -> Option<usize> {
        let index = id.checked_sub(FIRST_ID)? as usize;
        (index < self.storage.servers.len()).then_some(index)
    }

    pub(super) fn share_domain(&self, left: usize, right: usize) -> bool {
        let (left_host, right_host) = (self.storage.servers[left].host, self.storage.servers[right].host);
        match self.settings.failure_domain.as_str() {
            "disk" => left == right,
            "rack" => self.hosts[left_host].rack == self.hosts[right_host].rack,
            _ => left_host == right_host,
        }
    }

    /// Compares whether a server sends pings with whether it did, and lets time work.
    pub fn refresh_server(&mut self, index: usize) {
        let server = &self.storage.servers[index];
        let is_pinging = server.pid.is_some() && !server.is_dropped && self.is_on_storage(server.host);
        if is_pinging == server.is_pinging {
            return;
        }
        let now = self.now;
        let server = &mut self.storage.servers[index];
        server.is_pinging = is_pinging;
        server.generation += 1;
        let generation = server.generation;
        if is_pinging {
            self.schedule(
                REGISTER_TIME,
                Due::Registered {
                    server: index,
                    generation,
                },
            );
        } else {
            server.silent_since = now;
            self.schedule(
                self.lag,
                Due::ServerSilent {
                    server: index,
                    generation,
                },
            );
            self.schedule(
                self.settings.offline_after,
                Due::ServerOffline {
                    server: index,
                    generation,
                },
            );
        }
        self.watch_least();
    }

    /// Remembers when a chunk first had fewer live replicas than the least.
    fn watch_least(&mut self) {
        if self.storage.below_least_at.is_some() {
            return;
        }
        let servers = &self.storage.servers;
        let is_low = |chunk: &Chunk| {
            chunk
                .replicas
                .iter()
                .filter(|server| servers[**server].is_truly_live())
                .count()
                < self.least
        };
        if self.storage.chunks.iter().any(is_low) {
            self.storage.below_least_at = Some(self.now);
        }
    }

    /// Lets the master notice that a server is silent.
    pub fn notice_silence(&mut self, server: usize, generation: u32) {
        let it = &mut self.storage.servers[server];
        if it.generation != generation || it.is_pinging || it.is_dropped || self.metadata.master.is_none() {
            return;
        }
        if it.seen == Activity::Active {
            it.seen = Activity::Inactive;
            self.storage_changed();
            self.note_health();
        }
    }

    /// Lets the master take a silent server for offline.
    pub fn notice_offline(&mut self, server: usize, generation: u32) {
        let it = &mut self.storage.servers[server];
        if it.generation != generation || it.is_pinging || it.is_dropped || self.metadata.master.is_none() {
            return;
        }
        it.seen = Activity::Offline;
        self.storage_changed();
        self.note_health();
    }

    /// Lets a started server be seen.
    pub fn register_server(&mut self, server: usize, generation: u32) {
        let it = &mut self.storage.servers[server];
        if it.generation != generation || !it.is_pinging || it.is_dropped || self.metadata.master.is_none() {
            return;
        }
        it.seen = Activity::Active;
        it.is_known = true;
        self.storage_changed();
        self.note_health();
    }

    /// Lets a new master look at all servers: it heard of none of them yet.
    pub fn recount_servers(&mut self) {
        for index in 0..self.storage.servers.len() {
            let server = &self.storage.servers[index];
            if server.is_dropped {
                continue;
            }
            let generation = server.generation;
            if server.is_pinging && server.seen != Activity::Active {
                self.schedule(
                    REGISTER_TIME,
                    Due::Registered {
                        server: index,
                        generation,
                    },
                );
            } else if !server.is_pinging && server.seen != Activity::Offline {
                let noticed = (server.silent_since + self.lag).max(self.now);
                self.schedule_at(
                    noticed,
                    Due::ServerSilent {
                        server: index,
                        generation,
                    },
                );
                self.schedule(
                    self.settings.offline_after,
                    Due::ServerOffline {
                        server: index,
                        generation,
                    },
                );
            }
        }
        self.storage_changed();
    }

    /// Takes servers that are silent at the start for long since offline.
    pub fn settle_servers(&mut self) {
        for server in self
            .storage
            .servers
            .iter_mut()
            .filter(|server| !server.is_pinging)
        {
            server.seen = Activity::Offline;
            server.generation += 1;
        }
        self.storage_changed();
    }

    /// Loses the data of a server whose disk is gone.
    pub fn lose_repository(&mut self, server: usize, flaw: char) {
        let host = self.storage.servers[server].host;
        let it = &mut self.storage.servers[server];
        it.has_repository = false;
        it.flaw = Some(flaw);
        if let Some(pid) = it.pid.take() {
            self.hosts[host].processes.remove(&pid);
        }
        self.refresh_server(server);
    }

    /// Tells everything that hangs on the chunks that something about them changed.
    pub fn storage_changed(&mut self) {
        self.storage.counts.set(None);
        self.watch_least();
        self.schedule_replication();
        self.schedule_cleanup();
        self.refresh_machines();
    }

    /// How many hosts have a server that is offline.
    pub fn offline_hosts(&self) -> usize {
        let offline = self
            .storage
            .servers
            .iter()
            .filter(|it| it.is_configured() && it.seen == Activity::Offline);
        offline.map(|server| server.host).collect::<BTreeSet<_>>().len()
    }

    /// How many servers are active and sound, inactive, offline, and configured.
    pub fn server_counts(&self) -> (usize, usize, usize, usize) {
        let (mut active, mut inactive, mut offline, mut all) = (0, 0, 0, 0);
        for server in self
            .storage
            .servers
            .iter()
            .filter(|server| server.is_configured())
        {
            all += 1;
            match server.seen {
                Activity::Active if server.flaw.is_none() => active += 1,
                Activity::Active => {}
                Activity::Inactive => inactive += 1,
                Activity::Offline => offline += 1,
            }
        }
        (active, inactive, offline, all)
    }

    /// The word for the health of the whole cluster.
    pub fn health(&self) -> &'static str {
        let limit = self.settings.max_offline_hosts;
        if self.metadata.master.is_none() || self.is_unsettled() {
            return "unknown";
        }
        if limit > 0 && self.offline_hosts() > limit {
            return "failure";
        }
        let (active, _, _, all) = self.server_counts();
        if active == all { "healthy" } else { "degraded" }
    }

    /// Writes the health of the chunk servers into the event log.
    pub fn note_health(&mut self) {
        let (active, inactive, offline, all) = self.server_counts();
        let limit = self.settings.max_offline_hosts;
        let counts = format!("with {active} active, {inactive} inactive, {offline} offline CS");
        if limit > 0 && self.offline_hosts() > limit {
            let message = format!("The cluster failed {counts} (mds.wd.max_offline_cs={limit})");
            self.note("MDS", "err", message);
        } else if active == all {
            self.note(
                "MDS",
                "info",
                format!("The cluster is healthy with {active} active CS"),
            );
        } else {
            self.note("MDS", "warn", format!("The cluster is degraded {counts}"));
        }
    }

    /// How many chunks are in each state, as the metadata servers see it.
    pub fn chunk_counts(&self) -> ChunkCounts {
        if let Some(counts) = self.storage.counts.get() {
            return counts;
        }
        let mut counts = [0; 11];
        for number in 0..self.storage.chunks.len() {
            counts[self.chunk_state(number) as usize] += 1;
        }
        self.storage.counts.set(Some(counts));
        counts
    }

    /// The state of a chunk, as the metadata servers see it.
    pub fn chunk_state(&self, number: usize) -> ChunkState {
        let chunk = &self.storage.chunks[number];
        let (live, away) = self.replicas_of(chunk);
        // Every fourth chunk is one that the virtual environments write to all the time.
        let is_written = number.is_multiple_of(4);
        if live == 0 {
            ChunkState::Offline
        } else if self.storage.job.is_some_and(|job| job.chunk == number) {
            ChunkState::Replicating
        } else if live < self.least {
            if is_written {
                ChunkState::Pending
            } else {
                ChunkState::Blocked
            }
        } else if live < self.normal && live + away >= self.normal {
            ChunkState::Standby
        } else if live < self.normal {
            if live == self.least && is_written {
                ChunkState::Urgent
            } else {
                ChunkState::Degraded
            }
        } else if live > self.normal {
            if chunk.is_deleting {
                ChunkState::Deleting
            } else {
                ChunkState::Overcommitted
            }
        } else {
            ChunkState::Healthy
        }
    }

    pub(super) fn replicas_of(&self, chunk: &Chunk) -> (usize, usize) {
        let servers = &self.storage.servers;
        let live = chunk
            .replicas
            .iter()
            .filter(|server| servers[**server].is_live())
            .count();
        let away = chunk
            .replicas
            .iter()
            .filter(|server| servers[**server].is_away_shortly())
            .count();
        (live, away)
    }

    /// How many chunks have no replica left that could ever be read again.
    pub fn lost_chunks(&self) -> usize {
        let servers = &self.storage.servers;
        let is_lost = |chunk: &&Chunk| !chunk.replicas.iter().any(|server| servers[*server].is_readable());
        self.storage.chunks.iter().filter(is_lost).count()
    }

    /// How many chunks have their only live replica on a server.
    pub fn unique_replicas(&self, server: usize) -> usize {
        let is_unique = |chunk: &&Chunk| {
            chunk.replicas.contains(&server)
                && chunk
                    .replicas
                    .iter()
                    .all(|other| *other == server || !self.storage.servers[*other].is_live())
        };
        self.storage.chunks.iter().filter(is_unique).count()
    }

    /// Whether dropping a server would lose the last readable replica of a chunk.
    pub fn loses_data_without(&self, server: usize) -> bool {
        let servers = &self.storage.servers;
        let is_last = |chunk: &Chunk| {
            chunk.replicas.contains(&server)
                && !chunk
                    .replicas
                    .iter()
                    .any(|other| *other != server && servers[*other].is_readable())
        };
        self.storage.chunks.iter().any(is_last)
    }
}

/// Spreads two numbers over all numbers, the same way each time.
fn mix(left: usize, right: usize) -> u64 {
    let mut mixed = (left as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (right as u64 + 1);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}
