//! Conditions, which may also be neither true nor false.

use super::kinds::{Columns, Kind};
use super::words::PATTERNS;
use super::writer::Writer;

impl Writer {
    /// Something that holds, or does not, or cannot be told.
    pub fn condition(&mut self, depth: usize) -> String {
        if depth > 0 {
            match self.dice.below(12) {
                0 => return format!("not ({})", self.condition(depth - 1)),
                1 => {
                    return format!(
                        "({}) and ({})",
                        self.condition(depth - 1),
                        self.condition(depth - 1)
                    );
                }
                2 => {
                    return format!(
                        "({}) or ({})",
                        self.condition(depth - 1),
                        self.condition(depth - 1)
                    );
                }
                3 | 4 => return self.quantified(depth - 1),
                5 => {
                    if let Some(call) = self.guard_call(0) {
                        return format!("holds {call}");
                    }
                }
                6 if self.place.has_node => return self.succeeds(),
                _ => {}
            }
        }
        if self.dice.hits(15)
            && let Some(known) = self.known_of(&Kind::Bool)
        {
            return known;
        }
        let kind = self.dice.weighted(&[
            (5, Kind::Int),
            (5, Kind::Text),
            (2, Kind::Duration),
            (2, Kind::Size),
            (2, Kind::Percent),
            (1, Kind::Version),
            (3, Kind::Node),
            (1, Kind::Ratio),
        ]);
        let left = self.value(&kind, depth.min(1));
        self.comparison(&left, &kind, depth)
    }

    /// Compares an operand of this type with another one.
    fn comparison(&mut self, left: &str, kind: &Kind, depth: usize) -> String {
        let depth = depth.min(1);
        match kind {
            Kind::Bool => match self.dice.hits(50) {
                true => left.to_owned(),
                false => format!("{left} is {}", self.simple(&Kind::Bool)),
            },
            Kind::Text | Kind::Path | Kind::Choice => match self.dice.below(5) {
                0 | 1 => {
                    let word = self.dice.one_of(&["matches", "matches"]);
                    format!("{left} {word} /{}/", self.dice.one_of(&PATTERNS))
                }
                2 => {
                    let word = self.dice.one_of(&["in", "not in"]);
                    format!("{left} {word} [alpha avail active \"it's\"]")
                }
                3 => format!("{left} is not {}", self.value(&Kind::Text, depth)),
                _ => format!("{left} is {}", self.value(&Kind::Text, depth)),
            },
            Kind::Node => match self.dice.below(4) {
                0 => format!("{left} in {}", self.value(&Kind::Nodes, depth)),
                1 => format!("{left} not in {}", self.value(&Kind::Nodes, depth)),
                2 => format!("{left} is not {}", self.value(&Kind::Node, depth)),
                _ => format!("{left} is {}", self.value(&Kind::Node, depth)),
            },
            kind if kind.has_order() => {
                let word =
                    self.dice
                        .one_of(&["is", "is not", "at least", "at most", "more than", "less than"]);
                format!("{left} {word} {}", self.value(kind, depth))
            }
            _ => format!("{left} is {left}"),
        }
    }

    /// A condition on the row in hand.
    pub fn row_condition(&mut self, columns: &Columns, depth: usize) -> String {
        if depth > 0 && self.dice.hits(30) {
            let word = self.dice.one_of(&["and", "or"]);
            let (left, right) = (
                self.row_condition(columns, depth - 1),
                self.row_condition(columns, depth - 1),
            );
            return match self.dice.hits(30) {
                true => format!("{left} {word} not ({right})"),
                false => format!("{left} {word} {right}"),
            };
        }
        let (name, kind) = self.dice.one_of(columns);
        let left = match self.dice.hits(25) {
            true => format!("$it.{name}"),
            false => name.to_owned(),
        };
        self.comparison(&left, &kind, 0)
    }

    /// A condition on the item in hand.
    pub fn item_condition(&mut self, kind: &Kind) -> String {
        let it = self.dice.one_of(&["it", "$it"]);
        self.comparison(it, kind, 0)
    }

    fn quantified(&mut self, depth: usize) -> String {
        let quantifier = match self.dice.below(6) {
            0 => "all".to_owned(),
            1 => "none".to_owned(),
            2 => "some".to_owned(),
            3 => format!("exactly {}", self.dice.below(4)),
            4 => format!("at least {}", self.dice.below(4)),
            _ => format!("at most {}", self.dice.below(4)),
        };
        let or_none = if self.dice.hits(30) { " or none" } else { "" };
        if self.dice.hits(30) {
            let list = self.value(&Kind::Text.list(), depth);
            let condition = self.item_condition(&Kind::Text);
            return format!("({quantifier} of ({list}) have {condition}{or_none})");
        }
        let (table, kind) = self.table(depth);
        let Kind::Table(columns) = kind else {
            return "yes".to_owned();
        };
        let condition = self.row_condition(&columns, depth);
        format!("({quantifier} of {table} have {condition}{or_none})")
    }

    fn succeeds(&mut self) -> String {
        let command = self.dice.one_of(&[
            "test -e /tmp/f1",
            "test -e /tmp/f2",
            "true",
            "false",
            "mountpoint -q /pstorage/pcs1",
            "cat /tmp/f1",
            "pgrep -x mdsd",
        ]);
        let no = match self.dice.below(4) {
            0 => " no=[1 3]",
            1 => " no=[16]",
            _ => "",
        };
        format!("(succeeds \"{command}\"{no})")
    }
}
