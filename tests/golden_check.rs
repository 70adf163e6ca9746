//! Findings as an operator reads them: `tests/golden/check/*.runbook` beside its `.out`.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden_check` writes the `.out` files anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use quorate::check::{Module, check_scripts, find_uses};
use quorate::diagnostic::{Problems, SourceMap, Style, render_problems};
use quorate::inventory::{Inventory, Node, NodeName, NodeSet};
use quorate::library::stdlib;
use quorate::syntax::parse_script;

/// Five metadata servers and members of etcd, six chunk servers in three racks, and a small system to speak of them.
fn cluster() -> Inventory {
    let rack = |number: u32| format!("r{}", number.div_ceil(2));
    let node = |number: u32| Node {
        variables: BTreeMap::from([("rack".to_owned(), rack(number))]),
        ..Node::new(NodeName::from(format!("node{number}")))
    };
    let set = |text: &str| NodeSet::expand(text).expect("a set of the test reads");
    let groups = BTreeMap::from([
        ("mds_nodes".to_owned(), set("node[1-5]")),
        ("cs_nodes".to_owned(), set("node[1-6]")),
        ("client_nodes".to_owned(), set("node[4-6]")),
        ("etcd_nodes".to_owned(), set("node[1-5]")),
        ("s3_nodes".to_owned(), NodeSet::default()),
    ]);
    let nodes = (1..=6).map(node).collect();
    Inventory::build("pcs1", Some("pstorage"), nodes, groups, BTreeMap::new())
        .expect("the test's cluster is sound")
}

/// A script and what it uses, read and laid on one number line.
struct Project {
    sources: SourceMap,
    problems: Problems,
    modules: Vec<Module>,
}

impl Project {
    fn read(&mut self, name: &str, file: &str, text: &str, is_built_in: bool) -> Module {
        let base = self.sources.add(file, text);
        let script = parse_script(text, base, &mut self.problems);
        Module {
            name: name.to_owned(),
            script,
            text: text.into(),
            base,
            with: BTreeMap::new(),
            is_built_in,
        }
    }

    fn load(&mut self, name: &str, with: BTreeMap<String, String>, folder: &Path) {
        if self.modules.iter().any(|module| module.name == name) {
            return;
        }
        let file = folder.join(format!("{name}.module"));
        let text = fs::read_to_string(&file).ok();
        let Some(text) = text.or_else(|| stdlib(name).map(str::to_owned)) else {
            return;
        };
        let mut module = self.read(name, &format!("{name}.runbook"), &text, true);
        module.with = with;
        for used in find_uses(&module.script) {
            self.load(&used.module.node, BTreeMap::new(), folder);
        }
        self.modules.push(module);
    }
}

fn check(name: &str, text: &str, folder: &Path) -> String {
    let mut project = Project {
        sources: SourceMap::default(),
        problems: Problems::new(),
        modules: Vec::new(),
    };
    let main = project.read("", &format!("{name}.runbook"), text, false);
    let uses = find_uses(&main.script);
    if uses.is_empty() {
        project.load("small", BTreeMap::new(), folder);
    }
    for used in uses {
        let with = used.with.iter();
        let with = with.map(|(group, own)| (group.node.clone(), own.node.clone()));
        project.load(&used.module.node, with.collect(), folder);
    }
    let Project {
        sources,
        mut problems,
        modules,
    } = project;
    let program = check_scripts(&modules, &main, &cluster(), &mut problems);
    problems.sort();
    let drawn = render_problems(&problems, &sources, Style::Plain);
    let ending = match (problems.has_errors(), program.is_some()) {
        (false, true) => "may run",
        (true, true) => "may run when somebody says why",
        (_, false) => "cannot run",
    };
    format!("{drawn}{}{ending}\n", if drawn.is_empty() { "" } else { "\n" })
}

#[test]
fn findings_read_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/check");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the golden folder is there")
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_suffix(".runbook")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    let mut wrong = Vec::new();
    for name in names {
        let text = fs::read_to_string(folder.join(format!("{name}.runbook"))).expect("a case is readable");
        let out = folder.join(format!("{name}.out"));
        let found = check(&name, &text, &folder);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&out, &found).expect("the golden folder can be written");
        }
        if fs::read_to_string(&out).unwrap_or_default() != found {
            wrong.push(format!("{name}:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
