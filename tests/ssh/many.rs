//! Many hosts and many commands at once.

use std::cell::Cell;

use crate::server::{Reach, Server, describe, free_port, request, settings};
use futures_util::stream::{self, StreamExt};
use quorate::inventory::{Node, NodeName};
use quorate::transport::Transport;

const DONE: &str = r#"0 "" """#;

fn nodes(count: usize) -> Vec<Node> {
    let names = (0..count).map(|number| format!("127.0.{}.{}", number / 250, number % 250 + 1));
    names.map(|name| Node::new(NodeName::from(name))).collect()
}

#[test]
fn one_session_at_a_time_serves_many_commands() {
    let server = Server::start("MaxSessions 1");
    let reach = server.reach("");
    let first = reach.run("127.0.0.1", "echo $SSH_CONNECTION");
    let requests = [(); 12].map(|()| request("127.0.0.1", "echo $SSH_CONNECTION"));
    for ended in reach.carry_out_together(&requests) {
        assert_eq!(describe(ended), first, "all go over one connection");
    }
}

#[test]
fn no_session_at_all_is_told() {
    let server = Server::start("MaxSessions 0");
    let ended = server.reach("").run("127.0.0.1", "true");
    assert!(
        ended.starts_with("unreachable: the host opens no session: "),
        "{ended}"
    );
}

#[test]
fn a_server_that_turns_connections_away_is_asked_again() {
    let server = Server::start("MaxStartups 2:100:2");
    let config = server.configure("");
    let nodes = nodes(24);
    let requests: Vec<_> = nodes
        .iter()
        .map(|node| request(node.name.as_str(), "true"))
        .collect();
    let reach = Reach::new(nodes, settings(&config));
    for ended in reach.carry_out_together(&requests) {
        assert_eq!(describe(ended), DONE);
    }
}

#[test]
fn dead_hosts_among_many_hold_nobody_up() {
    let server = Server::start("");
    server.know(&format!("[127.0.*]:{}", server.port), "host");
    let config = server.configure("");
    let mut nodes = nodes(500);
    let dead = free_port();
    for node in nodes.iter_mut().skip(7).step_by(10) {
        node.login.port = Some(dead);
    }
    let requests: Vec<_> = nodes
        .iter()
        .map(|node| request(node.name.as_str(), "true"))
        .collect();
    let reach = Reach::new(nodes, settings(&config));
    let (done, refused) = (Cell::new(0), Cell::new(0));
    reach.block_on(async {
        let ends = stream::iter(&requests).map(|request| reach.transport.carry_out(request));
        ends.buffer_unordered(32)
            .for_each(|ended| async {
                match describe(ended) {
                    ended if ended == DONE => done.set(done.get() + 1),
                    ended => {
                        assert!(
                            ended.ends_with(&format!(":{dead}: connection refused")),
                            "{ended}"
                        );
                        refused.set(refused.get() + 1);
                    }
                }
            })
            .await;
    });
    assert_eq!((done.get(), refused.get()), (450, 50));
}
