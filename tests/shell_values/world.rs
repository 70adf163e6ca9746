//! The nodes that the cases speak of, and what evaluates the interpreter's side.

use std::collections::BTreeMap;

use quorate::check::Program;
use quorate::diagnostic::{Problems, Spanned};
use quorate::evaluate::{Context, EvaluateError, Groups, Measured, Stop};
use quorate::expand::encode_value;
use quorate::inventory::{Inventory, Node, NodeName, NodeSet};
use quorate::project::Project;
use quorate::syntax::{Expression, Statement, parse_script};
use quorate::value::{Truth, Value};

/// Nodes of many sorts: padded, addressed, with aliases, ports and racks.
pub fn inventory() -> Inventory {
    let mut nodes: Vec<Node> = (1..=12)
        .map(|number| Node {
            address: Some(format!("10.0.0.{number}")),
            variables: BTreeMap::from([("rack".to_owned(), format!("r{}", number % 3))]),
            ..Node::new(NodeName::from(format!("node{number}")))
        })
        .collect();
    for (name, alias) in [
        ("n01-ib0", "fe80::1"),
        ("n02-ib0", "n2.example"),
        ("gate.example.com", "gw"),
    ] {
        nodes.push(Node {
            aliases: vec![alias.to_owned()],
            ..Node::new(NodeName::from(name))
        });
    }
    let group = |text: &str| NodeSet::expand(text).expect(text);
    let groups = BTreeMap::from([
        ("mds".to_owned(), group("node[1-3]")),
        ("cs".to_owned(), group("node[2-12]")),
        ("none".to_owned(), NodeSet::default()),
        ("rack1".to_owned(), group("node1,n01-ib0")),
    ]);
    Inventory::build("pcs1", None, nodes, groups, BTreeMap::new()).expect("the names differ")
}

/// What a context needs.
pub struct World {
    project: Project,
    inventory: Inventory,
    groups: Groups,
    pub measured: Measured,
}

impl World {
    pub fn new() -> World {
        let mut project = Project::simulated();
        project.check_text("values.runbook", "show 1\n");
        World {
            project,
            inventory: inventory(),
            groups: Groups::default(),
            measured: Measured::default(),
        }
    }

    pub fn context(&self) -> Context<'_> {
        let program: &Program = self.project.program().expect("the script checks");
        Context {
            program,
            inventory: &self.inventory,
            groups: &self.groups,
            masks: &[],
            measured: &self.measured,
        }
    }
}

/// An expression as it stands after `let x =`; `None` when it does not parse.
pub fn parse(text: &str) -> Option<Spanned<Expression>> {
    let mut problems = Problems::default();
    let script = parse_script(&format!("let x = {text}\n"), 0, &mut problems);
    match script.statements.into_iter().next().map(|first| first.node) {
        Some(Statement::Let { value, .. }) => Some(*value),
        _ => None,
    }
}

/// A result of the interpreter as the awk library holds it.
pub fn encode_result(result: Result<Value, Stop>) -> String {
    match result {
        Ok(value) => encode_value(&value),
        Err(Stop::Need(_)) => "!?".to_owned(),
        Err(Stop::Fail(error)) => match *error {
            EvaluateError::NoAnswer { .. } => format!("!u{error}"),
            error => format!("!f{error}"),
        },
    }
}

/// The same for a condition.
pub fn encode_truth(result: Result<Truth, Stop>) -> String {
    encode_result(result.map(Value::Truth))
}
