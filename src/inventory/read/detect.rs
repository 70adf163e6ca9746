use super::ansible::{SECTIONS, ending_of, read_tree};
use super::source::{Found, Source, Surroundings};
use super::tree::{Kind, Tree};
use crate::inventory::InventoryError;

/// The formats that there are.
pub(super) enum Format {
    /// A `cluster.toml`.
    Native,
    /// Ansible's sections.
    AnsibleIni,
    /// Ansible's groups with `hosts`, `children` and `vars`.
    AnsibleYaml(Tree),
    /// What a program printed for `--list`, kept in a file.
    AnsibleList(Tree),
    /// A program to ask with `--list`.
    Program,
    /// ClusterShell's sources of groups.
    ClusterShellYaml(Tree),
    /// ClusterShell's flat file of groups, one a line.
    ClusterShellLines,
    /// ClusterShell's `groups.conf`.
    ClusterShellConfig,
    /// Hosts or sets of them, one a line.
    Plain,
}

/// The ending of a file that is never carried out, though the system would let it be: on some
/// file systems everything is executable.
pub(super) fn is_data(path: &str) -> Option<&str> {
    let ending = ending_of(path.rsplit('/').next().unwrap_or(path));
    [".toml", ".ini", ".cfg", ".yml", ".yaml", ".json", ".conf", ".txt"]
        .into_iter()
        .find(|data| ending == *data)
}

/// Tells which format a file is in.
///
/// # Errors
///
/// [`InventoryError`] when it is none, or could be two.
pub(super) fn detect_format(
    path: &str,
    source: &Source,
    surroundings: &dyn Surroundings,
) -> Result<Format, InventoryError> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let text = source.text();
    if text.starts_with("#!") && is_data(path).is_none() {
        if let Found::File { is_executable: true } = surroundings.look(path)? {
            return Ok(Format::Program);
        }
        let help = format!("let it be carried out: chmod +x {path}");
        return Err(source
            .beginning()
            .refuse("this is a program that may not be carried out", help));
    }
    let has_section = lines(text).any(|line| line.starts_with('['));
    match ending_of(name) {
        ".toml" => Ok(Format::Native),
        ".yml" | ".yaml" | ".json" => detect_tree(path, source),
        ".conf" if has_section => Ok(Format::ClusterShellConfig),
        ".ini" => Ok(Format::AnsibleIni),
        _ => detect_text(path, source, name == "groups"),
    }
}

/// The lines that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
}

/// Tells the format of a file whose ending says nothing.
fn detect_text(path: &str, source: &Source, is_called_groups: bool) -> Result<Format, InventoryError> {
    let text = source.text();
    let Some(first) = lines(text).next() else {
        return Err(source.beginning().refuse(
            "this file names no host",
            "write a host a line, or an inventory in one of the formats of `quorate inventory show --help`",
        ));
    };
    let is_toml = |line: &str| {
        ["name", "system"].iter().any(|key| {
            let value = line
                .strip_prefix(key)
                .and_then(|rest| rest.trim_start().strip_prefix('='));
            value.is_some_and(|value| value.trim_start().starts_with(['"', '\'']))
        })
    };
    if is_toml(first) {
        return Ok(Format::Native);
    }
    let is_header = |line: &str| {
        let inner = line.strip_prefix('[').and_then(|line| line.split_once(']'));
        inner.is_some_and(|(_, after)| after.trim().is_empty() || after.trim().starts_with('#'))
    };
    if lines(text).any(is_header) {
        return Ok(Format::AnsibleIni);
    }
    if first.starts_with("---") || first.starts_with('{') {
        return detect_tree(path, source);
    }
    let without_comment = |line: &'_ str| line.split(" #").next().unwrap_or(line).trim_end().to_owned();
    if lines(text).any(|line| without_comment(line).ends_with(':')) {
        return detect_tree(path, source);
    }
    let is_group = |line: &str| {
        let Some((_, set)) = line.split_once(':') else {
            return false;
        };
        let is_port = !set.is_empty() && set.bytes().all(|byte| byte.is_ascii_digit());
        let is_in_brackets = line.find('[').is_some_and(|open| Some(open) < line.find(':'));
        is_called_groups || !(is_port || is_in_brackets || line.parse::<core::net::Ipv6Addr>().is_ok())
    };
    let groups = lines(text).filter(|line| is_group(line)).count();
    if groups == lines(text).count() {
        return Ok(Format::ClusterShellLines);
    }
    if lines(text).any(|line| line.contains('=')) {
        return Ok(Format::AnsibleIni);
    }
    let odd = lines(text).find(|line| is_group(line) || line.contains('='));
    match odd {
        Some(line) if groups > 0 => Err(source.place_of(line).refuse(
            "this line is a group, as in ClusterShell's file of groups, and other lines are not",
            "write a group a line, NAME: SET, or a host a line",
        )),
        _ => Ok(Format::Plain),
    }
}

/// Tells the format of a YAML or JSON file.
fn detect_tree(path: &str, source: &Source) -> Result<Format, InventoryError> {
    let Some(tree) = read_tree(path, source.text())? else {
        return Err(source.beginning().refuse("this file is empty", ""));
    };
    let Kind::Table(entries) = &tree.kind else {
        let why = format!("an inventory must be a table, and this is {}", tree.describe());
        return Err(tree.place.refuse(why, "write `all:` with `hosts:` below it"));
    };
    if let Some(plugin) = tree.get("plugin").and_then(Tree::to_text) {
        return Err(tree.place.refuse(
            format!("this is the configuration of Ansible's plugin `{plugin}`, and no inventory"),
            "let Ansible ask it: give -i a program that runs `ansible-inventory --list` on this file",
        ));
    }
    if tree.get("_meta").is_some() {
        return Ok(Format::AnsibleList(tree));
    }
    let is_list = |tree: &Tree| matches!(tree.kind, Kind::List(_));
    let is_set = |tree: &Tree| matches!(tree.kind, Kind::Text(_) | Kind::Number(_) | Kind::List(_));
    let has_section = |tree: &Tree| SECTIONS.iter().any(|section| tree.get(section).is_some());
    let is_source = |tree: &Tree| match &tree.kind {
        Kind::Table(groups) => !groups.is_empty() && groups.iter().all(|(_, set)| is_set(set)),
        _ => false,
    };
    let groups: Vec<_> = entries.iter().filter(|(_, value)| has_section(value)).collect();
    let sources: Vec<_> = entries.iter().filter(|(_, value)| is_source(value)).collect();
    if let Some((key, _)) = groups.iter().find(|(_, value)| is_source(value)) {
        let name = &key.text;
        // A source of ClusterShell's would not be called as Ansible's group of everything.
        if sources.len() == entries.len() && tree.get("all").is_none() {
            return Err(key.place.refuse(
                format!("`{name}` could be a group of Ansible's, or a source of ClusterShell's"),
                "for Ansible write each host on a line of its own, with a colon; for ClusterShell give the group \
                 another name than `hosts`, `children` or `vars`",
            ));
        }
    }
    if groups.is_empty() && !entries.is_empty() && sources.len() == entries.len() {
        return Ok(Format::ClusterShellYaml(tree));
    }
    if groups.is_empty()
        && let Some((key, _)) = entries.iter().find(|(_, value)| is_list(value))
    {
        return Err(key.place.refuse(
            format!("the group `{}` is a list", key.text),
            "in Ansible's YAML write `hosts:` below it and each host with a colon, `name:`; what a program prints \
             for --list has `_meta`",
        ));
    }
    Ok(Format::AnsibleYaml(tree))
}
