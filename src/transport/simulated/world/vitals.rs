//! Whether the cluster does what it is there for.

use std::time::Duration;

use super::state::World;

/// What is well with a simulated cluster at one moment, and what is not; no view lags here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals {
    /// Whether a majority of the metadata servers answers and is caught up.
    pub has_majority: bool,
    /// How many chunks have fewer live replicas than the least.
    pub below_least: usize,
    /// How many chunks can never be read again.
    pub lost_chunks: usize,
    /// Whether no follower ever lost its journal.
    pub journal_consistent: bool,
    /// Whether a newer master stood over older servers that the rule for 6.0.7 protects.
    pub master_was_early: bool,
    /// How many nodes their watchdog rebooted.
    pub watchdog_reboots: usize,
    /// Since when the first of the virtual environments that hang has hung.
    pub hung_since: Option<Duration>,
}

impl World {
    /// Tells what is well, and what is not.
    pub(in crate::transport::simulated) fn vitals(&self) -> Vitals {
        let servers = &self.storage.servers;
        let live = |replicas: &[usize]| {
            let live = replicas.iter().filter(|server| servers[**server].is_truly_live());
            live.count()
        };
        let chunks = self.storage.chunks.iter();
        Vitals {
            has_majority: self.metadata.servers.is_empty() || self.answering() >= self.majority(),
            below_least: chunks.filter(|chunk| live(&chunk.replicas) < self.least).count(),
            lost_chunks: self.lost_chunks(),
            journal_consistent: self.metadata.is_journal_consistent,
            master_was_early: self.metadata.was_master_early,
            watchdog_reboots: self.watchdog_reboots,
            hung_since: self.hosts.iter().filter_map(|host| host.vms_hung_since).min(),
        }
    }
}
