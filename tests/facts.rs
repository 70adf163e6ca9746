//! The facts of the standard modules over every sample of what the real tools print.
//!
//! Each `tests/samples/NAME.txt` is taken for the whole answer of a node to whatever the facts of
//! `pstorage` ask, each `tests/samples/etcd/NAME.txt` to what those of `etcd` ask.
//! What each fact makes of it is kept in `tests/golden/facts/`. A fact that the sample says nothing
//! of is unknown, with the reason. `UPDATE_GOLDEN=1 cargo test --test facts` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use quorate::diagnostic::{Problems, Span, Spanned};
use quorate::evaluate::{Context, Frame, Groups, Measured, Place, Reply, Stop};
use quorate::inventory::{Inventory, Node, NodeName};
use quorate::project::{InventoryChoice, Project};
use quorate::syntax::{Expression, Statement, Test, parse_script};
use quorate::value::Truth;

const FACTS: [&str; 11] = [
    "health",
    "mds",
    "mds-count",
    "mds_master",
    "chunk-servers",
    "unique-chunks",
    "chunks",
    "replica-rule",
    "replication-level",
    "failure-domain",
    "space",
];

/// The hosts of the samples, by the addresses that stand in them.
fn inventory() -> Inventory {
    let addresses = ["10.30.17.38", "10.30.18.40", "10.30.21.30", "10.30.16.38"];
    let nodes: Vec<Node> = addresses
        .iter()
        .enumerate()
        .map(|(index, address)| Node {
            address: Some((*address).to_owned()),
            ..Node::new(NodeName::from(format!("node{}", index + 1)))
        })
        .collect();
    let all: quorate::inventory::NodeSet = nodes.iter().map(|node| node.name.clone()).collect();
    let groups = BTreeMap::from([
        ("mds_nodes".to_owned(), all.clone()),
        ("cs_nodes".to_owned(), all),
    ]);
    Inventory::build("stor1", Some("pstorage"), nodes, groups, BTreeMap::new()).expect("the names differ")
}

/// The module under test, with what it is asked on.
struct Asked {
    project: Project,
    inventory: Inventory,
    module: &'static str,
}

impl Asked {
    /// Goes on asking until no probe is left to be answered by `answer`.
    fn settle<T>(
        &self,
        answer: &dyn Fn(&str) -> String,
        judge: impl Fn(&Context<'_>, &Frame) -> Result<T, Stop>,
    ) -> Result<T, String> {
        let program = self.project.program().expect("the script of this test checks");
        let (groups, mut measured) = (Groups::default(), Measured::default());
        loop {
            let context = Context {
                program,
                inventory: &self.inventory,
                groups: &groups,
                masks: &[],
                measured: &measured,
            };
            match judge(&context, &Frame::fresh(self.module, Place::Nowhere)) {
                Ok(value) => return Ok(value),
                Err(Stop::Fail(error)) => return Err(error.to_string()),
                Err(Stop::Need(asks)) => {
                    for ask in asks {
                        let output = answer(ask.command.as_str());
                        let (status, errors) = (0, String::new());
                        let reply = Reply::Ran {
                            status,
                            output,
                            errors,
                        };
                        measured.insert(&ask, reply);
                    }
                }
            }
        }
    }

    /// What a fact yields.
    fn fact(&self, fact: &str, answer: &dyn Fn(&str) -> String) -> String {
        let written = Spanned::new(Expression::Name(fact.to_owned()), Span::default());
        match self.settle(answer, |context, frame| context.evaluate(frame, &written)) {
            Ok(value) => value.to_string(),
            Err(why) => format!("fails: {why}"),
        }
    }

    /// What a guard answers, written as after `require`.
    fn guard(&self, written: &str, answer: &dyn Fn(&str) -> String) -> String {
        let mut problems = Problems::default();
        let script = parse_script(&format!("require {written}\n"), 0, &mut problems);
        let Some(Statement::Require { test, .. }) = script.statements.first().map(|first| &first.node) else {
            panic!("{written} cannot be read");
        };
        let Test::Guard(call) = &test.node else {
            panic!("{written} is no guard");
        };
        match self.settle(answer, |context, frame| context.guard(frame, call)) {
            Ok(verdict) if verdict.holds() => "holds".to_owned(),
            Ok(verdict) if verdict.truth == Truth::No => format!("refuses: {}", verdict.reason),
            Ok(verdict) => format!("cannot be measured: {}", verdict.reason),
            Err(why) => format!("fails: {why}"),
        }
    }
}

/// The samples of a folder, by name.
fn samples(folder: &Path) -> BTreeMap<String, String> {
    let paths = std::fs::read_dir(folder).expect("the samples are in the repository");
    let paths = paths.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .map(|path| {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read_to_string(&path).expect("a sample is text"))
        })
        .collect()
}

/// Compares what was found with what is kept.
fn compare(name: &str, found: &str) {
    let kept = root().join("golden/facts").join(name).with_extension("out");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&kept, found).expect("the folder can be written");
    }
    let expected = std::fs::read_to_string(&kept).unwrap_or_default();
    assert_eq!(found, expected, "{}", kept.display());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

#[test]
fn facts_read_every_sample() {
    let mut project = Project::simulated();
    project.check_text("facts.runbook", "use pstorage\nshow mds\n");
    let asked = Asked {
        project,
        inventory: inventory(),
        module: "pstorage",
    };
    let samples = samples(&root().join("samples"));
    assert!(samples.len() >= 10, "only {} samples", samples.len());
    for (name, text) in samples {
        let mut found = String::new();
        for fact in FACTS {
            let value = asked.fact(fact, &|_| text.clone());
            writeln!(found, "{fact}\n{}\n", indent(&value)).expect("a text takes all");
        }
        compare(&name, &found);
    }
}

/// `behind`, `two_leaders`, `no_leader` and `no_space` are real answers with other numbers and words in them.
#[test]
fn members_of_etcd_are_told_by_what_it_prints() {
    let choice = InventoryChoice::File(root().join("samples/etcd.toml"));
    let mut project = Project::new(&choice).expect("the inventory is in the repository");
    project.check_text("facts.runbook", "use etcd\nshow members\n");
    let nodes = (1..=6).map(|number| Node::new(NodeName::from(format!("n{number}"))));
    let nodes: Vec<Node> = nodes.collect();
    let groups = BTreeMap::from([(
        "etcd_nodes".to_owned(),
        nodes.iter().map(|node| node.name.clone()).collect(),
    )]);
    let inventory = Inventory::build("etcd1", Some("etcd"), nodes, groups, BTreeMap::new());
    let asked = Asked {
        project,
        inventory: inventory.expect("the names differ"),
        module: "etcd",
    };
    let samples = samples(&root().join("samples/etcd"));
    assert!(samples.len() >= 9, "only {} samples", samples.len());
    for (name, text) in samples {
        let answer = |_: &str| text.clone();
        let mut found = String::new();
        for fact in ["voting-count", "members", "etcd_leader", "complaints"] {
            let value = asked.fact(fact, &answer);
            writeln!(found, "{fact}\n{}\n", indent(&value)).expect("a text takes all");
        }
        for guard in [
            "quorum",
            "quorum losing=n4",
            "quorum losing=n6 spare=1",
            "member-available n3",
            "member-noticed-down n3",
            "healthy",
        ] {
            let verdict = asked.guard(guard, &answer);
            writeln!(found, "{guard}\n{}\n", indent(&verdict)).expect("a text takes all");
        }
        compare(&format!("etcd_{name}"), &found);
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}\n"))
        .collect::<String>()
        .trim_end()
        .to_owned()
}
