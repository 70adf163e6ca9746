//! Hosts that cannot be reached: each says why, and the command surely did not run.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use crate::server::{Reach, Server, assert_begins, free_port, settings};
use quorate::inventory::{Node, NodeName, SshSettings};

/// A server that does with each connection what `treat` does, in a thread; its port.
fn serve(treat: impl Fn(std::net::TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        // Those that are kept are closed with the test.
        for stream in listener.incoming().flatten() {
            treat(stream);
        }
    });
    port
}

fn node_at(port: u16) -> Vec<Node> {
    let mut node = Node::new(NodeName::from("127.0.0.1"));
    node.login.port = Some(port);
    vec![node]
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::start("");
    let config = server.configure("");
    let refused = free_port();
    let silent = serve(std::mem::forget);
    let closing = serve(drop);
    let busy = serve(|mut stream| {
        // What sshd writes beyond its MaxStartups.
        let _ = stream.write_all(b"Exceeded MaxStartups\r\n");
    });
    let half = serve(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-half\r\n");
        std::mem::forget(stream);
    });
    let web = serve(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        std::mem::forget(stream);
    });
    let cases = [
        (
            refused,
            format!("unreachable: 127.0.0.1:{refused}: connection refused"),
        ),
        (
            silent,
            format!(
                "unreachable: no connection within 1s: 127.0.0.1:{silent} takes the connection and says nothing"
            ),
        ),
        (
            closing,
            format!("unreachable: no connection within 1s: 127.0.0.1:{closing} turned "),
        ),
        (
            busy,
            format!("unreachable: no connection within 1s: 127.0.0.1:{busy} turned "),
        ),
        (
            half,
            format!("unreachable: no connection within 1s: 127.0.0.1:{half} greets and says no more"),
        ),
        (web, "unreachable: no connection within 1s: ".to_owned()),
    ];
    for (port, expected) in cases {
        for is_openssh_forced in [false, true] {
            let settings = SshSettings {
                connect_limit: Some(Duration::from_secs(1)),
                is_openssh_forced,
                ..settings(&config)
            };
            let reach = Reach::new(node_at(port), settings);
            let ended = reach.run("127.0.0.1", "true");
            // The system's ssh says it in its own words.
            let expected = if is_openssh_forced {
                "unreachable: "
            } else {
                &expected
            };
            assert_begins("a bad server", &ended, expected);
        }
    }
}

#[test]
fn a_name_without_an_address_is_told() {
    let server = Server::start("");
    let config = server.configure("");
    let reach = Reach::new(
        vec![Node::new(NodeName::from("nowhere.invalid"))],
        settings(&config),
    );
    let ended = reach.run("nowhere.invalid", "true");
    assert_begins(
        "no address",
        &ended,
        "unreachable: the name nowhere.invalid has no address: ",
    );
}

#[test]
fn a_configuration_that_cannot_be_read_is_told() {
    let server = Server::start("");
    let reach = server.reach("NoSuchOption yes");
    let ended = reach.run("127.0.0.1", "true");
    assert_begins(
        "a bad line",
        &ended,
        "unreachable: `ssh -G` does not tell how it is reached: ",
    );
    assert!(
        ended.contains("config: line 1: Bad configuration option: nosuchoption"),
        "{ended}"
    );
    let missing = Reach::new(
        vec![Node::new(NodeName::from("127.0.0.1"))],
        settings(&server.at().join("missing")),
    );
    let ended = missing.run("127.0.0.1", "true");
    assert!(ended.contains("missing: No such file or directory"), "{ended}");
}

#[test]
fn a_host_that_stops_answering_is_noticed() {
    let server = Server::start("");
    let config = server.configure("");
    let all = vec![Node::new(NodeName::from("127.0.0.1"))];
    let settings = SshSettings {
        alive_interval: Some(Duration::from_secs(1)),
        ..settings(&config)
    };
    let reach = Reach::new(all, settings);
    // Its server is stopped, as if the host had frozen.
    let freeze = "p=$$; while read -r name < /proc/$p/comm; case $name in sshd*) false ;; esac; do \
                  read -r _ _ _ p _ < /proc/$p/stat; done; (sleep 20; kill -CONT $p) > /dev/null 2>&1 & \
                  kill -STOP $p; sleep 20";
    assert_eq!(
        reach.run("127.0.0.1", freeze),
        "unknown: the host has not answered the questions whether it lives"
    );
}
