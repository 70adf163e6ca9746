//! An ssh server that is every host, with an account of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Who logs in: an account with `/bin/sh` and without start-up files.
pub const USER: &str = "bench";
/// The number of the account.
const NUMBER: u32 = 61009;
/// How long the server may take to end all connections.
const LONGEST_FAREWELL: Duration = Duration::from_secs(90);

/// A running server; it ends with this.
pub struct Server {
    folder: TempDir,
    pub port: u16,
    hosts: Vec<String>,
    child: Child,
}

impl Server {
    /// Starts a server for so many hosts; `options` are added to its configuration.
    pub fn start(options: &str, host_count: usize) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        // The account looks for its keys in it.
        run(Command::new("chmod").arg("755").arg(at));
        for name in ["host", "user"] {
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                .arg(at.join(name)));
        }
        fs::copy(at.join("user.pub"), at.join("authorized_keys")).expect("it can be copied");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let hosts: Vec<String> = (0..host_count)
            .map(|number| format!("127.0.{}.{}", number / 250 + 1, number % 250 + 1))
            .collect();
        write_configurations(at, options, port, &hosts);
        write_account(at);
        let child = start(at);
        Server {
            folder,
            port,
            hosts,
            child,
        }
    }

    /// The folder with its keys and files.
    pub fn at(&self) -> &Path {
        self.folder.path()
    }

    /// The first hosts.
    pub fn hosts(&self, count: usize) -> &[String] {
        &self.hosts[..count]
    }

    /// The private key of who logs in.
    pub fn key(&self) -> PathBuf {
        self.at().join("user")
    }

    /// The keys of all hosts, a line each.
    pub fn known_hosts(&self) -> PathBuf {
        self.at().join("known_hosts")
    }

    /// The configuration of clients.
    pub fn client_configuration(&self) -> PathBuf {
        self.at().join("config")
    }

    /// Lets everybody write to a file.
    pub fn open_to_all(&self, file: &Path) {
        run(Command::new("chmod").arg("666").arg(file));
    }

    /// Waits until all connections have ended, so that none takes time from what comes next.
    pub fn wait_until_idle(&self) {
        let number = fs::read_to_string(self.at().join("number")).expect("the server writes it");
        let number = number.trim();
        let began = Instant::now();
        loop {
            let children = fs::read_to_string(format!("/proc/{number}/task/{number}/children"));
            if children.expect("the server runs").trim().is_empty() {
                return;
            }
            assert!(
                began.elapsed() < LONGEST_FAREWELL,
                "connections stay open after the run"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be root's, and ends its own children when it is asked to.
        let _ = as_root()
            .args(["kill", &self.child.id().to_string()])
            .stderr(Stdio::null())
            .status();
        let _ = self.child.wait();
    }
}

fn write_configurations(at: &Path, options: &str, port: u16, hosts: &[String]) {
    let folder = at.display();
    let server = format!(
        "{options}\nPort {port}\nListenAddress 0.0.0.0\nHostKey {folder}/host\n\
         AuthorizedKeysFile {folder}/authorized_keys\nPidFile {folder}/number\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 10000\nMaxSessions 1000\n\
         LoginGraceTime 600\nUseDNS no\nPrintMotd no\n"
    );
    let client = format!(
        "Host *\n  Port {port}\n  User {USER}\n  IdentityFile {folder}/user\n  IdentitiesOnly yes\n  \
         IdentityAgent none\n  UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile none\n  \
         StrictHostKeyChecking yes\n  ConnectTimeout 120\n"
    );
    let key = fs::read_to_string(at.join("host.pub")).expect("it was made");
    let lines = hosts
        .iter()
        .map(|host| format!("[{host}]:{port} {}\n", key.trim()));
    for (name, text) in [
        ("sshd_config", server),
        ("config", client),
        ("known_hosts", lines.collect()),
    ] {
        fs::write(at.join(name), text).expect("it can be written");
    }
}

/// Writes the accounts that the server sees, and the script that starts it among them.
fn write_account(at: &Path) {
    let folder = at.display();
    let home = at.join("home");
    fs::create_dir(&home).expect("it can be made");
    let accounts = fs::read_to_string("/etc/passwd").expect("every machine has accounts");
    let accounts = format!(
        "{accounts}{USER}:x:{NUMBER}:{NUMBER}::{}:/bin/sh\n",
        home.display()
    );
    let script = format!(
        "set -e\nchown {NUMBER}:{NUMBER} {folder}/home\nchown 0:0 {folder}/host {folder}/passwd {folder}/shadow\n\
         chmod 644 {folder}/passwd\nchmod 600 {folder}/shadow\nmkdir -p /run/sshd\n\
         for file in passwd shadow; do mount --bind {folder}/$file /etc/$file; done\n\
         exec /usr/sbin/sshd -D -e -f {folder}/sshd_config\n"
    );
    for (name, text) in [
        ("passwd", accounts),
        (
            "shadow",
            format!("{USER}:*:19000:0:99999:7:::\nroot:*:19000:0:99999:7:::\n"),
        ),
        ("start", script),
    ] {
        fs::write(at.join(name), text).expect("it can be written");
    }
}

/// Starts the server, and waits until it listens.
fn start(at: &Path) -> Child {
    let mut child = as_root()
        .args(["unshare", "-m", "sh"])
        .arg(at.join("start"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare is part of every Linux");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut said = Vec::new();
    for line in lines.by_ref() {
        let line = line.expect("it is text");
        if line.contains("Server listening on") {
            // It is read to the end, or the server would wait for room.
            thread::spawn(move || lines.count());
            return child;
        }
        said.push(line);
    }
    let _ = child.wait();
    panic!("sshd does not start: {}", said.join("; "));
}

/// Runs a command that must not fail.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A command line that runs as root, who alone can have a server for another account.
fn as_root() -> Command {
    if run(Command::new("id").arg("-u")).trim() == "0" {
        return Command::new("env");
    }
    let mut command = Command::new("sudo");
    command.arg("-n");
    command
}
