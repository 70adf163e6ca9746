//! Statements: what a body is made of.

use super::kinds::{Kind, gathered_columns, pair_columns, template_columns};
use super::words::PLAIN_WORDS;
use super::writer::Writer;

/// A way to write one statement.
type Way = fn(&mut Writer);

/// What stands where no node is in hand.
const AT_TOP: [(usize, Way); 25] = [
    (40, Writer::on_block),
    (14, Writer::let_value),
    (5, Writer::let_measured),
    (5, Writer::require),
    (3, Writer::wait),
    (7, Writer::if_block),
    (6, Writer::for_block),
    (4, Writer::try_block),
    (2, Writer::retry),
    (2, Writer::within),
    (6, Writer::note),
    (8, Writer::show),
    (2, Writer::confirm),
    (1, Writer::manual),
    (4, Writer::local_block),
    (4, Writer::call_verb),
    (1, Writer::fail),
    (2, Writer::finally),
    (2, Writer::undo),
    (6, Writer::service_block),
    (2, Writer::outage),
    (1, Writer::value_alone),
    (3, Writer::for_row),
    (4, Writer::let_block),
    (3, Writer::own_service),
];

/// What stands where a node is in hand.
const ON_NODE: [(usize, Way); 26] = [
    (26, Writer::run),
    (14, Writer::probe),
    (8, Writer::let_value),
    (8, Writer::let_probe),
    (6, Writer::require),
    (4, Writer::wait),
    (8, Writer::if_block),
    (5, Writer::for_block),
    (6, Writer::try_block),
    (4, Writer::retry),
    (3, Writer::within),
    (4, Writer::note),
    (4, Writer::show),
    (2, Writer::skip),
    (1, Writer::fail),
    (5, Writer::undo),
    (4, Writer::finally),
    (5, Writer::on_block),
    (2, Writer::local_block),
    (1, Writer::confirm),
    (1, Writer::manual),
    (4, Writer::call_verb),
    (3, Writer::client_service),
    (1, Writer::value_alone),
    (2, Writer::for_row),
    (2, Writer::let_block),
];

impl Writer {
    /// Some statements, one at least.
    pub fn body(&mut self, most: usize) {
        for number in 0..self.dice.between(1, most) {
            if number > 0 && self.left == 0 {
                return;
            }
            self.left = self.left.saturating_sub(1);
            self.statement();
        }
    }

    /// One statement; deep inside it has no block.
    pub fn statement(&mut self) {
        if self.place.depth >= 4 || self.left == 0 {
            let way: Way = match self.place.has_node {
                true => self
                    .dice
                    .one_of(&[Writer::run as Way, Writer::run, Writer::probe, Writer::note]),
                false => self
                    .dice
                    .one_of(&[Writer::note as Way, Writer::show, Writer::let_value]),
            };
            return way(self);
        }
        let way = match self.place.has_node {
            true => self.dice.weighted(&ON_NODE),
            false => self.dice.weighted(&AT_TOP),
        };
        way(self);
    }

    fn on_block(&mut self) {
        self.on(|writer| writer.body(3));
    }

    fn local_block(&mut self) {
        self.locally(|writer| writer.body(2));
    }

    fn let_value(&mut self) {
        let kind = self.dice.weighted(&[
            (5, Kind::Int),
            (5, Kind::Text),
            (2, Kind::Duration),
            (2, Kind::Size),
            (2, Kind::Percent),
            (2, Kind::Bool),
            (2, Kind::Node),
            (2, Kind::Nodes),
            (3, Kind::Text.list()),
            (2, Kind::Int.list()),
            (1, Kind::Size.list()),
            (1, Kind::Node.list()),
        ]);
        let (name, kind, value) = match self.dice.below(6) {
            0 => {
                let (table, kind) = self.table(2);
                (self.new_name("table"), kind, table)
            }
            1 => {
                let (table, kind) = self.table(1);
                let Kind::Table(columns) = kind else { return };
                let filter = self.dice.one_of(&["first", "last", "only"]);
                (
                    self.new_name("row"),
                    Kind::Row(columns),
                    format!("{table} | {filter}"),
                )
            }
            _ => {
                let value = self.value(&kind, 2);
                (self.new_name("value"), kind, value)
            }
        };
        self.line(format!("let {name} = {value}"));
        self.know(&name, kind.clone());
        self.use_value(&name, &kind);
    }

