//! What must never happen to a cluster, looked at from inside the simulated one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{InventoryChoice, Project};
use crate::diagnostic::Style;
use crate::journal::{Event, MemoryPages};
use crate::plan::build_plan;
use crate::rehearsal::{Scene, compare_with_trunk};
use crate::run::{Ending, Keeping, RunOptions, Went, World, run_kept, run_plan};
use crate::transport::simulated::{Inspection, Shape, SimulatedCluster};
use crate::transport::{Answers, Clock};

/// A rolling stop that asks before each stop and never looks back: nothing waits until the
/// cluster has noticed the one before.
const ROLLING_STOP: &str = r#"
runbook rolling-stop
use pstorage
service hasty-mdsd <
  on mds_nodes
  members are (mds | get host)
  up when status is "avail"
  command "service pstorage-mdsd $action"
  may lose a minority
  before stop < require quorum losing=$node >
>
on mds_nodes serially < stop hasty-mdsd >
"#;

/// Updates every metadata server in the order of their names: the master first.
const MASTER_FIRST: &str = r#"
runbook master-first
use pstorage
on mds_nodes serially <
  losing pstorage-mdsd <
    run "yum -y update"
    restart pstorage-mdsd
  >
>
"#;

/// Runs a script on a simulated cluster and looks at what is true afterwards.
fn run(shape: &str, text: &str, set: &[(&str, &str)], options: &RunOptions) -> (Ending, Inspection) {
    let shape = Shape::read("shape.toml", shape).expect("the shapes of these tests are well formed");
    let cluster = SimulatedCluster::new(shape);
    let mut project = Project::simulated();
    // What the checker says of these scripts is shown elsewhere; here they are run all the same.
    let problems = project.check_text("test.runbook", text);
    let told = project.render(&problems, Style::Plain);
    let program = project.program().unwrap_or_else(|| panic!("{told}")).clone();
    let given: BTreeMap<String, String> = set
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let plan = build_plan(program, Arc::new(cluster.inventory()), &given).expect("the parameters are given");
    let answers = Answers {
        yes: true,
        named: BTreeMap::new(),
        simulated: true,
    };
    let (transport, clock, person) = (
        cluster.transport(),
        cluster.clock(),
        cluster.person(Box::new(answers)),
    );
    let world = World {
        transport: &transport,
        clock: &clock,
        person: &person,
    };
    let mut events: Vec<Event> = Vec::new();
    let ending = cluster.block_on(run_plan(&plan, world, options, &mut events));
    (ending, cluster.inspect())
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
    std::fs::read_to_string(path).expect("the runbook is shipped")
}

#[test]
fn a_rolling_stop_on_a_lagging_view_loses_the_majority_without_tokens() {
    let options = RunOptions {
        without_tokens: true,
        ..RunOptions::default()
    };
    let (_, cluster) = run("", ROLLING_STOP, &[], &options);
    assert!(
        cluster.majority_lost_at.is_some(),
        "the view lagged, and each guard passed: {cluster:?}"
    );
    assert!(cluster.answering < 3);
}

#[test]
fn a_rolling_stop_on_a_lagging_view_keeps_the_majority_with_tokens() {
    let (ending, cluster) = run("", ROLLING_STOP, &[], &RunOptions::default());
    assert_eq!(ending.exit_code, 4);
    assert_eq!(cluster.majority_lost_at, None);
    assert_eq!(cluster.answering, 3, "nothing else was stopped");
}

const OLD_MASTER: &str = r#"
[cluster]
version = "6.0.7"
available_version = "6.0.8"
"#;

#[test]
fn an_update_that_begins_with_the_master_breaks_the_journal() {
    let (_, cluster) = run(OLD_MASTER, MASTER_FIRST, &[], &RunOptions::default());
    assert!(
        cluster.master_was_early || !cluster.journal_consistent,
        "{cluster:?}"
    );
    assert!(!cluster.journal_consistent);
}

#[test]
fn the_runbook_for_updates_keeps_the_journal() {
    for master in ["node1", "node3", "node5"] {
        let shape = format!("{OLD_MASTER}\n[[state]]\nmaster = \"{master}\"\n");
        let (ending, cluster) = run(
            &shape,
            &shipped("update-nodes.runbook"),
            &[],
            &RunOptions::default(),
        );
        assert_eq!(ending.exit_code, 0, "{:?}", ending.trouble);
        assert!(
            cluster.journal_consistent && !cluster.master_was_early,
            "master on {master}"
        );
        assert!(
            cluster
                .metadata_servers
                .iter()
                .all(|server| server.version == "6.0.8")
        );
        assert!(
            cluster
                .chunk_servers
                .iter()
                .all(|server| server.version == "6.0.8")
        );
        assert_eq!(cluster.majority_lost_at, None);
        assert_eq!(cluster.lost_chunks, 0);
    }
}

