use super::draft::Variables;
use super::yaml::{check_text, entries};
use crate::inventory::InventoryError;
use crate::inventory::read::source::{Found, Source, Surroundings};
use crate::inventory::read::tree::{Tree, read_json, read_yaml};

/// How files of variables may end.
const ENDINGS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

/// A folder `group_vars` or `host_vars`.
pub(super) struct VariableFolder<'a> {
    path: String,
    /// What is in it; none when there is no such folder.
    names: Option<Vec<String>>,
    surroundings: &'a dyn Surroundings,
}

impl<'a> VariableFolder<'a> {
    /// Looks for the folder called `name` in `base`.
    pub fn open(base: &str, name: &str, surroundings: &'a dyn Surroundings) -> Result<Self, InventoryError> {
        let path = join_path(base, name);
        let names = match surroundings.look(&path)? {
            Found::Folder(names) => Some(names),
            _ => None,
        };
        Ok(VariableFolder {
            path,
            names,
            surroundings,
        })
    }

    /// The variables of the group or host called `name`: of the first ending that is there, and
    /// of a folder all files in order, the later ones winning.
    pub fn read(&self, name: &str) -> Result<Variables, InventoryError> {
        let mut variables = Variables::new();
        let Some(names) = &self.names else {
            return Ok(variables);
        };
        let found = ENDINGS.iter().map(|ending| format!("{name}{ending}"));
        let Some(file) = found.into_iter().find(|file| names.contains(file)) else {
            return Ok(variables);
        };
        self.read_entry(&join_path(&self.path, &file), &mut variables)?;
        Ok(variables)
    }

    fn read_entry(&self, path: &str, variables: &mut Variables) -> Result<(), InventoryError> {
        match self.surroundings.look(path)? {
            Found::Nothing => Ok(()),
            Found::File { .. } => self.read_file(path, variables),
            Found::Folder(names) => {
                for name in names {
                    let inner = join_path(path, &name);
                    let ending = ending_of(&name);
                    let is_folder = matches!(self.surroundings.look(&inner)?, Found::Folder(_));
                    let is_wanted = !name.starts_with('.')
                        && !name.ends_with('~')
                        && (ending.is_empty() || (!is_folder && ENDINGS.contains(&ending)));
                    if is_wanted {
                        self.read_entry(&inner, variables)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn read_file(&self, path: &str, variables: &mut Variables) -> Result<(), InventoryError> {
        let text = self.surroundings.text(path)?;
        let Some(tree) = read_tree(path, &text)? else {
            return Ok(());
        };
        for (name, value) in entries(&tree, "a file of variables", "write NAME: VALUE")? {
            check_text(name, "the name of a variable")?;
            variables.insert(name.text.clone(), value.clone());
        }
        Ok(())
    }
}

/// Reads a YAML or JSON file; none for an empty one.
///
/// # Errors
///
/// [`InventoryError`] when it is neither, or encrypted as a whole.
pub(in crate::inventory::read) fn read_tree(path: &str, text: &str) -> Result<Option<Tree>, InventoryError> {
    let source = Source::new(path, text);
    if text.starts_with("$ANSIBLE_VAULT") {
        return Err(source.beginning().refuse(
            "this file is encrypted by ansible-vault, so that nothing tells what it says of its hosts",
            "let Ansible read it: give -i a program that runs `ansible-inventory --list`",
        ));
    }
    if text.trim_start().starts_with('{') && path.ends_with(".json") {
        return read_json(path, text).map(Some);
    }
    read_yaml(&source)
}

/// The ending of a file's name, with its point; a point at the beginning makes none.
pub(in crate::inventory::read) fn ending_of(name: &str) -> &str {
    match name.rfind('.') {
        Some(at) if at > 0 => &name[at..],
        _ => "",
    }
}

/// A path within a folder; an empty folder is the one that the program was started in.
pub(in crate::inventory::read) fn join_path(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        _ => format!("{folder}/{name}"),
    }
}
