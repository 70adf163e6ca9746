use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Measured;
use crate::check::Program;
use crate::inventory::{Inventory, NodeName, NodeSet};
use crate::value::{Row, Value};

/// All that evaluation reads.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The checked program.
    pub program: &'a Program,
    /// The inventory as written.
    pub inventory: &'a Inventory,
    /// Groups as this run's joins and leaves have changed them.
    pub groups: &'a Groups,
    /// Members that this run has out, and whose rows tell nothing to the asker.
    pub masks: &'a [Mask],
    /// What has been measured for the statement at hand.
    pub measured: &'a Measured,
}

/// A member whose token somebody else holds: its view lags, so it is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// The fact whose rows are masked, as `module.fact`.
    pub fact: Rc<str>,
    /// The node whose rows are masked.
    pub node: NodeName,
}

/// Who is in which group: the inventory's groups, and what this run has changed.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    changed: BTreeMap<String, NodeSet>,
}

impl Groups {
    /// The nodes of a group now.
    pub fn of<'a>(&'a self, inventory: &'a Inventory, group: &str) -> Option<&'a NodeSet> {
        self.changed.get(group).or_else(|| inventory.group(group))
    }

    /// Puts a node into a group.
    pub fn join(&mut self, inventory: &Inventory, group: &str, node: NodeName) {
        let mut nodes = self.of(inventory, group).cloned().unwrap_or_default();
        nodes.insert(node);
        self.changed.insert(group.to_owned(), nodes);
    }

    /// Takes a node out of a group.
    pub fn leave(&mut self, inventory: &Inventory, group: &str, node: &NodeName) {
        let mut nodes = self.of(inventory, group).cloned().unwrap_or_default();
        nodes.remove(node);
        self.changed.insert(group.to_owned(), nodes);
    }

    /// The groups that differ from the inventory's, as they are now.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &NodeSet)> {
        self.changed.iter().map(|(group, nodes)| (group.as_str(), nodes))
    }
}

/// Where a command would run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// Outside any `on`.
    #[default]
    Nowhere,
    /// In `locally`.
    Local,
    /// On this node.
    Node(NodeName),
}

impl Place {
    /// The node in hand.
    pub fn node(&self) -> Option<&NodeName> {
        match self {
            Place::Node(node) => Some(node),
            Place::Nowhere | Place::Local => None,
        }
    }
}

/// What a name means at one place of the script.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The module whose names are seen.
    pub module: Rc<str>,
    /// The variables.
    pub scope: Scope,
    /// The node in hand.
    pub place: Place,
    /// The row that a condition of `where` or `have` looks at.
    pub row: Option<Arc<Row>>,
    /// The node that a `where` of a set of nodes looks at: its variables are names.
    pub subject: Option<NodeName>,
}

impl Frame {
    /// A fresh frame: the body of a verb, guard, fact or hook sees only what it is given.
    pub fn fresh(module: &str, place: Place) -> Frame {
        Frame {
            module: module.into(),
            place,
            ..Frame::default()
        }
    }

    /// The same place with one more variable.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Frame {
        let mut frame = self.clone();
        frame.scope = frame.scope.with(name, value);
        frame
    }

    /// The same place, looking at a row: its columns are names, and it is `$it`.
    #[must_use]
    pub fn looking_at(&self, row: Arc<Row>) -> Frame {
        let mut frame = self.with("it", Value::Row(Arc::clone(&row)));
        frame.row = Some(row);
        frame
    }
}

/// The variables of a place, newest first; cheap to clone, and a clone keeps what it has.
#[derive(Debug, Clone, Default)]
pub struct Scope(Option<Rc<Binding>>);

#[derive(Debug)]
struct Binding {
    name: String,
    value: Value,
    older: Scope,
}

impl Scope {
    /// This scope with one more variable.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Scope {
        Scope(Some(Rc::new(Binding {
            name: name.to_owned(),
            value,
            older: self.clone(),
        })))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut scope = self;
        while let Some(binding) = &scope.0 {
            if binding.name == name {
                return Some(&binding.value);
            }
            scope = &binding.older;
        }
        None
    }
}
