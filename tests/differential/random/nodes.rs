//! Sets of nodes, and `on` in all its forms.

use super::kinds::{Kind, mds_columns};
use super::writer::Writer;

/// Nodes to do something on, and whether there may be none.
struct Aim {
    nodes: String,
    may_be_empty: bool,
}

impl Writer {
    /// A set that is written out.
    pub fn folded(&mut self) -> String {
        let count = self.cluster.nodes.len();
        match self.dice.below(4) {
            0 => self.a_node(),
            1 => "node[1,3]".to_owned(),
            2 => format!("node[1-{}]", self.dice.between(2, count)),
            _ => format!("node[{}-{count}]", self.dice.between(1, count - 1)),
        }
    }

    /// A set as an expression.
    pub fn set_value(&mut self, depth: usize) -> String {
        if depth > 0 && self.dice.hits(40) {
            let sign = self.dice.one_of(&["+", "-", "&"]);
            let (left, right) = (self.set_value(depth - 1), self.set_value(depth - 1));
            return format!("({left}) {sign} ({right})");
        }
        match self.dice.below(5) {
            0 => self.dice.one_of(&self.cluster.groups).to_owned(),
            1 => self
                .known_of(&Kind::Nodes)
                .unwrap_or_else(|| "mds_nodes".to_owned()),
            2 => "mds | get host".to_owned(),
            3 => self.known_of(&Kind::Node).unwrap_or_else(|| "node1".to_owned()),
            _ => self.folded(),
        }
    }

    fn aim(&mut self) -> Aim {
        let full = |nodes: String| Aim {
            nodes,
            may_be_empty: false,
        };
        let partly = |nodes: String| Aim {
            nodes,
            may_be_empty: true,
        };
        let group = self.dice.one_of(&self.cluster.groups).to_owned();
        match self.dice.below(14) {
            0..=2 => full(group),
            3..=5 => {
                let folded = self.folded();
                full(folded)
            }
            6 => full(format!("{group} + {}", self.folded())),
            7 => partly(format!("{group} - {}", self.a_node())),
            8 => partly(format!("{} & {group}", self.folded())),
            9 => partly(format!(
                "{group} where rack {} \"rack{}\"",
                self.dice.one_of(&["is", "is not"]),
                self.dice.between(1, 3)
            )),
            10 => full("\"node[1-3]!node2\"".to_owned()),
            11 => match self.known(|kind| matches!(kind, Kind::Nodes | Kind::Node)) {
                Some(known) => partly(known),
                None => full("all_nodes".to_owned()),
            },
            12 => {
                let condition = self.row_condition(&mds_columns(), 0);
                partly(format!("(mds | where {condition} | get host)"))
            }
            _ => full(format!("$\"{}\"", self.a_node()).replace('$', "")),
        }
    }

    /// `on` with a random head; `body` is written for each node. Names in it are as in the place.
    pub fn on(&mut self, body: impl FnOnce(&mut Writer)) {
        let aim = self.aim();
        let is_any = self.dice.hits(12);
        let is_nested = self.place.has_node;
        let each = (is_nested && self.dice.hits(70)) || self.dice.hits(25);
        let name = each.then(|| self.new_name("server"));
        let mut head = "on".to_owned();
        if is_any {
            head.push_str(" any");
        }
        if let Some(name) = &name {
            head.push_str(&format!(" each {name} of"));
        }
        head.push_str(&format!(" {}", aim.nodes));
        let mode = match is_any {
            true => String::new(),
            false => self.mode(),
        };
        head.push_str(&mode);
        let is_parallel = !mode.is_empty() && mode != " serially";
        if aim.may_be_empty && self.dice.hits(90) || self.dice.hits(5) {
            head.push_str(", or none");
        }
        if !is_any {
            head.push_str(&self.options(is_parallel));
        }
        self.block(&head, |writer| {
            writer.forget_node();
            match name {
                Some(name) => writer.know(&name, Kind::Node),
                None if !is_nested => writer.know("node", Kind::Node),
                None => {}
            }
            writer.place.has_node = true;
            writer.place.is_local = false;
            writer.place.can_skip = true;
            writer.place.is_parallel |= is_parallel;
            body(writer);
        });
    }

    fn mode(&mut self) -> String {
        match self.dice.below(10) {
            0..=2 => String::new(),
            3 => " serially".to_owned(),
            4..=6 => " in parallel".to_owned(),
            7 => " in batches of 1 2".to_owned(),
            8 => format!(
                " in batches of {}",
                self.dice.one_of(&["1 50%", "2", "33%", "100%", "1 1 50%"])
            ),
            _ => " by rack".to_owned(),
        }
    }

    fn options(&mut self, is_parallel: bool) -> String {
        let mut options = String::new();
        if is_parallel && self.dice.hits(20) {
            options.push_str(&format!(", at most {} at once", self.dice.between(1, 3)));
        }
        if self.dice.hits(25) {
            options.push_str(&format!(", tolerating {}", self.dice.between(1, 2)));
        }
        if self.dice.hits(10) {
            options.push_str(", as root");
        }
        if self.dice.hits(10) {
            options.push_str(", mds_master last");
        }
        options
    }

    /// `locally`.
    pub fn locally(&mut self, body: impl FnOnce(&mut Writer)) {
        self.block("locally", |writer| {
            writer.forget_node();
            writer.place.has_node = true;
            writer.place.is_local = true;
            writer.place.can_skip = false;
            body(writer);
        });
    }
}
