//! The facts of `stdlib/pstorage.runbook` over every sample of what the real tools print.
//!
//! Each `tests/samples/NAME.txt` is taken for the whole answer of a node; what each fact makes
//! of it is kept in `tests/golden/facts/NAME.out`. A fact that the sample says nothing of is
//! unknown, with the reason. `UPDATE_GOLDEN=1 cargo test --test facts` writes them anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use quorate::diagnostic::{Span, Spanned};
use quorate::evaluate::{Context, Frame, Groups, Measured, Place, Reply, Stop};
use quorate::inventory::{Inventory, Node, NodeName};
use quorate::project::Project;
use quorate::syntax::Expression;

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

/// What a fact yields when every probe is answered by `sample`.
fn evaluate(project: &Project, inventory: &Inventory, fact: &str, sample: &str) -> String {
    let program = project.program().expect("the script of this test checks");
    let (groups, mut measured) = (Groups::default(), Measured::default());
    loop {
        let context = Context {
            program,
            inventory,
            groups: &groups,
            masks: &[],
            measured: &measured,
        };
        let written = Spanned::new(Expression::Name(fact.to_owned()), Span::default());
        match context.evaluate(&Frame::fresh("pstorage", Place::Nowhere), &written) {
            Ok(value) => return value.to_string(),
            Err(Stop::Fail(error)) => return format!("fails: {error}"),
            Err(Stop::Need(asks)) => {
                for ask in asks {
                    let (output, errors) = (sample.to_owned(), String::new());
                    measured.insert(
                        &ask,
                        Reply::Ran {
                            status: 0,
                            output,
                            errors,
                        },
                    );
                }
            }
        }
    }
}

#[test]
fn facts_read_every_sample() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut project = Project::simulated();
    project.check_text("facts.runbook", "use pstorage\nshow mds\n");
    let inventory = inventory();
    let mut samples: Vec<_> = std::fs::read_dir(root.join("samples"))
        .expect("the samples are in the repository")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .collect();
    samples.sort();
    assert!(samples.len() >= 10, "only {} samples", samples.len());
    for path in samples {
        let text = std::fs::read_to_string(&path).expect("a sample is text");
        let mut found = String::new();
        for fact in FACTS {
            let value = evaluate(&project, &inventory, fact, &text);
            writeln!(found, "{fact}\n{}\n", indent(&value)).expect("a text takes all");
        }
        let name = path.file_stem().unwrap_or_default();
        let kept = root.join("golden/facts").join(name).with_extension("out");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&kept, &found).expect("the folder can be written");
        }
        let expected = std::fs::read_to_string(&kept).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}\n"))
        .collect::<String>()
        .trim_end()
        .to_owned()
}
