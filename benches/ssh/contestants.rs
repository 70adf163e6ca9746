//! Who competes, and how each is told to do the same work.

use std::fs;
use std::path::{Path, PathBuf};

use super::measure::Start;
use super::server::{Server, USER};
use super::{Work, floor};

/// A tool, or one way to use it.
pub struct Contestant {
    pub name: &'static str,
    /// The program that it needs, beside sh and ssh.
    program: &'static str,
    /// Whether all its processes are waited for, so that what they take is known.
    pub is_whole: bool,
    /// Whether it is asked to do the work.
    pub can: fn(&Work) -> bool,
    /// Writes its files and gives its command.
    pub write: fn(&Errand) -> Start,
}

/// All of them.
pub const CONTESTANTS: [Contestant; 10] = [
    contestant("quorate", "", write_quorate),
    contestant("floor", "", write_floor),
    contestant("floor by sh", "", write_floor_by_sh),
    contestant("pyinfra", "pyinfra", write_pyinfra),
    contestant("fabric", "fab", write_fabric),
    Contestant {
        is_whole: false,
        ..contestant("ansible raw", "ansible", write_ansible)
    },
    Contestant {
        can: is_one,
        ..contestant("clush", "clush", write_clush)
    },
    Contestant {
        can: is_one,
        ..contestant("pdsh", "pdsh", write_pdsh)
    },
    Contestant {
        can: is_in_steps,
        is_whole: false,
        ..contestant("clush ControlMaster", "clush", write_clush_kept)
    },
    Contestant {
        can: is_in_steps,
        is_whole: false,
        ..contestant("pdsh ControlMaster", "pdsh", write_pdsh_kept)
    },
];

const fn contestant(name: &'static str, program: &'static str, write: fn(&Errand) -> Start) -> Contestant {
    Contestant {
        name,
        program,
        is_whole: true,
        can: |_| true,
        write,
    }
}

fn is_one(work: &Work) -> bool {
    work.commands == 1
}

fn is_in_steps(work: &Work) -> bool {
    work.commands > 1 && !work.is_serial
}

/// Where the programs of the contestants are.
pub struct Programs {
    folders: Vec<PathBuf>,
}

impl Programs {
    /// Those that `benches/peers` installs come before those of the machine.
    pub fn find() -> Programs {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        let own = target.map(|target| target.join("peers/bin"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        Programs {
            folders: own.into_iter().chain(std::env::split_paths(&path)).collect(),
        }
    }

    /// Whether the program of a contestant is there.
    pub fn has(&self, who: &Contestant) -> bool {
        who.program.is_empty() || self.look_for(who.program).is_some()
    }

    fn look_for(&self, program: &str) -> Option<PathBuf> {
        let mut paths = self.folders.iter().map(|folder| folder.join(program));
        paths.find(|path| path.is_file())
    }

    /// The path of a program that is there.
    fn path(&self, program: &str) -> String {
        let path = self.look_for(program);
        path.unwrap_or_else(|| panic!("{program} was there"))
            .display()
            .to_string()
    }
}

/// Work for one contestant, once.
pub struct Errand<'a> {
    pub server: &'a Server,
    pub programs: &'a Programs,
    pub work: Work,
    /// What each host carries out.
    pub command: &'a str,
    /// A folder for files and for the home.
    pub folder: &'a Path,
}

impl Errand<'_> {
    /// The folder with the sockets of connections that stay open.
    pub fn sockets(&self) -> PathBuf {
        self.folder.join("cm")
    }

    fn hosts(&self) -> &[String] {
        self.server.hosts(self.work.hosts)
    }

    fn at_once(&self) -> String {
        let count = if self.work.is_serial { 1 } else { self.work.hosts };
        count.to_string()
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("it can be written");
        path.display().to_string()
    }

    fn client_configuration(&self) -> String {
        self.server.client_configuration().display().to_string()
    }

    /// The same text for each command.
    fn repeat(&self, text: &str) -> String {
        text.repeat(self.work.commands)
    }

    /// A script of `sh` that ends at the first line that fails.
    fn script(&self, line: &str) -> Start {
        fs::create_dir(self.sockets()).expect("it can be made");
        let script = self.file(
            "script",
            &format!("set -e\n{}", self.repeat(&format!("{line}\n"))),
        );
        start(&["sh", &script])
    }

    /// Options of `ssh`: the configuration, with connections that stay open when that is wanted.
    fn ssh_options(&self, is_kept: bool) -> String {
        let configuration = self.client_configuration();
        if !is_kept {
            return format!("-F {configuration}");
        }
        let kept = self.file(
            "config",
            &format!(
                "ControlMaster auto\nControlPersist 60\nControlPath {}/%h\nInclude {configuration}\n",
                self.sockets().display()
            ),
        );
        format!("-F {kept}")
    }
}

fn start(words: &[&str]) -> Start {
    Start {
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        variables: Vec::new(),
    }
}

fn write_quorate(errand: &Errand) -> Start {
    let inventory = errand.file("hosts", &format!("{}\n", errand.hosts().join("\n")));
    let act = format!("run \"{}\"\n", errand.command);
    let script = match errand.work.is_serial {
        true => format!("on all serially <\n{}>\n", errand.repeat(&act)),
        false => errand.repeat(&format!("on all in parallel <\n{act}>\n")),
    };
    let script = errand.file("bench.runbook", &script);
    Start {
        variables: vec![(
            "XDG_STATE_HOME".to_owned(),
            errand.folder.join("state").display().to_string(),
        )],
        ..start(&[
            env!("CARGO_BIN_EXE_quorate"),
            "run",
            "--inventory",
            &inventory,
            "--ssh-config",
            &errand.client_configuration(),
            "--fanout",
            &errand.at_once(),
            &script,
        ])
    }
}

