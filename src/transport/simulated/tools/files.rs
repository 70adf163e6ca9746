//! Files, mounts, and who holds them.

use std::fmt::Write;

use crate::transport::Outcome;
use crate::transport::simulated::command::{Progress, Task, complain, print, quiet};
use crate::transport::simulated::world::{Process, World};

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

/// Judges the conditions of `test`: 0 yes, 1 no, 2 not a condition.
pub(super) fn judge(world: &World, host: usize, arguments: &[&str]) -> i32 {
    let holds = match arguments {
        ["!", rest @ ..] => return i32::from(judge(world, host, rest) == 0),
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

/// Runs `cat FILE...`.
pub(super) fn concatenate(world: &World, host: usize, paths: &[&str]) -> Progress {
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

/// Runs `rm [-rf] PATH...`.
pub(super) fn remove(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
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

/// Runs `fuser [-auvmk] PATH...`.
pub(super) fn list_holders(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
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
        write_holders(&mut outcome, path, &holders, letters.contains('v'));
        ended.extend(holders.iter().map(|(pid, _)| *pid));
    }
    if letters.contains('k') {
        for pid in ended {
            world.end_process(host, pid);
        }
    }
    Progress::Done(outcome)
}

/// Prints as `fuser` does: the numbers to the output, all else beside it.
fn write_holders(outcome: &mut Outcome, path: &str, holders: &[(u32, &Process)], is_verbose: bool) {
    let mut label = format!("{path}:");
    for (pid, process) in holders {
        let _ = write!(outcome.output, " {pid}");
        if is_verbose {
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
}

/// Runs `mount [PATH]`.
pub(super) fn mount(world: &mut World, task: &Task, arguments: &[&str]) -> Progress {
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

/// Runs `umount [-l] PATH`.
pub(super) fn unmount(world: &mut World, host: usize, arguments: &[&str]) -> Progress {
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
