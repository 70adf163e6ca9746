//! A host: a real sshd at an address of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The port of every host.
pub const PORT: u16 = 2222;

/// A host whose sshd runs; it ends with this.
pub struct Host {
    /// Its name in the inventory.
    pub name: String,
    /// Its own address on this machine.
    pub address: String,
    /// Its folder.
    pub folder: PathBuf,
    server: Option<Child>,
}

impl Host {
    /// Lays a host out in a folder of `site`, where the keys are, and starts it. `variables` are what
    /// each login finds in its environment, beside a `PATH` that begins with [`Host::programs`].
    pub fn start(site: &Path, name: &str, address: &str, variables: &[(&str, String)]) -> Host {
        let folder = site.join(name);
        for part in ["programs", "services", "home", "tmp"] {
            fs::create_dir_all(folder.join(part)).expect("a folder can be made");
        }
        let mut host = Host {
            name: name.to_owned(),
            address: address.to_owned(),
            folder,
            server: None,
        };
        host.lay_out(site, variables);
        host.switch_on();
        host
    }

    /// Where its own programs are, which stand before those of the machine.
    pub fn programs(&self) -> PathBuf {
        self.folder.join("programs")
    }

    /// What lies in its `/etc/init.d`.
    pub fn services(&self) -> PathBuf {
        self.folder.join("services")
    }

    fn lay_out(&self, site: &Path, variables: &[(&str, String)]) {
        let (at, site) = (self.folder.display(), site.display());
        let mut environment = format!("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", self.programs().display());
        for (name, value) in variables {
            environment.push_str(&format!(" {name}={value}"));
        }
        let options = format!(
            "Port {PORT}\nListenAddress {}\nHostKey {at}/host\nAuthorizedKeysFile {site}/user.pub\n\
             SetEnv {environment}\nUsePAM no\nStrictModes no\nPidFile none\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 1000\nMaxSessions 100\n\
             LoginGraceTime 600\nUseDNS no\nPrintMotd no\n",
            self.address
        );
        let known = fs::read_to_string("/etc/passwd").expect("every machine has accounts");
        let others = known.lines().filter(|line| !line.starts_with("root:"));
        let mut accounts = format!("root:x:0:0::{at}/home:/bin/sh\n");
        others.for_each(|line| accounts.push_str(&format!("{line}\n")));
        // Nobody else on the machine sees these accounts and services; the key of the host is root's.
        let start = format!(
            "set -e\nmkdir -p /run/sshd /etc/init.d\ncp {site}/host {at}/host\nchown 0:0 {at}/host {at}/passwd {at}/shadow\n\
             chmod 600 {at}/host {at}/shadow\nmount --bind {at}/passwd /etc/passwd\nmount --bind {at}/shadow /etc/shadow\n\
             mount --bind {at}/services /etc/init.d\nmount --bind {at}/tmp /var/tmp\nexec /usr/sbin/sshd -D -e -f {at}/sshd_config\n"
        );
        let files = [
            ("sshd_config", options.as_str()),
            ("passwd", &accounts),
            ("shadow", "root:*:19000:0:99999:7:::\n"),
            ("start", &start),
        ];
        for (name, text) in files {
            fs::write(self.folder.join(name), text).expect("it can be written");
        }
    }

    /// Whether its sshd runs.
    pub fn is_on(&self) -> bool {
        self.server.is_some()
    }

    /// Starts its sshd among its own accounts, and waits until it listens.
    pub fn switch_on(&mut self) {
        let mut server = as_root()
            .args(["unshare", "-m", "sh"])
            .arg(self.folder.join("start"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare is part of every Linux");
        let mut lines = BufReader::new(server.stderr.take().expect("it is piped")).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line.expect("it is text");
            if line.contains("Server listening on") {
                // It is read to the end, or the server would wait for room.
                std::thread::spawn(move || lines.count());
                self.server = Some(server);
                return;
            }
            said.push(line);
        }
        let _ = server.wait();
        panic!("sshd of {} does not start: {}", self.name, said.join("; "));
    }

    /// Ends its sshd and all connections, as when its power goes.
    pub fn switch_off(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        // Each connection has a process of its own below it.
        let mut processes = descendants(server.id());
        processes.push(server.id());
        kill("KILL", &processes);
        let _ = server.wait();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.switch_off();
    }
}

/// A command line that runs as root, who alone may give a process accounts of its own.
pub fn as_root() -> Command {
    let is_root = run(Command::new("id").arg("-u")).trim() == "0";
    if is_root {
        return Command::new("env");
    }
    let mut command = Command::new("sudo");
    command.arg("-n");
    command
}

/// Sends a signal to processes that may be root's; those that have gone need none.
pub fn kill(signal: &str, processes: &[u32]) {
    let numbers = processes.iter().map(u32::to_string);
    let _ = as_root()
        .arg("kill")
        .arg(format!("-{signal}"))
        .args(numbers)
        .stderr(Stdio::null())
        .status();
}

/// The processes below one, the oldest first.
fn descendants(process: u32) -> Vec<u32> {
    let text = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output();
    let text = text.map_or_else(
        |_| String::new(),
        |it| String::from_utf8_lossy(&it.stdout).into_owned(),
    );
    let pairs: Vec<(u32, u32)> = text
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse);
            Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .collect();
    let mut found = vec![process];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let below = pairs.iter().filter(|(_, above)| *above == parent);
        found.extend(below.map(|(below, _)| *below));
        at += 1;
    }
    found.remove(0);
    found
}

/// Writes a program.
pub fn write_program(file: &Path, text: &str) {
    fs::write(file, text).expect("it can be written");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// Runs a command that must not fail; what it prints.
pub fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
