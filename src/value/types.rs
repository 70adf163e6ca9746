use std::fmt;

/// The type of a value, as a script declares it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// `yes` or `no`.
    Bool,
    /// A length of time.
    Duration,
    /// A number of bytes.
    Size,
    /// A share of a hundred.
    Percent,
    /// Such as `3:2`.
    Ratio,
    /// Such as `6.0.7`, compared number by number.
    Version,
    /// A path on a node.
    Path,
    /// One node of the inventory.
    Node,
    /// A set of nodes.
    Nodes,
    /// A declared service.
    Service,
    /// A command text; each value in it becomes one quoted word.
    Command,
    /// A text that is never shown.
    Secret,
    /// One of the listed words: `[a b c]`.
    Choice(Vec<String>),
    /// Several of one type.
    List(Box<Type>),
    /// Rows under these columns.
    Table(Vec<Column>),
    /// One row under these columns.
    Row(Vec<Column>),
    /// A regular expression between slashes.
    Regex,
    /// What a condition yields.
    Truth,
    /// Not known, because something else about it was already reported; fits everything.
    Any,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Column {
    /// Its name, lower-cased.
    pub name: String,
    /// The type of its cells.
    pub kind: Type,
}

impl Column {
    /// A column.
    pub fn new(name: impl Into<String>, kind: Type) -> Self {
        Column {
            name: name.into(),
            kind,
        }
    }

    /// Whether its cells say which thing the row speaks of (a node, or an id), rather than
    /// how that thing is. Such cells stay readable while the member is masked.
    pub fn is_identity(&self) -> bool {
        let names_an_id = self.name == "id" || self.name.ends_with("-id") || self.name.ends_with("_id");
        matches!(self.kind, Type::Node | Type::Nodes)
            || names_an_id
            || (self.kind == Type::Int && self.name.ends_with("id"))
    }
}

impl Type {
    /// The names of the plain types, as scripts write them.
    pub const NAMES: [(&'static str, Type); 14] = [
        ("string", Type::String),
        ("int", Type::Int),
        ("bool", Type::Bool),
        ("duration", Type::Duration),
        ("size", Type::Size),
        ("percent", Type::Percent),
        ("ratio", Type::Ratio),
        ("version", Type::Version),
        ("path", Type::Path),
        ("node", Type::Node),
        ("nodes", Type::Nodes),
        ("service", Type::Service),
        ("command", Type::Command),
        ("secret", Type::Secret),
    ];

    /// The plain type of that name.
    pub fn named(name: &str) -> Option<Type> {
        Type::NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| kind.clone())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = |out: &mut fmt::Formatter<'_>, columns: &[Column]| -> fmt::Result {
            for (index, column) in columns.iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(out, "{comma}{}: {}", column.name, column.kind)?;
            }
            write!(out, ")")
        };
        match self {
            Type::String => write!(out, "string"),
            Type::Int => write!(out, "int"),
            Type::Bool => write!(out, "bool"),
            Type::Duration => write!(out, "duration"),
            Type::Size => write!(out, "size"),
            Type::Percent => write!(out, "percent"),
            Type::Ratio => write!(out, "ratio"),
            Type::Version => write!(out, "version"),
            Type::Path => write!(out, "path"),
            Type::Node => write!(out, "node"),
            Type::Nodes => write!(out, "nodes"),
            Type::Service => write!(out, "service"),
            Type::Command => write!(out, "command"),
            Type::Secret => write!(out, "secret"),
            Type::Choice(words) => write!(out, "[{}]", words.join(" ")),
            Type::List(inner) => write!(out, "{inner}..."),
            Type::Table(inner) => {
                write!(out, "table(")?;
                columns(out, inner)
            }
            Type::Row(inner) => {
                write!(out, "row(")?;
                columns(out, inner)
            }
            Type::Regex => write!(out, "regular expression"),
            Type::Truth => write!(out, "condition"),
            Type::Any => write!(out, "anything"),
        }
    }
}
