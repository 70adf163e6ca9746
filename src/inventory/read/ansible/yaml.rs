use super::draft::Draft;
use super::hosts::expand_hosts;
use crate::diagnostic::nearest;
use crate::inventory::InventoryError;
use crate::inventory::read::source::Place;
use crate::inventory::read::tree::{Key, Kind, Tree};

/// What a group may hold.
pub(in crate::inventory::read) const SECTIONS: [&str; 3] = ["hosts", "children", "vars"];

/// Reads an inventory in Ansible's YAML form into `draft`.
///
/// # Errors
///
/// [`InventoryError`] for what Ansible refuses or only warns of, and for names that cannot be
/// a node's or a group's here.
pub(super) fn read_groups(draft: &mut Draft, tree: &Tree) -> Result<(), InventoryError> {
    for (name, group) in entries(tree, "an inventory", "write `all:` with `hosts:` below it")? {
        read_group(draft, name, group)?;
    }
    Ok(())
}

fn read_group(draft: &mut Draft, key: &Key, tree: &Tree) -> Result<usize, InventoryError> {
    check_text(key, "the name of a group")?;
    let group = draft.add_group(&key.text, &key.place)?;
    let what = format!("group `{}`", key.text);
    for (section, value) in entries(tree, &what, "below it write `hosts:`, `children:` or `vars:`")? {
        match section.text.as_str() {
            "vars" => {
                for (name, value) in section_entries(&section.text, &key.text, value)? {
                    check_text(name, "the name of a variable")?;
                    draft.set_of_group(group, &name.text, value)?;
                }
            }
            "children" => {
                if let Some(name) = single_name(value) {
                    let child = draft.add_group(&name, &value.place)?;
                    draft.add_child(group, child, &value.place)?;
                    continue;
                }
                for (name, value) in section_entries(&section.text, &key.text, value)? {
                    let child = read_group(draft, name, value)?;
                    draft.add_child(group, child, &name.place)?;
                }
            }
            "hosts" => {
                if let Some(name) = single_name(value) {
                    read_host(draft, group, &name, &value.place, None)?;
                    continue;
                }
                for (name, value) in section_entries(&section.text, &key.text, value)? {
                    check_text(name, "the name of a host")?;
                    read_host(draft, group, &name.text, &name.place, Some(value))?;
                }
            }
            other => {
                let help = match nearest(other, SECTIONS) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => {
                        "a group has `hosts`, `children` and `vars`; variables stand under `vars`".to_owned()
                    }
                };
                let why = format!("`{other}` means nothing in {what}");
                return Err(section.place.refuse(why, help));
            }
        }
    }
    Ok(group)
}

fn read_host(
    draft: &mut Draft,
    group: usize,
    pattern: &str,
    place: &Place,
    variables: Option<&Tree>,
) -> Result<(), InventoryError> {
    let (names, port) = expand_hosts(pattern).map_err(|why| place.refuse(why, ""))?;
    for name in &names {
        draft.add_host(name, Some(group), port, place)?;
    }
    let Some(tree) = variables else {
        return Ok(());
    };
    let what = format!("host `{pattern}`");
    for (key, value) in entries(tree, &what, "below it write its variables, NAME: VALUE")? {
        check_text(key, "the name of a variable")?;
        for name in &names {
            draft.set_of_host(name, &key.text, value)?;
        }
    }
    Ok(())
}

/// A section that is a single name rather than a table of them.
fn single_name(tree: &Tree) -> Option<String> {
    match &tree.kind {
        Kind::Text(name) => Some(name.clone()),
        _ => None,
    }
}

fn section_entries<'t>(
    section: &str,
    group: &str,
    tree: &'t Tree,
) -> Result<&'t [(Key, Tree)], InventoryError> {
    let what = format!("`{section}` of group `{group}`");
    let help = match (section, &tree.kind) {
        ("vars", _) => "below it write NAME: VALUE",
        (_, Kind::List(_)) => "write each with a colon and without the dash: `name:`",
        _ => "below it write each with a colon: `name:`",
    };
    entries(tree, &what, help)
}

/// The entries of a table; nothing at all is an empty one.
pub(super) fn entries<'t>(
    tree: &'t Tree,
    what: &str,
    help: &str,
) -> Result<&'t [(Key, Tree)], InventoryError> {
    match &tree.kind {
        Kind::Table(entries) => Ok(entries),
        Kind::Null => Ok(&[]),
        _ => {
            let why = format!("{what} must be a table, and this is {}", tree.describe());
            Err(tree.place.refuse(why, help))
        }
    }
}

/// Refuses a number or a truth value where a name must stand.
pub(super) fn check_text(key: &Key, what: &str) -> Result<(), InventoryError> {
    if key.is_text {
        return Ok(());
    }
    let why = format!(
        "{what} must be text, and YAML reads `{}` as another thing",
        key.text
    );
    Err(key
        .place
        .refuse(why, format!("put it in quotes: \"{}\"", key.text)))
}
