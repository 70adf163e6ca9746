use std::time::Duration;

use super::{count_of, good, line, request, run, shaped, stat, try_run, update, wait};
use crate::transport::simulated::{Fault, SimulatedCluster};
use crate::transport::{Request, Transport, TransportError};

#[test]
fn the_view_of_a_stopped_server_lags() {
    let cluster = SimulatedCluster::from_default();
    good(&cluster, "node3", "service pstorage-mdsd stop");
    good(&cluster, "node4", "service pstorage-csd stop /pstorage/pcs1-cs1");
    let text = stat(&cluster, "node1");
    assert!(
        line(&text, "MDS nodes:").starts_with("MDS nodes: 5 of 5"),
        "{text}"
    );
    assert!(
        line(&text, "CS nodes:").contains("(12 avail, 0 inactive"),
        "{text}"
    );
    wait(&cluster, 10);
    let text = stat(&cluster, "node1");
    assert!(
        line(&text, "MDS nodes:").starts_with("MDS nodes: 4 of 5"),
        "{text}"
    );
    assert!(
        line(&text, "CS nodes:").contains("(11 avail, 1 inactive"),
        "{text}"
    );
    assert!(line(&text, "    3 unavail").ends_with("node3:2510"), "{text}");
}

#[test]
fn a_started_metadata_server_counts_once_it_has_caught_up() {
    let cluster = SimulatedCluster::from_default();
    good(&cluster, "node3", "service pstorage-mdsd stop");
    wait(&cluster, 30);
    good(&cluster, "node3", "service pstorage-mdsd start");
    assert_eq!(cluster.inspect().answering, 4);
    assert!(line(&stat(&cluster, "node1"), "    3 sync").ends_with("node3:2510"));
    wait(&cluster, 11);
    assert_eq!(cluster.inspect().answering, 5);
    assert!(line(&stat(&cluster, "node1"), "MDS nodes:").starts_with("MDS nodes: 5 of 5"));
}

#[test]
fn another_master_is_elected_and_does_not_know_the_health_at_once() {
    let cluster = SimulatedCluster::from_default();
    good(&cluster, "node1", "service pstorage-mdsd stop");
    assert_eq!(cluster.inspect().master, None);
    let text = stat(&cluster, "node2");
    assert!(
        text.starts_with("connected to MDS#2\nCluster 'pcs1': unknown\n"),
        "{text}"
    );
    assert!(line(&text, "M   2").ends_with("node2:2510"));
    assert!(
        line(&text, "MDS nodes:").contains("epoch uptime: 0s") || text.contains("epoch uptime: 1s"),
        "{text}"
    );
    wait(&cluster, 25);
    assert!(stat(&cluster, "node2").contains("Cluster 'pcs1': healthy"));
    assert_eq!(cluster.inspect().majority_lost_at, None);
}

#[test]
fn without_a_majority_the_tool_hangs_and_gives_up() {
    let cluster = SimulatedCluster::from_default();
    for number in 1..=6 {
        good(&cluster, &format!("node{number}"), "shaman -c pcs1 leave");
    }
    for node in ["node1", "node2", "node3"] {
        good(&cluster, node, "service pstorage-mdsd stop");
    }
    let inspection = cluster.inspect();
    assert!(!inspection.has_majority);
    assert!(inspection.majority_lost_at.is_some());
    let outcome = run(&cluster, "node4", "pstorage -c pcs1 stat");
    assert_eq!(
        (outcome.status, outcome.errors.as_str()),
        (1, "pstorage: Service unavailable\n")
    );
    let transport = cluster.transport();
    let short = Request {
        limit: Duration::from_secs(30),
        ..request("node4", "pstorage -c pcs1 stat")
    };
    let ended = cluster.block_on(transport.carry_out(&short));
    assert!(matches!(ended, Err(TransportError::Unknown { ref why, .. }) if why.contains("longer than 30s")));
    good(&cluster, "node1", "service pstorage-mdsd start");
    wait(&cluster, 20);
    assert!(cluster.inspect().has_majority);
    assert!(stat(&cluster, "node4").contains("MDS nodes: 3 of 5"));
}

#[test]
fn removals_that_would_harm_are_refused() {
    let cluster = SimulatedCluster::from_default();
    for (node, id) in [("node4", 4), ("node5", 5)] {
        good(&cluster, node, "service pstorage-mdsd stop");
        assert!(cluster.inspect().has_majority, "without MDS {id}");
    }
    let refused = run(&cluster, "node1", "pstorage -c pcs1 rm-mds 3");
    assert_eq!(
        refused.errors,
        "pstorage: Removing this MDS will make the cluster unusable\n"
    );
    good(&cluster, "node1", "pstorage -c pcs1 rm-mds 4");
    assert_eq!(cluster.inspect().metadata_servers.len(), 4);
}