#[test]
fn with_one_metadata_server_down_the_update_touches_nothing() {
    let shape = "[[state]]\nnode = \"node3\"\nservice = \"pstorage-mdsd\"\nis = \"stopped\"\n";
    let (ending, cluster) = run(
        shape,
        &shipped("update-nodes.runbook"),
        &[],
        &RunOptions::default(),
    );
    assert_eq!(ending.exit_code, 4);
    assert_eq!(cluster.acts, 0);
}

/// A runbook, the shape it runs on, and its parameters.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

#[test]
fn each_runbook_leaves_a_healthy_cluster_with_every_service_back() {
    const DEAD_DISK: &str = "[[state]]\nnode = \"node4\"\ndisk = \"/pstorage/pcs1-cs2\"\nis = \"failed\"\n";
    let cases: &[Case] = &[
        ("network-maintenance", "", &[]),
        ("update-nodes", OLD_MASTER, &[]),
        (
            "take-node-down",
            "",
            &[("target", "node2"), ("away", "1h"), ("reason", "fans")],
        ),
        (
            "take-node-down",
            "",
            &[
                ("target", "node2"),
                ("away", "5h"),
                ("reason", "fans"),
                ("spare", "node6"),
            ],
        ),
        (
            "replace-cs-disk",
            "",
            &[
                ("cs", "1027"),
                ("mount", "/pstorage/pcs1-cs1"),
                ("disk", "readable"),
            ],
        ),
        (
            "replace-cs-disk",
            DEAD_DISK,
            &[("cs", "1032"), ("mount", "/pstorage/pcs1-cs2"), ("disk", "dead")],
        ),
        (
            "redeploy-cluster",
            "",
            &[("helper", "node6"), ("password", "secret")],
        ),
    ];
    for (name, shape, set) in cases {
        let (ending, cluster) = run(
            shape,
            &shipped(&format!("{name}.runbook")),
            set,
            &RunOptions::default(),
        );
        assert_eq!(ending.exit_code, 0, "{name} {set:?}: {:?}", ending.trouble);
        assert_eq!(cluster.health, "healthy", "{name}");
        assert_eq!(cluster.lost_chunks, 0, "{name}");
        let outage = *name == "network-maintenance";
        assert_eq!(
            cluster.majority_lost_at.is_some(),
            outage,
            "{name}: a majority is lost in an outage only"
        );
        for (node, state) in &cluster.nodes {
            let stopped: Vec<&String> = state
                .services
                .iter()
                .filter(|(_, runs)| !**runs)
                .map(|(service, _)| service)
                .collect();
            // Redeployed and moved metadata servers leave their service behind, with nothing to serve.
            let left = stopped
                .iter()
                .filter(|service| **service != "pstorage-mdsd")
                .count();
            assert_eq!(left, 0, "{name}: on {node} these do not run: {stopped:?}");
        }
        assert!(
            cluster.metadata_servers.iter().all(|server| server.counts),
            "{name}"
        );
        assert_eq!(cluster.metadata_servers.len(), 5, "{name}");
    }
}

/// One statement on a node, as careless as they come.
fn careless_statement() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "stop pstorage-mdsd",
        "start pstorage-mdsd",
        "restart pstorage-mdsd",
        "stop pstorage-csd",
        "start pstorage-csd",
        "restart pstorage-mdsd pstorage-csd",
        "stop pstorage-mdsd pstorage-csd",
        "reboot",
        "run \"sleep 3\"",
        "run \"false\"",
        "leave pstorage-mdsd stopped \"a drill\"",
        "skip \"enough\"",
        "undo < start pstorage-mdsd >",
        "finally < start pstorage-csd >",
    ])
    .prop_map(str::to_owned);
    plain.prop_recursive(2, 6, 2, |inner| {
        let body = prop::collection::vec(inner, 1..3).prop_map(|statements| statements.join("; "));
        prop_oneof![
            body.clone()
                .prop_map(|body| format!("losing pstorage-mdsd < {body} >")),
            body.clone()
                .prop_map(|body| format!("losing pstorage-mdsd pstorage-csd < {body} >")),
            body.clone()
                .prop_map(|body| format!("try < {body} > else < note \"caught\" >")),
            body.clone()
                .prop_map(|body| format!("if $node in node[2,4] < {body} >")),
            body.prop_map(|body| format!("retry 2 times every 2s < {body} >")),
        ]
    })
}

