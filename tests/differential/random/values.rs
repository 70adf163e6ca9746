//! Expressions of every type.

use super::kinds::{
    Kind, chunk_server_columns, gathered_columns, mds_columns, pair_columns, template_columns,
};
use super::words::{HOSTILE_TEXTS, PATTERNS, PLAIN_WORDS, quoted};
use super::writer::{Writer, braced};

impl Writer {
    /// An operand of this type.
    pub fn value(&mut self, kind: &Kind, depth: usize) -> String {
        if self.dice.hits(45)
            && let Some(known) = self.known_of(kind)
        {
            return known;
        }
        if depth == 0 {
            return self.simple(kind);
        }
        match kind {
            Kind::Int => self.number(depth),
            Kind::Text => self.text_value(depth),
            Kind::Duration | Kind::Size | Kind::Percent => self.measure(kind, depth),
            Kind::Bool => match self.dice.hits(40) {
                true => format!("({})", self.condition(depth - 1)),
                false => self.simple(kind),
            },
            Kind::Node => self.node_value(depth),
            Kind::Nodes => format!("({})", self.set_value(depth)),
            Kind::List(inner) => self.list_value(inner, depth),
            Kind::Table(_) => match self.dice.hits(50) {
                true => {
                    let (source, found) = self.table(depth);
                    match found == *kind {
                        true => source,
                        false => self.simple(kind),
                    }
                }
                false => self.simple(kind),
            },
            _ => self.simple(kind),
        }
    }

    /// A value that is written out.
    pub fn simple(&mut self, kind: &Kind) -> String {
        match kind {
            Kind::Int => self
                .dice
                .one_of(&["0", "1", "2", "3", "5", "7", "12", "100", "4096"])
                .to_owned(),
            Kind::Text => self.template(),
            Kind::Duration => self
                .dice
                .one_of(&["0s", "1s", "30s", "90s", "5m", "2h", "1d", "1h30m"])
                .to_owned(),
            Kind::Size => self
                .dice
                .one_of(&["0MB", "1GB", "512MB", "10GB", "1.5GB", "2TB"])
                .to_owned(),
            Kind::Percent => self.dice.one_of(&["0%", "7%", "40%", "50%", "100%"]).to_owned(),
            Kind::Bool => self.dice.one_of(&["yes", "no"]).to_owned(),
            Kind::Version => self.dice.one_of(&["6.0.7", "6.0.8", "6.0.10", "7.1"]).to_owned(),
            Kind::Ratio => self.dice.one_of(&["3:2", "1:1", "2:1"]).to_owned(),
            Kind::Path => {
                quoted(
                    self.dice
                        .one_of(&["/tmp", "/tmp/it's here", "/", "/etc/hostname", "/tmp/f1"]),
                )
            }
            Kind::Node => self.a_node(),
            Kind::Nodes => self.folded(),
            Kind::Choice => quoted(self.dice.one_of(&["slow", "fast", "none-at-all"])),
            Kind::Secret => "\"\"".to_owned(),
            Kind::List(inner) => self.written_list(inner),
            Kind::Table(columns) => match &columns[..] {
                [("mdsid", _), ..] => "mds".to_owned(),
                [("csid", _), ..] => "chunk-servers".to_owned(),
                [("key", _), ..] => self.pairs(),
                [("name", _), ..] => self.matches(),
                _ => self.gathered(),
            },
            Kind::Row(columns) => {
                let cells: Vec<String> = columns
                    .clone()
                    .iter()
                    .map(|(name, kind)| format!("{name}={}", self.cell(kind)))
                    .collect();
                format!("(row {})", cells.join(" "))
            }
        }
    }

    /// A cell of a `row`.
    fn cell(&mut self, kind: &Kind) -> String {
        match kind {
            Kind::Node => format!("\"{}\"", self.a_node()),
            kind => self.simple(kind),
        }
    }

    /// A text as it stands, or with values in it.
    pub fn template(&mut self) -> String {
        let text = match self.dice.hits(50) {
            true => self.dice.one_of(&HOSTILE_TEXTS),
            false => self.dice.one_of(&PLAIN_WORDS),
        };
        if !text.contains(['\'', '\n']) && self.dice.hits(15) {
            return format!("'{text}'");
        }
        let mut written = quoted(text);
        if self.dice.hits(40)
            && let Some(known) =
                self.known(|kind| kind.is_scalar() || matches!(kind, Kind::List(_) | Kind::Nodes))
        {
            written.pop();
            written.push_str(&format!("{} \"", braced(&known)));
        }
        written
    }

