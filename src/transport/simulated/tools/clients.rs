//! `shaman` and `pstorage-iscsi`. Their layouts are guesses from the documented columns.

use std::fmt::Write;

use crate::transport::simulated::command::{Progress, Task, complain, not_modelled, print, quiet};
use crate::transport::simulated::world::World;

/// Runs `shaman [-c CLUSTER] join|leave|stat|get-config`.
pub(in crate::transport::simulated) fn run_shaman(world: &mut World, task: &Task) -> Progress {
    let mut arguments = task.arguments();
    if arguments.first() == Some(&"-c") {
        let cluster = arguments.get(1).copied().unwrap_or("");
        if cluster != world.settings.name {
            return complain(
                1,
                format!("shaman: cluster {cluster}: Requested object not found"),
            );
        }
        arguments.drain(..2);
    }
    let is_installed = world.hosts[task.host].services.contains_key("shaman");
    if !is_installed {
        return complain(127, "sh: shaman: command not found");
    }
    match arguments.first().copied() {
        Some(word @ ("join" | "leave")) => {
            world.hosts[task.host].is_in_ha = word == "join";
            world.refresh_watchdog(task.host);
            quiet(0)
        }
        Some("stat") => print(write_shaman_stat(world, task.host)),
        Some("get-config") => print("LOCK_TIMEOUT=60\nWATCHDOG_ACTION=netfilter, reboot\n"),
        Some(other) => not_modelled(&format!("shaman {other}")),
        None => complain(1, "shaman: a command is missing"),
    }
}

fn write_shaman_stat(world: &World, here: usize) -> String {
    let members: Vec<usize> = (0..world.hosts.len())
        .filter(|it| world.hosts[*it].is_in_ha)
        .collect();
    let works = |host: usize| {
        let node = &world.hosts[host];
        node.cut_off_since.is_none()
            && node.is_on
            && node.services.get("shaman").is_some_and(|it| it.pid.is_some())
    };
    let master = members.iter().copied().find(|host| works(*host));
    let mut text = format!("Cluster '{}'\nNodes: {}\n\n", world.settings.name, members.len());
    text.push_str("    NODE_IP          STATUS     RESOURCES\n");
    for host in members {
        let node = &world.hosts[host];
        let mark = if host == here { '*' } else { ' ' };
        let crown = if Some(host) == master { 'M' } else { ' ' };
        let status = if works(host) { "Active" } else { "Inactive" };
        let resources = if world.runs_machines(host) {
            node.vm_count
        } else {
            0
        };
        let _ = writeln!(
            text,
            " {mark}{crown} {:<16} {status:<10} {resources}",
            node.address
        );
    }
    text
}

/// Runs `pstorage-iscsi list`: one target on each node that has the service.
pub(in crate::transport::simulated) fn run_iscsi(world: &mut World, task: &Task) -> Progress {
    if task.arguments().first() != Some(&"list") {
        return not_modelled(&task.words.join(" "));
    }
    let mut text = "IQN                             STATUS  LUNs HOST             PORTAL(s)    \n".to_owned();
    for node in &world.hosts {
        let Some(service) = node.services.get("pstorage-iscsi") else {
            continue;
        };
        let status = if service.pid.is_some() {
            "running"
        } else {
            "stopped"
        };
        let iqn = format!("iqn.2014-06.com.pstorage:{}", node.name);
        let _ = writeln!(
            text,
            "{iqn:<31} {status} 1    {} {}",
            node.host_id(),
            node.address
        );
    }
    print(text)
}
