//! A server with its accounts, and a transport to it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use quorate::inventory::{Inventory, Node, NodeName, SshSettings};
use quorate::transport::{
    Outcome, Purpose, Request, Secrets, SshOptions, SshTransport, Tee, Transport, TransportError,
};
use quorate::value::{CommandLine, Secret};
use tempfile::TempDir;

/// The accounts that each server has: name, number, login shell, start-up file and its text.
const ACCOUNTS: [(&str, u32, &str, &str, &str); 8] = [
    ("ops", 61001, "/bin/sh", "", ""),
    ("free", 61002, "/bin/sh", "", ""),
    (
        "noisy",
        61003,
        "/bin/bash",
        ".bashrc",
        "echo welcome\nprintf 'no end of line'\necho 'mind the gap' >&2\n",
    ),
    (
        "quits",
        61004,
        "/bin/bash",
        ".bashrc",
        "echo closed for repairs\nexit 3\n",
    ),
    ("tcsh", 61005, "/usr/bin/tcsh", ".cshrc", "echo welcome to tcsh\n"),
    (
        "fish",
        61006,
        "/usr/bin/fish",
        ".config/fish/config.fish",
        "echo welcome to fish\n",
    ),
    ("nologin", 61007, "/usr/sbin/nologin", "", ""),
    (
        "floods",
        61008,
        "/bin/bash",
        ".bashrc",
        "head -c 3000000 /dev/zero | tr '\\0' n\n",
    ),
];

/// The password of `ops`.
pub const PASSWORD: &str = "correct horse";

/// A running server; it ends with this.
pub struct Server {
    pub folder: TempDir,
    pub port: u16,
    child: Child,
}

impl Server {
    /// Starts a server with a host key, a user key and the accounts; `options` are added to its configuration.
    pub fn start(options: &str) -> Server {
        Server::start_in(options, |at| make_key(&at.join("host"), "ed25519", ""))
    }

    /// Starts another server with the host key of this one, and with `key FILE` for one of its files.
    pub fn start_with(other: &Server, key: &str, file: &str) -> Server {
        let from = other.at().join(file);
        let options = format!("{key} {}", from.display());
        Server::start_in(&options, |at| {
            for name in ["host", "host.pub"] {
                run(as_root().arg("cp").arg("-p").arg(other.at().join(name)).arg(at));
            }
        })
    }

    fn start_in(options: &str, prepare: impl FnOnce(&Path)) -> Server {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = folder.path();
        // The accounts look for their keys in it.
        run(Command::new("chmod").arg("755").arg(at));
        prepare(at);
        make_key(&at.join("user"), "ed25519", "");
        fs::copy(at.join("user.pub"), at.join("authorized_keys")).expect("it can be copied");
        write_accounts(at);
        let port = free_port();
        let own = format!(
            "{options}\nPort {port}\nListenAddress 0.0.0.0\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized_keys\n\
             UsePAM no\nStrictModes no\nPidFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin yes\nMaxStartups 1000\nMaxSessions 100\nAcceptEnv LC_*\nLoginGraceTime 600\n\
             UseDNS no\nPrintMotd no\n",
            at.display()
        );
        fs::write(at.join("sshd_config"), own).expect("it can be written");
        let child = start(at);
        let server = Server { folder, port, child };
        server.know(&format!("[127.0.0.*]:{port}"), "host");
        server
    }

    /// The folder with its keys and files.
    pub fn at(&self) -> &Path {
        self.folder.path()
    }

    /// Makes the key in the file `key` the known one of a host; `markers` may stand before the name.
    pub fn know(&self, name: &str, key: &str) {
        let public = fs::read_to_string(self.at().join(format!("{key}.pub"))).expect("it is there");
        let words: Vec<&str> = public.split(' ').take(2).collect();
        fs::write(
            self.at().join("known_hosts"),
            format!("{name} {}\n", words.join(" ").trim()),
        )
        .expect("it can be written");
    }