    fn number(&mut self, depth: usize) -> String {
        match self.dice.below(12) {
            0 => format!("-{}", self.simple(&Kind::Int)),
            1..=4 => {
                let (left, right) = (
                    self.value(&Kind::Int, depth - 1),
                    self.value(&Kind::Int, depth - 1),
                );
                let sign = self.dice.one_of(&["+", "-", "*", "/", "+"]);
                match self.dice.hits(30) {
                    true => format!("({left} {sign} {right} * 3)"),
                    false => format!("({left} {sign} {right})"),
                }
            }
            5 | 6 => {
                let (table, _) = self.table(depth - 1);
                format!("({table} | count)")
            }
            7 => {
                let list = self.value(&Kind::Int.list(), depth - 1);
                let filter = self
                    .dice
                    .one_of(&["sum", "min", "max", "count", "first", "last", "only", "same"]);
                format!("({list} | {filter})")
            }
            8 => {
                let list = self.value(&Kind::Text.list(), depth - 1);
                format!("({list} | count)")
            }
            9 => {
                let (table, kind) = self.table(depth - 1);
                match self.column_of(&kind, &Kind::Int) {
                    Some(column) => {
                        let filter = self.dice.one_of(&["sum", "max", "min"]);
                        match self.dice.hits(50) {
                            true => format!("({table} | {filter} {column})"),
                            false => format!("({table} | get {column} | {filter})"),
                        }
                    }
                    None => format!("({table} | count)"),
                }
            }
            10 => {
                let divided = self.dice.one_of(&[Kind::Size, Kind::Duration, Kind::Percent]);
                let (left, right) = (self.value(&divided, 0), self.simple(&divided));
                format!("({left} / {right})")
            }
            _ => match self.fact_of(&Kind::Int) {
                Some(fact) => fact,
                None => "mds-count".to_owned(),
            },
        }
    }

    fn measure(&mut self, kind: &Kind, depth: usize) -> String {
        let left = self.value(kind, depth - 1);
        match self.dice.below(5) {
            0 => format!("({left} + {})", self.value(kind, depth - 1)),
            1 => format!("({left} - {})", self.simple(kind)),
            2 => format!("({left} * {})", self.value(&Kind::Int, 0)),
            3 => format!("({left} / {})", self.value(&Kind::Int, 0)),
            _ => {
                let list = self.written_list(kind);
                let filter = self.dice.one_of(&["sum", "min", "max"]);
                format!("({list} | {filter})")
            }
        }
    }

    fn text_value(&mut self, depth: usize) -> String {
        match self.dice.below(10) {
            0 | 1 => {
                let list = self.value(&Kind::Text.list(), depth - 1);
                match self.dice.hits(60) {
                    true => format!(
                        "({list} | join {})",
                        quoted(self.dice.one_of(&[", ", "", "\n", "'", "\\", "$x"]))
                    ),
                    false => format!("({list} | join)"),
                }
            }
            2 => {
                let list = self.value(&Kind::Text.list(), depth - 1);
                let filter = self.dice.one_of(&["first", "last", "only", "same"]);
                format!("({list} | {filter})")
            }
            3 => {
                let text = self.value(&Kind::Text, depth - 1);
                format!("({text} | trim)")
            }
            4 => {
                let pattern = self.dice.one_of(&PATTERNS);
                let text = self.value(&Kind::Text, depth - 1);
                let until = match self.dice.hits(30) {
                    true => format!(" until=/{}/", self.dice.one_of(&PATTERNS)),
                    false => String::new(),
                };
                format!("({text} | section /{pattern}/{until} or none)")
            }
            5 => {
                let (table, kind) = self.table(depth - 1);
                match self.column_of(&kind, &Kind::Text) {
                    Some(column) => {
                        let filter = self.dice.one_of(&["first", "last", "only"]);
                        format!("({table} | {filter} | get {column})")
                    }
                    None => self.template(),
                }
            }
            6 if self.names.iter().any(|name| name.name == "node") && !self.place.is_local => {
                "$node.rack".to_owned()
            }
            7 => match self.fact_of(&Kind::Text) {
                Some(fact) => fact,
                None => self.template(),
            },
            _ => self.template(),
        }
    }

    fn node_value(&mut self, depth: usize) -> String {
        match self.dice.below(6) {
            0 => {
                let filter = self.dice.one_of(&["first", "last"]);
                format!("(mds | get host | {filter})")
            }
            1 if depth > 1 => {
                let condition = self.row_condition(&mds_columns(), 0);
                format!("(mds | where {condition} | get host | first)")
            }
            2 => match self.fact_of(&Kind::Node) {
                Some(fact) => fact,
                None => "mds_master".to_owned(),
            },
            _ => self.a_node(),
        }
    }

