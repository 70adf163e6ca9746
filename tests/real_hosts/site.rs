//! Some hosts that a program reaches with one configuration of `ssh` and one inventory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::host::{Host, PORT, as_root, run, write_program};

/// How many hosts this process has had: each has an address of its own.
static HOSTS: AtomicU32 = AtomicU32::new(0);

/// Hosts `n1`, `n2` and so on, in a folder that ends with them.
pub struct Site {
    pub hosts: Vec<Host>,
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub said: String,
}

impl Site {
    /// Starts hosts of these names; `variables` gives what the logins of the host at an address find.
    pub fn start(names: &[&str], variables: impl Fn(&str, &str) -> Vec<(&'static str, String)>) -> Site {
        let folder = new_folder();
        let at = folder.path();
        run(Command::new("chmod").arg("755").arg(at));
        for key in ["host", "user"] {
            let file = at.join(key);
            run(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                .arg(file));
        }
        let count = u32::try_from(names.len()).expect("there are few");
        let first = HOSTS.fetch_add(count, Ordering::Relaxed) + 1;
        assert!(first + count < 255, "there are no addresses left");
        let hosts = names.iter().zip(first..).map(|(name, number)| {
            let address = own_address(number);
            let variables = variables(name, &address);
            Host::start(at, name, &address, &variables)
        });
        let hosts = hosts.collect();
        let site = Site { hosts, folder };
        site.write_known_hosts();
        site
    }

    /// Its folder.
    pub fn at(&self) -> &Path {
        self.folder.path()
    }

    /// The host of this name.
    pub fn host(&self, name: &str) -> &Host {
        let found = self.hosts.iter().find(|host| host.name == name);
        found.unwrap_or_else(|| panic!("there is no host {name}"))
    }

    fn write_known_hosts(&self) {
        let key = fs::read_to_string(self.at().join("host.pub")).expect("it is there");
        fs::write(self.at().join("known_hosts"), format!("[127.*]:{PORT} {key}")).expect("it can be written");
    }

    /// Writes the configuration of the client.
    pub fn write_configuration(&self) -> PathBuf {
        let at = self.at().display();
        let file = self.at().join("config");
        let text = format!(
            "Host *\n  Port {PORT}\n  User root\n  IdentityFile {at}/user\n  IdentityAgent none\n  \
             ConnectTimeout 120\n  UserKnownHostsFile {at}/known_hosts\n  GlobalKnownHostsFile none\n"
        );
        fs::write(&file, text).expect("it can be written");
        file
    }

    /// The part of an inventory that says where the hosts are.
    pub fn addresses(&self) -> String {
        let lines = self
            .hosts
            .iter()
            .map(|host| format!("[nodes.{}]\naddress = \"{}\"\n", host.name, host.address));
        lines.collect()
    }

    /// Carries a runbook out with the real program, on the hosts of the inventory `cluster.toml`.
    pub fn run(&self, runbook: &Path, flags: &[&str]) -> Ran {
        let output = self.command(runbook, flags).output();
        read_end(output.expect("the program was built for this test"))
    }

    /// Rehearses a runbook with the real program, on the hosts of the inventory `cluster.toml`.
    pub fn rehearse(&self, runbook: &Path, flags: &[&str]) -> Ran {
        let output = self.quorate("rehearse", runbook, flags).output();
        read_end(output.expect("the program was built for this test"))
    }

    /// The command that carries a runbook out so.
    pub fn command(&self, runbook: &Path, flags: &[&str]) -> Command {
        self.quorate("run", runbook, flags)
    }

    fn quorate(&self, verb: &str, runbook: &Path, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quorate"));
        command
            .arg(verb)
            .arg(runbook)
            .arg("-i")
            .arg(self.at().join("cluster.toml"))
            .arg("--ssh-config")
            .arg(self.write_configuration())
            .args(flags)
            .env("NO_COLOR", "1")
            .env("QUORATE_JOURNAL", self.at().join("journal"))
            .stdin(Stdio::null());
        command
    }

    /// Carries out a runbook of these lines.
    pub fn run_lines(&self, lines: &str) -> Ran {
        let file = self.at().join("test.runbook");
        fs::write(&file, lines).expect("it can be written");
        self.run(&file, &[])
    }

    /// Expands a runbook of these lines, and carries the plain shell script out.
    pub fn run_expanded(&self, lines: &str) -> Ran {
        let runbook = self.at().join("test.runbook");
        fs::write(&runbook, lines).expect("it can be written");
        let output = self.script("sh", &self.expand(&runbook)).output();
        read_end(output.expect("there is a shell"))
    }

    /// Expands a runbook; the file of the plain shell script.
    pub fn expand(&self, runbook: &Path) -> PathBuf {
        let script = runbook.with_extension("sh");
        let expanded = run(Command::new(env!("CARGO_BIN_EXE_quorate"))
            .arg("expand")
            .arg(runbook)
            .arg("-i")
            .arg(self.at().join("cluster.toml")));
        fs::write(&script, expanded).expect("it can be written");
        script
    }

    /// The command that carries a plain script out.
    pub fn script(&self, shell: &str, script: &Path) -> Command {
        // It asks for the client by its name, and gets one with the configuration of the site.
        let programs = self.at().join("programs");
        let configuration = self.write_configuration();
        let client = format!(
            "#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n",
            configuration.display()
        );
        fs::create_dir_all(&programs).expect("a folder can be made");
        write_program(&programs.join("ssh"), &client);
        let path = std::env::var("PATH").unwrap_or_default();
        let mut words = shell.split(' ');
        let mut command = Command::new(words.next().expect("a shell has a name"));
        command
            .args(words)
            .arg(script)
            .env("PATH", format!("{}:{path}", programs.display()))
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.hosts.clear();
        // Some of what lies in it is root's.
        let _ = as_root()
            .arg("find")
            .arg(self.at())
            .args(["-mindepth", "1", "-delete"])
            .status();
    }
}

/// How it ended, and all that it said.
pub fn read_end(output: Output) -> Ran {
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    Ran {
        code: output.status.code().unwrap_or(-1),
        said: said.join("\n"),
    }
}

/// A folder in memory where there is one: the time that a disk takes to write is not under test.
fn new_folder() -> TempDir {
    let named = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("quorate-");
        builder
    };
    let in_memory = named().tempdir_in("/dev/shm");
    in_memory
        .or_else(|_| named().tempdir())
        .expect("a temporary folder")
}

/// An address that no other process of this machine uses for the same.
fn own_address(number: u32) -> String {
    let process = std::process::id();
    format!("127.{}.{}.{number}", 1 + (process >> 8) % 254, process % 256)
}
