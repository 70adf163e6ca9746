use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use super::ansible::{ending_of, join_path, read_tree};
use super::source::{Found, Place, Source, Surroundings};
use super::tree::{Kind, Tree};
use crate::inventory::{Inventory, InventoryError, Node, NodeName, NodeSet};

/// How deep groups may lie in groups.
const DEEPEST: usize = 64;

/// Groups of ClusterShell while their files are read: by source, then by name.
#[derive(Default)]
pub(super) struct Sources {
    /// In the order of the files.
    sources: Vec<(String, BTreeMap<String, Group>)>,
    /// The source whose groups need no `source:` before them.
    default: Option<String>,
}

/// A group as written: sets of nodes that are added up.
struct Group {
    sets: Vec<(String, Place)>,
    place: Place,
}

impl Sources {
    fn add(&mut self, source: &str, place: &Place) -> Result<&mut BTreeMap<String, Group>, InventoryError> {
        if self.sources.iter().any(|(known, _)| known == source) {
            let why = format!("the source `{source}` is described in two files");
            return Err(place.refuse(why, "ClusterShell takes one of them only; join the two"));
        }
        self.sources.push((source.to_owned(), BTreeMap::new()));
        let last = self.sources.last_mut().expect("one was just added");
        Ok(&mut last.1)
    }

    /// Reads the YAML of a file in `groups.d`.
    pub fn read_yaml(&mut self, tree: &Tree) -> Result<(), InventoryError> {
        let Kind::Table(sources) = &tree.kind else {
            return Err(tree
                .place
                .refuse("a file of groups must be a table of sources", ""));
        };
        for (source, groups) in sources {
            let Kind::Table(groups) = &groups.kind else {
                let why = format!("the source `{}` must be a table of groups", source.text);
                return Err(source.place.refuse(why, "below it write NAME: SET"));
            };
            let known = self.add(&source.text, &source.place)?;
            for (name, value) in groups {
                let sets = read_sets(&name.text, value)?;
                let place = name.place.clone();
                known.insert(name.text.clone(), Group { sets, place });
            }
        }
        Ok(())
    }

    /// Reads a file of lines `NAME: SET`.
    pub fn read_lines(&mut self, source: &Source) -> Result<(), InventoryError> {
        let known = self.add("local", &source.beginning())?;
        for line in source.text().lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let place = source.place_of(line);
            let Some((name, set)) = line.split_once(':') else {
                let why = format!("`{line}` is no group");
                return Err(place.refuse(why, "write a group a line: NAME: SET"));
            };
            let set = set.trim();
            let sets = vec![(set.to_owned(), source.place_of(set))];
            let name = name.trim();
            let place = source.place_of(name);
            if known
                .insert(
                    name.to_owned(),
                    Group {
                        sets,
                        place: place.clone(),
                    },
                )
                .is_some()
            {
                let why = format!("the group `{name}` is described twice");
                return Err(place.refuse(why, "write its nodes in one line"));
            }
        }
        Ok(())
    }

    /// Reads `groups.conf` in `folder`: its default source, and the static files that it names.
    pub fn read_config(
        &mut self,
        source: &Source,
        folder: &str,
        surroundings: &dyn Surroundings,
    ) -> Result<(), InventoryError> {
        let mut section = "";
        let mut folders = Vec::new();
        for line in source.text().lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let place = source.place_of(line);
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
                continue;
            }
            let Some((key, value)) = line.split_once([':', '=']) else {
                return Err(place.refuse(format!("`{line}` means nothing here"), "write KEY: VALUE"));
            };
            let (key, value) = (key.trim(), value.trim());
            match (section, key) {
                ("Main", "default") => self.default = Some(value.to_owned()),
                ("Main", "autodir") => folders.extend(value.split_whitespace().map(|path| (path, ".yaml"))),
                ("Main", "confdir" | "groupsdir") => {
                    folders.extend(value.split_whitespace().map(|path| (path, ".conf")));
                }
                ("Main", _) => return Err(place.refuse(format!("`{key}` means nothing in [Main]"), "")),
                _ if value.contains("$CFGDIR/groups") && key == "map" => {
                    let path = join_path(folder, "groups");
                    if let Found::File { .. } = surroundings.look(&path)? {
                        self.read_flat(section, &Source::new(&path, surroundings.text(&path)?))?;
                    }
                }
                // What else the same source asks of the same file.
                _ if value.contains("$CFGDIR/groups") => {}
                _ => {
                    return Err(place.refuse(
                        format!("the source `{section}` asks a command for its groups"),
                        "only groups in files are read here: write what it prints to a file in groups.d",
                    ));
                }
            }
        }
        for (path, ending) in folders {
            let path = path.replace("$CFGDIR", if folder.is_empty() { "." } else { folder });
            if let Found::Folder(names) = surroundings.look(&path)? {
                self.read_files(&path, &names, ending, surroundings)?;
            }
        }
        Ok(())
    }

    fn read_flat(&mut self, name: &str, source: &Source) -> Result<(), InventoryError> {
        self.read_lines(source)?;
        if let Some(last) = self.sources.last_mut() {
            name.clone_into(&mut last.0);
        }
        Ok(())
    }

    /// Reads the files of a folder that have an ending.
    pub fn read_files(
        &mut self,
        folder: &str,
        names: &[String],
        ending: &str,
        surroundings: &dyn Surroundings,
    ) -> Result<(), InventoryError> {
        for name in names.iter().filter(|name| ending_of(name) == ending) {
            let path = join_path(folder, name);
            let text = surroundings.text(&path)?;
            if ending == ".conf" {
                self.read_config(&Source::new(&path, text), folder, surroundings)?;
            } else if let Some(tree) = read_tree(&path, &text)? {
                self.read_yaml(&tree)?;
            }
        }
        Ok(())
    }

    /// Makes the inventory of all that was read.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] for a set that is not well formed, and for groups that hold each other.
    pub fn finish(self, source: &Source, name: &str) -> Result<Inventory, InventoryError> {
        let place = source.beginning();
        let default = match &self.default {
            Some(default) => match self.sources.iter().find(|(known, _)| known == default) {
                Some(_) => default.clone(),
                None => {
                    let known: Vec<&str> = self.sources.iter().map(|(name, _)| name.as_str()).collect();
                    let help = format!("there are {}", known.join(", "));
                    return Err(
                        place.refuse(format!("there is no source `{default}`, the default one"), help)
                    );
                }
            },
            None => match self.sources.first() {
                Some((first, _)) => first.clone(),
                None => return Err(place.refuse("there are no groups here", "")),
            },
        };
        let resolver = Resolver {
            sources: &self.sources,
            known: RefCell::default(),
        };
        let mut groups = BTreeMap::new();
        let mut places: HashMap<NodeName, &Place> = HashMap::new();
        for (source, known) in &self.sources {
            for (group, written) in known {
                let set = resolver.resolve(source, group, &written.place, &[])?;
                for node in &set {
                    places.entry(node.clone()).or_insert(&written.place);
                }
                let full = match *source == default {
                    true => group.clone(),
                    false => format!("{source}:{group}"),
                };
                if let Some(why) = crate::inventory::cluster::why_not_a_name(&full, "-_.:") {
                    let why = format!("a group cannot be called `{full}`: {why}");
                    return Err(written.place.refuse(why, "give it another name"));
                }
                groups.insert(full, set);
            }
        }
        let nodes = places.keys().map(|name| Node::new(name.clone())).collect();
        let mut inventory = Inventory::build(name, None, nodes, groups, BTreeMap::new())
            .map_err(|error| place.locate(error))?;
        inventory.default_source = Some(default);
        Ok(inventory)
    }
}

