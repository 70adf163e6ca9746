//! The ways in which a simulated cluster fails.

use std::time::Duration;

use super::world::World;

/// Something that happens to the cluster by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A service, or one instance of it, stops.
    ServiceStops {
        /// Where.
        node: String,
        /// Which.
        service: String,
        /// The instance; `None` is all of them.
        path: Option<String>,
    },
    /// A service starts.
    ServiceStarts {
        /// Where.
        node: String,
        /// Which.
        service: String,
        /// The instance; `None` is all of them.
        path: Option<String>,
    },
    /// A service is not installed.
    ServiceAbsent {
        /// Where.
        node: String,
        /// Which.
        service: String,
    },
    /// A service fails at its next start, and at every later one.
    ServiceBreaks {
        /// Where.
        node: String,
        /// Which.
        service: String,
    },
    /// The disk of a chunk server fails.
    DiskFails {
        /// Where.
        node: String,
        /// The repository on it.
        repository: String,
    },
    /// An SSD fails, and with it every journal on it.
    SsdFails {
        /// Where.
        node: String,
        /// Where it is mounted.
        mount: String,
    },
    /// A node loses its power, or gets it back.
    Power {
        /// Which.
        node: String,
        /// Whether it is on.
        on: bool,
    },
    /// A node is cut off from everything, or no longer.
    Network {
        /// Which.
        node: String,
        /// Whether it is connected.
        up: bool,
    },
    /// A node is cut off from the storage network, or no longer.
    StorageNetwork {
        /// Which.
        node: String,
        /// Whether it is connected.
        up: bool,
    },
    /// A node has, and runs, another version of the software.
    Version {
        /// Which.
        node: String,
        /// The version.
        version: String,
    },
    /// A process holds a mount point.
    Holder {
        /// Where.
        node: String,
        /// The name of the process.
        command: String,
        /// The mount point.
        path: String,
    },
    /// The metadata server of a node becomes master; where there are none, its declared services lead.
    Master {
        /// Which.
        node: String,
    },
    /// The cluster's view lags by another length of time.
    Lag(Duration),
}

/// What goes wrong with one command that acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandFault {
    /// It ends with status 1 and does nothing.
    Fails,
    /// It does what it does, and ends with status 1 all the same.
    FailsAfter,
    /// It does nothing and does not end before its limit.
    Hangs,
    /// Its node loses power before it begins.
    NodeDiesBefore,
    /// Its node loses power while it is carried out.
    NodeDiesDuring,
    /// Its node loses power once it has ended.
    NodeDiesAfter,
    /// It is not carried out, and nobody can tell.
    ConnectionLostBefore,
    /// It is carried out, and nobody can tell.
    ConnectionLostAfter,
}

impl World {
    /// Lets a fault happen now; one that names what is not there changes nothing.
    pub(super) fn apply_fault(&mut self, fault: &Fault) {
        match fault {
            Fault::ServiceStops { node, service, path } => {
                self.with_node(node, |world, host| {
                    world.stop_service(host, service, path.as_deref())
                });
            }
            Fault::ServiceStarts { node, service, path } => self.with_node(node, |world, host| {
                // A service that cannot start is no fault of the one who plans the faults.
                let _ = world.start_service(host, service, path.as_deref());
            }),
            Fault::ServiceAbsent { node, service } => self.with_node(node, |world, host| {
                world.stop_service(host, service, None);
                world.hosts[host].services.remove(service.as_str());
            }),
            Fault::ServiceBreaks { node, service } => self.with_node(node, |world, host| {
                if let Some(service) = world.hosts[host].services.get_mut(service.as_str()) {
                    service.is_broken = true;
                }
            }),
            Fault::DiskFails { node, repository } => {
                self.with_node(node, |world, host| world.fail_disk(host, repository));
            }
            Fault::SsdFails { node, mount } => {
                self.with_node(node, |world, host| world.fail_disk(host, mount));
            }
            Fault::Power { node, on: false } => self.with_node(node, World::power_off),
            Fault::Power { node, on: true } => self.with_node(node, World::power_on),
            Fault::Network { node, up } => self.with_node(node, |world, host| {
                world.hosts[host].is_reachable = *up;
                world.hosts[host].has_storage_network = *up;
                world.refresh_host(host);
            }),
            Fault::StorageNetwork { node, up } => self.with_node(node, |world, host| {
                world.hosts[host].has_storage_network = *up;
                world.refresh_host(host);
            }),
            Fault::Version { node, version } => {
                self.with_node(node, |world, host| world.set_version(host, version));
            }
            Fault::Holder { node, command, path } => self.with_node(node, |world, host| {
                world.hosts[host].add_process(command, Some(path));
            }),
            Fault::Master { node } => {
                self.with_node(node, |world, host| match world.metadata.servers.is_empty() {
                    true => world.let_declared_lead(host),
                    false => world.make_master(host),
                })
            }
            Fault::Lag(lag) => self.lag = *lag,
        }
    }

    fn with_node(&mut self, node: &str, change: impl FnOnce(&mut World, usize)) {
        if let Some(host) = self.find_host(node) {
            change(self, host);
        }
    }
}
