//! What values can be, as far as the generator has to know.

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Int,
    Text,
    Duration,
    Size,
    Percent,
    Bool,
    Version,
    Ratio,
    Path,
    Node,
    Nodes,
    Choice,
    Secret,
    List(Box<Kind>),
    Table(Columns),
    Row(Columns),
}

/// The columns of a table: name and type.
pub type Columns = Vec<(&'static str, Kind)>;

impl Kind {
    /// How a declaration names it.
    pub fn declared(&self) -> String {
        match self {
            Kind::Int => "int".to_owned(),
            Kind::Text => "string".to_owned(),
            Kind::Duration => "duration".to_owned(),
            Kind::Size => "size".to_owned(),
            Kind::Percent => "percent".to_owned(),
            Kind::Bool => "bool".to_owned(),
            Kind::Version => "version".to_owned(),
            Kind::Ratio => "ratio".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Node => "node".to_owned(),
            Kind::Nodes => "nodes".to_owned(),
            Kind::Choice => "[slow fast none-at-all]".to_owned(),
            Kind::Secret => "secret".to_owned(),
            Kind::List(inner) => format!("{}...", inner.declared()),
            Kind::Table(columns) | Kind::Row(columns) => {
                let columns: Vec<String> = columns
                    .iter()
                    .map(|(name, kind)| format!("{name}: {}", kind.declared()))
                    .collect();
                format!("table({})", columns.join(", "))
            }
        }
    }

    /// Whether more and less mean something for it.
    pub fn has_order(&self) -> bool {
        matches!(
            self,
            Kind::Int | Kind::Duration | Kind::Size | Kind::Percent | Kind::Version | Kind::Ratio
        )
    }

    /// Whether it is one word.
    pub fn is_scalar(&self) -> bool {
        !matches!(
            self,
            Kind::List(_) | Kind::Table(_) | Kind::Row(_) | Kind::Secret | Kind::Nodes
        )
    }

    /// A list of it.
    pub fn list(self) -> Kind {
        Kind::List(Box::new(self))
    }
}

/// What `mds` has.
pub fn mds_columns() -> Columns {
    vec![
        ("mdsid", Kind::Int),
        ("status", Kind::Text),
        ("host", Kind::Node),
        ("master", Kind::Bool),
    ]
}

/// What `chunk-servers` has.
pub fn chunk_server_columns() -> Columns {
    vec![
        ("csid", Kind::Int),
        ("status", Kind::Text),
        ("space", Kind::Size),
        ("replicas", Kind::Int),
        ("host", Kind::Node),
    ]
}

/// What `pairs` gives.
pub fn pair_columns() -> Columns {
    vec![("key", Kind::Text), ("value", Kind::Text)]
}

/// What an `on` gives whose body gives a text.
pub fn gathered_columns() -> Columns {
    vec![("node", Kind::Node), ("value", Kind::Text)]
}

/// What the generator's own templates find.
pub fn template_columns() -> Columns {
    vec![("name", Kind::Text), ("up", Kind::Int), ("share", Kind::Percent)]
}
