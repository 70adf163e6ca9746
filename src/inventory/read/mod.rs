//! The formats that inventories are written in, one file each.
//!
//! Which format a file is in, its ending tells, and where several share an ending, its text.
//! What could be read in two ways is refused.

mod ansible;
mod clustershell;
mod detect;
mod native;
mod source;
mod tree;

use super::{Inventory, InventoryError};
use ansible::{Draft, join_path};
use clustershell::Sources;
use detect::{Format, detect_format};
use source::Source;

pub use source::{Found, Surroundings};

/// What a folder has that is no inventory, and Ansible leaves out, by its ending.
const IGNORED: [&str; 12] = [
    ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry",
];

/// How deep folders may lie in folders.
const DEEPEST: usize = 16;

/// Reads the inventory at `path`: a file, a program that prints one, or a folder of them.
///
/// # Errors
///
/// [`InventoryError`] for a format that is not known or not sure, and for whatever is wrong in
/// the files. Nothing is half read.
pub fn read_inventory_at(path: &str, surroundings: &dyn Surroundings) -> Result<Inventory, InventoryError> {
    if let Found::Folder(names) = surroundings.look(path)? {
        return read_folder(path.trim_end_matches('/'), &names, surroundings);
    }
    let text = match surroundings.look(path)? {
        Found::File { is_executable } if is_executable && detect::is_data(path).is_none() => None,
        _ => Some(surroundings.text(path)?),
    };
    let folder = folder_of(path);
    let name = cluster_name(path);
    let mut draft = Draft::new();
    let Some(text) = text else {
        read_program(&mut draft, path, surroundings)?;
        return ansible::finish(draft, folder, &name, surroundings);
    };
    let source = Source::new(path, text.as_str());
    match detect_format(path, &source, surroundings)? {
        Format::Native => return native::read_native(path, &text),
        Format::ClusterShellYaml(tree) => {
            let mut sources = Sources::default();
            sources.read_yaml(&tree)?;
            return sources.finish(&source, &name);
        }
        Format::ClusterShellLines => {
            let mut sources = Sources::default();
            sources.read_lines(&source)?;
            return sources.finish(&source, &name);
        }
        Format::ClusterShellConfig => {
            let mut sources = Sources::default();
            sources.read_config(&source, folder, surroundings)?;
            return sources.finish(&source, &name);
        }
        format => read_into(&mut draft, path, &source, format, surroundings)?,
    }
    ansible::finish(draft, folder, &name, surroundings)
}

/// Reads an inventory from its text alone; `name` is its file's, for the format and the errors.
///
/// # Errors
///
/// As [`read_inventory_at`].
pub fn read_inventory(name: &str, text: &str) -> Result<Inventory, InventoryError> {
    read_inventory_at(name, &Alone { name, text })
}

/// One text and nothing round it.
struct Alone<'a> {
    name: &'a str,
    text: &'a str,
}

impl Surroundings for Alone<'_> {
    fn look(&self, path: &str) -> Result<Found, InventoryError> {
        Ok(match path == self.name {
            true => Found::File { is_executable: false },
            false => Found::Nothing,
        })
    }

    fn text(&self, path: &str) -> Result<String, InventoryError> {
        match path == self.name {
            true => Ok(self.text.to_owned()),
            false => Err(InventoryError::NotRead {
                path: path.to_owned(),
                why: "there is no such file".to_owned(),
                help: None,
            }),
        }
    }

    fn run(&self, path: &str, _: &[&str]) -> Result<String, InventoryError> {
        Err(InventoryError::ProgramFailed {
            command: path.to_owned(),
            why: "there is no such program".to_owned(),
            help: None,
        })
    }
}

