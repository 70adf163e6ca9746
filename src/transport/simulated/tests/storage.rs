use std::time::Duration;

use super::{count_of, good, line, run, shaped, stat, wait};
use crate::transport::Clock;
use crate::transport::simulated::{Fault, SimulatedCluster};

#[test]
fn a_silent_chunk_server_goes_offline_and_its_chunks_are_copied() {
    let cluster = SimulatedCluster::from_default();
    let servers = cluster.inspect().chunk_servers;
    let mut servers = servers.iter();
    let server = servers.find(|it| it.node == "node6" && it.repository == "/pstorage/pcs1-cs1");
    let held = server.expect("it is there").replicas;
    good(&cluster, "node6", "service pstorage-csd stop /pstorage/pcs1-cs1");
    wait(&cluster, 20);
    let inspection = cluster.inspect();
    assert_eq!(
        (count_of(&inspection, "standby"), count_of(&inspection, "healthy")),
        (held, 120 - held)
    );
    assert_eq!(inspection.health, "degraded");
    wait(&cluster, 300);
    let text = stat(&cluster, "node1");
    assert!(
        line(&text, "CS nodes:").contains("(11 avail, 0 inactive, 1 offline)"),
        "{text}"
    );
    assert_eq!(count_of(&cluster.inspect(), "standby"), 0);
    assert!(count_of(&cluster.inspect(), "replicating") == 1);
    wait(&cluster, 300);
    assert_eq!(count_of(&cluster.inspect(), "healthy"), 120);
    assert!(good(&cluster, "node1", "pstorage -c pcs1 get-event").contains("Replication completed"));
    good(&cluster, "node6", "service pstorage-csd start /pstorage/pcs1-cs1");
    wait(&cluster, 10);
    let inspection = cluster.inspect();
    assert_eq!(
        (count_of(&inspection, "overcommitted"), inspection.health.as_str()),
        (held, "healthy")
    );
    wait(&cluster, 25);
    assert_eq!(count_of(&cluster.inspect(), "deleting"), held);
    wait(&cluster, 20);
    let inspection = cluster.inspect();
    assert_eq!(count_of(&inspection, "healthy"), 120);
    assert_eq!(
        inspection
            .chunk_servers
            .iter()
            .map(|server| server.replicas)
            .sum::<usize>(),
        360
    );
    assert_eq!(inspection.below_least_at, None);
}

#[test]
fn too_many_offline_hosts_stop_replication() {
    let cluster = SimulatedCluster::from_default();
    for node in ["node4", "node5", "node6"] {
        cluster.inject(&Fault::ServiceStops {
            node: node.into(),
            service: "pstorage-csd".into(),
            path: None,
        });
    }
    wait(&cluster, 320);
    let inspection = cluster.inspect();
    assert_eq!(inspection.health, "failure");
    assert_eq!(count_of(&inspection, "replicating"), 0);
    assert!(count_of(&inspection, "blocked") > 0);
    assert!(inspection.below_least_at.is_some());
    assert!(inspection.nodes["node1"].machines_hung_since.is_some());
    assert_eq!(inspection.lost_chunks, 0);
    good(
        &cluster,
        "node1",
        "pstorage -c pcs1 set-config mds.wd.max_offline_cs_hosts=0",
    );
    wait(&cluster, 1);
    assert_eq!(count_of(&cluster.inspect(), "replicating"), 1);
}

#[test]
fn a_drop_that_loses_data_is_refused_without_force() {
    let cluster =
        shaped("[cluster]\nreplication = \"1:1\"\nchunks = 6\n[nodes.\"n[1-3]\"]\nmds = true\ndisks = 1");
    good(&cluster, "n1", "service pstorage-csd stop");
    wait(&cluster, 10);
    let refused = run(&cluster, "n2", "pstorage -c pcs1 rm-cs 1025");
    assert_eq!(refused.errors, "pstorage: Not enough alive replicas available\n");
    assert_eq!(cluster.inspect().lost_chunks, 0);
    let held = cluster.inspect().chunk_servers[0].replicas;
    assert!(held > 0);
    good(&cluster, "n2", "pstorage -c pcs1 -f rm-cs 1025");
    assert_eq!(cluster.inspect().lost_chunks, held);
}

#[test]
fn a_released_chunk_server_is_dropped_once_it_is_empty() {
    let cluster = SimulatedCluster::from_default();
    let before = cluster.clock().now();
    let text = good(&cluster, "node1", "pstorage -c pcs1 rm-cs --wait 1026");
    assert_eq!(text, "connected to MDS#1\nRemoving CS#1026 ...\ndone\n");
    assert!(cluster.clock().now() - before >= Duration::from_secs(200));
    let inspection = cluster.inspect();
    assert_eq!(count_of(&inspection, "healthy"), 120);
    assert!(inspection.chunk_servers.iter().all(|server| server.id != 1026));
    assert_eq!(run(&cluster, "node1", "pstorage -c pcs1 rm-cs 1026").status, 1);
    good(&cluster, "node1", "service pstorage-csd stop /pstorage/pcs1-cs2");
    let started = run(&cluster, "node1", "service pstorage-csd start /pstorage/pcs1-cs2");
    assert!(
        started
            .errors
            .contains("The CS server was dropped by administrator"),
        "{started:?}"
    );
}

