//! Services: what starts, what stops, and what each of them needs.

use std::time::Duration;

use super::state::World;

/// A service known to the simulated nodes: name, process, and whether it lives on the cluster's mount.
const SERVICES: [(&str, &str, bool); 9] = [
    ("pstorage-mdsd", "mdsd", false),
    ("pstorage-csd", "csd", false),
    ("pstorage-fs", "pstorage-mount", false),
    ("pstorage-iscsi", "pstorage-iscsid", true),
    ("vz", "vzmond", true),
    ("parallels-server", "prl_disp_service", true),
    ("shaman", "shamand", true),
    ("pvaagent", "pvaagent", false),
    ("pvapp", "pvapp", false),
];

/// A service installed on a node.
#[derive(Debug, Clone, Default)]
pub(in crate::transport::simulated) struct ServiceState {
    /// Its process; servers of the storage keep their own.
    pub pid: Option<u32>,
    /// Whether it starts at boot.
    pub is_enabled: bool,
    /// Whether it fails to start.
    pub is_broken: bool,
    /// Whether nothing is known of it but that a module declares it.
    pub is_declared: bool,
    /// When it was started last, in the order of all declared ones.
    pub order: u64,
    /// When it was started last; none: long ago.
    pub since: Option<Duration>,
}

/// The process that a service runs as.
pub(in crate::transport::simulated) fn process_of(service: &str) -> &str {
    SERVICES
        .iter()
        .find(|(name, ..)| *name == service)
        .map_or(service, |(_, process, _)| process)
}

/// Whether this simulation knows what a service does.
pub(super) fn is_modelled(service: &str) -> bool {
    SERVICES.iter().any(|(name, ..)| *name == service)
}

fn needs_mount(service: &str) -> bool {
    SERVICES.iter().any(|(name, _, needs)| *name == service && *needs)
}

impl super::host::Host {
    /// Installs the services of a node's roles.
    pub fn install_services(&mut self, shape: &crate::transport::simulated::shape::NodeShape) {
        for (name, ..) in SERVICES {
            let is_there = match name {
                "pstorage-mdsd" => shape.mds,
                "pstorage-csd" => shape.disks > 0,
                _ => shape.clients,
            };
            if is_there {
                self.services.insert(
                    name.to_owned(),
                    ServiceState {
                        is_enabled: true,
                        ..Default::default()
                    },
                );
            }
        }
    }
}

impl World {
    /// The path at which the cluster's file system is mounted.
    pub fn cluster_mount(&self) -> String {
        format!("/pstorage/{}", self.settings.name)
    }

    /// Lets everything run that has been running for long.
    pub fn start_built_services(&mut self, host: usize) {
        for (name, process, needs_mount) in SERVICES {
            if !self.hosts[host].services.contains_key(name) {
                continue;
            }
            match name {
                "pstorage-mdsd" => {
                    for server in 0..self.metadata.servers.len() {
                        if self.metadata.servers[server].host == host {
                            let pid = self.hosts[host].add_process(process, None);
                            self.metadata.servers[server].pid = Some(pid);
                        }
                    }
                }
                "pstorage-csd" => {
                    for server in self.servers_of(host) {
                        let pid = self.run_chunk_server(server);
                        self.storage.servers[server].pid = Some(pid);
                    }
                }
                _ => {
                    let mount = self.cluster_mount();
                    let pid = self.hosts[host].add_process(process, needs_mount.then_some(mount.as_str()));
                    if let Some(service) = self.hosts[host].services.get_mut(name) {
                        service.pid = Some(pid);
                    }
                }
            }
        }
    }

    /// Starts, after a boot, what is enabled, the lowest service first: servers or clients.
    pub fn start_boot_services(&mut self, host: usize, is_for_servers: bool) {
        for (name, ..) in SERVICES {
            let is_server = matches!(name, "pstorage-mdsd" | "pstorage-csd");
            if is_server == is_for_servers
                && self.hosts[host]
                    .services
                    .get(name)
                    .is_some_and(|service| service.is_enabled)
            {
                // Whoever fails at boot stays stopped, as on a real node.
                let _ = self.start_service(host, name, None);
            }
        }
        if is_for_servers {
            self.start_declared_at_boot(host);
        }
    }

    /// The processes of a service, or of one instance of it.
    pub fn service_pids(&self, host: usize, service: &str, path: Option<&str>) -> Vec<u32> {
        match service {
            "pstorage-mdsd" => {
                let here = self.metadata.servers.iter().filter(|server| server.host == host);
                here.filter(|it| self.is_meant(&it.repository, path))
                    .filter_map(|server| server.pid)
                    .collect()
            }
            "pstorage-csd" => {
                let here = self.hosts[host]
                    .chunk_servers
                    .iter()
                    .map(|it| &self.storage.servers[*it]);
                here.filter(|it| self.is_meant(&it.repository, path))
                    .filter_map(|server| server.pid)
                    .collect()
            }
            _ => self.hosts[host]
                .services
                .get(service)
                .and_then(|it| it.pid)
                .into_iter()
                .collect(),
        }
    }

