use std::collections::BTreeMap;

use super::ini::split_words;
use crate::inventory::read::tree::{Kind, Tree};
use crate::inventory::{InventoryError, Node};

/// Ways of connecting that are ssh.
const SSH: [&str; 5] = ["ssh", "smart", "ansible.builtin.ssh", "paramiko", "paramiko_ssh"];

/// Reads from a host's variables how it is reached.
///
/// # Errors
///
/// [`InventoryError::Refused`] for a variable that is not of its kind, that only Ansible can
/// read, or that asks for another way than ssh or this machine itself.
///
/// # Source
///
/// The options of Ansible's connection plugin `ssh`: of two names for one thing the later one
/// in its documentation wins.
pub(super) fn read_connection(node: &mut Node, known: &BTreeMap<&str, &Tree>) -> Result<(), InventoryError> {
    let host = node.name.to_string();
    // The last that is there.
    let find = |names: &[&'static str]| {
        let found = names
            .iter()
            .rev()
            .find_map(|name| Some((*name, *known.get(name)?)));
        found.filter(|(_, value)| !matches!(value.kind, Kind::Null))
    };
    let read = |names: &[&'static str]| -> Result<Option<(String, &Tree)>, InventoryError> {
        let Some((name, value)) = find(names) else {
            return Ok(None);
        };
        let text = read_text(name, &host, value)?;
        // Ansible takes an empty value for none.
        Ok((!text.is_empty()).then_some((text, value)))
    };
    if let Some((text, value)) = read(&["ansible_connection"])? {
        match text.as_str() {
            "local" | "ansible.builtin.local" => node.login.is_local = true,
            known if SSH.contains(&known) => {}
            other => {
                return Err(value.place.refuse(
                    format!("`{host}` is reached by `{other}`, which is not known here"),
                    "there are `ansible_connection=ssh` and `ansible_connection=local`",
                ));
            }
        }
    }
    if let Some((text, value)) = read(&["ansible_host", "ansible_ssh_host"])? {
        let is_odd = |letter: char| letter.is_whitespace() || letter.is_control();
        if text.starts_with('-') || text.contains(is_odd) {
            let why = format!("the address of `{host}` cannot be `{text}`");
            return Err(value.place.refuse(why, "write the name or address of a host"));
        }
        node.address = (text != host).then_some(text);
    }
    if let Some((text, value)) = read(&["ansible_port", "ansible_ssh_port"])? {
        let port = text.parse().ok().filter(|port| *port > 0);
        let Some(port) = port else {
            let why = format!("the port of `{host}` cannot be `{text}`");
            return Err(value.place.refuse(why, "a port is a number from 1 to 65535"));
        };
        node.login.port = Some(port);
    }
    if let Some((text, value)) = read(&["ansible_user", "ansible_ssh_user"])? {
        if text.starts_with('-') || text.contains(char::is_whitespace) {
            let why = format!("the user of `{host}` cannot be `{text}`");
            return Err(value.place.refuse(why, "write the name of a user"));
        }
        node.login.user = Some(text);
    }
    let identity = read(&["ansible_private_key_file", "ansible_ssh_private_key_file"])?;
    node.login.identity = identity.map(|(text, _)| text);
    for name in [
        "ansible_ssh_args",
        "ansible_ssh_common_args",
        "ansible_ssh_extra_args",
    ] {
        let Some((text, value)) = read(&[name])? else {
            continue;
        };
        // A `#` begins no comment here, so that it is put in quotes' place.
        let words = split_words(&text.replace('#', "\\#")).map_err(|why| {
            let why = format!("`{name}` of `{host}` cannot be taken apart: {why}");
            value.place.refuse(why, "write it as on the command line of ssh")
        })?;
        let words = words.into_iter().map(|(word, _)| word);
        node.login.arguments.extend(words);
    }
    Ok(())
}

fn read_text(name: &str, host: &str, value: &Tree) -> Result<String, InventoryError> {
    if let Some(why) = value.unreadable() {
        let shown = match &value.kind {
            Kind::Text(text) => format!(", `{text}`"),
            _ => String::new(),
        };
        return Err(value.place.refuse(
            format!("`{name}` of `{host}` is {why}{shown}, which only Ansible can read"),
            "write the value out",
        ));
    }
    match &value.kind {
        Kind::Text(text) | Kind::PlainText(text) | Kind::Number(text) => Ok(text.clone()),
        _ => {
            let why = format!(
                "`{name}` of `{host}` must be text, and this is {}",
                value.describe()
            );
            Err(value.place.refuse(why, "put it in quotes"))
        }
    }
}
