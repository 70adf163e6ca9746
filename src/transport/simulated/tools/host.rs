//! The ordinary programs of a node, and what a simulated person does with their hands.

use std::time::Duration;

use crate::transport::Outcome;
use crate::transport::simulated::command::{Progress, Task, complain, not_modelled, print, quiet};
use crate::transport::simulated::fault::Fault;
use crate::transport::simulated::tools::files;
use crate::transport::simulated::world::Host;
use crate::transport::simulated::world::World;

/// The second at which simulated calendars begin: 2016-01-08 00:00 UTC.
const CALENDAR: u64 = 1_452_211_200;

/// Runs a program of a node.
pub(in crate::transport::simulated) fn run_tool(world: &mut World, task: &Task, name: &str) -> Progress {
    let arguments = task.arguments();
    match name {
        "true" | ":" | "sleep" | "sync" | "export" => quiet(0),
        "false" => quiet(1),
        "echo" => echo(&arguments),
        "printf" => print(arguments.first().unwrap_or(&"").replace("\\n", "\n")),
        "hostname" => print(format!("{}\n", world.hosts[task.host].name)),
        "whoami" => print("root\n"),
        "id" => print(if arguments == ["-u"] {
            "0\n"
        } else {
            "uid=0(root) gid=0(root) groups=0(root)\n"
        }),
        "uname" => print(if arguments == ["-r"] {
            "2.6.32-042stab111.11\n"
        } else {
            "Linux\n"
        }),
        "uptime" => print(write_uptime(world, task.host)),
        "date" => print(write_date(world, &arguments)),
        "test" => quiet(files::judge(world, task.host, &arguments)),
        "[" => quiet(files::judge(
            world,
            task.host,
            arguments.strip_suffix(&["]"]).unwrap_or(&arguments),
        )),
        "cat" => files::concatenate(world, task.host, &arguments),
        "rm" => files::remove(world, task.host, &arguments),
        "mkdir" => {
            let paths = arguments.iter().filter(|it| !it.starts_with('-'));
            world.hosts[task.host]
                .directories
                .extend(paths.map(|path| (*path).to_owned()));
            quiet(0)
        }
        "touch" => {
            for path in arguments {
                world.hosts[task.host].files.entry(path.to_owned()).or_default();
            }
            quiet(0)
        }
        "kill" => kill(world, task.host, &arguments),
        "pgrep" | "pidof" => list_pids(world, task.host, &arguments),
        "fuser" => files::list_holders(world, task.host, &arguments),
        "mountpoint" => {
            let path = arguments.last().copied().unwrap_or("");
            quiet(i32::from(!world.is_mounted(task.host, path)))
        }
        "mount" => files::mount(world, task, &arguments),
        "umount" => files::unmount(world, task.host, &arguments),
        "smartctl" => check_disk(world, task.host, &arguments),
        "reboot" => reboot(world, task.host, true),
        "poweroff" | "halt" => reboot(world, task.host, false),
        "shutdown" => reboot(world, task.host, arguments.contains(&"-r")),
        "replace-disk" | "replace-ssd" => match arguments.first() {
            Some(path) if world.replace_disk(task.host, path) => quiet(0),
            path => complain(1, format!("{name}: no disk belongs at {}", path.unwrap_or(&"?"))),
        },
        "reinstall" => {
            world.reinstall(task.host);
            quiet(0)
        }
        "simulate" => simulate(world, task.host, &arguments),
        _ => not_modelled(name),
    }
}

/// How long `sleep` sleeps.
pub(in crate::transport::simulated) fn read_sleep(words: &[String]) -> Duration {
    let text = words.get(1).map_or("0", String::as_str);
    let (number, factor) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) if text.ends_with('m') => (number, 60.0),
        Some(number) if text.ends_with('h') => (number, 3_600.0),
        Some(number) => (number, 1.0),
        None => (text, 1.0),
    };
    Duration::try_from_secs_f64(number.parse().unwrap_or(0.0) * factor).unwrap_or_default()
}

fn echo(arguments: &[&str]) -> Progress {
    match arguments.split_first() {
        Some((&"-n", rest)) => print(rest.join(" ")),
        _ => print(format!("{}\n", arguments.join(" "))),
    }
}

