//! The ordinary programs of a node, and what a simulated person does with their hands.

use std::fmt::Write;
use std::time::Duration;

use crate::transport::Outcome;
use crate::transport::simulated::command::{Progress, Task, complain, not_modelled, print, quiet};
use crate::transport::simulated::fault::Fault;
use crate::transport::simulated::world::Host;
use crate::transport::simulated::world::World;

/// The second at which simulated calendars begin: 2016-01-08 00:00 UTC.
const CALENDAR: u64 = 1_452_211_200;

/// Runs a program of a node.
pub(in crate::transport::simulated) fn run_tool(world: &mut World, task: &Task, name: &str) -> Progress {
    let arguments = task.arguments();
    match name {
        "true" | ":" | "sleep" | "sync" => quiet(0),
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
        "test" => quiet(test(world, task.host, &arguments)),
        "[" => quiet(test(
            world,
            task.host,
            arguments.strip_suffix(&["]"]).unwrap_or(&arguments),
        )),
        "cat" => concatenate(world, task.host, &arguments),
        "rm" => remove(world, task.host, &arguments),
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
        "fuser" => list_holders(world, task.host, &arguments),
        "mountpoint" => {
            let path = arguments.last().copied().unwrap_or("");
            quiet(i32::from(!world.is_mounted(task.host, path)))
        }
        "mount" => mount(world, task, &arguments),
        "umount" => unmount(world, task.host, &arguments),
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

fn test(world: &World, host: usize, arguments: &[&str]) -> i32 {
    let holds = match arguments {
        ["!", rest @ ..] => return i32::from(test(world, host, rest) == 0),
        ["-e" | "-r" | "-s", path] => world.is_file(host, path) || world.is_directory(host, path),
        ["-f" | "-x" | "-b", path] => world.is_file(host, path),
        ["-d", path] => world.is_directory(host, path),
        ["-n", text] | [text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        [left, "=" | "==", right] => left == right,
        [left, "!=", right] => left != right,
        [left, operator, right] => {
            let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) else {
                return 2;
            };
            match *operator {
                "-eq" => left == right,
                "-ne" => left != right,
                "-lt" => left < right,
                "-le" => left <= right,
                "-gt" => left > right,
                "-ge" => left >= right,
                _ => return 2,
            }
        }
        _ => return 2,
    };
    i32::from(!holds)
}

impl World {
    /// Whether something is mounted at a path.
    pub fn is_mounted(&self, host: usize, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let node = &self.hosts[host];
        (path == self.cluster_mount() && node.has_cluster_mount)
            || node.disk(path).is_some_and(|disk| disk.is_mounted)
            || path.is_empty()
    }

    fn is_file(&self, host: usize, path: &str) -> bool {
        let node = &self.hosts[host];
        let is_script = path
            .strip_prefix("/etc/init.d/")
            .is_some_and(|name| node.services.contains_key(name));
        let is_device = node
            .disks
            .iter()
            .any(|disk| disk.device == path && !disk.has_failed);
        is_script || is_device || node.files.contains_key(path) || self.read_file(host, path).is_some()
    }

    fn is_directory(&self, host: usize, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let node = &self.hosts[host];
        let name = &self.settings.name;
        node.directories.contains(path)
            || matches!(
                path,
                "" | "/etc" | "/etc/init.d" | "/proc" | "/tmp" | "/var" | "/pstorage" | "/etc/pstorage"
            )
            || (node.is_authorised && path == format!("/etc/pstorage/clusters/{name}"))
            || path == self.cluster_mount()
            || node.disks.iter().any(|disk| disk.mount == path)
    }

    fn read_file(&self, host: usize, path: &str) -> Option<String> {
        let node = &self.hosts[host];
        let clusters = format!("/etc/pstorage/clusters/{}/", self.settings.name);
        match path {
            "/proc/sys/kernel/random/boot_id" => Some(format!("{}\n", node.boot_id())),
            "/proc/mounts" | "/etc/mtab" => Some(write_mounts(self, host)),
            "/proc/uptime" => {
                let up = (self.now - node.booted + node.prior_uptime).as_secs_f64();
                Some(format!("{up:.2} {up:.2}\n"))
            }
            "/etc/pstorage/host_id" => Some(format!("{}\n", node.host_id())),
            "/etc/hostname" => Some(format!("{}\n", node.name)),
            "/etc/fstab" => Some(write_fstab(self, host)),
            _ => match path.strip_prefix(clusters.as_str()) {
                Some("bs.list") if node.is_authorised => {
                    let servers = self.metadata.servers.iter();
                    Some(servers.fold(String::new(), |text, it| {
                        text + &self.metadata_address(it.id) + "\n"
                    }))
                }
                Some("auth_digest.key") if node.is_authorised => Some("(encrypted)\n".to_owned()),
                _ => node.files.get(path).cloned(),
            },
        }
    }
}

fn write_mounts(world: &World, host: usize) -> String {
    let mut text =
        "/dev/sda1 / ext4 rw,relatime,barrier=1,data=ordered 0 0\nproc /proc proc rw,relatime 0 0\n"
            .to_owned();
    let node = &world.hosts[host];
    for disk in node.disks.iter().filter(|disk| disk.is_mounted) {
        let _ = writeln!(
            text,
            "{}1 {} ext4 rw,noatime,barrier=1,data=ordered 0 0",
            disk.device, disk.mount
        );
    }
    if node.has_cluster_mount {
        let (name, mount) = (&world.settings.name, world.cluster_mount());
        let _ = writeln!(
            text,
            "pstorage://{name} {mount} fuse.pstorage rw,nosuid,nodev,relatime,user_id=0 0 0"
        );
    }
    text
}

fn write_fstab(world: &World, host: usize) -> String {
    let mut text = "/dev/sda1 / ext4 defaults 1 1\n".to_owned();
    for disk in &world.hosts[host].disks {
        let _ = writeln!(text, "{}1 {} ext4 defaults,noatime 0 0", disk.device, disk.mount);
    }
    let (name, mount) = (&world.settings.name, world.cluster_mount());
    let _ = writeln!(
        text,
        "pstorage://{name} {mount} fuse.pstorage rw,nosuid,nodev 0 0"
    );
    text
}

fn concatenate(world: &World, host: usize, paths: &[&str]) -> Progress {
    let mut outcome = Outcome {
        status: 0,
        output: String::new(),
        errors: String::new(),
    };
    for path in paths.iter().filter(|path| !path.starts_with('-')) {
        match world.read_file(host, path) {
            Some(text) => outcome.output.push_str(&text),
            None => {
                outcome.status = 1;
                let _ = writeln!(outcome.errors, "cat: {path}: No such file or directory");
            }
        }
    }
    Progress::Done(outcome)
}

fn remove(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
    let node = &mut world.hosts[host];
    let is_forced = arguments.iter().any(|it| it.starts_with('-') && it.contains('f'));
    for path in arguments.iter().filter(|it| !it.starts_with('-')) {
        let path = path.trim_end_matches('/');
        let was_there = node.directories.remove(path) | node.files.remove(path).is_some();
        if !was_there && !is_forced {
            return complain(
                1,
                format!("rm: cannot remove `{path}': No such file or directory"),
            );
        }
    }
    quiet(0)
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

fn list_holders(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
    let letters: String = arguments
        .iter()
        .filter(|it| it.starts_with('-'))
        .copied()
        .collect();
    let paths: Vec<&str> = arguments
        .iter()
        .filter(|it| !it.starts_with('-'))
        .copied()
        .collect();
    let mut outcome = Outcome {
        status: 1,
        output: String::new(),
        errors: String::new(),
    };
    if letters.contains('v') {
        outcome
            .errors
            .push_str("                     USER        PID ACCESS COMMAND\n");
    }
    let mut ended = Vec::new();
    for path in paths {
        let path = path.trim_end_matches('/');
        if !world.is_directory(host, path) && !world.is_file(host, path) {
            let _ = writeln!(outcome.errors, "Specified filename {path} does not exist.");
            continue;
        }
        let holders = if world.is_mounted(host, path) {
            world.hosts[host].holders(path)
        } else {
            Vec::new()
        };
        if holders.is_empty() {
            if letters.contains('a') {
                let _ = writeln!(outcome.errors, "{path}:");
            }
            continue;
        }
        outcome.status = 0;
        let mut label = format!("{path}:");
        for (pid, process) in &holders {
            let _ = write!(outcome.output, " {pid}");
            if letters.contains('v') {
                let _ = writeln!(
                    outcome.errors,
                    "{label:<20} root      {pid:>5} F.c.. {}",
                    process.command
                );
            } else {
                outcome.errors.push_str(&label);
            }
            label.clear();
        }
        ended.extend(holders.iter().map(|(pid, _)| *pid));
    }
    if letters.contains('k') {
        for pid in ended {
            world.end_process(host, pid);
        }
    }
    Progress::Done(outcome)
}

fn mount(world: &mut World, task: &Task, arguments: &[&str]) -> Progress {
    let Some(path) = arguments.last().map(|path| path.trim_end_matches('/')) else {
        return print(write_mounts(world, task.host));
    };
    if world.is_mounted(task.host, path) {
        return complain(32, format!("mount: {path} is already mounted or busy"));
    }
    if path == world.cluster_mount() {
        return match world.start_service(task.host, "pstorage-fs", None) {
            Ok(()) => quiet(0),
            Err(why) => complain(32, why),
        };
    }
    match world.hosts[task.host].disk_mut(path) {
        None => complain(1, format!("mount: can't find {path} in /etc/fstab or /etc/mtab")),
        Some(disk) if disk.has_failed => complain(
            32,
            format!(
                "mount: wrong fs type, bad option, bad superblock on {}1",
                disk.device
            ),
        ),
        Some(disk) => {
            disk.is_mounted = true;
            quiet(0)
        }
    }
}

fn unmount(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
    let Some(path) = arguments.iter().rfind(|it| !it.starts_with('-')) else {
        return complain(1, "umount: a path is missing");
    };
    let path = path.trim_end_matches('/');
    if path.is_empty() || !world.is_mounted(host, path) {
        return complain(32, format!("umount: {path}: not mounted"));
    }
    let is_lazy = arguments.contains(&"-l");
    if !is_lazy && !world.hosts[host].holders(path).is_empty() {
        return complain(32, format!("umount: {path}: target is busy."));
    }
    if path == world.cluster_mount() {
        world.stop_service(host, "pstorage-fs", None);
    } else if let Some(disk) = world.hosts[host].disk_mut(path) {
        disk.is_mounted = false;
    }
    quiet(0)
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
