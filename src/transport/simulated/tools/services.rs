//! `service`, `chkconfig` and the mount helper, in the manner of RHEL 6.

use std::time::Duration;

use crate::transport::Outcome;
use crate::transport::simulated::command::{Progress, Task, complain, not_modelled, print, quiet};
use crate::transport::simulated::world::World;
use crate::transport::simulated::world::process_of;

/// How often something that hangs is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs `service NAME ACTION [PATH]`.
pub(in crate::transport::simulated) fn run_service(world: &mut World, task: &Task) -> Progress {
    let arguments = task.arguments();
    let (name, action, path) = match arguments[..] {
        [name, action] => (name, action, None),
        [name, action, path] => (name, action, Some(path)),
        _ => {
            return complain(
                1,
                "Usage: service < option > | --status-all | [ service_name [ command | --full-restart ] ]",
            );
        }
    };
    if !world.hosts[task.host].services.contains_key(name) {
        return complain(1, format!("{name}: unrecognized service"));
    }
    match action {
        "status" => write_status(world, task.host, name, path),
        "stop" => stop(world, task.host, name, path),
        "start" => start(world, task, name, path),
        "restart" if task.stage == 1 => {
            if let refusal @ Progress::Done(Outcome { status: 1.., .. }) = stop(world, task.host, name, path)
            {
                return refusal;
            }
            Progress::Wait(Duration::from_millis(1_500))
        }
        "restart" => start(world, task, name, path),
        "reload" => quiet(0),
        _ => complain(2, format!("Usage: {name} {{start|stop|reload|restart|status}}")),
    }
}

fn write_status(world: &World, host: usize, name: &str, path: Option<&str>) -> Progress {
    let process = process_of(name);
    let pids: Vec<String> = world
        .service_pids(host, name, path)
        .iter()
        .map(u32::to_string)
        .collect();
    if world.is_service_running(host, name, path) {
        return print(format!("{process} (pid {}) is running...\n", pids.join(" ")));
    }
    let text = if pids.is_empty() {
        format!("{process} is stopped\n")
    } else {
        format!(
            "{process} (pid {}) is running, but not for every repository\n",
            pids.join(" ")
        )
    };
    Progress::Done(Outcome {
        status: 3,
        output: text,
        errors: String::new(),
    })
}

fn stop(world: &mut World, host: usize, name: &str, path: Option<&str>) -> Progress {
    if name == "pstorage-fs" {
        let mount = world.cluster_mount();
        if world.hosts[host].has_cluster_mount && !world.hosts[host].holders(&mount).is_empty() {
            return Progress::Done(Outcome {
                status: 1,
                output: format!("Stopping {name}: [FAILED]\n"),
                errors: format!("umount: {mount}: target is busy.\n"),
            });
        }
    }
    world.stop_service(host, name, path);
    print(format!("Stopping {name}: [  OK  ]\n"))
}

fn start(world: &mut World, task: &Task, name: &str, path: Option<&str>) -> Progress {
    let is_stuck = !world.has_master() && world.is_on_storage(task.host);
    if name == "pstorage-fs" && is_stuck && !world.is_service_running(task.host, name, None) {
        return Progress::Wait(LOOK_AGAIN);
    }
    match world.start_service(task.host, name, path) {
        Ok(()) => print(format!("Starting {name}: [  OK  ]\n")),
        Err(why) => Progress::Done(Outcome {
            status: 1,
            output: format!("Starting {name}: [FAILED]\n"),
            errors: format!("{why}\n"),
        }),
    }
}

/// Runs `chkconfig NAME on|off`.
pub(in crate::transport::simulated) fn run_chkconfig(world: &mut World, task: &Task) -> Progress {
    let arguments = task.arguments();
    let services = &mut world.hosts[task.host].services;
    let Some(service) = arguments.first().and_then(|name| services.get_mut(*name)) else {
        return complain(
            1,
            "error reading information on service: No such file or directory",
        );
    };
    match arguments.get(1) {
        Some(&"on") => service.is_enabled = true,
        Some(&"off") => service.is_enabled = false,
        None => return quiet(i32::from(!service.is_enabled)),
        Some(other) => return not_modelled(&format!("chkconfig {other}")),
    }
    quiet(0)
}

/// Runs `pstorage-mount -c CLUSTER PATH`.
pub(in crate::transport::simulated) fn run_mount_helper(world: &mut World, task: &Task) -> Progress {
    let (name, mount) = (world.settings.name.clone(), world.cluster_mount());
    let arguments = task.arguments();
    if !arguments.contains(&name.as_str()) || !arguments.contains(&mount.as_str()) {
        return complain(1, "pstorage-mount: Invalid parameters");
    }
    start(world, task, "pstorage-fs", None)
}
