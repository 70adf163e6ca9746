use std::time::Duration;

use super::{CommandFault, Fault, Inspection, Shape, SimulatedCluster};
use crate::inventory::NodeName;
use crate::transport::{Clock, Outcome, Purpose, Request, Transport, TransportError};
use crate::value::CommandLine;

fn request(node: &str, command: &str) -> Request {
    Request {
        node: Some(NodeName::from(node)),
        command: CommandLine::from_quoted(command),
        input: None,
        limit: Duration::from_secs(300),
        purpose: Purpose::Act,
        as_root: false,
    }
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

#[test]
fn a_healthy_cluster_prints_the_documented_format() {
    let cluster = SimulatedCluster::from_default();
    let text = stat(&cluster, "node1");
    println!("{text}");
    assert!(text.starts_with("connected to MDS#1\nCluster 'pcs1': healthy\n"));
    assert!(line(&text, "MDS nodes:").starts_with("MDS nodes: 5 of 5, epoch uptime: 19d 23h"));
    assert_eq!(
        line(&text, "CS nodes:"),
        "CS nodes:  12 of 12 (12 avail, 0 inactive, 0 offline)"
    );
    assert_eq!(line(&text, "Replication:"), "Replication:  3 norm,  2 limit");
    assert!(line(&text, "Chunks:").starts_with("Chunks: [OK] 100% healthy,  0% standby"));
    assert!(line(&text, "M ").ends_with("node1:2510"), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains(" active ")).count(), 12);
}
