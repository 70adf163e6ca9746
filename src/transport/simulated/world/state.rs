//! The world: everything that is true of a simulated cluster, and what is due to happen.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use super::chunks::Storage;
use super::host::Host;
use super::metadata::Metadata;
use crate::transport::simulated::fault::{CommandFault, Fault};
use crate::transport::simulated::shape::{ClusterShape, Shape};

/// How long everything has been up when a simulation begins.
pub(in crate::transport::simulated) const PRIOR_UPTIME: Duration = Duration::from_secs(20 * 86_400 - 3_600);

/// Something due to happen. A generation that has passed makes it void.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::transport::simulated) enum Due {
    MetadataSynced { id: u32, generation: u32 },
    Elected { generation: u32 },
    ServerSilent { server: usize, generation: u32 },
    ServerOffline { server: usize, generation: u32 },
    Registered { server: usize, generation: u32 },
    ReplicationDone { number: u64 },
    CleanupBegins,
    CleanupEnds,
    Booted { host: usize, generation: u32 },
    ClientsBooted { host: usize, generation: u32 },
    Watchdog { host: usize, generation: u32 },
    Planned { index: usize },
}

/// A line of the cluster's event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transport::simulated) struct LogLine {
    pub at: Duration,
    pub system: &'static str,
    pub severity: &'static str,
    pub message: String,
}

/// A simulated cluster as it truly is.
#[derive(Debug, Clone)]
pub(in crate::transport::simulated) struct World {
    pub now: Duration,
    pub settings: ClusterShape,
    pub available_version: String,
    pub lag: Duration,
    pub normal: usize,
    pub least: usize,
    /// All nodes, in order; the last one is the machine that runs the script.
    pub hosts: Vec<Host>,
    pub metadata: Metadata,
    pub storage: Storage,
    pub log: Vec<LogLine>,
    /// How many acts were asked for so far.
    pub act_count: usize,
    /// What goes wrong with which act.
    pub command_faults: Vec<(usize, CommandFault)>,
    /// What happens to the cluster just before which act.
    pub act_faults: Vec<(usize, Fault)>,
    pub watchdog_reboots: usize,
    /// How often a declared service was started so far.
    pub(super) declared_starts: u64,
    /// Settings of the cluster that were set by hand.
    pub config: BTreeMap<String, String>,
    pub(super) planned: Vec<Fault>,
    names: HashMap<String, usize>,
    pub(super) queue: BinaryHeap<Reverse<(Duration, u64, Due)>>,
    next_sequence: u64,
}

impl World {
    /// Builds the cluster of a shape, in good order, and then what the shape says is not.
    pub fn build(shape: &Shape) -> World {
        let settings = shape.cluster.clone();
        let (normal, least) = shape.ratio();
        let mut world = World {
            now: Duration::ZERO,
            available_version: settings
                .available_version
                .clone()
                .unwrap_or_else(|| settings.version.clone()),
            lag: settings.lag,
            normal,
            least,
            hosts: Vec::new(),
            metadata: Metadata::default(),
            storage: Storage::default(),
            log: Vec::new(),
            act_count: 0,
            command_faults: Vec::new(),
            act_faults: Vec::new(),
            watchdog_reboots: 0,
            declared_starts: 0,
            config: BTreeMap::new(),
            planned: Vec::new(),
            names: HashMap::new(),
            queue: BinaryHeap::new(),
            next_sequence: 0,
            settings,
        };
        world.build_hosts(shape);
        world.place_chunks(shape.fullness());
        world.begin_mastership();
        for change in &shape.state {
            for fault in shape.faults(change).unwrap_or_default() {
                world.apply_fault(&fault);
            }
        }
        world.settle();
        for change in &shape.event {
            for fault in shape.faults(change).unwrap_or_default() {
                world.plan_fault(change.at.unwrap_or_default(), fault);
            }
        }
        world
    }

