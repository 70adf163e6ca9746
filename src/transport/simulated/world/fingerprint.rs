//! A number that tells two states of a cluster apart, or that nothing does.

use std::cmp::Reverse;
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

use foldhash::quality::FixedState;

use super::host::Host;
use super::state::{Due, World};

/// How long clients have hung is told apart up to here.
const LONGEST_HANG: Duration = Duration::from_secs(61);

impl World {
    /// The canonical state as a number: what is true, and what is due after how long. What is only
    /// shown (process ids, uptimes, the event log) is no part of it, nor is the time of day.
    ///
    /// `is_coarse`: of the chunks only which states they are in, and of what is due only its kind,
    /// so that a state that merely goes on is one and the same.
    pub(in crate::transport::simulated) fn fingerprint(&self, is_coarse: bool) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        let hasher = &mut hasher;
        for (place, host) in self.hosts.iter().enumerate() {
            host.write_state(hasher);
            if !is_coarse {
                // Whoever judges counts how long they hang, up to a minute.
                let hung = host.vms_hung_since.map(|since| self.now.saturating_sub(since));
                hung.map(|hung| hung.min(LONGEST_HANG)).hash(hasher);
            }
            for (name, service) in &host.services {
                name.hash(hasher);
                (service.is_enabled, service.is_broken).hash(hasher);
                self.service_pids(place, name, None).len().hash(hasher);
                if service.is_declared {
                    self.rank_of(place, name).hash(hasher);
                    match is_coarse {
                        true => self.has_young_service().hash(hasher),
                        false => self.age_of(service).hash(hasher),
                    }
                }
            }
        }
        self.write_metadata(hasher, is_coarse);
        self.write_storage(hasher, is_coarse);
        self.write_dues(hasher, is_coarse);
        (self.lag, self.watchdog_reboots).hash(hasher);
        self.config.hash(hasher);
        hasher.finish()
    }

    fn write_metadata(&self, hasher: &mut impl Hasher, is_coarse: bool) {
        let metadata = &self.metadata;
        (metadata.master, metadata.is_electing).hash(hasher);
        (metadata.is_journal_consistent, metadata.was_master_early).hash(hasher);
        let until = |end: Duration| end.saturating_sub(self.now);
        let unsettled = until(metadata.is_settled_until);
        match is_coarse {
            true => (!unsettled.is_zero()).hash(hasher),
            false => unsettled.hash(hasher),
        }
        for server in &metadata.servers {
            (server.id, server.host, server.pid.is_some()).hash(hasher);
            (
                server.is_synced,
                server.is_stale,
                server.has_repository,
                server.counts,
            )
                .hash(hasher);
            server.version.hash(hasher);
            // The view goes on showing it for a while.
            let shown = until(server.last_counted.map_or(Duration::ZERO, |last| last + self.lag));
            match is_coarse {
                true => (!shown.is_zero()).hash(hasher),
                false => shown.hash(hasher),
            }
        }
    }

    fn write_storage(&self, hasher: &mut impl Hasher, is_coarse: bool) {
        for server in &self.storage.servers {
            (server.id, server.host, server.pid.is_some(), server.seen).hash(hasher);
            (
                server.is_pinging,
                server.is_releasing,
                server.flaw,
                server.is_dropped,
            )
                .hash(hasher);
            (server.is_known, server.has_repository).hash(hasher);
            (&server.journal, &server.version, server.replica_count > 0).hash(hasher);
            if !is_coarse && !server.is_pinging && !server.is_dropped {
                (server.silent_since + self.lag)
                    .saturating_sub(self.now)
                    .hash(hasher);
            }
        }
        if is_coarse {
            self.chunk_counts().map(|count| count > 0).hash(hasher);
            return;
        }
        for chunk in &self.storage.chunks {
            chunk.is_deleting.hash(hasher);
            chunk.replicas.hash(hasher);
        }
        self.storage.job.map(|job| (job.chunk, job.target)).hash(hasher);
        (self.storage.is_recovering, self.storage.has_cleanup).hash(hasher);
    }

    fn write_dues(&self, hasher: &mut impl Hasher, is_coarse: bool) {
        let valid = self
            .queue
            .iter()
            .filter(|Reverse((_, _, due))| self.is_valid(due));
        let mut dues: Vec<(Duration, u64, String)> = valid
            .map(|Reverse((at, sequence, due))| (at.saturating_sub(self.now), *sequence, self.name_due(due)))
            .collect();
        match is_coarse {
            true => dues.sort_by(|left, right| left.2.cmp(&right.2)),
            false => dues.sort(),
        }
        for (after, _, name) in dues {
            name.hash(hasher);
            if !is_coarse {
                after.hash(hasher);
            }
        }
    }

    /// What is due, without the counters that tell it from others of its kind.
    fn name_due(&self, due: &Due) -> String {
        match due {
            Due::MetadataSynced { id, .. } => format!("synced {id}"),
            Due::Elected { .. } => "elected".to_owned(),
            Due::ServerSilent { server, .. } => format!("silent {server}"),
            Due::ServerOffline { server, .. } => format!("offline {server}"),
            Due::Registered { server, .. } => format!("registered {server}"),
            Due::ReplicationDone { .. } => "replicated".to_owned(),
            Due::CleanupBegins => "cleanup".to_owned(),
            Due::CleanupEnds => "cleaned".to_owned(),
            Due::Booted { host, .. } => format!("booted {host}"),
            Due::ClientsBooted { host, .. } => format!("clients {host}"),
            Due::Watchdog { host, .. } => format!("watchdog {host}"),
            Due::Planned { index } => format!("{:?}", self.planned[*index]),
        }
    }

    /// Whether nothing is due: left alone, it stays as it is.
    pub(in crate::transport::simulated) fn is_at_rest(&self) -> bool {
        !self.has_young_service() && !self.queue.iter().any(|Reverse((_, _, due))| self.is_valid(due))
    }

    /// Whether what is due still means something.
    fn is_valid(&self, due: &Due) -> bool {
        let silent = |server: usize, generation: u32| {
            let server = &self.storage.servers[server];
            server.generation == generation && !server.is_pinging && !server.is_dropped
        };
        match due {
            Due::MetadataSynced { id, generation } => {
                let mut servers = self.metadata.servers.iter();
                servers.any(|server| server.id == *id && server.generation == *generation)
            }
            Due::Elected { generation } => {
                self.metadata.generation == *generation && self.metadata.is_electing
            }
            Due::ServerSilent { server, generation } | Due::ServerOffline { server, generation } => {
                silent(*server, *generation)
            }
            Due::Registered { server, generation } => {
                let server = &self.storage.servers[*server];
                server.generation == *generation && server.is_pinging && !server.is_live()
            }
            Due::ReplicationDone { number } => self.storage.job.is_some_and(|job| job.number == *number),
            Due::Booted { host, generation } | Due::ClientsBooted { host, generation } => {
                self.hosts[*host].generation == *generation
            }
            Due::Watchdog { host, generation } => {
                let host = &self.hosts[*host];
                host.watchdog_generation == *generation && host.cut_off_since.is_some()
            }
            Due::CleanupBegins | Due::CleanupEnds | Due::Planned { .. } => true,
        }
    }
}

impl Host {
    fn write_state(&self, hasher: &mut impl Hasher) {
        (
            self.is_on,
            self.is_reachable,
            self.has_storage_network,
            self.is_authorised,
        )
            .hash(hasher);
        (
            self.boot_count,
            &self.installed,
            self.has_cluster_mount,
            self.is_in_ha,
        )
            .hash(hasher);
        (self.vms_hung_since.is_some(), self.cut_off_since.is_some()).hash(hasher);
        for disk in &self.disks {
            (&disk.device, &disk.mount, disk.is_mounted, disk.has_failed).hash(hasher);
        }
        for process in self.processes.values() {
            (&process.command, &process.holds).hash(hasher);
        }
        self.files.hash(hasher);
        self.directories.hash(hasher);
    }
}
