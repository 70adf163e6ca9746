//! How replicas come and go: copies, releases, drops, and what is surplus.

use std::time::Duration;

use super::chunks::Job;
use super::state::{Due, World};

/// How long surplus replicas are kept before they are queued for deletion.
const SURPLUS_TIME: Duration = Duration::from_secs(30);
/// How long deleting them takes.
const DELETE_TIME: Duration = Duration::from_secs(15);

impl World {
    /// Begins to copy the chunk that needs it most, if none is being copied.
    pub(super) fn schedule_replication(&mut self) {
        let limit = self.settings.max_offline_hosts;
        let is_suppressed = limit > 0 && self.offline_hosts() > limit;
        if self.storage.job.is_some() || self.metadata.master.is_none() || is_suppressed {
            return;
        }
        let mut wanting: Vec<(usize, usize)> = (0..self.storage.chunks.len())
            .filter_map(|number| Some((self.want_of(number)?, number)))
            .collect();
        wanting.sort_unstable();
        let job = wanting.iter().find_map(|(_, chunk)| {
            let target = self.choose_target(*chunk)?;
            Some(Job {
                number: self.storage.next_job,
                chunk: *chunk,
                target,
            })
        });
        let Some(job) = job else {
            if std::mem::take(&mut self.storage.is_recovering) {
                self.note("MDS", "info", "Replication completed".to_owned());
            }
            return;
        };
        if !self.storage.is_recovering {
            self.storage.is_recovering = true;
            let message = format!("Replication started, {} chunks are queued", wanting.len());
            self.note("MDS", "info", message);
        }
        self.storage.job = Some(job);
        self.storage.next_job += 1;
        self.storage.counts.set(None);
        let servers = self
            .storage
            .servers
            .iter()
            .filter(|server| server.is_configured())
            .count()
            .max(1);
        let share = (self.storage.chunks.len() * self.normal / servers).max(1);
        self.schedule(
            self.settings.replication_time / share as u32,
            Due::ReplicationDone { number: job.number },
        );
    }

    /// How badly a chunk wants a copy, the smallest number first; `None` when it does not.
    fn want_of(&self, number: usize) -> Option<usize> {
        let chunk = &self.storage.chunks[number];
        let (live, away) = self.replicas_of(chunk);
        let releasing = chunk
            .replicas
            .iter()
            .filter(|it| self.is_live_releasing(**it))
            .count();
        if live == 0 || live + away >= self.normal + releasing {
            return None;
        }
        let is_written = number.is_multiple_of(4);
        Some(live * 2 + usize::from(!is_written))
    }

    fn is_live_releasing(&self, server: usize) -> bool {
        let server = &self.storage.servers[server];
        server.is_live() && server.is_releasing
    }

    /// The emptiest live server in a failure domain without this chunk.
    fn choose_target(&self, chunk: usize) -> Option<usize> {
        let held: Vec<usize> = self.storage.chunks[chunk]
            .replicas
            .iter()
            .copied()
            .filter(|server| {
                let it = &self.storage.servers[*server];
                it.is_live() || it.is_away_shortly()
            })
            .collect();
        let stays = |server: &&usize| !self.storage.servers[**server].is_releasing;
        let is_free = |server: &usize| {
            let it = &self.storage.servers[*server];
            it.is_live()
                && !it.is_releasing
                && !self.storage.chunks[chunk].replicas.contains(server)
                && held
                    .iter()
                    .filter(stays)
                    .all(|other| !self.share_domain(*server, *other))
        };
        (0..self.storage.servers.len())
            .filter(is_free)
            .min_by_key(|server| (self.storage.servers[*server].replica_count, *server))
    }

    /// Ends the copy in hand and looks for the next one.
    pub fn finish_replica(&mut self, number: u64) {
        let Some(job) = self.storage.job.take_if(|job| job.number == number) else {
            return;
        };
        let has_source = self.replicas_of(&self.storage.chunks[job.chunk]).0 > 0;
        let wants = self.want_of(job.chunk).is_some();
        if self.has_master() && self.storage.servers[job.target].is_live() && has_source && wants {
            self.storage.chunks[job.chunk].replicas.push(job.target);
            self.storage.servers[job.target].replica_count += 1;
            self.give_up_released(job.chunk);
        }
        self.storage_changed();
    }