    fn build_hosts(&mut self, shape: &Shape) {
        let nodes = shape.node_names();
        for (place, (name, node)) in nodes.iter().enumerate() {
            let host = Host::build(place, name, node, &self.settings);
            self.names.insert(name.clone(), place);
            self.hosts.push(host);
        }
        let given = nodes.iter().flat_map(|(_, node)| &node.chunk_servers);
        self.storage.next_id = given.max().map_or(0, |last| last + 1);
        for (host, (_, node)) in nodes.iter().enumerate() {
            if node.mds {
                self.add_built_metadata_server(host);
            }
            for number in 1..=node.disks {
                let id = node.chunk_servers.get(number - 1).copied();
                self.add_built_chunk_server(host, number, id, node.ssd && node.journals);
            }
        }
        self.names.insert("localhost".to_owned(), self.hosts.len());
        self.hosts.push(Host::operator(&self.settings));
        for host in 0..self.hosts.len() {
            self.start_built_services(host);
        }
    }

    /// Takes what is wrong at the start for long since wrong.
    fn settle(&mut self) {
        self.settle_metadata();
        self.settle_servers();
        self.settle_replication();
    }

    /// The place of a node, by its name.
    pub fn find_host(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// The machine that runs the script.
    pub fn operator(&self) -> usize {
        self.hosts.len() - 1
    }

    /// Lets a fault happen at a time to come.
    pub fn plan_fault(&mut self, at: Duration, fault: Fault) {
        self.planned.push(fault);
        let index = self.planned.len() - 1;
        self.schedule_at(at.max(self.now), Due::Planned { index });
    }

    /// Lets something happen after a while.
    pub fn schedule(&mut self, after: Duration, due: Due) {
        self.schedule_at(self.now + after, due);
    }

    /// Lets something happen at a time.
    pub fn schedule_at(&mut self, at: Duration, due: Due) {
        self.queue.push(Reverse((at, self.next_sequence, due)));
        self.next_sequence += 1;
    }

    /// Lets everything happen that is due until `now`, in order.
    pub fn advance(&mut self, now: Duration) {
        while let Some(Reverse((at, _, _))) = self.queue.peek() {
            if *at > now {
                break;
            }
            if let Some(Reverse((at, _, due))) = self.queue.pop() {
                self.now = self.now.max(at);
                self.happen(due);
            }
        }
        self.now = self.now.max(now);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::MetadataSynced { id, generation } => self.finish_sync(id, generation),
            Due::Elected { generation } => self.finish_election(generation),
            Due::ServerSilent { server, generation } => self.notice_silence(server, generation),
            Due::ServerOffline { server, generation } => self.notice_offline(server, generation),
            Due::Registered { server, generation } => self.register_server(server, generation),
            Due::ReplicationDone { number } => self.finish_replica(number),
            Due::CleanupBegins => self.begin_cleanup(),
            Due::CleanupEnds => self.finish_cleanup(),
            Due::Booted { host, generation } => self.finish_boot(host, generation),
            Due::ClientsBooted { host, generation } => self.finish_client_boot(host, generation),
            Due::Watchdog { host, generation } => self.fire_watchdog(host, generation),
            Due::Planned { index } => {
                let fault = self.planned[index].clone();
                self.apply_fault(&fault);
            }
        }
    }

    /// Writes a line into the cluster's event log.
    pub fn note(&mut self, system: &'static str, severity: &'static str, message: String) {
        self.log.push(LogLine {
            at: self.now,
            system,
            severity,
            message,
        });
    }

    /// Whether a node takes part in the storage network.
    pub fn is_on_storage(&self, host: usize) -> bool {
        let host = &self.hosts[host];
        host.is_on && host.has_storage_network
    }

    /// Brings the cluster up to date with a node that came, went or was cut off.
    pub fn refresh_host(&mut self, host: usize) {
        for server in self.servers_of(host) {
            self.refresh_server(server);
        }
        self.refresh_metadata();
        self.refresh_watchdog(host);
    }
}
