use std::time::Duration;

use super::{Inventory, NodeName};

/// The group whose nodes hold the maintenance lock, where an inventory has it.
pub const LOCK_GROUP: &str = "quorate_lock";

/// How many nodes hold the lock where the inventory names none.
const USUAL_COUNT: usize = 5;

/// How long a lock is good for after a renewal, where the inventory does not say.
const USUAL_LEASE: Duration = Duration::from_secs(60);

/// Where the maintenance lock of a cluster lives, and for how long a renewal is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockSettings {
    /// The addresses of an etcd; none of them: it lives on the nodes.
    pub etcd: Vec<String>,
    /// What its keys in etcd begin with.
    pub prefix: String,
    /// The file of the authority that the certificate of etcd is checked with.
    pub ca: Option<String>,
    /// The files of the certificate that is shown to etcd, and of its key.
    pub certificate: Option<(String, String)>,
    /// How long a renewal is good for.
    pub lease: Duration,
}

impl Default for LockSettings {
    fn default() -> Self {
        LockSettings {
            etcd: Vec::new(),
            prefix: "/quorate/lock/".to_owned(),
            ca: None,
            certificate: None,
            lease: USUAL_LEASE,
        }
    }
}

impl Inventory {
    /// The nodes that hold the maintenance lock: always the same ones, whatever a run is limited to.
    pub fn lock_nodes(&self) -> Vec<NodeName> {
        match self.group(LOCK_GROUP).filter(|nodes| nodes.first().is_some()) {
            Some(nodes) => nodes.iter().cloned().collect(),
            None => self
                .nodes()
                .take(USUAL_COUNT)
                .map(|node| node.name.clone())
                .collect(),
        }
    }
}
