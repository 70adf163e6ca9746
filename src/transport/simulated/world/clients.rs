//! What uses the storage: virtual environments that hang, and the watchdog that reboots.

use std::time::Duration;

use super::chunks::ChunkState;
use super::state::{Due, World};

/// How long a node of the high-availability cluster may be cut off before it reboots itself.
const WATCHDOG_TIME: Duration = Duration::from_secs(60);

impl World {
    /// Whether virtual environments run on a node.
    pub fn runs_machines(&self, host: usize) -> bool {
        let node = &self.hosts[host];
        let runs = |service: &str| node.services.get(service).is_some_and(|it| it.pid.is_some());
        node.is_on && (runs("vz") || runs("parallels-server"))
    }

    /// Whether requests to the storage hang on a node.
    pub fn is_storage_stuck(&self, host: usize) -> bool {
        let counts = self.chunk_counts();
        let stuck = [ChunkState::Blocked, ChunkState::Pending, ChunkState::Offline];
        !self.has_master() || !self.is_on_storage(host) || stuck.iter().any(|it| counts[*it as usize] > 0)
    }

    /// Notes since when the machines of each node hang.
    pub fn refresh_machines(&mut self) {
        let now = self.now;
        for host in 0..self.hosts.len() {
            if self.hosts[host].vm_count == 0 {
                continue;
            }
            let is_hung = self.runs_machines(host) && self.is_storage_stuck(host);
            let since = &mut self.hosts[host].vms_hung_since;
            *since = if is_hung { Some(since.unwrap_or(now)) } else { None };
        }
    }

    /// Looks at every node's watchdog after a master came or went.
    pub fn refresh_watchdogs(&mut self) {
        for host in 0..self.hosts.len() {
            self.refresh_watchdog(host);
        }
        self.refresh_machines();
    }

    /// Winds a node's watchdog up when it is cut off, or stops it.
    pub fn refresh_watchdog(&mut self, host: usize) {
        let is_cut_off = !self.has_master() || !self.is_on_storage(host);
        let node = &mut self.hosts[host];
        let is_guarded =
            node.is_on && node.is_in_ha && node.services.get("shaman").is_some_and(|it| it.pid.is_some());
        match (is_cut_off && is_guarded, node.cut_off_since) {
            (true, None) => {
                node.cut_off_since = Some(self.now);
                node.watchdog_generation += 1;
                let generation = node.watchdog_generation;
                self.schedule(WATCHDOG_TIME, Due::Watchdog { host, generation });
            }
            (false, Some(_)) => {
                node.cut_off_since = None;
                node.watchdog_generation += 1;
            }
            _ => {}
        }
    }

    /// Reboots a node that has been cut off for too long.
    pub fn fire_watchdog(&mut self, host: usize, generation: u32) {
        let node = &self.hosts[host];
        if node.watchdog_generation == generation && node.cut_off_since.is_some() {
            self.watchdog_reboots += 1;
            self.hosts[host].cut_off_since = None;
            self.reboot(host);
        }
    }
}
