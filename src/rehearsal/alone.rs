//! The cluster with nobody doing anything more, to judge a run by.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

use foldhash::quality::FixedState;

use super::invariant::{HANG, Promise, broken_now};
use crate::transport::Clock;
use crate::transport::simulated::SimulatedCluster;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Chunks in these states need nobody.
const SETTLED: [&str; 4] = ["healthy", "overcommitted", "deleting", "void"];

/// The cluster as it was after something went wrong by itself, left alone from there on.
#[derive(Debug)]
pub(super) struct Alone {
    /// As it was when it was looked at last.
    cluster: SimulatedCluster,
    /// What was broken at any time so far.
    broken: BTreeSet<Promise>,
    /// How many nodes their watchdogs had rebooted at first.
    reboot_count: usize,
    /// How often each node had booted at first.
    boot_counts: BTreeMap<String, u32>,
    /// What a run is judged by, as a number, once nothing more comes of it.
    rest: Option<u64>,
}

// A clone of a simulated cluster is that very cluster.
impl Clone for Alone {
    fn clone(&self) -> Alone {
        Alone {
            cluster: self.cluster.fork(),
            broken: self.broken.clone(),
            reboot_count: self.reboot_count,
            boot_counts: self.boot_counts.clone(),
            rest: self.rest,
        }
    }
}

impl Alone {
    /// Leaves a cluster alone that is as this one is now.
    pub fn new(cluster: &SimulatedCluster) -> Alone {
        let mut alone = Alone {
            cluster: cluster.fork(),
            broken: BTreeSet::new(),
            reboot_count: cluster.vitals().watchdog_reboots,
            boot_counts: cluster.boot_counts(),
            rest: None,
        };
        alone.look();
        alone
    }

    /// Whether it breaks a promise at any time until this one.
    pub fn breaks(&self, promise: &Promise, until: Duration) -> bool {
        if self.broken.contains(promise) {
            return true;
        }
        let mut later = self.clone();
        while !later.is_at_rest() && later.cluster.clock().now() < until {
            later.look_again();
            if later.broken.contains(promise) {
                return true;
            }
        }
        false
    }

    /// The cluster as it is at a time.
    pub fn at(&self, time: Duration) -> SimulatedCluster {
        let later = self.cluster.fork();
        let clock = later.clock();
        later.block_on(clock.sleep(time.saturating_sub(clock.now())));
        later
    }

    /// Whether a node has booted again at a time.
    pub fn has_rebooted(&self, node: &str, time: Duration) -> bool {
        self.at(time).boot_counts().get(node) > self.boot_counts.get(node)
    }

    /// Puts into a hash all that a run is judged by from now on; `is_asked`: the guards of a runbook
    /// may be asked in it as well.
    pub fn write_state(&mut self, hasher: &mut impl Hasher, now: Duration, is_asked: bool) {
        let clock = self.cluster.clock();
        while self.rest.is_none() {
            if self.is_at_rest() {
                self.rest = Some(self.summarise(is_asked));
            } else if clock.now() + LOOK_EVERY <= now {
                self.look_again();
            } else {
                (now.saturating_sub(clock.now()), self.summarise(true)).hash(hasher);
                return;
            }
        }
        self.rest.hash(hasher);
    }

    /// What a run is judged by as a number; `is_whole`: and all that may come of it.
    fn summarise(&self, is_whole: bool) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        let boots = self.cluster.boot_counts();
        let has_booted = boots.iter().map(|(node, boots)| *boots > self.boot_counts[node]);
        (&self.broken, has_booted.collect::<Vec<bool>>()).hash(&mut hasher);
        match is_whole {
            true => self.cluster.fingerprint(false).hash(&mut hasher),
            false => count_missing(&self.cluster)
                .map(|(count, _)| count)
                .hash(&mut hasher),
        }
        hasher.finish()
    }

    /// Whether it stays as it is, and all that is broken in it was seen.
    fn is_at_rest(&self) -> bool {
        let (hung_since, now) = (self.cluster.vitals().hung_since, self.cluster.clock().now());
        self.cluster.is_at_rest() && hung_since.is_none_or(|since| now.saturating_sub(since) > HANG)
    }

    fn look_again(&mut self) {
        let clock = self.cluster.clock();
        self.cluster.block_on(clock.sleep(LOOK_EVERY));
        self.look();
    }

    fn look(&mut self) {
        let (vitals, now) = (self.cluster.vitals(), self.cluster.clock().now());
        self.broken.extend(broken_now(&vitals, self.reboot_count, now));
    }
}

/// How much is not as it should be.
pub(super) fn count_missing(cluster: &SimulatedCluster) -> [(usize, &'static str); 3] {
    let cluster = cluster.inspect();
    let silent = cluster.metadata_servers.iter().filter(|server| !server.counts);
    let away = cluster
        .chunk_servers
        .iter()
        .filter(|server| !server.is_running || server.has_failed);
    let waiting = cluster
        .chunks
        .iter()
        .filter(|(state, _)| !SETTLED.contains(*state));
    [
        (
            silent.count(),
            "of the metadata servers do not answer, or are not in step",
        ),
        (away.count(), "of the chunk servers do not run"),
        (
            waiting.map(|(_, count)| count).sum(),
            "of the chunks wait for a replica",
        ),
    ]
}
