//! Who logs in: keys in files, in the agent, with passphrases and certificates.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::server::{Reach, Server, assert_begins, describe, make_key, request, run, settings};
use quorate::inventory::{Node, NodeName};

const DONE: &str = r#"0 "" """#;

/// Lets the keys in, and no others.
fn let_in(server: &Server, keys: &[&str]) {
    let texts = keys
        .iter()
        .map(|key| fs::read_to_string(server.at().join(format!("{key}.pub"))).expect("it is there"));
    fs::write(server.at().join("authorized_keys"), texts.collect::<String>()).expect("it can be written");
}

/// An agent, which ends with this.
struct Agent(
    Child,
    String,
    #[expect(dead_code, reason = "the agent writes to it")] BufReader<ChildStdout>,
);

impl Agent {
    fn start(server: &Server) -> Agent {
        let socket = server.at().join("agent");
        let mut child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        // It says where it is once it listens.
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("it speaks");
        Agent(child, socket.display().to_string(), output)
    }

    fn add(&self, server: &Server, key: &str) {
        run(Command::new("ssh-add")
            .arg("-q")
            .arg(server.at().join(key))
            .env("SSH_AUTH_SOCK", &self.1));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        // The next one may want the same place.
        let _ = fs::remove_file(&self.1);
    }
}

#[test]
fn keys_of_every_kind_are_taken() {
    let server = Server::start("");
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let key = format!("key-{kind}");
        make_key(&server.at().join(&key), kind, "");
        let_in(&server, &[&key]);
        let reach = server.reach(&format!("IdentityFile {}/{key}", server.at().display()));
        assert_eq!(reach.run("127.0.0.1", "true"), DONE, "{kind}");
        let agent = Agent::start(&server);
        agent.add(&server, &key);
        let reach = server.reach(&format!("IdentityAgent {}", agent.1));
        assert_eq!(reach.run("127.0.0.1", "true"), DONE, "{kind} of the agent");
        assert!(reach.told.borrow().is_empty(), "nothing is left to ssh");
    }
}

#[test]
fn a_wrong_key_is_refused() {
    let server = Server::start("");
    make_key(&server.at().join("other"), "ed25519", "");
    let_in(&server, &["other"]);
    let expected = format!(
        "unreachable: the login as ops was refused; tried: {}/user",
        server.at().display()
    );
    assert_eq!(server.reach("").run("127.0.0.1", "true"), expected);
    // The agent has the right one, and may not be asked for others than those that are named.
    let agent = Agent::start(&server);
    agent.add(&server, "other");
    let of_agent = format!("IdentityAgent {}", agent.1);
    assert_eq!(server.reach(&of_agent).run("127.0.0.1", "true"), DONE);
    let only = server.reach(&format!("{of_agent}\nIdentitiesOnly yes"));
    assert_eq!(only.run("127.0.0.1", "true"), expected);
    fs::remove_file(server.at().join("user")).expect("it is there");
    fs::remove_file(server.at().join("user.pub")).expect("it is there");
    let none = server.reach("").run("127.0.0.1", "true");
    assert_begins(
        "no key",
        &none,
        "unreachable: there is no key to log in with as ops: there is no agent",
    );
}

#[test]
fn a_passphrase_is_asked_for_once() {
    let server = Server::start("");
    make_key(&server.at().join("locked"), "ed25519", "sesame");
    let_in(&server, &["locked"]);
    let first = format!("IdentityFile {}/locked", server.at().display());
    let config = server.configure(&first);
    let nodes = || -> Vec<Node> {
        let names = (1..9).map(|number| NodeName::from(format!("127.0.0.{number}")));
        names.map(Node::new).collect()
    };
    let requests: Vec<_> = nodes()
        .iter()
        .map(|node| request(node.name.as_str(), "true"))
        .collect();
    let prompt = format!("Passphrase for the key {}/locked: ", server.at().display());
    let cases = [
        (Some("sesame"), DONE.to_owned()),
        (
            Some("wrong"),
            format!(
                "unreachable: the login as ops was refused; tried: {0}/user; {0}/locked (not usable: the \
                 passphrase does not fit)",
                server.at().display()
            ),
        ),
        (
            None,
            format!(
                "unreachable: the login as ops was refused; tried: {0}/user; {0}/locked (not usable: it has a \
                 passphrase, and none was given: put it into the agent with ssh-add)",
                server.at().display()
            ),
        ),
    ];
    for (secret, expected) in cases {
        let reach = Reach::with_secret(nodes(), settings(&config), secret);
        for ended in reach.carry_out_together(&requests) {
            assert_eq!(describe(ended), expected);
        }
        assert_eq!(*reach.knows.asked.borrow(), [prompt.as_str()]);
    }
    // A key that the host does not take is not asked about.
    let_in(&server, &["user"]);
    let reach = Reach::with_secret(nodes(), settings(&config), None);
    assert_eq!(reach.run("127.0.0.1", "true"), DONE);
    assert!(reach.knows.asked.borrow().is_empty());
}

#[test]
fn a_certificate_lets_its_key_in() {
    let authority = tempfile::tempdir().expect("a temporary folder");
    let file = authority.path().join("authority");
    make_key(&file, "ed25519", "");
    run(Command::new("chmod").arg("755").arg(authority.path()));
    let server = Server::start(&format!("TrustedUserCAKeys {}.pub", file.display()));
    let_in(&server, &[]);
    assert_begins(
        "no certificate",
        &server.reach("").run("127.0.0.1", "true"),
        "unreachable: the login as ops was refused",
    );
    run(Command::new("ssh-keygen")
        .args(["-q", "-s"])
        .arg(&file)
        .args(["-I", "id", "-n", "ops"])
        .arg(server.at().join("user.pub")));
    let reach = server.reach("");
    assert_eq!(reach.run("127.0.0.1", "true"), DONE, "beside the key");
    let agent = Agent::start(&server);
    agent.add(&server, "user");
    let named = server.at().join("user-cert.pub");
    let moved = server.at().join("elsewhere.pub");
    fs::rename(named, &moved).expect("it can be moved");
    let reach = server.reach(&format!(
        "IdentityAgent {}\nCertificateFile {}",
        agent.1,
        moved.display()
    ));
    assert_eq!(reach.run("127.0.0.1", "true"), DONE, "with the agent's key");
    assert!(reach.told.borrow().is_empty(), "nothing is left to ssh");
}
