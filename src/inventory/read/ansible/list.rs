use super::draft::Draft;
use super::yaml::{check_text, entries};
use crate::inventory::InventoryError;
use crate::inventory::read::source::Surroundings;
use crate::inventory::read::tree::{Key, Kind, Tree, read_json};

/// Reads what a program printed for `--list` into `draft`; `program` is its path, for the
/// variables of each host when `_meta` does not bring them along.
///
/// # Errors
///
/// [`InventoryError`] for what is not of the form, and when the program fails.
///
/// # Source
///
/// Ansible, "Developing dynamic inventory", "Inventory script conventions".
pub(super) fn read_list(
    draft: &mut Draft,
    tree: &Tree,
    program: Option<(&str, &dyn Surroundings)>,
) -> Result<(), InventoryError> {
    let mut hosts = Vec::new();
    let mut of_hosts = None;
    for (key, group) in entries(tree, "what `--list` prints", "print a table of groups")? {
        if key.text == "_meta" {
            let Some(table) = group.get("hostvars") else {
                let help = "print \"_meta\": {\"hostvars\": {}}, or no `_meta`";
                return Err(group.place.refuse("`_meta` has no `hostvars`", help));
            };
            of_hosts = Some(table);
        } else {
            read_group(draft, key, group, &mut hosts)?;
        }
    }
    hosts.sort();
    hosts.dedup();
    let known = of_hosts
        .map(|table| entries(table, "`hostvars`", "print a table for each host"))
        .transpose()?;
    for host in hosts {
        match (known, program) {
            (Some(known), _) => {
                let found = known.iter().find(|(key, _)| key.text == host);
                if let Some((_, variables)) = found {
                    set_variables(draft, &host, variables)?;
                }
            }
            (None, Some((path, surroundings))) => {
                let text = surroundings.run(path, &["--host", &host])?;
                if !text.trim().is_empty() {
                    let name = format!("{path} --host {host}");
                    set_variables(draft, &host, &read_json(&name, &text)?)?;
                }
            }
            (None, None) => {}
        }
    }
    Ok(())
}

fn read_group(
    draft: &mut Draft,
    key: &Key,
    tree: &Tree,
    hosts: &mut Vec<String>,
) -> Result<(), InventoryError> {
    let group = draft.add_group(&key.text, &key.place)?;
    if matches!(tree.kind, Kind::List(_)) {
        return read_hosts(draft, group, tree, hosts);
    }
    let what = format!("group `{}`", key.text);
    let help = "print a list of hosts, or a table with `hosts`, `vars` and `children`";
    for (section, value) in entries(tree, &what, help)? {
        match section.text.as_str() {
            "hosts" => read_hosts(draft, group, value, hosts)?,
            "vars" => {
                for (name, value) in entries(value, &format!("`vars` of {what}"), "print a table")? {
                    draft.set_of_group(group, &name.text, value)?;
                }
            }
            "children" => {
                for child in names(value, &format!("`children` of {what}"))? {
                    let (name, value) = child;
                    let child = draft.add_group(name, &value.place)?;
                    draft.add_child(group, child, &value.place)?;
                }
            }
            other => {
                return Err(section
                    .place
                    .refuse(format!("`{other}` means nothing in {what}"), help));
            }
        }
    }
    Ok(())
}

fn read_hosts(
    draft: &mut Draft,
    group: usize,
    tree: &Tree,
    hosts: &mut Vec<String>,
) -> Result<(), InventoryError> {
    let what = format!("the hosts of group `{}`", draft.groups[group].name);
    for (name, value) in names(tree, &what)? {
        draft.add_host(name, Some(group), None, &value.place)?;
        hosts.push(name.to_owned());
    }
    Ok(())
}

/// A list of names, each with its value for the place.
fn names<'t>(tree: &'t Tree, what: &str) -> Result<Vec<(&'t str, &'t Tree)>, InventoryError> {
    let help = "print a list of texts: [\"one\", \"two\"]";
    let Kind::List(values) = &tree.kind else {
        let why = format!("{what} must be a list, and this is {}", tree.describe());
        return Err(tree.place.refuse(why, help));
    };
    let name = |value: &'t Tree| match &value.kind {
        Kind::Text(name) => Ok((name.as_str(), value)),
        _ => {
            let why = format!("{what} must be texts, and this is {}", value.describe());
            Err(value.place.refuse(why, help))
        }
    };
    values.iter().map(name).collect()
}

fn set_variables(draft: &mut Draft, host: &str, tree: &Tree) -> Result<(), InventoryError> {
    let what = format!("what is known of `{host}`");
    for (name, value) in entries(tree, &what, "print a table of variables")? {
        check_text(name, "the name of a variable")?;
        draft.set_of_host(host, &name.text, value)?;
    }
    Ok(())
}