    /// Ends at once all copying for what has been wrong since long before the start.
    pub fn settle_replication(&mut self) {
        while let Some(job) = self.storage.job {
            self.finish_replica(job.number);
        }
        self.log.clear();
        self.storage.below_least_at = None;
        self.watch_least();
    }

    /// Takes a chunk's replicas off releasing servers once enough others are live.
    fn give_up_released(&mut self, number: usize) {
        loop {
            let chunk = &self.storage.chunks[number];
            let staying = chunk
                .replicas
                .iter()
                .filter(|it| self.storage.servers[**it].is_live() && !self.storage.servers[**it].is_releasing)
                .count();
            let released = chunk
                .replicas
                .iter()
                .position(|it| self.storage.servers[*it].is_releasing);
            let Some(place) = released.filter(|_| staying >= self.normal) else {
                return;
            };
            let server = self.storage.chunks[number].replicas.remove(place);
            self.storage.servers[server].replica_count -= 1;
            if self.storage.servers[server].replica_count == 0 {
                self.drop_server(server);
            }
        }
    }

    /// Marks a server as releasing; it is dropped once nothing hangs on it.
    pub fn release_server(&mut self, server: usize) {
        self.storage.servers[server].is_releasing = true;
        for number in 0..self.storage.chunks.len() {
            if self.storage.chunks[number].replicas.contains(&server) {
                self.give_up_released(number);
            }
        }
        if self.storage.servers[server].replica_count == 0 && !self.storage.servers[server].is_dropped {
            self.drop_server(server);
        }
        self.storage_changed();
    }

    /// Drops a server: its id is banned and its replicas are gone for the cluster.
    pub fn drop_server(&mut self, server: usize) {
        self.storage.servers[server].is_dropped = true;
        self.storage.servers[server].replica_count = 0;
        for chunk in &mut self.storage.chunks {
            chunk.replicas.retain(|replica| *replica != server);
        }
        self.refresh_server(server);
        self.storage_changed();
        self.note_health();
    }

    /// Queues surplus replicas for deletion after a while.
    pub(super) fn schedule_cleanup(&mut self) {
        let has_surplus = self
            .storage
            .chunks
            .iter()
            .any(|chunk| self.replicas_of(chunk).0 > self.normal);
        if has_surplus && !self.storage.has_cleanup {
            self.storage.has_cleanup = true;
            self.schedule(SURPLUS_TIME, Due::CleanupBegins);
        }
    }

    /// Marks what has surplus replicas as being deleted.
    pub fn begin_cleanup(&mut self) {
        for number in 0..self.storage.chunks.len() {
            let is_surplus = self.replicas_of(&self.storage.chunks[number]).0 > self.normal;
            self.storage.chunks[number].is_deleting = is_surplus;
        }
        self.storage.counts.set(None);
        self.schedule(DELETE_TIME, Due::CleanupEnds);
    }

    /// Deletes surplus replicas: those that share a failure domain first, then the fullest server's.
    pub fn finish_cleanup(&mut self) {
        for number in 0..self.storage.chunks.len() {
            if std::mem::take(&mut self.storage.chunks[number].is_deleting) && self.has_master() {
                self.delete_surplus(number);
            }
        }
        self.storage.has_cleanup = false;
        self.storage_changed();
    }

    fn delete_surplus(&mut self, number: usize) {
        while self.replicas_of(&self.storage.chunks[number]).0 > self.normal {
            let replicas = &self.storage.chunks[number].replicas;
            let crowded = |server: usize| {
                replicas
                    .iter()
                    .any(|other| *other != server && self.share_domain(server, *other))
            };
            let surplus = (0..replicas.len())
                .filter(|place| self.storage.servers[replicas[*place]].is_live())
                .max_by_key(|place| {
                    let server = &self.storage.servers[replicas[*place]];
                    (
                        crowded(replicas[*place]),
                        server.is_releasing,
                        server.replica_count,
                        *place,
                    )
                });
            let Some(place) = surplus else { return };
            let server = self.storage.chunks[number].replicas.remove(place);
            self.storage.servers[server].replica_count -= 1;
        }
    }
}