fn floor(errand: &Errand, command: &str) -> Start {
    let server = errand.server;
    let key = server.key();
    Start {
        words: floor::words(errand.work, server.port, &key, errand.hosts(), command),
        variables: Vec::new(),
    }
}

fn write_floor(errand: &Errand) -> Start {
    floor(errand, errand.command)
}

/// What not to rely on the login shell costs: each host starts a second shell for the command.
fn write_floor_by_sh(errand: &Errand) -> Start {
    floor(errand, &format!("exec sh -c '{}'", errand.command))
}

fn write_pyinfra(errand: &Errand) -> Start {
    let server = errand.server;
    let inventory = errand.file(
        "inventory.py",
        &format!(
            "hosts = ({:?}, {{'ssh_port': {}, 'ssh_user': '{USER}', 'ssh_key': {:?}, \
             'ssh_known_hosts_file': {:?}, 'ssh_strict_host_key_checking': 'yes', \
             'ssh_allow_agent': False, 'ssh_look_for_keys': False}})\n",
            errand.hosts(),
            server.port,
            server.key(),
            server.known_hosts()
        ),
    );
    let act = format!("server.shell(commands=[{:?}])\n", errand.command);
    let deploy = errand.file(
        "deploy.py",
        &format!("from pyinfra.operations import server\n{}", errand.repeat(&act)),
    );
    let program = errand.programs.path("pyinfra");
    let at_once = errand.at_once();
    let mut words = vec![program.as_str(), "--yes"];
    match errand.work.is_serial {
        true => words.push("--serial"),
        false => words.extend(["--parallel", &at_once]),
    }
    words.push(&inventory);
    match errand.work.commands {
        1 => words.extend(["exec", "--", errand.command]),
        _ => words.push(&deploy),
    }
    start(&words)
}

fn write_fabric(errand: &Errand) -> Start {
    let server = errand.server;
    let act = format!("run({:?}, hide=True, in_stream=False)\n", errand.command);
    let acts = match errand.work.is_serial {
        true => format!(
            "for host in group:\n{}",
            errand.repeat(&format!("    host.{act}"))
        ),
        false => errand.repeat(&format!("group.{act}")),
    };
    let script = errand.file(
        "script.py",
        &format!(
            "from fabric import ThreadingGroup\nfrom paramiko import RejectPolicy\n\
             group = ThreadingGroup(*{:?}, user='{USER}', port={}, connect_kwargs={{\
             'key_filename': {:?}, 'allow_agent': False, 'look_for_keys': False}})\n\
             for host in group:\n    host.client.load_host_keys({:?})\n    \
             host.client.set_missing_host_key_policy(RejectPolicy())\n{acts}group.close()\n",
            errand.hosts(),
            server.port,
            server.key(),
            server.known_hosts()
        ),
    );
    start(&[&errand.programs.path("python"), &script])
}

fn write_ansible(errand: &Errand) -> Start {
    let inventory = errand.file(
        "hosts",
        &format!(
            "{}\n[all:vars]\nansible_ssh_common_args=\"-F {}\"\n",
            errand.hosts().join("\n"),
            errand.client_configuration()
        ),
    );
    let settings = errand.file(
        "ansible.cfg",
        &format!(
            "[defaults]\nhost_key_checking = True\n[ssh_connection]\ncontrol_path_dir = {}\n",
            errand.sockets().display()
        ),
    );
    let program = |name: &str| errand.programs.path(name);
    let at_once = errand.at_once();
    let play = |order: &str| {
        let task = format!("    - ansible.builtin.raw: {:?}\n", errand.command);
        let play = format!(
            "- hosts: all\n  gather_facts: false\n{order}  tasks:\n{}",
            errand.repeat(&task)
        );
        let playbook = errand.file("play.yml", &play);
        start(&[
            &program("ansible-playbook"),
            "-i",
            &inventory,
            "-f",
            &at_once,
            &playbook,
        ])
    };
    let mut started = match errand.work {
        Work { is_serial: true, .. } => play("  serial: 1\n"),
        Work { commands: 1, .. } => start(&[
            &program("ansible"),
            "all",
            "-i",
            &inventory,
            "-f",
            &at_once,
            "-m",
            "raw",
            "-a",
            errand.command,
        ]),
        _ => play(""),
    };
    started.variables.push(("ANSIBLE_CONFIG".to_owned(), settings));
    started
}

fn clush(errand: &Errand, is_kept: bool) -> String {
    format!(
        "{} -S -n -f {} -o '{}' -w {} '{}'",
        errand.programs.path("clush"),
        errand.at_once(),
        errand.ssh_options(is_kept),
        errand.hosts().join(","),
        errand.command
    )
}

fn write_clush(errand: &Errand) -> Start {
    errand.script(&clush(errand, false))
}

fn write_clush_kept(errand: &Errand) -> Start {
    errand.script(&clush(errand, true))
}

fn pdsh(errand: &Errand, is_kept: bool) -> Start {
    let line = format!(
        "{} -R ssh -S -f {} -l {USER} -w {} '{}'",
        errand.programs.path("pdsh"),
        errand.at_once(),
        errand.hosts().join(","),
        errand.command
    );
    Start {
        variables: vec![("PDSH_SSH_ARGS_APPEND".to_owned(), errand.ssh_options(is_kept))],
        ..errand.script(&line)
    }
}

fn write_pdsh(errand: &Errand) -> Start {
    pdsh(errand, false)
}

fn write_pdsh_kept(errand: &Errand) -> Start {
    pdsh(errand, true)
}