    /// Whether an argument, a path or the cluster's name, means a repository.
    fn is_meant(&self, repository: &str, argument: Option<&str>) -> bool {
        argument.is_none_or(|path| path.trim_end_matches('/') == repository || path == self.settings.name)
    }

    /// Whether a service, or all instances that are meant, run.
    pub fn is_service_running(&self, host: usize, service: &str, path: Option<&str>) -> bool {
        let pids = self.service_pids(host, service, path);
        if service != "pstorage-csd" {
            return !pids.is_empty();
        }
        let meant = self.servers_of(host);
        let meant = meant
            .iter()
            .map(|it| &self.storage.servers[*it])
            .filter(|it| it.has_repository);
        let meant = meant.filter(|it| self.is_meant(&it.repository, path));
        !pids.is_empty() && pids.len() >= meant.count()
    }

    /// Stops a service, or one instance of it.
    pub fn stop_service(&mut self, host: usize, service: &str, path: Option<&str>) {
        match service {
            "pstorage-mdsd" => {
                for index in 0..self.metadata.servers.len() {
                    let server = &self.metadata.servers[index];
                    if server.host == host && self.is_meant(&server.repository, path) {
                        self.stop_metadata_server(index);
                    }
                }
            }
            "pstorage-csd" => {
                for index in self.hosts[host].chunk_servers.clone() {
                    if self.is_meant(&self.storage.servers[index].repository, path) {
                        self.stop_chunk_server(index);
                    }
                }
            }
            _ => {
                let pid = self.hosts[host]
                    .services
                    .get_mut(service)
                    .and_then(|service| service.pid.take());
                if let Some(pid) = pid {
                    self.hosts[host].processes.remove(&pid);
                }
                if service == "pstorage-fs" {
                    self.hosts[host].has_cluster_mount = false;
                }
                self.refresh_watchdog(host);
                self.refresh_machines();
            }
        }
    }

    fn stop_chunk_server(&mut self, index: usize) {
        let host = self.storage.servers[index].host;
        if let Some(pid) = self.storage.servers[index].pid.take() {
            self.hosts[host].processes.remove(&pid);
        }
        self.refresh_server(index);
    }

    /// Starts a service, or one instance of it; tells why when it does not start.
    pub fn start_service(&mut self, host: usize, service: &str, path: Option<&str>) -> Result<(), String> {
        match self.hosts[host].services.get(service) {
            None => return Err(format!("{service}: unrecognized service")),
            Some(state) if state.is_broken => {
                return Err(format!("{} failed to start, see its log", process_of(service)));
            }
            Some(_) => {}
        }
        match service {
            "pstorage-mdsd" => self.start_metadata_servers(host, path),
            "pstorage-csd" => self.start_chunk_servers(host, path),
            "pstorage-fs" => self.start_mount(host),
            _ if self.hosts[host].services[service].is_declared => {
                self.start_declared(host, service);
                Ok(())
            }
            _ => self.start_client(host, service),
        }
    }

    fn start_metadata_servers(&mut self, host: usize, path: Option<&str>) -> Result<(), String> {
        let here: Vec<usize> = (0..self.metadata.servers.len())
            .filter(|it| self.metadata.servers[*it].host == host)
            .filter(|it| self.is_meant(&self.metadata.servers[*it].repository, path))
            .collect();
        if here.is_empty() {
            return Err(format!(
                "no metadata server of {} on this node",
                path.unwrap_or("any cluster")
            ));
        }
        for index in here {
            if !self.metadata.servers[index].has_repository {
                let repository = &self.metadata.servers[index].repository;
                return Err(format!("mdsd: {repository}: no such repository"));
            }
            if self.metadata.servers[index].pid.is_none() {
                self.start_metadata_server(index);
            }
        }
        Ok(())
    }