fn write_uptime(world: &World, host: usize) -> String {
    let host = &world.hosts[host];
    let up = (world.now - host.booted + host.prior_uptime).as_secs();
    let (days, hours, minutes) = (up / 86_400, up / 3_600 % 24, up / 60 % 60);
    let day = world.now.as_secs() % 86_400;
    let (hour, minute, second) = (day / 3_600, day / 60 % 60, day % 60);
    format!(
        " {hour:02}:{minute:02}:{second:02} up {days} days, {hours:2}:{minutes:02},  1 user,  \
         load average: 0.08, 0.11, 0.09\n"
    )
}

fn write_date(world: &World, arguments: &[&str]) -> String {
    let now = CALENDAR + world.now.as_secs();
    if arguments.contains(&"+%s") {
        return format!("{now}\n");
    }
    let day = world.now.as_secs() % 86_400;
    let date = 8 + world.now.as_secs() / 86_400;
    format!(
        "2016-01-{date:02} {:02}:{:02}:{:02} UTC\n",
        day / 3_600,
        day / 60 % 60,
        day % 60
    )
}

fn kill(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
    for pid in arguments.iter().filter(|it| !it.starts_with('-')) {
        let is_there = pid.parse().is_ok_and(|pid| match arguments.contains(&"-0") {
            true => world.hosts[host].processes.contains_key(&pid),
            false => world.end_process(host, pid),
        });
        if !is_there {
            return complain(1, format!("sh: kill: ({pid}) - No such process"));
        }
    }
    quiet(0)
}

fn list_pids(world: &World, host: usize, arguments: &[&str]) -> Progress {
    let Some(name) = arguments.iter().rfind(|it| !it.starts_with('-')) else {
        return complain(2, "pgrep: no matching criteria specified");
    };
    let is_exact = arguments.contains(&"-x");
    let processes = world.hosts[host].processes.iter();
    let found = processes.filter(|(_, it)| {
        if is_exact {
            it.command == **name
        } else {
            it.command.contains(*name)
        }
    });
    let output: String = found.map(|(pid, _)| format!("{pid}\n")).collect();
    Progress::Done(Outcome {
        status: i32::from(output.is_empty()),
        output,
        errors: String::new(),
    })
}

fn check_disk(world: &World, host: usize, arguments: &[&str]) -> Progress {
    let device = arguments
        .iter()
        .rfind(|it| !it.starts_with('-'))
        .copied()
        .unwrap_or("");
    let whole = device.trim_end_matches(|last: char| last.is_ascii_digit());
    let find = |host: &Host| {
        host.disks
            .iter()
            .find(|disk| disk.device == whole)
            .map(|disk| disk.has_failed)
    };
    let has_failed = match find(&world.hosts[host]) {
        Some(has_failed) => has_failed,
        None if whole == "/dev/sda" => false,
        None => {
            return complain(
                2,
                format!("Smartctl open device: {device} failed: No such device"),
            );
        }
    };
    let word = if has_failed { "FAILED!" } else { "PASSED" };
    let output = format!(
        "=== START OF READ SMART DATA SECTION ===\nSMART overall-health self-assessment test result: {word}\n"
    );
    Progress::Done(Outcome {
        status: if has_failed { 8 } else { 0 },
        output,
        errors: String::new(),
    })
}

fn reboot(world: &mut World, host: usize, comes_back: bool) -> Progress {
    world.power_off(host);
    if comes_back {
        world.power_on(host);
    }
    quiet(0)
}

/// Runs `simulate WHAT [NODE]`: what a person does beside the terminal.
fn simulate(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
    let given = arguments.get(1).copied();
    let node = given.unwrap_or(world.hosts[host].name.as_str()).to_owned();
    let here = world.hosts[host].name.clone();
    let fault = match arguments.first().copied() {
        Some("power-off") => Fault::Power { node, on: false },
        Some("power-on") => Fault::Power { node, on: true },
        Some("network-off") => Fault::Network { node, up: false },
        Some("network-on") => Fault::Network { node, up: true },
        Some("storage-network-off") => Fault::StorageNetwork { node, up: false },
        Some("storage-network-on") => Fault::StorageNetwork { node, up: true },
        Some("master") => Fault::Master { node },
        Some("disk-failure") => Fault::DiskFails {
            node: here,
            repository: given.unwrap_or("").to_owned(),
        },
        Some("hold") => Fault::Holder {
            node: here,
            command: arguments.get(2).copied().unwrap_or("bash").to_owned(),
            path: given.unwrap_or("").to_owned(),
        },
        _ => return not_modelled(&format!("simulate {}", arguments.join(" "))),
    };
    world.apply_fault(&fault);
    quiet(0)
}
