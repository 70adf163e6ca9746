//! Chunk servers, as they are and as the metadata servers see them.

use std::time::Duration;

use super::state::{Due, World};

/// How long a started chunk server takes to be seen.
const REGISTER_TIME: Duration = Duration::from_secs(3);
/// The first id of a chunk server.
const FIRST_ID: u32 = 1025;

/// What the metadata servers observe of a chunk server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::transport::simulated) enum Activity {
    Active,
    Inactive,
    Offline,
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
    pub(super) silent_since: Duration,
    pub(super) generation: u32,
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

    /// Whether it is expected back.
    pub fn is_away_shortly(&self) -> bool {
        self.seen == Activity::Inactive && self.flaw.is_none() && !self.is_dropped
    }

    /// Whether its replicas can be read and written at this moment, whatever the view.
    pub fn is_truly_live(&self) -> bool {
        self.is_pinging && self.flaw.is_none() && !self.is_dropped
    }

    /// Whether its replicas are there, even if it does not run.
    pub fn is_readable(&self) -> bool {
        self.has_repository && self.flaw.is_none() && !self.is_dropped
    }
}

impl World {
    /// Adds a server that has been running for long.
    pub fn add_built_chunk_server(&mut self, host: usize, number: usize, id: Option<u32>, has_ssd: bool) {
        let name = &self.settings.name;
        let journal = has_ssd.then(|| format!("/pstorage/{name}-ssd/cs{number}-journal"));
        let server = self.add_chunk_server(host, format!("/pstorage/{name}-cs{number}"), journal);
        let server = &mut self.storage.servers[server];
        server.id = id.unwrap_or(server.id);
        server.seen = Activity::Active;
        server.is_pinging = true;
        server.is_known = true;
    }

    /// The next id; those that a shape gives are never it.
    fn next_id(&mut self) -> u32 {
        let id = self.storage.next_id.max(FIRST_ID);
        self.storage.next_id = id + 1;
        id
    }

    /// Adds a server that does not run yet; its id was never used before.
    pub fn add_chunk_server(&mut self, host: usize, repository: String, journal: Option<String>) -> usize {
        let id = self.next_id();
        self.storage.servers.push(ChunkServer {
            id,
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

    /// The servers of a node that are not dropped.
    pub fn servers_of(&self, host: usize) -> Vec<usize> {
        let ever = self.hosts[host].chunk_servers.iter().copied();
        ever.filter(|server| !self.storage.servers[*server].is_dropped)
            .collect()
    }

    /// The server with an id, dropped or not.
    pub fn find_server(&self, id: u32) -> Option<usize> {
        self.storage.servers.iter().position(|server| server.id == id)
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
}