/// A whole script of careless blocks, without an outage.
fn careless_script() -> impl Strategy<Value = String> {
    let nodes = [
        "mds_nodes",
        "node[1-3]",
        "node[4-5]",
        "all_nodes",
        "mds_nodes - node1",
    ];
    let modes = [
        "serially",
        "in parallel",
        "in batches of 2",
        "by rack",
        "serially, mds_master last",
        "in parallel, tolerating 3",
        "serially, tolerating 4",
    ];
    let body = prop::collection::vec(careless_statement(), 1..4);
    let block = (
        prop::sample::select(nodes.to_vec()),
        prop::sample::select(modes.to_vec()),
        body,
    )
        .prop_map(|(nodes, mode, body)| (nodes, mode, body.join("; ")))
        .prop_map(|(nodes, mode, body)| {
            format!("try < on {nodes} {mode} < {body} > > else < note \"failed\" >")
        });
    prop::collection::vec(block, 1..4)
        .prop_map(|blocks| format!("runbook careless\nuse pstorage\n{}\n", blocks.join("\n")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a script does, and however far the view lags behind: outside an outage no act of
    /// it takes the majority away, or the last replicas that a chunk needs.
    #[test]
    fn no_script_takes_a_majority_away(
        script in careless_script(),
        lag in 0u32..40,
        one_is_down in any::<bool>(),
    ) {
        let down = "[[state]]\nnode = \"node3\"\nservice = \"pstorage-mdsd\"\nis = \"stopped\"\n";
        let shape = format!("[cluster]\nlag = \"{lag}s\"\n{}", if one_is_down { down } else { "" });
        let (_, cluster) = run(&shape, &script, &[], &RunOptions::default());
        prop_assert_eq!(cluster.majority_lost_at, None, "{}", script);
        prop_assert_eq!(cluster.below_least_at, None, "{}", script);
        prop_assert_eq!(cluster.lost_chunks, 0);
    }
}

/// The groups that the script's own lines give to a module hold, however it is used elsewhere.
#[test]
fn a_script_says_which_groups_a_module_means() {
    let cases = [
        (
            "use pstorage with mds_nodes=cs_nodes\non cs_nodes < status pstorage-mdsd >",
            "",
        ),
        (
            "use pstorage\nuse pstorage with mds_nodes=cs_nodes\non cs_nodes < status pstorage-mdsd >",
            "",
        ),
        (
            "use pstorage with mds_nodes=cs_nodes\nuse pstorage with mds_nodes=all_nodes\nnote \"x\"",
            "`mds_nodes` of module `pstorage` would be both cs_nodes and all_nodes",
        ),
        (
            "use pstorage with mds_nodes=nosuch\nnote \"x\"",
            "no group or node `nosuch`",
        ),
    ];
    for (text, told) in cases {
        let mut project = Project::simulated();
        let problems = project.check_text("test.runbook", text);
        let found = project.render(&problems, Style::Plain);
        match told {
            "" => assert_eq!(found, "", "{text}"),
            told => assert!(found.contains(told), "{text}: {found}"),
        }
    }
}

#[test]
fn a_module_of_ones_own_stands_in_for_that_of_the_system() {
    let folder = tempfile::tempdir().expect("there is a place for files");
    let (script, module) = (
        folder.path().join("a.runbook"),
        folder.path().join("mine.runbook"),
    );
    let write = |file: &Path, text: &str| std::fs::write(file, text).expect("it can be written");
    let guard = "guard calm < check 1 is 1 >";
    let open = |name: &str| {
        write(&module, &format!("module {name}\n{guard}\n"));
        write(&script, "use \"mine.runbook\"\nrequire calm\nrequire healthy\n");
        let (project, problems) =
            Project::open(&script, &InventoryChoice::Simulated(None)).expect("it can be read");
        project.render_plain(&problems)
    };
    assert_eq!(open("another"), "");
    let told = open("pstorage");
    assert!(told.contains("healthy"), "{told}");
}

/// When the journal of a run was written, and whether to the disk.
fn writings(text: &str) -> Vec<(Duration, bool)> {
    let cluster = SimulatedCluster::from_default();
    let mut project = Project::simulated();
    let problems = project.check_text("test.runbook", text);
    assert!(!problems.has_errors(), "{}", project.render_plain(&problems));
    let plan = project.plan(&BTreeMap::new()).expect("it has no parameters");
    let (transport, clock, person) = (cluster.transport(), cluster.clock(), Answers::default());
    let world = World {
        transport: &transport,
        clock: &clock,
        person: &person,
    };
    let all: RefCell<Vec<(Duration, bool)>> = RefCell::default();
    let written = |is_synced: bool| all.borrow_mut().push((clock.now(), is_synced));
    let pages: RefCell<MemoryPages> = RefCell::default();
    let keeping = Keeping {
        journal: &pages,
        sources: project.sources(),
        may_pass_over: false,
        overridden: &[],
        watch: Some(&written),
    };
    let options = RunOptions::default();
    let mut nobody: Vec<Event> = Vec::new();
    let went = cluster.block_on(run_kept(&plan, world, &options, keeping, &mut nobody));
    assert!(
        matches!(&went, Ok(Went::Ended(ending)) if ending.exit_code == 0),
        "{went:?}"
    );
    all.take()
}

#[test]
fn what_came_of_an_act_is_on_disk_before_anything_is_waited_for() {
    let text = r#"
use pstorage
on node1 <
  run "sleep 5"
  wait up to 10m until healthy holding 5m
>
"#;
    let (act, rest) = (Duration::from_secs(5), Duration::from_secs(60));
    let synced: Vec<Duration> = writings(text)
        .into_iter()
        .filter_map(|(at, is_synced)| is_synced.then_some(at))
        .collect();
    let outcome = synced.iter().filter(|at| **at >= act && **at < rest);
    assert_eq!(outcome.count(), 1, "{synced:?}");
}

#[test]
fn nodes_that_act_together_share_two_syncs() {
    let text = r#"
use pstorage
on node[1-6] in parallel <
  if $node in [node1 node2 node3] < run "sleep 5" > else < run "sleep 9" >
>
require healthy
"#;
    let syncs = writings(text).into_iter().filter(|(_, is_synced)| *is_synced);
    assert_eq!(syncs.count(), 2);
}

/// Some nodes have nothing to do, or fail and are passed over.
const UNEVEN: &str = r#"
runbook uneven
use pstorage
on node1 < run "touch /tmp/m" >
on node[1-3] serially <
  if (succeeds "test -e /tmp/m" no=[1]) < run "touch /tmp/a" >
>
on node[3-5] in parallel <
  run "touch /tmp/b"
  stop pvapp
  try < run "test -e /tmp/none" > else < note "not there" >
>
on node[3-5] in parallel <
  start pvapp
  run "rm /tmp/b"
>
on node[2-3] serially <
  if (succeeds "test -e /tmp/b" no=[1]) < run "touch /tmp/c" >
  run "touch /tmp/d"
>
"#;

/// Goes through one in so many of the faults of a runbook with and without what runs share.
fn compare_shared(name: &str, text: &str, given: &[(&str, &str)], one_in: usize) {
    let mut project = Project::simulated();
    let problems = project.check_text(name, text);
    assert!(!problems.has_errors(), "{}", project.render_plain(&problems));
    let given = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let scene = Scene {
        plan: &project.plan(&given.collect()).expect("all is given"),
        sources: project.sources(),
        limit: None,
        overrides: &[],
        shape: &Shape::default(),
    };
    assert!(compare_with_trunk(scene, one_in) > 0, "{name}");
}

#[test]
fn what_runs_share_comes_to_the_same() {
    let disk = [
        ("cs", "1027"),
        ("mount", "/pstorage/pcs1-cs1"),
        ("disk", "readable"),
    ];
    let node = [("target", "node2"), ("away", "1h"), ("reason", "memory")];
    let all = [("helper", "node6"), ("password", "secret")];
    compare_shared("uneven", UNEVEN, &[], 11);
    compare_shared("master-first", MASTER_FIRST, &[], 61);
    let shipped: [(&str, &[(&str, &str)], _); 4] = [
        ("replace-cs-disk", &disk, 59),
        ("take-node-down", &node, 211),
        ("network-maintenance", &[], 3001),
        ("redeploy-cluster", &all, 3001),
    ];
    for (name, given, one_in) in shipped {
        let file = format!("{}/scripts/{name}.runbook", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&file).expect("it is there");
        compare_shared(name, &text, given, one_in);
    }
}
