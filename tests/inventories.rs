//! Inventories of other tools, read as these tools read them, and what is refused.
//!
//! Each folder of `tests/inventories/ansible/` is an inventory beside `expected.json`, which
//! `ask_ansible.py` wrote with the answers of `ansible-inventory --list`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use quorate::inventory::{Inventory, NodeSet, write_inventory};
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
        let mut files = files.filter(|file| !["expected.json", "group_vars", "host_vars"].contains(&file.as_str()));
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
                wrong.push(format!("{name}: {part} {}\nexpected {}", found[part], expected[part]));
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
                    wrong.push(format!("{name}: {variable} of {host} is {text:?}, expected {value}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
