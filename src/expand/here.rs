use super::expression::Scope;
use crate::evaluate::{Frame, Place};
use crate::inventory::NodeName;
use crate::value::Value;

/// Where commands of a step go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Nowhere: outside of any node.
    Nowhere,
    /// This machine.
    Local,
    /// A node that is known now.
    Node(NodeName),
    /// The node in hand: `$node`.
    Hand,
}

/// A variable of the script, as the shell has it.
#[derive(Debug, Clone)]
pub(super) struct ShellVariable {
    /// The shell's name for it.
    pub name: String,
    /// Whether it holds words already, quoted where they must be.
    pub is_ready: bool,
    /// Whether it is one word for sure.
    pub is_single: bool,
    /// Whether it is a secret: a plain text that no command may hold.
    pub is_secret: bool,
}

/// Where the expansion stands: what names mean, and where commands go.
#[derive(Debug, Clone)]
pub(super) struct Here {
    /// What names mean in the awk program.
    pub scope: Scope,
    /// What they are in the shell.
    pub variables: Vec<(String, ShellVariable)>,
    /// Where commands go.
    pub target: Target,
    /// Whether they go as root.
    pub as_root: bool,
    /// In how many copies what is written here stands: nodes that were unrolled.
    pub copies: usize,
}

impl Here {
    /// The top of a script, or of a verb or hook: a fresh frame.
    pub fn fresh(module: &str, target: Target) -> Here {
        let mut here = Here {
            scope: Scope::fresh(module),
            variables: Vec::new(),
            target: Target::Nowhere,
            as_root: false,
            copies: 1,
        };
        here.aim(target);
        here
    }

    /// The same place in a fresh frame.
    pub fn inner(&self, module: &str) -> Here {
        Here {
            as_root: self.as_root,
            copies: self.copies,
            ..Here::fresh(module, self.target.clone())
        }
    }

    /// Lets commands go elsewhere.
    pub fn aim(&mut self, target: Target) {
        let place = match &target {
            Target::Node(node) => Place::Node(node.clone()),
            Target::Local => Place::Local,
            Target::Nowhere | Target::Hand => Place::Nowhere,
        };
        self.scope.known = Frame {
            place,
            ..self.scope.known.clone()
        };
        self.target = target;
    }

    /// Gives a name a value that is known now.
    pub fn know(&mut self, name: &str, value: Value) {
        self.scope.known = self.scope.known.with(name, value);
        self.scope.variables.retain(|(known, _)| known != name);
        self.variables.retain(|(known, _)| known != name);
    }

    /// Gives a name a variable of the shell.
    pub fn bind(&mut self, name: &str, variable: ShellVariable) {
        let code = format!("var(\"value_{}\")", variable.name);
        self.scope.variables.retain(|(known, _)| known != name);
        self.variables.retain(|(known, _)| known != name);
        if !variable.is_secret {
            self.scope.variables.push((name.to_owned(), code));
        }
        self.variables.push((name.to_owned(), variable));
    }

    /// The shell's variable for a name.
    pub fn shell_variable(&self, name: &str) -> Option<&ShellVariable> {
        let mut newest_first = self.variables.iter().rev();
        newest_first
            .find(|(known, _)| known == name)
            .map(|(_, variable)| variable)
    }

    /// Whether a node is in hand.
    pub fn has_node(&self) -> bool {
        matches!(self.target, Target::Node(_) | Target::Hand)
    }

    /// The node in hand as a word of the shell.
    pub fn node_word(&self) -> String {
        match &self.target {
            Target::Node(node) => node.to_string(),
            _ => "\"$node\"".to_owned(),
        }
    }
}