/// The sets of a group: a text, or a list of them.
fn read_sets(group: &str, value: &Tree) -> Result<Vec<(String, Place)>, InventoryError> {
    let text = |value: &Tree| match &value.kind {
        Kind::Text(text) | Kind::Number(text) => Some((text.clone(), value.place.clone())),
        _ => None,
    };
    let sets = match &value.kind {
        Kind::Null => Some(Vec::new()),
        Kind::List(values) => values.iter().map(text).collect(),
        _ => text(value).map(|set| vec![set]),
    };
    sets.ok_or_else(|| {
        let why = format!(
            "group `{group}` must be a set of nodes, and this is {}",
            value.describe()
        );
        value.place.refuse(
            why,
            "write a set such as node[01-16,20], in quotes, or a list of them",
        )
    })
}

struct Resolver<'a> {
    sources: &'a [(String, BTreeMap<String, Group>)],
    known: RefCell<HashMap<(String, String), NodeSet>>,
}

impl Resolver<'_> {
    /// The nodes of a group that is used at `place`; `chain` are the groups being resolved.
    fn resolve(
        &self,
        source: &str,
        group: &str,
        place: &Place,
        chain: &[&str],
    ) -> Result<NodeSet, InventoryError> {
        let key = (source.to_owned(), group.to_owned());
        if let Some(set) = self.known.borrow().get(&key) {
            return Ok(set.clone());
        }
        let full = format!("{source}:{group}");
        if chain.contains(&full.as_str()) || chain.len() > DEEPEST {
            return Err(place.refuse_cycle(&full, chain));
        }
        let mut chain = chain.to_vec();
        chain.push(&full);
        let mut whole = NodeSet::default();
        let written = self.sources.iter().find(|(name, _)| name == source);
        let written = written.and_then(|(_, groups)| groups.get(group));
        for (text, place) in written.map(|group| group.sets.as_slice()).unwrap_or_default() {
            // What goes wrong in an inner group is told in place of "there is no such group".
            let failed = RefCell::new(None);
            let look_up = |inner: &str| {
                let (source, group) = self.find(source, inner)?;
                self.resolve(source, group, place, &chain)
                    .map_err(|error| failed.replace(Some(error)))
                    .ok()
            };
            let set = NodeSet::expand_with(text, &look_up);
            if let Some(error) = failed.take() {
                return Err(error);
            }
            whole = whole.union(&set.map_err(|error| place.locate(error))?);
        }
        self.known.borrow_mut().insert(key, whole.clone());
        Ok(whole)
    }

    /// The source and the group that a written name means within `source`.
    fn find<'n>(&'n self, source: &'n str, name: &'n str) -> Option<(&'n str, &'n str)> {
        let has = |source: &str, group: &str| {
            let found = self.sources.iter().find(|(name, _)| name == source);
            found.is_some_and(|(_, groups)| groups.contains_key(group))
        };
        if has(source, name) {
            return Some((source, name));
        }
        let (source, group) = name.split_once(':')?;
        has(source, group).then_some((source, group))
    }
}
