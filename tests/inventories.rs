//! Inventories of other tools, read as these tools read them, and what is refused.
//!
//! Each folder of `tests/inventories/ansible/` is an inventory beside `expected.json`, which
//! `ask_ansible.py` wrote with the answers of `ansible-inventory --list`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use quorate::inventory::{Inventory, NodeSet, read_inventory, write_inventory};
use quorate::project::{InventoryChoice, Project};
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/inventories")
        .join(name)
}

fn read(path: &Path) -> Result<Inventory, String> {
    match Project::new(&InventoryChoice::File(path.to_path_buf())) {
        Ok(project) => Ok(project.inventory().as_ref().clone()),
        Err(error) => Err(Project::render_error(error, quorate::diagnostic::Style::Plain)),
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Sorts the hosts of each group, since tools list them in the order of their files.
fn sort_groups(whole: &mut Value) {
    for group in whole["groups"].as_object_mut().expect("groups").values_mut() {
        let group = group.as_array_mut().expect("a list of hosts");
        group.sort_by_key(ToString::to_string);
    }
}

/// Whether a variable of a node says what Ansible has: numbers by their value, lists as JSON.
fn is_same(text: Option<&str>, value: &Value) -> bool {
    match (text, value) {
        (None, Value::Null) => true,
        (Some(text), Value::Bool(yes)) => text == if *yes { "yes" } else { "no" },
        (Some(text), Value::String(value)) => text == value,
        (Some(text), Value::Number(value)) => {
            text == value.to_string() || text.parse::<f64>().ok() == value.as_f64()
        }
        (Some(text), value) => serde_json::from_str::<Value>(text).ok().as_ref() == Some(value),
        (None, _) => false,
    }
}

#[test]
fn ansible_inventories_are_read_as_ansible_reads_them() {
    let root = folder("ansible");
    let mut wrong = Vec::new();
    for name in names_in(&root) {
        let here = root.join(&name);
        let files = names_in(&here).into_iter();
        let mut files =
            files.filter(|file| !["expected.json", "group_vars", "host_vars"].contains(&file.as_str()));
        let file = files.next().expect("an inventory");
        let expected = fs::read_to_string(here.join("expected.json")).expect("what Ansible says");
        let mut expected: Value = serde_json::from_str(&expected).expect("JSON");
        let inventory = match read(&here.join(&file)) {
            Ok(inventory) => inventory,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let mut found: Value = serde_json::from_str(&write_inventory(&inventory)).expect("JSON");
        sort_groups(&mut expected);
        sort_groups(&mut found);
        for part in ["groups", "hosts"] {
            if found[part] != expected[part] {
                wrong.push(format!(
                    "{name}: {part} {}\nexpected {}",
                    found[part], expected[part]
                ));
            }
        }
        let variables = expected["variables"].as_object().expect("variables");
        for (host, known) in variables {
            let node = inventory.node(host).expect("a host that Ansible has");
            let known = known.as_object().expect("variables");
            let mut names: Vec<&String> = known.keys().chain(node.variables.keys()).collect();
            names.dedup();
            for variable in names {
                let text = node.variables.get(variable).map(String::as_str);
                let value = known.get(variable).unwrap_or(&Value::Null);
                if !is_same(text, value) && !node.withheld.contains_key(variable) {
                    wrong.push(format!(
                        "{name}: {variable} of {host} is {text:?}, expected {value}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn groups_of_clustershell_are_read_as_nodeset_reads_them() {
    let root = folder("clustershell");
    for (name, file) in [
        ("sources", "groups.d/cluster.yaml"),
        ("sources", "groups.d"),
        ("flat", "groups"),
        ("config", "groups.conf"),
    ] {
        let expected = fs::read_to_string(root.join(name).join("expected.json")).expect("what nodeset says");
        let expected: Value = serde_json::from_str(&expected).expect("JSON");
        let inventory = read(&root.join(name).join(file)).unwrap_or_else(|error| panic!("{error}"));
        let mut found: Value = serde_json::from_str(&write_inventory(&inventory)).expect("JSON");
        sort_groups(&mut found);
        for (group, nodes) in expected.as_object().expect("groups") {
            assert_eq!(&found["groups"][group], nodes, "{name}: {group}");
        }
        let extra = usize::from(expected.get("all").is_none()) + 1;
        let count = found["groups"].as_object().expect("groups").len();
        assert_eq!(
            count,
            expected.as_object().expect("groups").len() + extra,
            "{name}"
        );
    }
    let inventory = read(&root.join("config/groups.conf")).expect("it reads");
    let group = |name: &str| inventory.group(name).map(ToString::to_string);
    assert_eq!(group("racks:r1"), group("r1"));
    assert_eq!(group("local:r1"), None);
}

#[test]
fn formats_are_told_by_name_and_text() {
    let cases = [
        // the file, its text, its nodes
        ("machines", "n[01-03] # three\n\ngate,n05\n", "gate,n[01-03,05]"),
        ("machines", "n[1:3]:22\nm\n", "m,n[1-3]"),
        ("machines", "a rack=r1\nb\n", "a-b"),
        ("machines", "[web]\na\n", "a"),
        ("machines", "all:\n  hosts:\n    a:\n", "a"),
        ("machines", "---\nall: {hosts: {a: }}\n", "a"),
        ("machines", "{\"all\": {\"hosts\": {\"a\": null}}}", "a"),
        ("machines", "web: a1\ndb:b1\n", "a1,b1"),
        ("machines", "name = \"pcs1\"\n[groups]\nx = \"a\"\n", "a"),
        ("groups", "web:1\n", "1"),
        (
            "kept.json",
            "{\"web\": [\"a\"], \"_meta\": {\"hostvars\": {}}}",
            "a",
        ),
        ("machines.txt", "a\nb\n", "a-b"),
    ];
    for (name, text, nodes) in cases {
        let inventory = read_inventory(name, text).unwrap_or_else(|error| panic!("{name} {text}: {error}"));
        let names = inventory.nodes().map(|node| node.name.to_string());
        let found: Vec<String> = names.collect();
        let expected = NodeSet::expand(&nodes.replace("a-b", "a,b")).expect("a set of the test reads");
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{name}: {text}");
    }
}

/// Each file or folder of `bad/` has one mistake, and `messages.out` says which; with
/// `UPDATE_GOLDEN=1` it is written anew.
#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let root = folder("bad");
    let mut told = String::new();
    for name in names_in(&root).iter().filter(|name| *name != "messages.out") {
        let here = root.join(name);
        let path = if here.is_dir() {
            let mut files = names_in(&here).into_iter();
            here.join(files.find(|file| !file.ends_with("_vars")).expect("an inventory"))
        } else {
            here
        };
        let error = read(&path).expect_err(name);
        let error = error.replace(&format!("{}/", root.display()), "");
        // Where a line is wrapped hangs on where the repository lies.
        let error = error.replace("\n  │ ", " ").replace("\n        ", " ");
        told.push_str(&format!("== {name}\n{error}\n"));
    }
    let golden = root.join("messages.out");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &told).expect("the golden file is written");
    }
    let expected = fs::read_to_string(&golden).expect("the messages");
    assert_eq!(told, expected);
}

#[test]
fn a_value_that_only_ansible_can_read_is_withheld() {
    let text = "[web]\na rack='{{ zone }}' site=x\nb rack=r1\n";
    let inventory = read_inventory("hosts.ini", text).expect("it reads");
    let (node, what) = inventory.withheld("rack").expect("one is withheld");
    assert_eq!((node.name.as_str(), what), ("a", "a template of Ansible"));
    assert!(inventory.withheld("site").is_none());
    let place = tempfile::tempdir().expect("a folder");
    let file = place.path().join("hosts.ini");
    fs::write(&file, text).expect("a file in it");
    let mut project = Project::new(&InventoryChoice::File(file)).expect("it reads");
    for script in [
        "on web by rack < run \"true\" >\n",
        "on web serially < run \"echo ${node.rack}\" >\n",
    ] {
        let problems = project.check_text("script.runbook", script);
        let told = project.render_plain(&problems);
        let expected = "what the inventory has as `rack` of `a` is a template of Ansible";
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn connections_are_read() {
    let text = "[web]\na ansible_host=10.0.0.1 ansible_port=2200 ansible_user=me \
                ansible_ssh_private_key_file=~/.ssh/id ansible_ssh_common_args='-o ProxyJump=\"a b\"' \
                ansible_ssh_extra_args=-C rack=r1 ansible_password=secret\nb ansible_connection=local\n\
                [all:vars]\nquorate_cluster=pcs1\nquorate_system=pstorage\n";
    let inventory = read_inventory("hosts.ini", text).expect("it reads");
    assert_eq!(inventory.name, "pcs1");
    assert_eq!(inventory.system.as_deref(), Some("pstorage"));
    let node = inventory.node("a").expect("a node");
    assert_eq!(node.address.as_deref(), Some("10.0.0.1"));
    let login = &node.login;
    assert_eq!((login.port, login.user.as_deref()), (Some(2200), Some("me")));
    assert_eq!(login.identity.as_deref(), Some("~/.ssh/id"));
    assert_eq!(login.arguments, ["-o", "ProxyJump=a b", "-C"]);
    assert_eq!(
        node.variables,
        BTreeMap::from([("rack".to_owned(), "r1".to_owned())])
    );
    assert!(inventory.node("b").expect("a node").login.is_local);
}

proptest! {
    /// No text brings a reader down.
    #[test]
    fn any_text_is_read_or_refused(
        name in prop::sample::select(vec!["a.ini", "a.yml", "a.json", "a", "groups", "groups.conf"]),
        text in "([a-c]{1,2}|[ \\[\\]:=,#@!&*<\"'{}\n\t\\\\-]|[0-9]|é|all|hosts|vars|children|true){0,40}",
    ) {
        let _ = read_inventory(name, &text);
    }
}
