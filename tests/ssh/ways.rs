//! Jump hosts, programs, and what is left to the system's ssh.

use std::fs;
use std::process::Command;

use crate::server::{Reach, Server, free_port, run, settings};
use quorate::inventory::{Node, NodeName};

#[test]
fn hosts_behind_others_are_reached() {
    let (gate, server) = (Server::start(""), Server::start(""));
    // One configuration for both: the gate by its name, with the keys of its own.
    let config = server.configure(&format!(
        "Host gate second\n  HostName 127.0.0.2\n  Port {}\n  HostKeyAlias gate\n  IdentityFile {}/user\n\
         Host 127.0.0.1\n  ProxyJump gate\n\
         Host 127.0.0.3\n  ProxyJump ops@second,gate\n\
         Host 127.0.0.4\n  ProxyCommand ssh -F {}/config -W %h:%p gate\n\
         Host 127.0.0.5\n  ProxyJump lost\n\
         Host 127.0.0.7\n  ProxyCommand sh -c 'echo no ssh here; echo the gate is closed >&2'\n\
         Host lost\n  HostName 127.0.0.1\n  Port {}\n\
         Host circle\n  HostName 127.0.0.6\n  ProxyJump round\n\
         Host round\n  ProxyJump circle",
        gate.port,
        gate.at().display(),
        server.at().display(),
        free_port(),
    ));
    let mut known = fs::read_to_string(server.at().join("known_hosts")).expect("it is there");
    let of_gate = fs::read_to_string(gate.at().join("host.pub")).expect("it is there");
    known.push_str(&format!("gate {of_gate}"));
    fs::write(server.at().join("known_hosts"), known).expect("it can be written");
    let names = [
        "127.0.0.1",
        "127.0.0.3",
        "127.0.0.4",
        "127.0.0.5",
        "127.0.0.7",
        "circle",
    ];
    let nodes = names.map(|name| Node::new(NodeName::from(name)));
    let reach = Reach::new(nodes.to_vec(), settings(&config));
    for host in ["127.0.0.1", "127.0.0.3", "127.0.0.4"] {
        let ended = reach.run(host, "echo $SSH_CONNECTION");
        let end = format!(" {} {}\\n\" \"\"", host, server.port);
        assert!(
            ended.starts_with("0 ") && ended.ends_with(&end),
            "{host}: {ended}"
        );
    }
    let lost = reach.run("127.0.0.5", "true");
    assert!(
        lost.starts_with("unreachable: by its jump host lost: 127.0.0.1:"),
        "{lost}"
    );
    assert!(lost.ends_with(": connection refused"), "{lost}");
    let ended = reach.run("127.0.0.7", "true");
    assert_eq!(
        ended,
        "unreachable: its ProxyCommand ended before the server's greeting: the gate is closed"
    );
    let circle = reach.run("circle", "true");
    assert!(
        circle.contains("the jump hosts lead in a circle (ProxyJump)"),
        "{circle}"
    );
    assert!(reach.told.borrow().is_empty(), "nothing is left to ssh");
}

#[test]
fn what_is_not_covered_is_left_to_ssh_and_says_why() {
    let server = Server::start("");
    let cases = [
        (
            "ForwardAgent yes",
            "its configuration wants the agent on the host (ForwardAgent)",
        ),
        (
            "KexAlgorithms sntrup761x25519-sha512@openssh.com",
            "its configuration wants key exchanges (KexAlgorithms) that this program does not have",
        ),
        (
            "AddressFamily inet",
            "its configuration wants one kind of addresses (AddressFamily)",
        ),
    ];
    for (first, why) in cases {
        let reach = server.reach(first);
        assert_eq!(
            reach.run("127.0.0.1", "echo x; exit 255"),
            r#"255 "x\n" """#,
            "{first}"
        );
        assert_eq!(reach.run("127.0.0.1", "exit 3"), r#"3 "" """#, "{first}");
        let told = format!("127.0.0.1: left to the system's ssh: {why}");
        assert_eq!(*reach.told.borrow(), [told], "it is told once");
    }
}

#[test]
fn a_match_is_settled_for_each_host() {
    let server = Server::start("");
    let reach =
        server.reach("Match host 127.0.0.2\n  SetEnv LC_WHERE=second\nMatch all\n  SetEnv LC_WHERE=other");
    assert_eq!(reach.run("127.0.0.1", "echo $LC_WHERE"), r#"0 "other\n" """#);
    assert_eq!(reach.run("127.0.0.2", "echo $LC_WHERE"), r#"0 "second\n" """#);
}

#[test]
fn a_shared_connection_of_the_user_is_used_and_left_open() {
    let server = Server::start("");
    let socket = server.at().join("shared");
    let config = server.configure(&format!("ControlPath {}", socket.display()));
    run(Command::new("ssh")
        .args(["-M", "-N", "-f", "-o", "BatchMode=yes", "-F"])
        .arg(&config)
        .arg("127.0.0.1")
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null()));
    let own = run(Command::new("ssh")
        .arg("-F")
        .arg(&config)
        .args(["127.0.0.1", "echo $SSH_CONNECTION"]));
    let nodes = vec![Node::new(NodeName::from("127.0.0.1"))];
    let reach = Reach::new(nodes, settings(&config));
    assert_eq!(
        reach.run("127.0.0.1", "echo $SSH_CONNECTION"),
        format!("0 {own:?} \"\"")
    );
    drop(reach);
    let control = |word: &str| {
        let mut command = Command::new("ssh");
        command.args(["-O", word, "-F"]).arg(&config).arg("127.0.0.1");
        command.output().expect("it starts").status.success()
    };
    assert!(control("check"), "it is still open");
    assert!(control("exit"));
}
