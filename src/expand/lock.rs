use std::time::Duration;

use super::expander::Expander;
use super::lines::{comment, single};
use super::{ExpandError, Expansion};
use crate::library::{LOCK_PROGRAM, lock_file};
use crate::plan::Plan;

/// How often a lock is renewed within its lease.
const RENEWALS: u64 = 3;

/// Whether a script takes the maintenance lock: on a real cluster, before its first change.
pub(super) fn takes_lock(plan: &Plan, options: &Expansion) -> bool {
    !plan.inventory.is_simulated && plan.acting().is_some() && options.without_lock.is_none()
}

/// Refuses what a script cannot do.
///
/// # Errors
///
/// [`ExpandError::LockInEtcd`].
pub(super) fn check_lock(plan: &Plan, options: &Expansion) -> Result<(), ExpandError> {
    match takes_lock(plan, options) && !plan.inventory.lock.etcd.is_empty() {
        true => Err(ExpandError::LockInEtcd {
            cluster: plan.inventory.name.clone(),
        }),
        false => Ok(()),
    }
}

impl Expander<'_> {
    /// What the head says of the maintenance lock.
    pub fn lock_header(&self) -> Vec<String> {
        if let Some(why) = &self.options.without_lock {
            return vec![
                "#".to_owned(),
                comment(&format!("IT TAKES NO MAINTENANCE LOCK: {why}")),
                "#".to_owned(),
            ];
        }
        if !takes_lock(self.plan, self.options) {
            return Vec::new();
        }
        let lines = [
            "# Before its first change it takes the maintenance lock of the cluster, on a majority of the nodes in",
            "# `lock_nodes` below, and gives it back at its end; where somebody else holds it, it ends with 7.",
            "#   QUORATE_REASON=WHY               why the cluster is worked on, for others to read in the lock",
            "#   QUORATE_TAKE_OVER=WHY            takes the lock from whoever holds it",
            "#   QUORATE_DEGRADED_LOCK=WHY        takes it on the nodes that answer, where no majority does",
        ];
        lines.map(str::to_owned).to_vec()
    }

    /// Where the maintenance lock lives, and what is written there.
    pub fn lock_settings(&self) -> Vec<String> {
        if !takes_lock(self.plan, self.options) {
            return Vec::new();
        }
        let inventory = &self.plan.inventory;
        let nodes: Vec<String> = inventory.lock_nodes().iter().map(ToString::to_string).collect();
        let title = self.plan.program.title.clone().unwrap_or_default();
        let title: String = title
            .chars()
            .filter(|letter| !letter.is_control())
            .take(200)
            .collect();
        let lease = inventory.lock.lease.max(Duration::from_secs(1)).as_secs();
        vec![
            format!("lock_nodes={}", single(&nodes.join(" "))),
            format!("lock_file={}", single(&lock_file(&inventory.name))),
            format!("lock_lease={lease}"),
            format!("lock_pause={}", (lease / RENEWALS).max(1)),
            format!("lock_runbook={}", single(&title)),
        ]
    }

    /// The program that keeps the lock on a node.
    pub fn lock_function(&self) -> Vec<String> {
        if !takes_lock(self.plan, self.options) {
            return Vec::new();
        }
        let mut lines = vec![
            "# What keeps the maintenance lock on a node; `quorate run` sends the same.".to_owned(),
            "lock_program() {".to_owned(),
            "    cat <<'END_OF_PROGRAM'".to_owned(),
        ];
        lines.extend(LOCK_PROGRAM.lines().map(str::to_owned));
        lines.extend(["END_OF_PROGRAM".to_owned(), "}".to_owned()]);
        lines
    }
}