#[test]
fn a_node_of_the_high_availability_cluster_that_is_cut_off_reboots() {
    let cluster = SimulatedCluster::from_default();
    let boot = good(&cluster, "node6", "cat /proc/sys/kernel/random/boot_id");
    cluster.inject(&Fault::StorageNetwork {
        node: "node6".into(),
        up: false,
    });
    wait(&cluster, 50);
    assert_eq!(cluster.inspect().watchdog_reboots, 0);
    wait(&cluster, 15);
    assert_eq!(cluster.inspect().watchdog_reboots, 1);
    let gone = try_run(&cluster, "node6", "true");
    assert!(
        matches!(gone, Err(TransportError::Unreachable { .. })),
        "{gone:?}"
    );
    cluster.inject(&Fault::StorageNetwork {
        node: "node6".into(),
        up: true,
    });
    wait(&cluster, 120);
    assert_ne!(
        boot,
        good(&cluster, "node6", "cat /proc/sys/kernel/random/boot_id")
    );
    assert!(
        cluster.inspect().nodes["node6"]
            .services
            .values()
            .all(|runs| *runs)
    );

    let quiet = SimulatedCluster::from_default();
    good(&quiet, "node6", "service shaman stop");
    quiet.inject(&Fault::StorageNetwork {
        node: "node6".into(),
        up: false,
    });
    wait(&quiet, 120);
    assert_eq!(quiet.inspect().watchdog_reboots, 0);
}

#[test]
fn a_newer_master_over_older_followers_breaks_the_journal() {
    let text = include_str!("../../../../tests/clusters/old_master_607.toml");
    let cluster = shaped(text);
    assert_eq!(cluster.inspect().master.as_deref(), Some("node2"));
    assert_eq!(run(&cluster, "node1", "yum check-update").status, 100);
    for node in ["node6", "node1", "node3", "node4", "node5", "node2"] {
        update(&cluster, node);
    }
    let inspection = cluster.inspect();
    assert!(
        inspection.journal_consistent && !inspection.master_was_early,
        "the master was last"
    );
    assert!(
        inspection
            .metadata_servers
            .iter()
            .all(|server| server.version == "6.0.8" && server.counts)
    );
    assert_eq!(run(&cluster, "node1", "yum check-update").status, 0);
    let package = good(&cluster, "node1", "rpm -q pstorage-metadata-server");
    assert_eq!(package, "pstorage-metadata-server-6.0.8-1.x86_64\n");

    let cluster = shaped(text);
    update(&cluster, "node1");
    update(&cluster, "node2");
    let inspection = cluster.inspect();
    assert!(
        !inspection.journal_consistent,
        "the master was second, and node1 is master now"
    );
    assert!(
        inspection
            .events
            .iter()
            .any(|event| event.contains("lags behind for more than 1000 rounds"))
    );
}

#[test]
fn a_whole_cluster_stops_and_starts() {
    let cluster = SimulatedCluster::from_default();
    let nodes = ["node1", "node2", "node3", "node4", "node5", "node6"];
    let clients = [
        "pvapp",
        "pvaagent",
        "shaman",
        "parallels-server",
        "vz",
        "pstorage-iscsi",
        "pstorage-fs",
    ];
    for node in nodes {
        for service in clients {
            good(&cluster, node, &format!("service {service} stop"));
        }
    }
    for node in &nodes[..5] {
        good(&cluster, node, "service pstorage-mdsd stop");
    }
    for node in nodes {
        good(&cluster, node, "service pstorage-csd stop");
    }
    wait(&cluster, 3_600);
    for service in ["pstorage-mdsd", "pstorage-csd"] {
        for node in nodes
            .iter()
            .filter(|node| service != "pstorage-mdsd" || **node != "node6")
        {
            good(&cluster, node, &format!("service {service} start"));
        }
    }
    wait(&cluster, 60);
    let inspection = cluster.inspect();
    assert_eq!(inspection.health, "healthy");
    assert_eq!(count_of(&inspection, "healthy"), 120);
    assert_eq!((inspection.lost_chunks, inspection.watchdog_reboots), (0, 0));
    assert!(
        !inspection
            .events
            .iter()
            .any(|event| event.starts_with("Replication started"))
    );
    for node in nodes {
        for service in clients.iter().rev() {
            good(&cluster, node, &format!("service {service} start"));
        }
    }
}

#[test]
fn a_reboot_loses_the_connection_and_comes_back() {
    let cluster = SimulatedCluster::from_default();
    let lost = try_run(&cluster, "node2", "reboot");
    assert!(matches!(lost, Err(TransportError::Unknown { .. })), "{lost:?}");
    assert!(matches!(
        try_run(&cluster, "node2", "true"),
        Err(TransportError::Unreachable { .. })
    ));
    wait(&cluster, 120);
    let pid = good(&cluster, "node2", "pgrep -x mdsd");
    good(&cluster, "node2", "service pstorage-mdsd restart");
    assert_ne!(pid, good(&cluster, "node2", "pgrep -x mdsd"));
    assert_eq!(good(&cluster, "node2", "pgrep -x csd").lines().count(), 2);
}