/// Reads one of Ansible's formats, or a list of hosts, into `draft`.
fn read_into(
    draft: &mut Draft,
    path: &str,
    source: &Source,
    format: Format,
    surroundings: &dyn Surroundings,
) -> Result<(), InventoryError> {
    match format {
        Format::AnsibleIni => ansible::read_ini(draft, source),
        Format::AnsibleYaml(tree) => ansible::read_yaml(draft, &tree),
        Format::AnsibleList(tree) => ansible::read_list(draft, &tree, None),
        Format::Plain => ansible::read_plain(draft, source),
        Format::Program => read_program(draft, path, surroundings),
        Format::Native
        | Format::ClusterShellYaml(_)
        | Format::ClusterShellLines
        | Format::ClusterShellConfig => Err(source.beginning().refuse(
            "only Ansible's inventories and lists of hosts can be read from a folder together",
            format!("name the file itself: -i {path}"),
        )),
    }
}

fn read_program(
    draft: &mut Draft,
    path: &str,
    surroundings: &dyn Surroundings,
) -> Result<(), InventoryError> {
    let text = surroundings.run(path, &["--list"])?;
    let tree = tree::read_json(&format!("{path} --list"), &text)?;
    ansible::read_list(draft, &tree, Some((path, surroundings)))
}

/// Reads a folder: files of ClusterShell, or inventories that are laid over each other.
fn read_folder(
    folder: &str,
    names: &[String],
    surroundings: &dyn Surroundings,
) -> Result<Inventory, InventoryError> {
    let name = cluster_name(folder);
    if name == "groups.d" {
        let mut sources = Sources::default();
        sources.read_files(folder, names, ".yaml", surroundings)?;
        return sources.finish(&Source::new(folder, ""), &name);
    }
    let mut draft = Draft::new();
    let read = read_folder_into(&mut draft, folder, names, surroundings, 0)?;
    if read == 0 {
        return Err(InventoryError::NotRead {
            path: folder.to_owned(),
            why: "no inventory is in this folder".to_owned(),
            help: None,
        });
    }
    ansible::finish(draft, folder, &name, surroundings)
}

/// Reads the files of a folder in the order of their names, and says how many there were.
fn read_folder_into(
    draft: &mut Draft,
    folder: &str,
    names: &[String],
    surroundings: &dyn Surroundings,
    depth: usize,
) -> Result<usize, InventoryError> {
    let mut count = 0;
    for name in names {
        let is_ignored = name.starts_with('.')
            || ["host_vars", "group_vars", "vars_plugins"].contains(&name.as_str())
            || IGNORED.iter().any(|ending| name.ends_with(ending));
        if is_ignored {
            continue;
        }
        let path = join_path(folder, name);
        match surroundings.look(&path)? {
            Found::Nothing => {}
            Found::Folder(_) if depth >= DEEPEST => {
                return Err(InventoryError::NotRead {
                    path,
                    why: format!("it lies more than {DEEPEST} folders deep"),
                    help: None,
                });
            }
            Found::Folder(names) => {
                count += read_folder_into(draft, &path, &names, surroundings, depth + 1)?;
            }
            Found::File { is_executable } if is_executable && detect::is_data(&path).is_none() => {
                read_program(draft, &path, surroundings)?;
                count += 1;
            }
            Found::File { .. } => {
                let source = Source::new(&path, surroundings.text(&path)?);
                let format = detect_format(&path, &source, surroundings)?;
                read_into(draft, &path, &source, format, surroundings)?;
                count += 1;
            }
        }
    }
    Ok(count)
}

/// The folder that a file lies in; empty for the one that the program was started in.
fn folder_of(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None => "",
    }
}

/// What a cluster is called when nothing says it: its file's name without the ending.
fn cluster_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = match (name, name.rsplit_once('.')) {
        ("groups.d", _) => name,
        (_, Some((stem, _))) if !stem.is_empty() => stem,
        _ => name,
    };
    match super::cluster::why_not_a_name(stem, "-_.") {
        None => stem.to_owned(),
        Some(_) => "cluster".to_owned(),
    }
}
