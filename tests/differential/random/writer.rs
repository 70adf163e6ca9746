//! Writes a runbook line by line, and knows which names stand where.

use super::dice::Dice;
use super::kinds::Kind;
use super::shapes::Cluster;
use super::words::AWKWARD_NAMES;

/// A value that has a name.
#[derive(Debug, Clone)]
pub struct Name {
    /// Without the `$`.
    pub name: String,
    pub kind: Kind,
}

/// A guard, fact or verb of the runbook.
#[derive(Debug, Clone)]
pub struct Definition {
    pub name: String,
    pub parameters: Vec<Name>,
    /// How many of the parameters, from the last, have a default.
    pub default_count: usize,
    /// Whether it is asked on a node.
    pub needs_node: bool,
    /// What a fact gives.
    pub gives: Kind,
    /// Whether what a verb does cannot be taken back.
    pub is_irreversible: bool,
}

/// Where a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whether a node is in hand; the machine that runs the script is one.
    pub has_node: bool,
    /// Whether this is the machine that runs the script.
    pub is_local: bool,
    /// Whether the node may be skipped.
    pub can_skip: bool,
    /// Whether several nodes may be at it at once.
    pub is_parallel: bool,
    /// Whether it may be done more than once.
    pub is_repeated: bool,
    /// How many blocks are round it.
    pub depth: usize,
}

/// A runbook in the making.
pub struct Writer {
    pub dice: Dice,
    pub cluster: Cluster,
    pub lines: Vec<String>,
    pub names: Vec<Name>,
    pub place: Place,
    pub guards: Vec<Definition>,
    pub facts: Vec<Definition>,
    pub verbs: Vec<Definition>,
    /// How many statements may still be written.
    pub left: usize,
    /// The services that it declares.
    pub services: Vec<String>,
    /// The names of its questions.
    pub questions: Vec<String>,
    /// Names that are taken, in the order in which they were.
    taken: Vec<String>,
}

impl Writer {
    /// An empty runbook for a cluster.
    pub fn new(dice: Dice, cluster: Cluster) -> Writer {
        Writer {
            dice,
            cluster,
            lines: Vec::new(),
            names: Vec::new(),
            place: Place {
                has_node: false,
                is_local: false,
                can_skip: false,
                is_parallel: false,
                is_repeated: false,
                depth: 0,
            },
            guards: Vec::new(),
            facts: Vec::new(),
            verbs: Vec::new(),
            left: 0,
            services: Vec::new(),
            questions: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Writes a line, as deep as the block at hand.
    pub fn line(&mut self, text: impl AsRef<str>) {
        let blanks = "  ".repeat(self.place.depth);
        self.lines.push(format!("{blanks}{}", text.as_ref()));
    }

    /// Writes a block; its names are gone after it.
    pub fn block(&mut self, head: &str, body: impl FnOnce(&mut Writer)) {
        self.line(format!("{head} <"));
        self.inside(body);
        self.line(">");
    }

    /// Writes a block and another one for the other case.
    pub fn blocks(
        &mut self,
        head: &str,
        body: impl FnOnce(&mut Writer),
        between: &str,
        other: impl FnOnce(&mut Writer),
    ) {
        self.line(format!("{head} <"));
        self.inside(body);
        self.line(format!("> {between} <"));
        self.inside(other);
        self.line(">");
    }

    fn inside(&mut self, body: impl FnOnce(&mut Writer)) {
        let (names, place) = (self.names.clone(), self.place);
        self.place.depth += 1;
        body(self);
        self.names = names;
        self.place = place;
    }

    /// A name that nothing has yet.
    pub fn new_name(&mut self, what: &str) -> String {
        let mut name = format!("{what}-{}", self.taken.len() + 1);
        if self.dice.hits(25) {
            let awkward = self.dice.one_of(&AWKWARD_NAMES).to_owned();
            if !self.taken.contains(&awkward) {
                name = awkward;
            }
        }
        self.taken.push(name.clone());
        name
    }

    /// Makes a value known by a name.
    pub fn know(&mut self, name: &str, kind: Kind) {
        self.names.push(Name {
            name: name.to_owned(),
            kind,
        });
    }

    /// The node in hand is no longer to be named: an `on` stands inside of another one, or none is.
    pub fn forget_node(&mut self) {
        self.names.retain(|name| name.name != "node");
    }

    /// A known value for which `fits` says yes, as `$name` or `$row.column`.
    pub fn known(&mut self, fits: impl Fn(&Kind) -> bool) -> Option<String> {
        let mut found = Vec::new();
        for name in &self.names {
            if fits(&name.kind) {
                found.push(format!("${}", name.name));
            }
            if let Kind::Row(columns) = &name.kind {
                let cells = columns.iter().filter(|(_, kind)| fits(kind));
                found.extend(cells.map(|(column, _)| format!("${}.{column}", name.name)));
            }
        }
        match found.is_empty() {
            true => None,
            false => Some(self.dice.one_of(&found)),
        }
    }

    /// The same for a kind.
    pub fn known_of(&mut self, kind: &Kind) -> Option<String> {
        self.known(|known| known == kind)
    }

    /// One of the nodes.
    pub fn a_node(&mut self) -> String {
        self.dice.one_of(&self.cluster.nodes)
    }
}

/// A variable in a text: `${name}`.
pub fn braced(variable: &str) -> String {
    format!("${{{}}}", variable.trim_start_matches('$'))
}
