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

fn count_of(inspection: &Inspection, state: &str) -> usize {
    inspection
        .chunks
        .get(state)
        .copied()
        .unwrap_or_else(|| panic!("no state {state}"))
}

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
fn a_silent_chunk_server_goes_offline_and_its_chunks_are_copied() {
    let cluster = SimulatedCluster::from_default();
    good(&cluster, "node6", "service pstorage-csd stop /pstorage/pcs1-cs1");
    wait(&cluster, 20);
    let inspection = cluster.inspect();
    assert_eq!(
        (count_of(&inspection, "standby"), count_of(&inspection, "healthy")),
        (30, 90)
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
        (30, "healthy")
    );
    wait(&cluster, 25);
    assert_eq!(count_of(&cluster.inspect(), "deleting"), 30);
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
fn a_drop_that_loses_data_is_refused_without_force() {
    let cluster =
        shaped("[cluster]\nreplication = \"1:1\"\nchunks = 6\n[nodes.\"n[1-3]\"]\nmds = true\ndisks = 1");
    good(&cluster, "n1", "service pstorage-csd stop");
    wait(&cluster, 10);
    let refused = run(&cluster, "n2", "pstorage -c pcs1 rm-cs 1025");
    assert_eq!(refused.errors, "pstorage: Not enough alive replicas available\n");
    assert_eq!(cluster.inspect().lost_chunks, 0);
    good(&cluster, "n2", "pstorage -c pcs1 -f rm-cs 1025");
    assert_eq!(cluster.inspect().lost_chunks, 2);
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

#[test]
fn a_newer_master_over_older_followers_breaks_the_journal() {
    let text = include_str!("../../../tests/clusters/old_master_607.toml");
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
fn a_failed_disk_is_replaced() {
    let cluster = shaped(include_str!("../../../tests/clusters/failed_disk.toml"));
    let text = stat(&cluster, "node1");
    assert!(line(&text, " 1032").contains(" failed "), "{text}");
    assert_eq!(run(&cluster, "node4", "smartctl -H /dev/sdc").status, 8);
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
    let cluster = shaped(include_str!("../../../tests/clusters/failed_ssd.toml"));
    let failed = cluster
        .inspect()
        .chunk_servers
        .iter()
        .filter(|server| server.has_failed)
        .count();
    assert_eq!(failed, 2);
    good(&cluster, "node2", "service pstorage-csd stop");
    let started = run(&cluster, "node2", "service pstorage-csd start");
    assert!(started.errors.contains("is not accessible"), "{started:?}");
}

#[test]
fn events_of_the_shape_happen_and_the_view_lags_as_it_says() {
    let cluster = shaped(include_str!("../../../tests/clusters/lag.toml"));
    wait(&cluster, 100);
    assert_eq!(cluster.inspect().answering, 4);
    assert!(stat(&cluster, "node1").contains("MDS nodes: 5 of 5"));
    wait(&cluster, 25);
    assert!(stat(&cluster, "node1").contains("MDS nodes: 4 of 5"));
}

#[test]
fn clients_need_the_mount_and_hold_it() {
    let cluster = SimulatedCluster::from_default();
    let busy = run(&cluster, "node1", "service pstorage-fs stop");
    assert!(
        busy.status == 1 && busy.errors.contains("target is busy"),
        "{busy:?}"
    );
    for service in [
        "pvapp",
        "pvaagent",
        "shaman",
        "parallels-server",
        "vz",
        "pstorage-iscsi",
    ] {
        good(&cluster, "node1", &format!("service {service} stop"));
    }
    good(&cluster, "node1", "service pstorage-fs stop");
    assert_eq!(
        run(
            &cluster,
            "node1",
            "grep -q pstorage:// /proc/mounts; cat /proc/mounts | grep -q pstorage://"
        )
        .status,
        1
    );
    assert_eq!(run(&cluster, "node1", "service vz start").status, 1);
    let stopped = run(&cluster, "node1", "service vz status");
    assert_eq!(
        (stopped.status, stopped.output.as_str()),
        (3, "vzmond is stopped\n")
    );
    good(&cluster, "node1", "service pstorage-fs start && service vz start");
    assert_eq!(cluster.inspect().nodes["node1"].machines, 2);
    let unknown = run(&cluster, "node1", "service svc start");
    assert_eq!(
        (unknown.status, unknown.errors.as_str()),
        (1, "svc: unrecognized service\n")
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

#[test]
fn acts_go_wrong_as_planned() {
    let cases = [
        (CommandFault::Fails, Some(1), true),
        (CommandFault::Hangs, None, true),
        (CommandFault::NodeDiesBefore, None, false),
        (CommandFault::NodeDiesDuring, None, false),
        (CommandFault::NodeDiesAfter, Some(0), false),
        (CommandFault::ConnectionLostBefore, None, true),
        (CommandFault::ConnectionLostAfter, None, false),
    ];
    for (fault, status, runs_on) in cases {
        let cluster = SimulatedCluster::from_default();
        cluster.inject_into_act(2, fault);
        good(&cluster, "node1", "true");
        let ended = try_run(&cluster, "node3", "service pstorage-mdsd stop");
        assert_eq!(ended.ok().map(|outcome| outcome.status), status, "{fault:?}");
        let runs = cluster.inspect().nodes["node3"].services["pstorage-mdsd"];
        assert_eq!(runs, runs_on, "{fault:?}");
    }
}

#[test]
fn the_same_commands_print_the_same() {
    let script = |cluster: &SimulatedCluster| {
        let mut all = String::new();
        for (node, command) in [
            ("node1", "service pstorage-mdsd restart"),
            ("node2", "pstorage -c pcs1 stat"),
            ("node5", "simulate power-off node6"),
            ("node3", "yum -y update"),
            ("node4", "pgrep -x csd; uptime; date; cat /proc/mounts"),
            (
                "node2",
                "sleep 400; pstorage -c pcs1 stat; pstorage -c pcs1 get-event",
            ),
        ] {
            all.push_str(&format!("{:?}\n", try_run(cluster, node, command)));
        }
        all
    };
    let first = SimulatedCluster::from_default();
    let second = first.fork();
    assert_eq!(script(&first), script(&SimulatedCluster::from_default()));
    assert_eq!(script(&second), script(&SimulatedCluster::from_default()));
    assert_eq!(first.inspect(), second.inspect());
}

#[test]
fn a_future_that_waits_for_nothing_is_an_error() {
    let cluster = SimulatedCluster::from_default();
    assert!(cluster.try_block_on(std::future::pending::<()>()).is_err());
}

#[test]
fn parallel_commands_take_the_time_of_the_longest() {
    let cluster = SimulatedCluster::from_default();
    let transport = cluster.transport();
    let requests = [request("node1", "sleep 5"), request("node2", "sleep 60")];
    let all = futures_util::future::join_all(requests.iter().map(|it| transport.carry_out(it)));
    assert!(cluster.block_on(all).iter().all(Result::is_ok));
    assert_eq!(cluster.clock().now(), Duration::from_secs(60));
}

#[test]
fn what_is_not_modelled_says_so() {
    let cluster = SimulatedCluster::from_default();
    for command in ["frobnicate --now", "echo $HOME", "pstorage -c pcs1 revoke -R /x"] {
        let outcome = run(&cluster, "node1", command);
        assert_eq!(outcome.status, 127, "{command}: {outcome:?}");
        assert!(
            outcome.errors.contains("not modelled by the simulated cluster"),
            "{outcome:?}"
        );
    }
}

#[test]
fn shapes_that_make_no_sense_are_refused() {
    let cases = [
        ("[cluster]\nnmae = \"x\"", "unknown field `nmae`"),
        ("[cluster]\nedition = \"5\"", "no edition `5`"),
        ("[cluster]\nreplication = \"2:3\"", "`2:3` is no replication"),
        ("[[state]]\nnode = \"node9\"\npower = \"off\"", "no node `node9`"),
        ("[[state]]\nnode = \"node1\"", "changes nothing"),
        (
            "[[state]]\nnode = \"node1\"\nservice = \"vz\"\nis = \"dead\"",
            "cannot be `dead`",
        ),
        ("[[state]]\nat = \"5s\"\nmaster = \"node2\"", "has an `at`"),
        ("[[event]]\nmaster = \"node2\"", "has no `at`"),
        ("[groups]\nx = \"other\"", "other"),
    ];
    for (text, expected) in cases {
        let error = Shape::read("bad.toml", text)
            .map(|_| ())
            .expect_err(text)
            .to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_inventory_names_groups_addresses_and_racks() {
    let inventory = SimulatedCluster::from_default().inventory();
    assert!(inventory.is_simulated);
    assert_eq!(inventory.system.as_deref(), Some("pstorage"));
    let sizes = ["mds_nodes", "cs_nodes", "all_nodes"].map(|name| inventory.group(name).map(|set| set.len()));
    assert_eq!(sizes, [Some(5), Some(6), Some(6)]);
    assert_eq!(inventory.find("10.0.0.4:2510"), Some(NodeName::from("node4")));
    assert_eq!(
        inventory
            .node("node3")
            .map(|node| node.variables["rack"].as_str()),
        Some("rack2")
    );
}

#[test]
fn ten_thousand_nodes_are_possible() {
    let cluster =
        shaped("[nodes.\"big[1-5]\"]\nmds = true\n[nodes.\"big[6-10000]\"]\nclients = false\ndisks = 1");
    good(&cluster, "big9999", "service pstorage-csd restart");
    assert_eq!(
        stat(&cluster, "big1")
            .lines()
            .filter(|line| line.contains(" active "))
            .count(),
        10_005
    );
}
