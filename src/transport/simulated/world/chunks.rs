//! Chunks, their states, and the health of the whole.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use super::servers::{Activity, ChunkServer};
use super::state::World;

/// How many bytes a chunk holds.
pub(in crate::transport::simulated) const CHUNK_SIZE: u64 = 64 << 20;
/// How many bytes a disk holds.
pub(in crate::transport::simulated) const DISK_SIZE: u64 = 105 << 30;

/// How many replicas more than another server one may hold. Without some play every chunk would lie
/// on one of a few sets of hosts, and most pairs of hosts could be lost without harm.
const EVENLY: usize = 5;

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
    /// What each replica of a chunk takes of its disk, in bytes.
    pub chunk_size: u64,
    /// The least id that no chunk server has had.
    pub(super) next_id: u32,
    /// When a chunk first had fewer live replicas than the least, in truth.
    pub below_least_at: Option<Duration>,
    pub(super) job: Option<Job>,
    pub(super) next_job: u64,
    pub(super) is_recovering: bool,
    pub(super) has_cleanup: bool,
    pub(super) counts: Cell<Option<ChunkCounts>>,
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
    /// Which of all copies it is: one that was given up must not end another.
    pub number: u64,
    pub chunk: usize,
    pub target: usize,
}

impl World {
    /// Spreads replicas evenly, one to a failure domain.
    pub fn place_chunks(&mut self, fullness: Option<u64>) {
        if self.storage.servers.is_empty() {
            return;
        }
        for number in 0..self.settings.chunks {
            let mut replicas: Vec<usize> = Vec::with_capacity(self.normal);
            while replicas.len() < self.normal {
                let free = |server: &usize| replicas.iter().all(|other| !self.share_domain(*server, *other));
                let place = (0..self.storage.servers.len()).filter(free).min_by_key(|server| {
                    let held = self.storage.servers[*server].replica_count;
                    (held / EVENLY, mix(number, *server))
                });
                let Some(place) = place else { break };
                self.storage.servers[place].replica_count += 1;
                replicas.push(place);
            }
            self.storage.chunks.push(Chunk {
                replicas,
                is_deleting: false,
            });
        }
        self.storage.chunk_size = match fullness {
            Some(fullness) => {
                let space = DISK_SIZE * self.storage.servers.len() as u64;
                let replicas = self.storage.chunks.len() * self.normal;
                space / 10_000 * fullness / replicas.max(1) as u64
            }
            None => CHUNK_SIZE,
        };
    }

    pub(super) fn share_domain(&self, left: usize, right: usize) -> bool {
        let (left_host, right_host) = (self.storage.servers[left].host, self.storage.servers[right].host);
        match self.settings.failure_domain.as_str() {
            "disk" => left == right,
            "rack" => self.hosts[left_host].rack == self.hosts[right_host].rack,
            _ => left_host == right_host,
        }
    }

    /// Remembers when a chunk first had fewer live replicas than the least.
    pub(super) fn watch_least(&mut self) {
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
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
