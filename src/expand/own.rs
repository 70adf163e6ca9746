use std::collections::BTreeSet;

use super::expander::Expander;
use super::lines::{block, comment, single};
use crate::inventory::Login;

/// Functions of the shell that are written for one runbook: what the library asks about it.
impl Expander<'_> {
    /// The nodes of the groups as the inventory has them.
    pub fn groups_function(&self) -> Vec<String> {
        let mut groups: BTreeSet<&str> = self
            .services
            .iter()
            .map(|(service, _)| service.group.as_str())
            .collect();
        groups.extend(self.changing.iter().map(String::as_str));
        if groups.is_empty() {
            return Vec::new();
        }
        let mut lines = vec!["case $1 in".to_owned()];
        for name in groups {
            let nodes: Vec<String> = match self.plan.inventory.group(name) {
                Some(nodes) => nodes.iter().map(ToString::to_string).collect(),
                None => Vec::new(),
            };
            lines.push(format!("{name}) nodes={} ;;", single(&nodes.join(" "))));
        }
        lines.push("*) nodes='' ;;".to_owned());
        lines.push("esac".to_owned());
        function(
            "The nodes of a group, as the inventory has them.",
            "first_nodes_of",
            lines,
        )
    }

    /// Functions that call one of several by name, so that none is called in a hidden way.
    pub fn dispatchers(&self) -> Vec<Vec<String>> {
        let names: Vec<&str> = self.services.iter().map(|(_, name)| name.as_str()).collect();
        let mut texts = Vec::new();
        if !names.is_empty() {
            let mut lines = vec!["case $1 in".to_owned()];
            lines.extend(self.service_rows.iter().cloned());
            lines.push("esac".to_owned());
            texts.push(function("What is known of a service.", "about_service", lines));
            for hook in ["may_go", "hook_after_stop", "hook_after_start"] {
                let calls = names
                    .iter()
                    .map(|name| (*name, format!("{hook}_{name}")))
                    .collect();
                texts.push(dispatcher(
                    "What is asked of a service, by its name.",
                    hook,
                    calls,
                ));
            }
        }
        let calls = self
            .cleanups
            .iter()
            .map(|(name, _)| (name.as_str(), name.clone()))
            .collect();
        texts.push(dispatcher("Runs what a block owes.", "run_cleanup", calls));
        let calls = self
            .domains
            .iter()
            .map(|name| (name.as_str(), format!("{name} \"$2\"")))
            .collect();
        texts.push(dispatcher("The failure domain of a node.", "domain_by", calls));
        texts
    }

    /// What is overridden, and why.
    pub fn overrides_function(&self) -> Vec<String> {
        let mut lines = vec!["case \"$1@$node\" in".to_owned()];
        for (name, node, why) in &self.options.overrides {
            let pattern = match node {
                Some(node) => format!("{name}@{node}"),
                None => format!("{name}@*"),
            };
            lines.push(format!("{pattern}) override={} ;;", single(why)));
        }
        lines.push("*) return 1 ;;".to_owned());
        lines.push("esac".to_owned());
        function(
            "Whether a guard or finding is overridden on $node, and why.",
            "override_of",
            lines,
        )
    }

    /// What the client is called with for a node: what the inventory says of its login, and the command.
    pub fn log_in_function(&self) -> Vec<String> {
        let inventory = &self.plan.inventory;
        let config = inventory.ssh.config.iter().flat_map(|file| ["-F", file.as_str()]);
        let config: Vec<&str> = config.collect();
        let mut lines = vec!["case $1 in".to_owned()];
        for node in inventory.nodes() {
            let login = &node.login;
            if node.address.is_none() && *login == Login::default() {
                continue;
            }
            let port = login.port.map(|port| port.to_string());
            let mut words = config.clone();
            for (option, value) in [("-p", &port), ("-l", &login.user), ("-i", &login.identity)] {
                words.extend(value.iter().flat_map(|value| [option, value.as_str()]));
            }
            words.extend(login.arguments.iter().map(String::as_str));
            words.extend(["--", node.address.as_deref().unwrap_or(node.name.as_str())]);
            let words: Vec<String> = words.into_iter().map(super::word::quoted).collect();
            lines.push(format!("{}) client {} \"$2\" ;;", node.name, words.join(" ")));
        }
        let words: Vec<String> = config.into_iter().map(super::word::quoted).collect();
        let usual: String = words.iter().map(|word| format!("{word} ")).collect();
        lines.push(format!("*) client {usual}\"$1\" \"$2\" ;;"));
        lines.push("esac".to_owned());
        function(
            "Logs in to a node and carries a command out there.",
            "log_in",
            lines,
        )
    }
}

/// Takes the script's secrets out of what hosts print.
pub(super) fn secrets_function(secrets: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = secrets.iter().map(|name| format!("hide \"${name}\"")).collect();
    if lines.is_empty() {
        lines.push(":".to_owned());
    }
    function(
        "Takes the script's secrets out of what a host printed.",
        "hide_secrets",
        lines,
    )
}

fn dispatcher(about: &str, name: &str, calls: Vec<(&str, String)>) -> Vec<String> {
    let mut lines = vec!["case $1 in".to_owned()];
    lines.extend(calls.into_iter().map(|(name, call)| format!("{name}) {call} ;;")));
    lines.push("*) return 0 ;;".to_owned());
    lines.push("esac".to_owned());
    function(about, name, lines)
}

/// A function and the comment before it.
pub(super) fn function(about: &str, name: &str, lines: Vec<String>) -> Vec<String> {
    let mut all = vec![comment(about)];
    all.extend(block(&format!("{name}() {{"), lines, "}"));
    all
}
