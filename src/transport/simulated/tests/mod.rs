mod doors;
mod metadata;
mod storage;

use std::time::Duration;

use super::{Inspection, Shape, SimulatedCluster};
use crate::inventory::NodeName;
use crate::transport::{Clock, Outcome, Purpose, Request, Transport, TransportError};
use crate::value::CommandLine;

fn request(node: &str, command: &str) -> Request {
    let (command, limit) = (CommandLine::from_quoted(command), Duration::from_secs(300));
    Request::plain(Some(NodeName::from(node)), command, limit, Purpose::Act)
}

fn try_run(cluster: &SimulatedCluster, node: &str, command: &str) -> Result<Outcome, TransportError> {
    let transport = cluster.transport();
    cluster.block_on(transport.carry_out(&request(node, command)))
}

fn run(cluster: &SimulatedCluster, node: &str, command: &str) -> Outcome {
    try_run(cluster, node, command).unwrap_or_else(|error| panic!("{node}: {command}: {error}"))
}

/// Runs a command that must end well, and gives what it prints.
fn good(cluster: &SimulatedCluster, node: &str, command: &str) -> String {
    let outcome = run(cluster, node, command);
    assert_eq!(outcome.status, 0, "{node}: {command}: {outcome:?}");
    outcome.output
}

fn wait(cluster: &SimulatedCluster, seconds: u64) {
    let clock = cluster.clock();
    cluster.block_on(clock.sleep(Duration::from_secs(seconds)));
}

fn stat(cluster: &SimulatedCluster, node: &str) -> String {
    good(cluster, node, "pstorage -c pcs1 stat")
}

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines()
        .find(|line| line.starts_with(start))
        .unwrap_or_else(|| panic!("no `{start}` in\n{text}"))
}

fn shaped(text: &str) -> SimulatedCluster {
    SimulatedCluster::new(Shape::read("test", text).unwrap_or_else(|error| panic!("{error}")))
}

fn count_of(inspection: &Inspection, state: &str) -> usize {
    inspection
        .chunks
        .get(state)
        .copied()
        .unwrap_or_else(|| panic!("no state {state}"))
}

fn update(cluster: &SimulatedCluster, node: &str) {
    good(cluster, node, "yum -y update");
    for service in ["pstorage-mdsd", "pstorage-csd"] {
        good(
            cluster,
            node,
            &format!("test ! -x /etc/init.d/{service} || service {service} restart"),
        );
    }
    wait(cluster, 60);
}