    /// Shows what a value is, in a way that both sides can be compared by.
    fn use_value(&mut self, name: &str, kind: &Kind) {
        if self.dice.hits(25) {
            return;
        }
        let is_word = kind.is_scalar() || matches!(kind, Kind::List(_) | Kind::Nodes);
        match self.place.has_node && is_word && self.dice.hits(60) {
            true => self.line(format!("probe \"echo ${{{name}}}\"")),
            false if self.dice.hits(60) => self.line(format!("show ${name}")),
            false => self.line(format!("note \"it is '${{{name}}}'\"")),
        }
    }

    /// `let` with what nodes say.
    fn let_measured(&mut self) {
        let aim = self.dice.one_of(&["mds_nodes", "node1", "all_nodes", "cs_nodes"]);
        let name = self.new_name("said");
        let (text, options) = (self.probe_text(), self.command_options(false));
        let kind = match self.dice.hits(60) {
            true => {
                let (filters, kind) = self.text_filters();
                self.line(format!(
                    "let {name} = on any {aim} < probe {text}{options} >{filters}"
                ));
                kind
            }
            false => {
                self.line(format!(
                    "let {name} = on {aim} in parallel < probe {text}{options} >"
                ));
                Kind::Table(gathered_columns())
            }
        };
        self.know(&name, kind.clone());
        self.use_value(&name, &kind);
    }

    /// `let` with what the node in hand says.
    fn let_probe(&mut self) {
        let name = self.new_name("said");
        let (text, options) = (self.probe_text(), self.command_options(false));
        let (filters, kind) = self.text_filters();
        self.line(format!("let {name} = probe {text}{options}{filters}"));
        self.know(&name, kind.clone());
        self.use_value(&name, &kind);
    }

    /// Filters for the output of a command, and what they give.
    fn text_filters(&mut self) -> (String, Kind) {
        let (filters, kind) = match self.dice.below(9) {
            0 => (" | lines", Kind::Text.list()),
            1 => (" | lines | count", Kind::Int),
            2 => (" | lines | reverse | unique | join \", \"", Kind::Text),
            3 => (" | pairs \":\" or none", Kind::Table(pair_columns())),
            4 => (
                " | match \"{name} {up: int} {share: percent}\" or none",
                Kind::Table(template_columns()),
            ),
            5 => (" | trim", Kind::Text),
            6 => (" | lines | first", Kind::Text),
            _ => ("", Kind::Text),
        };
        (filters.to_owned(), kind)
    }

    pub fn require(&mut self) {
        let test = match self.dice.hits(50) {
            true => self.guard_call(1),
            false => None,
        };
        let test = test.unwrap_or_else(|| format!("({})", self.condition(2)));
        let otherwise = match self.dice.hits(30) {
            true => format!(" else {}", self.template()),
            false => String::new(),
        };
        self.line(format!("require {test}{otherwise}"));
    }

    fn wait(&mut self) {
        let test = match self.dice.below(4) {
            0 | 1 => self.guard_call(1),
            2 if self.place.has_node => Some("(succeeds \"test -e /tmp/f1\")".to_owned()),
            _ => None,
        };
        let test = test.unwrap_or_else(|| format!("({})", self.condition(1)));
        let (limit, holding) = self.dice.one_of(&[
            ("12s", ""),
            ("30s", " holding 7s"),
            ("45s", " holding 12s"),
            ("1m", ""),
        ]);
        let every = self.dice.one_of(&["", "", " every 4s", " every 11s"]);
        let head = format!("wait up to {limit} until {test}{holding}{every}");
        match self.dice.hits(40) {
            true => self.block(&format!("{head} else"), |writer| writer.body(1)),
            false => self.line(head),
        }
    }

