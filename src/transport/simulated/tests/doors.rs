use std::time::Duration;

use super::{count_of, good, line, request, run, shaped, stat, try_run, wait};
use crate::inventory::NodeName;
use crate::transport::simulated::{CommandFault, Fault, Shape, SimulatedCluster};
use crate::transport::{Answer, Answers, Clock, Person, Question, QuestionKind, StepPath, Transport};
use crate::value::CommandLine;

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

#[test]
fn events_of_the_shape_happen_and_the_view_lags_as_it_says() {
    let cluster = shaped(include_str!("../../../../tests/clusters/lag.toml"));
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

#[test]
fn faults_happen_before_the_act_they_are_planned_for() {
    let cluster = SimulatedCluster::from_default();
    cluster.inject_before_act(2, Fault::Master { node: "node4".into() });
    good(&cluster, "node1", "sleep 1");
    assert_eq!(cluster.inspect().master.as_deref(), Some("node1"));
    good(&cluster, "node1", "true");
    assert_eq!(cluster.inspect().master.as_deref(), Some("node4"));
}

#[test]
fn a_simulated_person_does_what_the_step_is_rehearsed_as() {
    let cluster = SimulatedCluster::from_default();
    let question = |command: &str| Question {
        kind: QuestionKind::Manual,
        name: "manual-1".to_owned(),
        text: "Do it.".to_owned(),
        node: Some(NodeName::from("node6")),
        rehearsed_as: Some(CommandLine::from_quoted(command)),
        path: StepPath::default(),
    };
    let person = cluster.person(Box::new(Answers {
        yes: true,
        simulated: true,
        ..Answers::default()
    }));
    assert_eq!(
        cluster.block_on(person.ask(&question("simulate power-off"))),
        Answer::Yes
    );
    assert!(!cluster.inspect().nodes["node6"].is_on);
    assert!(matches!(
        cluster.block_on(person.ask(&question("replace-disk /nowhere"))),
        Answer::CouldNot(_)
    ));
    assert_eq!(
        cluster.block_on(person.ask(&question("simulate power-on"))),
        Answer::Yes
    );
    wait(&cluster, 120);
    assert!(cluster.inspect().nodes["node6"].is_on);

    let nobody = cluster.person(Box::new(Answers::default()));
    assert_eq!(
        cluster.block_on(nobody.ask(&question("simulate power-off"))),
        Answer::Nobody
    );
    assert!(cluster.inspect().nodes["node6"].is_on);
}

#[test]
fn every_edition_has_its_columns() {
    let cases = [
        ("6.0", "Chunks: [OK] 100% healthy", "QDEPTH HOST            FLAGS"),
        (
            "7",
            "Chunks: [OK] 120 (100%) healthy",
            "REPLICAS IOWAIT IOLAT(ms) QDEPTH HOST",
        ),
        (
            "4.7",
            "Chunks: [OK] 120 (100%) healthy",
            "AVAIL REPLICAS   UNIQUE IOWAIT",
        ),
    ];
    for (edition, chunks, columns) in cases {
        let cluster = shaped(&format!("[cluster]\nedition = \"{edition}\""));
        let text = good(&cluster, "node1", "vstorage -q -c pcs1 stat");
        assert!(text.starts_with("Cluster 'pcs1': healthy\n"), "{text}");
        assert!(line(&text, "Chunks:").starts_with(chunks), "{text}");
        assert!(line(&text, " CSID").contains(columns), "{text}");
    }
}

#[test]
fn a_metadata_server_moves_to_another_node() {
    let cluster = SimulatedCluster::from_default();
    good(&cluster, "node5", "service pstorage-mdsd stop");
    good(&cluster, "node1", "pstorage -c pcs1 rm-mds 5");
    let wrong = run(
        &cluster,
        "node6",
        "pstorage -c pcs1 make-mds -a 10.0.0.1:2510 -r /pstorage/pcs1-mds",
    );
    assert!(wrong.errors.contains("Invalid parameters"), "{wrong:?}");
    good(
        &cluster,
        "node6",
        "pstorage -c pcs1 make-mds -a 10.0.0.6:2510 -r /pstorage/pcs1-mds",
    );
    assert_eq!(cluster.inspect().answering, 4);
    good(&cluster, "node6", "service pstorage-mdsd start");
    wait(&cluster, 12);
    let text = stat(&cluster, "node1");
    assert!(line(&text, "    6 avail").ends_with("node6:2510"), "{text}");
    assert!(
        line(&text, "MDS nodes:").starts_with("MDS nodes: 5 of 5"),
        "{text}"
    );
}

#[test]
fn a_reinstalled_node_comes_back_with_nothing() {
    let cluster = SimulatedCluster::from_default();
    let lost = try_run(&cluster, "node6", "reinstall");
    assert!(lost.is_err(), "{lost:?}");
    wait(&cluster, 120);
    let refused = run(&cluster, "node6", "pstorage -c pcs1 stat");
    assert_eq!(
        refused.errors,
        "pstorage: Authentication failure due to wrong credentials\n"
    );
    assert_eq!(
        run(&cluster, "node6", "echo wrong | pstorage -c pcs1 auth-node -P").status,
        1
    );
    good(&cluster, "node6", "echo secret | pstorage -c pcs1 auth-node -P");
    for id in [1035, 1036] {
        good(&cluster, "node6", &format!("pstorage -c pcs1 -f rm-cs {id}"));
    }
    for path in ["/pstorage/pcs1-cs1", "/pstorage/pcs1-cs2"] {
        good(&cluster, "node6", &format!("pstorage -c pcs1 make-cs -r {path}"));
        good(&cluster, "node6", &format!("service pstorage-csd start {path}"));
    }
    wait(&cluster, 600);
    let inspection = cluster.inspect();
    assert_eq!(
        (inspection.health.as_str(), count_of(&inspection, "healthy")),
        ("healthy", 120)
    );
    assert_eq!(inspection.lost_chunks, 0);
}

#[test]
fn a_shape_is_made_from_an_inventory() {
    let inventory = SimulatedCluster::from_default().inventory();
    let shape = Shape::of_inventory(&inventory).unwrap_or_else(|error| panic!("{error}"));
    let cluster = SimulatedCluster::new(shape);
    assert_eq!(cluster.inventory(), inventory);
    assert!(stat(&cluster, "node6").contains("MDS nodes: 5 of 5"));
}
