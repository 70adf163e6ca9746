//! Nodes: power, network, disks, mounts, processes and files.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::service::ServiceState;
use super::state::{Due, PRIOR_UPTIME, World};
use crate::transport::simulated::shape::{ClusterShape, NodeShape};

/// How long a node takes to come back from a reboot.
const BOOT_TIME: Duration = Duration::from_secs(90);

/// How long after its servers a booted node starts what uses the storage.
const CLIENT_BOOT_TIME: Duration = Duration::from_secs(15);

/// A node as it truly is.
#[derive(Debug, Clone)]
pub(in crate::transport::simulated) struct Host {
    pub name: String,
    pub address: String,
    pub rack: String,
    pub is_on: bool,
    pub is_reachable: bool,
    pub has_storage_network: bool,
    /// Whether it holds the cluster's password.
    pub is_authorised: bool,
    pub boot_count: u32,
    /// Voids a boot or a watchdog that was due for an earlier state.
    pub generation: u32,
    pub booted: Duration,
    pub prior_uptime: Duration,
    /// What `yum` has installed; running servers may be older.
    pub installed: String,
    pub services: BTreeMap<String, ServiceState>,
    pub disks: Vec<Disk>,
    /// The places of all chunk servers that ever were on it.
    pub chunk_servers: Vec<usize>,
    /// Whether the cluster's file system is mounted.
    pub has_cluster_mount: bool,
    pub processes: BTreeMap<u32, Process>,
    pub files: BTreeMap<String, String>,
    pub directories: BTreeSet<String>,
    pub is_in_ha: bool,
    pub vm_count: usize,
    pub vms_hung_since: Option<Duration>,
    pub cut_off_since: Option<Duration>,
    pub watchdog_generation: u32,
    next_pid: u32,
    identity: u64,
}

/// A disk and what is on it.
#[derive(Debug, Clone)]
pub(in crate::transport::simulated) struct Disk {
    pub device: String,
    pub mount: String,
    pub is_mounted: bool,
    pub has_failed: bool,
    pub is_ssd: bool,
}

/// A process; those of services are there while the service runs.
#[derive(Debug, Clone)]
pub(in crate::transport::simulated) struct Process {
    pub command: String,
    pub holds: Option<String>,
    /// A second mount point: that of the SSD with its journal.
    pub also_holds: Option<String>,
}