#[test]
fn a_failed_disk_is_replaced() {
    let cluster = shaped(include_str!("../../../../tests/clusters/failed_disk.toml"));
    let text = stat(&cluster, "node1");
    assert!(line(&text, " 1032").contains(" failed "), "{text}");
    assert_eq!(run(&cluster, "node4", "smartctl -H /dev/sdc").status, 8);
    assert!(
        text.contains("100% healthy"),
        "its chunks were copied long ago: {text}"
    );
    good(&cluster, "node4", "service pstorage-csd stop /pstorage/pcs1-cs2");
    good(&cluster, "node1", "pstorage -c pcs1 -f rm-cs 1032");
    let held = run(&cluster, "node4", "fuser -auv /pstorage/pcs1-cs2");
    assert!(held.status == 0 && held.errors.contains("bash"), "{held:?}");
    let busy = run(&cluster, "node4", "umount /pstorage/pcs1-cs2");
    assert_eq!(
        (busy.status, busy.errors.as_str()),
        (32, "umount: /pstorage/pcs1-cs2: target is busy.\n")
    );
    good(&cluster, "node4", "fuser -k /pstorage/pcs1-cs2");
    assert_eq!(run(&cluster, "node4", "fuser -m /pstorage/pcs1-cs2").status, 1);
    good(&cluster, "node4", "umount /pstorage/pcs1-cs2");
    assert_eq!(
        run(&cluster, "node4", "mountpoint -q /pstorage/pcs1-cs2").status,
        1
    );
    assert_eq!(
        run(
            &cluster,
            "node4",
            "pstorage -c pcs1 make-cs -r /pstorage/pcs1-cs2"
        )
        .status,
        1
    );
    good(&cluster, "node4", "replace-disk /pstorage/pcs1-cs2");
    assert_eq!(
        run(
            &cluster,
            "node4",
            "pstorage -c pcs1 make-cs -r /pstorage/pcs1-cs2"
        )
        .status,
        1
    );
    good(&cluster, "node4", "rm -rf /pstorage/pcs1-cs2/lost+found");
    good(
        &cluster,
        "node4",
        "pstorage -c pcs1 make-cs -r /pstorage/pcs1-cs2",
    );
    good(&cluster, "node4", "service pstorage-csd start /pstorage/pcs1-cs2");
    wait(&cluster, 600);
    let text = stat(&cluster, "node1");
    assert!(line(&text, " 1037").contains(" active "), "{text}");
    assert!(!text.contains("1032"), "{text}");
    assert!(
        text.contains("Cluster 'pcs1': healthy") && text.contains("100% healthy"),
        "{text}"
    );
    assert_eq!(cluster.inspect().lost_chunks, 0);
}

#[test]
fn a_failed_ssd_takes_its_journals_with_it() {
    let cluster = shaped(include_str!("../../../../tests/clusters/failed_ssd.toml"));
    let failed = cluster
        .inspect()
        .chunk_servers
        .iter()
        .filter(|server| server.has_failed)
        .count();
    assert_eq!(failed, 2);
    assert_eq!(run(&cluster, "node2", "smartctl -H /dev/sdd").status, 8);
    assert_eq!(run(&cluster, "node2", "umount /pstorage/pcs1-ssd").status, 32);
    good(&cluster, "node2", "service pstorage-csd stop");
    let started = run(&cluster, "node2", "service pstorage-csd start");
    assert!(started.errors.contains("is not accessible"), "{started:?}");
    good(
        &cluster,
        "node2",
        "umount /pstorage/pcs1-ssd; replace-ssd /pstorage/pcs1-ssd",
    );
    for (id, path) in [(1027, "/pstorage/pcs1-cs1"), (1028, "/pstorage/pcs1-cs2")] {
        good(&cluster, "node1", &format!("pstorage -c pcs1 -f rm-cs {id}"));
        let journal = format!("/pstorage/pcs1-ssd/{id}-journal");
        good(
            &cluster,
            "node2",
            &format!("pstorage -c pcs1 make-cs -r {path} -j {journal} -s 10240"),
        );
    }
    good(&cluster, "node2", "service pstorage-csd start");
    wait(&cluster, 60);
    let inspection = cluster.inspect();
    assert_eq!(
        (inspection.health.as_str(), count_of(&inspection, "healthy")),
        ("healthy", 120)
    );
    assert_eq!((inspection.lost_chunks, inspection.chunk_servers.len()), (0, 12));
}