    /// Writes a configuration of the client; `first` stands before what each has.
    pub fn configure(&self, first: &str) -> PathBuf {
        let at = self.at().display();
        let file = self.at().join("config");
        let text = format!(
            "{first}\nHost *\n  Port {}\n  User ops\n  IdentityFile {at}/user\n  IdentityAgent none\n  \
             UserKnownHostsFile {at}/known_hosts\n  GlobalKnownHostsFile none\n",
            self.port
        );
        fs::write(&file, text).expect("it can be written");
        file
    }

    /// A transport to the hosts `127.0.0.[1-9]` of this server.
    pub fn reach(&self, first: &str) -> Reach {
        let config = self.configure(first);
        let nodes = (1..10).map(|number| Node::new(NodeName::from(format!("127.0.0.{number}"))));
        Reach::new(nodes.collect(), settings(&config))
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

/// How real hosts are reached in tests: slowly, on a machine that does much else.
pub fn settings(config: &Path) -> SshSettings {
    SshSettings {
        config: Some(config.display().to_string()),
        connect_limit: Some(Duration::from_secs(120)),
        ..SshSettings::default()
    }
}

/// Somebody who knows a password, and counts how often it is asked for.
#[derive(Default)]
pub struct Knows {
    pub secret: Option<&'static str>,
    pub asked: RefCell<Vec<String>>,
}

#[async_trait(?Send)]
impl Secrets for Knows {
    async fn ask(&self, prompt: &str) -> Option<Secret> {
        self.asked.borrow_mut().push(prompt.to_owned());
        self.secret.map(Secret::new)
    }
}

/// A transport, and what it told.
pub struct Reach {
    pub transport: SshTransport,
    pub knows: Rc<Knows>,
    pub told: Rc<RefCell<Vec<String>>>,
    runtime: tokio::runtime::Runtime,
}

impl Reach {
    pub fn new(nodes: Vec<Node>, settings: SshSettings) -> Reach {
        Reach::with_secret(nodes, settings, None)
    }

    pub fn with_secret(nodes: Vec<Node>, settings: SshSettings, secret: Option<&'static str>) -> Reach {
        Reach::with_tee(nodes, settings, secret, Arc::default())
    }

    /// The same, with a place for what commands print.
    pub fn with_tee(
        nodes: Vec<Node>,
        settings: SshSettings,
        secret: Option<&'static str>,
        tee: Arc<Tee>,
    ) -> Reach {
        let inventory = Inventory::build("test", None, nodes, BTreeMap::new(), BTreeMap::new())
            .expect("a good inventory");
        let knows = Rc::new(Knows {
            secret,
            ..Knows::default()
        });
        let told: Rc<RefCell<Vec<String>>> = Rc::default();
        let listener = Rc::clone(&told);
        let options = SshOptions {
            settings,
            secrets: Rc::clone(&knows) as Rc<dyn Secrets>,
            tell: Box::new(move |why| listener.borrow_mut().push(why.to_owned())),
            tee,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be built");
        Reach {
            transport: SshTransport::new(Arc::new(inventory), options),
            knows,
            told,
            runtime,
        }
    }

    /// Carries a command out on a host and writes its end down.
    pub fn run(&self, host: &str, text: &str) -> String {
        describe(self.carry_out(request(host, text)))
    }

    /// Carries a request out.
    pub fn carry_out(&self, request: Request) -> Result<Outcome, TransportError> {
        self.block_on(self.transport.carry_out(&request))
    }

    /// Waits for what is done with the transport.
    pub fn block_on<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// Carries requests out at the same time.
    pub fn carry_out_together(&self, requests: &[Request]) -> Vec<Result<Outcome, TransportError>> {
        let all = requests.iter().map(|request| self.transport.carry_out(request));
        self.block_on(futures_util::future::join_all(all))
    }
}

impl Drop for Reach {
    fn drop(&mut self) {
        self.runtime.block_on(self.transport.close());
    }
}

/// A command for a host, with much time.
pub fn request(host: &str, text: &str) -> Request {
    Request {
        node: Some(NodeName::from(host)),
        command: CommandLine::from_quoted(text),
        input: None,
        limit: Duration::from_secs(300),
        purpose: Purpose::Act,
        as_root: false,
    }
}

/// An end as text: `0 "output" "errors"`, or the error.
pub fn describe(ended: Result<Outcome, TransportError>) -> String {
    match ended {
        Ok(outcome) => format!("{} {:?} {:?}", outcome.status, outcome.output, outcome.errors),
        Err(TransportError::Unreachable { why, .. }) => format!("unreachable: {why}"),
        Err(TransportError::Unknown {
            why, is_late: true, ..
        }) => format!("late: {why}"),
        Err(TransportError::Unknown { why, .. }) => format!("unknown: {why}"),
        Err(error @ (TransportError::HeldBack | TransportError::Locked { .. })) => error.to_string(),
    }
}

/// Whether a text begins as it should.
#[track_caller]
pub fn assert_begins(what: &str, text: &str, expected: &str) {
    assert!(
        text.starts_with(expected),
        "{what}: `{text}` should begin with `{expected}`"
    );
}

/// Makes a key with a passphrase.
pub fn make_key(file: &Path, kind: &str, passphrase: &str) {
    run(Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "", "-f"])
        .arg(file));
}

/// Runs a command that must not fail.
pub fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

/// A command line that runs as root, who alone can have a server for several accounts.
fn as_root() -> Command {
    let is_root = run(Command::new("id").arg("-u")).trim() == "0";
    if is_root {
        return Command::new("env");
    }
    let mut command = Command::new("sudo");
    command.arg("-n");
    command
}

fn write_accounts(at: &Path) {
    let mut accounts = fs::read_to_string("/etc/passwd").expect("every machine has accounts");
    let mut script = String::new();
    for (name, number, shell, file, text) in ACCOUNTS {
        let home = at.join(name);
        fs::create_dir(&home).expect("it can be made");
        if !file.is_empty() {
            let file = home.join(file);
            fs::create_dir_all(file.parent().expect("it lies in the home")).expect("it can be made");
            fs::write(file, text).expect("it can be written");
        }
        accounts.push_str(&format!(
            "{name}:x:{number}:{number}::{}:{shell}\n",
            home.display()
        ));
        script.push_str(&format!("chown -R {number}:{number} {}\n", home.display()));
    }
    let hash = run(Command::new("openssl").args(["passwd", "-6", PASSWORD]));
    fs::write(at.join("passwd"), accounts).expect("it can be written");
    fs::write(
        at.join("shadow"),
        format!(
            "ops:{}:19000:0:99999:7:::\nfree:*:19000:0:99999:7:::\nroot:*:19000:0:99999:7:::\n",
            hash.trim()
        ),
    )
    .expect("it can be written");
    let rights = "Defaults !syslog\nroot ALL=(ALL) ALL\nops ALL=(ALL) ALL\nfree ALL=(ALL) NOPASSWD: ALL\n";
    fs::write(at.join("sudoers"), rights).expect("it can be written");
    script.push_str(&format!(
        "set -e\nchown 0:0 {0}/passwd {0}/shadow {0}/sudoers\nchmod 644 {0}/passwd\nchmod 600 {0}/shadow\n\
         chmod 440 {0}/sudoers\nchown 0:0 {0}/host\nmkdir -p /run/sshd\n\
         for file in passwd shadow sudoers; do mount --bind {0}/$file /etc/$file; done\n\
         exec /usr/sbin/sshd -D -e -f {0}/sshd_config\n",
        at.display()
    ));
    fs::write(at.join("start"), script).expect("it can be written");
}

/// Starts the server among its accounts, and waits until it listens.
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
            std::thread::spawn(move || lines.count());
            return child;
        }
        said.push(line);
    }
    let _ = child.wait();
    panic!("sshd does not start: {}", said.join("; "));
}