impl Host {
    pub fn build(place: usize, name: &str, shape: &NodeShape, cluster: &ClusterShape) -> Host {
        let number = place + 1;
        let mut host = Host {
            name: name.to_owned(),
            address: shape.address_of(place),
            rack: shape.rack.clone(),
            is_on: true,
            is_reachable: true,
            has_storage_network: true,
            is_authorised: true,
            boot_count: 1,
            generation: 0,
            booted: Duration::ZERO,
            prior_uptime: PRIOR_UPTIME,
            installed: cluster.version.clone(),
            services: BTreeMap::new(),
            disks: Vec::new(),
            chunk_servers: Vec::new(),
            has_cluster_mount: shape.clients,
            processes: BTreeMap::new(),
            files: BTreeMap::new(),
            directories: BTreeSet::new(),
            is_in_ha: shape.clients,
            vm_count: if shape.clients { shape.vms } else { 0 },
            vms_hung_since: None,
            cut_off_since: None,
            watchdog_generation: 0,
            next_pid: 2_000 + (number as u32 * 37) % 500,
            identity: (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
        for number in 1..=shape.disks {
            host.add_disk(format!("/pstorage/{}-cs{number}", cluster.name), false);
        }
        if shape.ssd {
            host.add_disk(format!("/pstorage/{}-ssd", cluster.name), true);
        }
        host.install_services(shape);
        host
    }

    /// The machine that runs the script: no part of the cluster.
    pub fn operator(cluster: &ClusterShape) -> Host {
        let shape = NodeShape {
            disks: 0,
            clients: false,
            vms: 0,
            ..NodeShape::default()
        };
        let mut host = Host::build(usize::from(u16::MAX) - 1, "localhost", &shape, cluster);
        host.address = "127.0.0.1".to_owned();
        host.is_authorised = false;
        host.has_storage_network = false;
        host
    }

    fn add_disk(&mut self, mount: String, is_ssd: bool) {
        // The system's own disk is the first one.
        let device = device_name(self.disks.len() + 1);
        self.disks.push(Disk {
            device,
            mount,
            is_mounted: true,
            has_failed: false,
            is_ssd,
        });
    }

    /// The disk mounted, or to be mounted, at `mount`.
    pub fn disk_mut(&mut self, mount: &str) -> Option<&mut Disk> {
        self.disks.iter_mut().find(|disk| disk.mount == mount)
    }

    /// The disk mounted, or to be mounted, at `mount`.
    pub fn disk(&self, mount: &str) -> Option<&Disk> {
        self.disks.iter().find(|disk| disk.mount == mount)
    }

    /// The disk on whose file system `path` lies, if it is mounted.
    pub fn disk_under(&self, path: &str) -> Option<&Disk> {
        self.disks
            .iter()
            .rfind(|disk| disk.is_mounted && lies_under(path, &disk.mount))
    }

    /// Starts a process and gives its number.
    pub fn add_process(&mut self, command: &str, holds: Option<&str>) -> u32 {
        let pid = self.next_pid;
        self.next_pid += 1 + pid % 3;
        let process = Process {
            command: command.to_owned(),
            holds: holds.map(str::to_owned),
            also_holds: None,
        };
        self.processes.insert(pid, process);
        pid
    }

    /// The processes that hold a mount point.
    pub fn holders(&self, mount: &str) -> Vec<(u32, &Process)> {
        let holds = |process: &Process| {
            process.holds.as_deref() == Some(mount) || process.also_holds.as_deref() == Some(mount)
        };
        self.processes
            .iter()
            .filter(|(_, it)| holds(it))
            .map(|(pid, it)| (*pid, it))
            .collect()
    }

    /// The boot id: another one after each boot.
    pub fn boot_id(&self) -> String {
        let mixed = self.identity ^ u64::from(self.boot_count).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let [a, b, c, d, e, f, g, h] = mixed.to_be_bytes();
        format!(
            "{a:02x}{b:02x}{c:02x}{d:02x}-{e:02x}{f:02x}-4{:03x}-a{:03x}-{:012x}",
            u16::from(g) << 4,
            u16::from(h) << 4,
            self.identity >> 16
        )
    }

    /// The host id, sixteen hexadecimal digits.
    pub fn host_id(&self) -> String {
        format!("{:016x}", self.identity)
    }
}

/// Whether `path` is `mount` or lies below it.
pub(in crate::transport::simulated) fn lies_under(path: &str, mount: &str) -> bool {
    path.strip_prefix(mount)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn device_name(number: usize) -> String {
    let letter = |index: usize| char::from(b'a' + (index % 26) as u8);
    match number / 26 {
        0 => format!("/dev/sd{}", letter(number)),
        first => format!("/dev/sd{}{}", letter(first - 1), letter(number)),
    }
}

impl World {
    /// Cuts a node's power: whatever ran there is gone.
    pub fn power_off(&mut self, host: usize) {
        let node = &mut self.hosts[host];
        node.generation += 1;
        if !node.is_on {
            return;
        }
        node.is_on = false;
        self.forget_processes(host);
        self.refresh_host(host);
    }

    /// Gives a node its power back; it is up once it has booted.
    pub fn power_on(&mut self, host: usize) {
        let node = &mut self.hosts[host];
        if node.is_on {
            return;
        }
        node.generation += 1;
        let generation = node.generation;
        self.schedule(BOOT_TIME, Due::Booted { host, generation });
    }

    /// Reboots a node.
    pub fn reboot(&mut self, host: usize) {
        self.power_off(host);
        self.power_on(host);
    }

    /// Brings a booted node up: disks by fstab, then services in their order.
    pub fn finish_boot(&mut self, host: usize, generation: u32) {
        let now = self.now;
        let node = &mut self.hosts[host];
        if node.generation != generation || node.is_on {
            return;
        }
        node.is_on = true;
        node.boot_count += 1;
        node.booted = now;
        node.prior_uptime = Duration::ZERO;
        for disk in &mut node.disks {
            disk.is_mounted = !disk.has_failed;
        }
        self.start_boot_services(host, true);
        self.refresh_host(host);
        self.schedule(CLIENT_BOOT_TIME, Due::ClientsBooted { host, generation });
    }

    /// Starts what uses the storage after a boot; that waits for as long as the storage does not answer.
    pub fn finish_client_boot(&mut self, host: usize, generation: u32) {
        if self.hosts[host].generation != generation || !self.hosts[host].is_on {
            return;
        }
        if !self.has_master() || !self.is_on_storage(host) {
            self.schedule(CLIENT_BOOT_TIME, Due::ClientsBooted { host, generation });
            return;
        }
        self.start_boot_services(host, false);
    }

    /// Ends every process of a node that loses its power.
    fn forget_processes(&mut self, host: usize) {
        let node = &mut self.hosts[host];
        node.processes.clear();
        node.has_cluster_mount = false;
        node.vms_hung_since = None;
        for service in node.services.values_mut() {
            service.pid = None;
        }
        for server in self.servers_of(host) {
            self.storage.servers[server].pid = None;
        }
        for server in self
            .metadata
            .servers
            .iter_mut()
            .filter(|server| server.host == host)
        {
            server.end();
        }
    }

    /// Lets a disk fail; what is on it cannot be read any more.
    pub fn fail_disk(&mut self, host: usize, mount: &str) {
        let Some(disk) = self.hosts[host].disk_mut(mount) else {
            return;
        };
        disk.has_failed = true;
        let is_ssd = disk.is_ssd;
        for server in self.servers_of(host) {
            let chunk_server = &mut self.storage.servers[server];
            let on_it = chunk_server.repository == mount;
            let journalled = chunk_server
                .journal
                .as_deref()
                .is_some_and(|path| lies_under(path, mount));
            if on_it || (is_ssd && journalled) {
                chunk_server.flaw = Some(if on_it { 'H' } else { 'S' });
                let message = format!("CS#{} has reported hard error on path", chunk_server.id);
                self.note("MDS", "warn", message);
            }
        }
        self.storage_changed();
    }

    /// Puts a new, empty disk in the place of the one at `mount`, made and mounted.
    pub fn replace_disk(&mut self, host: usize, mount: &str) -> bool {
        self.end_holders(host, mount);
        let Some(disk) = self.hosts[host].disk_mut(mount) else {
            return false;
        };
        disk.has_failed = false;
        disk.is_mounted = true;
        let lost_and_found = format!("{mount}/lost+found");
        let is_ssd = disk.is_ssd;
        self.hosts[host].directories.insert(lost_and_found);
        for server in self.servers_of(host) {
            let chunk_server = &self.storage.servers[server];
            let journalled = chunk_server
                .journal
                .as_deref()
                .is_some_and(|path| lies_under(path, mount));
            if chunk_server.repository == mount {
                self.lose_repository(server, 'R');
            } else if is_ssd && journalled {
                self.storage.servers[server].flaw = Some('S');
            }
        }
        self.storage_changed();
        true
    }

    /// Ends what holds a mount point that is pulled out from under it.
    fn end_holders(&mut self, host: usize, mount: &str) {
        let pids: Vec<u32> = self.hosts[host]
            .holders(mount)
            .iter()
            .map(|(pid, _)| *pid)
            .collect();
        for pid in pids {
            self.end_process(host, pid);
        }
    }

    /// Installs a node afresh: nothing of the cluster is left on it.
    pub fn reinstall(&mut self, host: usize) {
        self.power_off(host);
        let version = self.available_version.clone();
        let node = &mut self.hosts[host];
        node.is_authorised = false;
        node.installed = version;
        node.files.clear();
        node.directories.clear();
        for service in node.services.values_mut() {
            service.is_enabled = false;
            service.is_broken = false;
        }
        for server in self.servers_of(host) {
            self.lose_repository(server, 'R');
        }
        for server in self
            .metadata
            .servers
            .iter_mut()
            .filter(|server| server.host == host)
        {
            server.has_repository = false;
        }
        self.storage_changed();
        self.power_on(host);
    }

    /// Gives a node another version, installed and running.
    pub fn set_version(&mut self, host: usize, version: &str) {
        self.hosts[host].installed = version.to_owned();
        for server in self.servers_of(host) {
            self.storage.servers[server].version = version.to_owned();
        }
        for server in self
            .metadata
            .servers
            .iter_mut()
            .filter(|server| server.host == host)
        {
            server.version = version.to_owned();
        }
        self.check_versions();
    }
}