    fn start_chunk_servers(&mut self, host: usize, path: Option<&str>) -> Result<(), String> {
        let here: Vec<usize> = self.hosts[host]
            .chunk_servers
            .iter()
            .copied()
            .filter(|it| self.is_meant(&self.storage.servers[*it].repository, path))
            .collect();
        let mut failures = Vec::new();
        let is_any = here.iter().any(|it| self.storage.servers[*it].has_repository);
        if !is_any {
            return Err(format!(
                "csd: {}: no chunk server there",
                path.unwrap_or("this node")
            ));
        }
        for index in here {
            // Asked to start all there is, the script passes over what is no part of the cluster any more.
            if path.is_none() && self.storage.servers[index].is_dropped {
                continue;
            }
            if let Err(why) = self.start_chunk_server(index) {
                failures.push(why);
            }
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failures.join("\n"))
        }
    }

    fn start_chunk_server(&mut self, index: usize) -> Result<(), String> {
        let server = &self.storage.servers[index];
        let (host, repository) = (server.host, server.repository.clone());
        if server.pid.is_some() || !server.has_repository {
            return Ok(());
        }
        let node = &self.hosts[host];
        if node.disk(&repository).is_none_or(|disk| !disk.is_mounted) {
            return Err(format!(
                "csd: {repository}: the repository path is invalid: not mounted"
            ));
        }
        if node.disk(&repository).is_some_and(|disk| disk.has_failed) {
            return Err(format!("csd: {repository}: Input/output error"));
        }
        if server.is_dropped {
            return Err(format!(
                "csd: {repository}: The CS server was dropped by administrator"
            ));
        }
        if let Some(journal) = &server.journal
            && (server.flaw == Some('S') || node.disk_under(journal).is_none_or(|disk| disk.has_failed))
        {
            return Err(format!(
                "csd: {repository}: the journal {journal} is not accessible"
            ));
        }
        let version = node.installed.clone();
        let pid = self.run_chunk_server(index);
        let server = &mut self.storage.servers[index];
        server.pid = Some(pid);
        server.version = version;
        self.refresh_server(index);
        self.check_versions();
        Ok(())
    }

    /// Starts the process of a chunk server; it holds its disk, and the SSD with its journal.
    fn run_chunk_server(&mut self, index: usize) -> u32 {
        let server = &mut self.storage.servers[index];
        let pid = self.hosts[server.host].add_process("csd", Some(&server.repository));
        server.pid = Some(pid);
        self.hold_journal(index);
        pid
    }

    /// Lets the process of a chunk server hold the SSD with its journal, and no other.
    pub fn hold_journal(&mut self, index: usize) {
        let server = &self.storage.servers[index];
        let host = &mut self.hosts[server.host];
        let ssd = server
            .journal
            .as_deref()
            .and_then(|journal| host.disk_under(journal))
            .map(|disk| disk.mount.clone());
        let process = server.pid.and_then(|pid| host.processes.get_mut(&pid));
        if let Some(process) = process {
            process.also_holds = ssd;
        }
    }

    fn start_mount(&mut self, host: usize) -> Result<(), String> {
        if !self.is_on_storage(host) || !self.has_master() {
            return Err("pstorage-mount: Service unavailable".to_owned());
        }
        if !self.hosts[host].is_authorised {
            return Err("pstorage-mount: Authentication failure due to wrong credentials".to_owned());
        }
        self.hosts[host].has_cluster_mount = true;
        self.start_process(host, "pstorage-fs", None);
        Ok(())
    }

    fn start_client(&mut self, host: usize, service: &str) -> Result<(), String> {
        let mount = self.cluster_mount();
        let needs_mount = needs_mount(service);
        if needs_mount && !self.hosts[host].has_cluster_mount {
            return Err(format!("{service}: {mount} is not mounted"));
        }
        self.start_process(host, service, needs_mount.then_some(mount.as_str()));
        self.refresh_watchdog(host);
        self.refresh_machines();
        Ok(())
    }

    fn start_process(&mut self, host: usize, service: &str, holds: Option<&str>) {
        let node = &mut self.hosts[host];
        if node
            .services
            .get(service)
            .is_some_and(|service| service.pid.is_some())
        {
            return;
        }
        let pid = node.add_process(process_of(service), holds);
        if let Some(service) = node.services.get_mut(service) {
            service.pid = Some(pid);
        }
    }

    /// Ends one process, and with it the service that it was.
    pub fn end_process(&mut self, host: usize, pid: u32) -> bool {
        if self.hosts[host].processes.remove(&pid).is_none() {
            return false;
        }
        for index in 0..self.metadata.servers.len() {
            if self.metadata.servers[index].host == host && self.metadata.servers[index].pid == Some(pid) {
                self.stop_metadata_server(index);
            }
        }
        for index in self.servers_of(host) {
            if self.storage.servers[index].pid == Some(pid) {
                self.stop_chunk_server(index);
            }
        }
        let is_it = |name: &&String| self.hosts[host].services[*name].pid == Some(pid);
        if let Some(name) = self.hosts[host].services.keys().find(is_it).cloned() {
            self.stop_service(host, &name, None);
        }
        true
    }
}