    fn if_block(&mut self) {
        let head = format!("if {}", self.condition(2));
        match self.dice.below(3) {
            0 => self.block(&head, |writer| writer.body(2)),
            1 => {
                let otherwise = format!("else if {}", self.condition(1));
                self.blocks(
                    &head,
                    |writer| writer.body(2),
                    &otherwise,
                    |writer| writer.body(1),
                );
            }
            _ => self.blocks(&head, |writer| writer.body(2), "else", |writer| writer.body(2)),
        }
    }

    fn for_block(&mut self) {
        let kind = self.dice.one_of(&[Kind::Text, Kind::Int, Kind::Node, Kind::Text]);
        let list = match self.dice.hits(50) {
            true => self.written_list_of(&kind),
            false => self.value(&kind.clone().list(), 1),
        };
        let name = self.new_name("each");
        self.block(&format!("for {name} in {list}"), |writer| {
            writer.know(&name, kind);
            // A loop does all this more than once.
            writer.left = writer.left.saturating_sub(1);
            writer.body(2);
        });
    }

    /// A loop over the rows of a table.
    fn for_row(&mut self) {
        let (table, kind) = self.table(1);
        let Kind::Table(columns) = kind else { return };
        let name = self.new_name("row");
        let column = self.dice.one_of(&columns).0;
        self.block(&format!("for {name} in {table}"), |writer| {
            writer.know(&name, Kind::Row(columns));
            writer.line(format!("note \"${{{name}.{column}}}\""));
            writer.left = writer.left.saturating_sub(1);
            if writer.dice.hits(50) {
                writer.body(1);
            }
        });
    }

    /// `let` with what a whole block gives, for each node or for one.
    fn let_block(&mut self) {
        let name = self.new_name("given");
        let head = match self.dice.below(4) {
            0 => "locally".to_owned(),
            1 => format!("on any {}", self.folded()),
            2 => format!("on {} in parallel, tolerating 1", self.folded()),
            _ => "on mds_nodes".to_owned(),
        };
        let is_table = !head.starts_with("locally") && !head.contains("any");
        let (word, text) = match self.dice.hits(30) {
            true => ("run", self.run_text()),
            false => ("probe", self.probe_text()),
        };
        let inner = self.new_name("inner");
        let (last, kind) = match self.dice.below(4) {
            0 => (
                format!("let {inner} = {word} {text}; row one=${inner} two=3"),
                Kind::Row(vec![("one", Kind::Text), ("two", Kind::Int)]),
            ),
            1 => (
                format!("let {inner} = {word} {text}; \"<${{{inner}}}>\""),
                Kind::Text,
            ),
            2 => (
                format!("if (succeeds \"test -e /tmp/f1\") < {word} {text} > else < \"none\" >"),
                Kind::Text,
            ),
            _ => (format!("{word} {text}"), Kind::Text),
        };
        self.line(format!("let {name} = {head} < {last} >"));
        let kind = match (is_table, kind) {
            (false, kind) => kind,
            (true, Kind::Row(mut columns)) => {
                columns.insert(0, ("node", Kind::Node));
                Kind::Table(columns)
            }
            (true, _) => Kind::Table(gathered_columns()),
        };
        self.know(&name, kind.clone());
        self.use_value(&name, &kind);
    }

    fn written_list_of(&mut self, kind: &Kind) -> String {
        let items: Vec<String> = (0..self.dice.between(1, 3))
            .map(|_| match kind {
                Kind::Text => self.dice.one_of(&PLAIN_WORDS).to_owned(),
                kind => self.simple(kind),
            })
            .collect();
        format!("[{}]", items.join(" "))
    }

    fn try_block(&mut self) {
        match self.dice.hits(70) {
            true => self.blocks("try", Writer::fragile_body, "else", |writer| writer.body(2)),
            false => self.block("try", Writer::fragile_body),
        }
    }

