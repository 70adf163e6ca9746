//! Services that modules declare and this simulation knows nothing of: they run, or they do not.

use std::time::Duration;

use super::host::Host;
use super::service::{ServiceState, is_modelled};
use super::state::World;
use crate::inventory::NodeSet;

/// After so long nothing comes of a service's age any more.
const GROWN_UP: Duration = Duration::from_secs(60);

impl World {
    /// Installs a service on nodes unless some node has it, or this simulation knows it; tells whether
    /// it did.
    pub fn add_declared(&mut self, name: &str, nodes: Option<&NodeSet>) -> bool {
        let is_known = |host: &Host| host.services.contains_key(name);
        if is_modelled(name) || self.hosts.iter().any(is_known) {
            return false;
        }
        for node in nodes.into_iter().flat_map(NodeSet::iter) {
            if let Some(host) = self.find_host(node.as_str()) {
                self.add_declared_service(host, name);
            }
        }
        true
    }

    /// Installs a service on a node, where it has been running for long if the node is up.
    fn add_declared_service(&mut self, host: usize, name: &str) {
        if self.hosts[host].services.contains_key(name) {
            return;
        }
        let service = ServiceState {
            is_enabled: true,
            is_declared: true,
            ..Default::default()
        };
        self.hosts[host].services.insert(name.to_owned(), service);
        if self.hosts[host].is_on {
            self.start_declared(host, name);
            if let Some(service) = self.hosts[host].services.get_mut(name) {
                service.since = None;
            }
        }
    }

    pub(super) fn start_declared(&mut self, host: usize, name: &str) {
        let (order, now) = (self.declared_starts, self.now);
        let node = &mut self.hosts[host];
        let is_stopped = |service: &ServiceState| service.pid.is_none();
        if !node.services.get(name).is_some_and(is_stopped) {
            return;
        }
        let pid = node.add_process(name, None);
        if let Some(service) = node.services.get_mut(name) {
            service.pid = Some(pid);
            service.order = order;
            service.since = Some(now);
        }
        self.declared_starts += 1;
    }

    /// Starts, after a boot, those that are enabled.
    pub(super) fn start_declared_at_boot(&mut self, host: usize) {
        let services = self.hosts[host].services.iter();
        let enabled = services.filter(|(_, service)| service.is_declared && service.is_enabled);
        let names: Vec<String> = enabled.map(|(name, _)| name.clone()).collect();
        for name in names {
            // Whoever fails at boot stays stopped, as on a real node.
            let _ = self.start_service(host, &name, None);
        }
    }

    /// Which instance of a service has been running for longest: 1, the next one 2, and so on; 0 for
    /// one that does not run.
    pub(super) fn rank_of(&self, host: usize, name: &str) -> usize {
        let order = |host: usize| {
            let service = self.hosts[host].services.get(name)?;
            service.pid.map(|_| service.order)
        };
        let Some(own) = order(host) else { return 0 };
        let others = (0..self.hosts.len()).filter_map(order);
        1 + others.filter(|other| *other < own).count()
    }

    /// For how long a service has been running, up to [`GROWN_UP`].
    pub(super) fn age_of(&self, service: &ServiceState) -> Duration {
        let age = service.since.map_or(GROWN_UP, |since| self.now - since);
        age.min(GROWN_UP)
    }

    /// Whether some declared service was started a short while ago.
    pub(super) fn has_young_service(&self) -> bool {
        let services = self.hosts.iter().flat_map(|host| host.services.values());
        let mut running = services.filter(|service| service.is_declared && service.pid.is_some());
        running.any(|service| self.age_of(service) < GROWN_UP)
    }

    /// Makes the services of a node those that have been running for longest: they lead.
    pub fn let_declared_lead(&mut self, host: usize) {
        for node in &mut self.hosts {
            for service in node.services.values_mut() {
                service.order += 1;
            }
        }
        self.declared_starts += 1;
        for service in self.hosts[host].services.values_mut() {
            service.order = 0;
        }
    }

    /// Whether a declared service stands on a node, and all of them run.
    pub fn has_declared_running(&self, host: usize) -> bool {
        let services = self.hosts[host].services.values();
        let mut declared = services.filter(|service| service.is_declared).peekable();
        declared.peek().is_some() && declared.all(|service| service.pid.is_some())
    }

    /// The node whose declared services have been running for second longest: it would lead next.
    pub fn next_to_lead(&self) -> Option<usize> {
        (0..self.hosts.len()).find(|host| {
            let mut services = self.hosts[*host].services.iter();
            services.any(|(name, service)| service.is_declared && self.rank_of(*host, name) == 2)
        })
    }

    /// What `simulated-services` prints: how each declared service truly is, on each node.
    pub fn write_declared(&self) -> String {
        let mut text = "service node state rank age\n".to_owned();
        for (place, host) in self.hosts.iter().enumerate() {
            let declared = host.services.iter().filter(|(_, service)| service.is_declared);
            for (name, service) in declared {
                let state = match (host.is_on, host.has_storage_network, service.pid) {
                    (false, ..) => "off",
                    (true, _, None) => "stopped",
                    (true, false, Some(_)) => "cut",
                    (true, true, Some(_)) => "running",
                };
                let rank = self.rank_of(place, name);
                let age = match state {
                    "running" | "cut" => self.age_of(service).as_secs(),
                    _ => 0,
                };
                text.push_str(&format!("{name} {} {state} {rank} {age}s\n", host.name));
            }
        }
        text
    }
}