    fn list_value(&mut self, inner: &Kind, depth: usize) -> String {
        let source = match self.dice.below(4) {
            0 => {
                let (table, kind) = self.table(depth - 1);
                match self.column_of(&kind, inner) {
                    Some(column) => format!("{table} | get {column}"),
                    None => self.written_list(inner),
                }
            }
            1 if *inner == Kind::Text => {
                let text = self.value(&Kind::Text, depth - 1);
                format!("{text} | lines")
            }
            2 if *inner == Kind::Text => {
                let kind = self.dice.one_of(&[Kind::Int, Kind::Text, Kind::Node, Kind::Size]);
                let list = self.value(&kind.list(), depth - 1);
                let text = self
                    .dice
                    .one_of(&["<$it>", "$it:80", "it's $it", "$it$it", "'$it'"]);
                format!("{list} | each \"{text}\"")
            }
            _ => self.written_list(inner),
        };
        let mut pipeline = source;
        for _ in 0..self.dice.below(3) {
            let filter = match self.dice.below(6) {
                0 => "reverse".to_owned(),
                1 => "unique".to_owned(),
                2 => "known".to_owned(),
                4 if *inner == Kind::Text => "trim".to_owned(),
                _ => {
                    let condition = self.item_condition(inner);
                    format!("where {condition}")
                }
            };
            pipeline = format!("{pipeline} | {filter}");
        }
        format!("({pipeline})")
    }

    fn written_list(&mut self, inner: &Kind) -> String {
        let items: Vec<String> = (0..self.dice.between(1, 4))
            .map(|_| match inner {
                Kind::Text if self.dice.hits(30) => self
                    .dice
                    .one_of(&["alpha", "beta", "node1", "a-b", "x/y", "naïve"])
                    .to_owned(),
                // What stands bare in a list is text.
                Kind::Text => self.simple(inner),
                inner => format!("({})", self.simple(inner)),
            })
            .collect();
        format!("[{}]", items.join(" "))
    }

    /// A table, and its type.
    pub fn table(&mut self, depth: usize) -> (String, Kind) {
        if self.dice.hits(35)
            && let Some(known) = self.known(|kind| matches!(kind, Kind::Table(_)))
            && let Some(name) = self.names.iter().find(|name| format!("${}", name.name) == known)
        {
            return (known, name.kind.clone());
        }
        let columns = self.dice.weighted(&[
            (4, mds_columns()),
            (3, chunk_server_columns()),
            (3, pair_columns()),
            (4, template_columns()),
        ]);
        let kind = Kind::Table(columns.clone());
        let mut pipeline = match self.fact_of(&kind) {
            Some(fact) if self.dice.hits(60) => fact,
            _ => self.simple(&kind),
        };
        if depth > 0 {
            for _ in 0..self.dice.below(3) {
                let filter = match self.dice.below(7) {
                    0 => "reverse".to_owned(),
                    1 => "unique".to_owned(),
                    2 => "known".to_owned(),
                    3 => {
                        let (one, two) = (self.dice.one_of(&columns).0, self.dice.one_of(&columns).0);
                        match self.dice.below(3) {
                            0 => format!("sort by {one}"),
                            1 => format!("sort by {one} down"),
                            _ => format!("sort by {one}, {two} down"),
                        }
                    }
                    _ => format!("where {}", self.row_condition(&columns, depth - 1)),
                };
                pipeline = format!("{pipeline} | {filter}");
            }
        }
        (format!("({pipeline})"), kind)
    }

    /// A column of this type.
    fn column_of(&mut self, table: &Kind, wanted: &Kind) -> Option<&'static str> {
        let Kind::Table(columns) = table else { return None };
        let found: Vec<&'static str> = columns
            .iter()
            .filter(|(_, kind)| kind == wanted)
            .map(|(name, _)| *name)
            .collect();
        match found.is_empty() {
            true => None,
            false => Some(self.dice.one_of(&found)),
        }
    }

    fn pairs(&mut self) -> String {
        let text = self.dice.one_of(&[
            "a: 1\nb: 2\nc: it's: three",
            "Status: up\nAddress: 10.0.0.1:22\n",
            "x:\n:y\nno pair\n z : 7 ",
            "naïve: ü\na: 1",
        ]);
        let or_none = if self.dice.hits(30) { " or none" } else { "" };
        format!("({} | pairs \":\"{or_none})", quoted(text))
    }

    fn matches(&mut self) -> String {
        let text = self.dice.one_of(&[
            "alpha 3 40%\nbeta 0 7%\n",
            "alpha 3 40%\nalpha 3 40%\ngamma -2 100%",
            "x 1 0.5%, y 2 1.5%\nnothing\nz 12 3%",
            "it's 5 50%\nü 6 60%",
        ]);
        format!(
            "({} | match \"{{name}} {{up: int}} {{share: percent}}\")",
            quoted(text)
        )
    }

    /// What nodes have said, as a table.
    fn gathered(&mut self) -> String {
        debug_assert_eq!(gathered_columns().len(), 2);
        let nodes = self.folded();
        format!("(on {nodes} in parallel < probe \"hostname\" >)")
    }
}