    /// A body in which something is likely to go wrong.
    fn fragile_body(&mut self) {
        self.body(2);
        if self.dice.hits(60) {
            match self.place.has_node {
                true => {
                    let command =
                        self.dice
                            .one_of(&["false", "test -e /tmp/f1", "rm /tmp/f2", "cat /tmp/d1"]);
                    self.line(format!("run \"{command}\""));
                }
                false => {
                    let text = self.template();
                    self.line(format!("fail {text}"));
                }
            }
        }
    }

    fn retry(&mut self) {
        let every = self.dice.one_of(&["", " every 5s", " every 30s"]);
        let head = format!("retry {} times{every}", self.dice.between(1, 3));
        self.block(&head, |writer| {
            writer.place.is_repeated = true;
            writer.fragile_body();
        });
    }

    fn within(&mut self) {
        let limit = self.dice.one_of(&["15s", "1m", "2h"]);
        self.block(&format!("within {limit}"), |writer| {
            if writer.place.has_node && writer.dice.hits(50) {
                writer.line("run \"sleep 25\"");
            }
            writer.body(3);
        });
    }

    pub fn note(&mut self) {
        let text = self.template();
        self.line(format!("note {text}"));
    }

    pub fn show(&mut self) {
        let value = match self.dice.below(5) {
            0 => self.table(2).0,
            1 => self.value(&Kind::Text.list(), 2),
            2 => format!("({})", self.condition(2)),
            3 => self.value(&Kind::Int, 2),
            _ => {
                let kind =
                    self.dice
                        .one_of(&[Kind::Duration, Kind::Size, Kind::Nodes, Kind::Percent, Kind::Text]);
                self.value(&kind, 2)
            }
        };
        self.line(format!("show {value}"));
    }

    fn question_name(&mut self) -> String {
        let name = format!("question-{}", self.questions.len() + 1);
        self.questions.push(name.clone());
        name
    }

    fn confirm(&mut self) {
        let (text, name) = (self.template(), self.question_name());
        let text = if matches!(text.as_str(), "\"\"" | "\" \"") {
            "\"Sure?\"".to_owned()
        } else {
            text
        };
        self.line(format!("confirm {text} as {name}"));
    }

    fn manual(&mut self) {
        let name = self.question_name();
        let rehearsed = match self.place.has_node {
            true => " rehearsed as \"touch /tmp/f1\"",
            false => "",
        };
        self.line(format!("manual \"Do it's thing.\" as {name}{rehearsed}"));
    }

    fn fail(&mut self) {
        let text = self.template();
        self.line(format!("fail {text}"));
    }

    fn skip(&mut self) {
        if !self.place.can_skip {
            return self.run();
        }
        let (condition, text) = (self.condition(1), self.template());
        self.block(&format!("if {condition}"), |writer| {
            writer.line(format!("skip {text}"))
        });
    }

    fn undo(&mut self) {
        self.block("undo", |writer| writer.body(2));
        if self.dice.hits(50) {
            self.statement();
        }
    }

    fn finally(&mut self) {
        self.block("finally", |writer| {
            writer.place.can_skip = false;
            writer.body(2);
        });
        if self.dice.hits(50) {
            self.statement();
        }
    }

    fn value_alone(&mut self) {
        let value = self.value(&Kind::Int, 1);
        self.line(format!("({value})"));
    }

    fn call_verb(&mut self) {
        let (has_node, verbs) = (self.place.has_node && !self.place.is_local, self.verbs.clone());
        let may_act = !self.place.is_repeated;
        let fitting: Vec<_> = verbs
            .into_iter()
            .filter(|verb| (has_node || !verb.needs_node) && (may_act || !verb.is_irreversible))
            .collect();
        if fitting.is_empty() {
            return self.note();
        }
        let verb = self.dice.one_of(&fitting);
        let arguments = self.arguments(&verb, 1);
        if verb.is_irreversible && self.dice.hits(60) {
            self.confirm();
        }
        self.line(format!("{}{arguments}", verb.name));
    }
}
