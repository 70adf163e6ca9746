//! Parameters, guards, facts and verbs of the runbook's own.

use super::kinds::{Kind, pair_columns, template_columns};
use super::words::{HOSTILE_TEXTS, PLAIN_WORDS, quoted};
use super::writer::{Definition, Name, Writer};

/// Guards that the cluster's module has, with arguments that fit.
const KNOWN_GUARDS: [(&str, bool); 12] = [
    ("quorum", false),
    ("quorum spare=1", false),
    ("quorum losing=node1", false),
    ("replicas losing=node2", false),
    ("enough-mds 3", false),
    ("healthy", false),
    ("others-up except=node1", false),
    ("replication 2:1", false),
    ("mds-available node2", false),
    ("running pstorage-csd", true),
    ("up-to-date", true),
    ("mounted /pstorage/pcs1", true),
];

impl Writer {
    /// `param` lines; some of them are given.
    pub fn parameters(&mut self) -> Vec<(String, String)> {
        let mut given = Vec::new();
        let mut has_secret = false;
        for _ in 0..self.dice.weighted(&[(4, 0), (3, 1), (2, 2), (1, 3)]) {
            let kind = self.dice.one_of(&[
                Kind::Int,
                Kind::Text,
                Kind::Bool,
                Kind::Duration,
                Kind::Size,
                Kind::Percent,
                Kind::Node,
                Kind::Nodes,
                Kind::Choice,
                Kind::Path,
                Kind::Version,
                Kind::Ratio,
                Kind::Secret,
                Kind::Text.list(),
                Kind::Int.list(),
            ]);
            if kind == Kind::Secret && std::mem::replace(&mut has_secret, true) {
                continue;
            }
            let name = self.new_name("param");
            let is_given = kind == Kind::Secret || self.dice.hits(50);
            let default = match is_given && (kind == Kind::Secret || self.dice.hits(50)) {
                true => String::new(),
                false => format!(" = {}", self.default_of(&kind)),
            };
            let about = self.dice.one_of(&["", " \"what it's for\""]);
            self.line(format!("param {name}: {}{default}{about}", kind.declared()));
            if is_given {
                given.push((name.clone(), self.given_for(&kind)));
            }
            self.know(&name, kind);
        }
        given
    }

    fn default_of(&mut self, kind: &Kind) -> String {
        match kind {
            Kind::Text => quoted(self.dice.one_of(&HOSTILE_TEXTS)),
            kind => self.simple_literal(kind),
        }
    }

    /// A value that hangs on no other one.
    fn simple_literal(&mut self, kind: &Kind) -> String {
        match kind {
            Kind::List(inner) => {
                let (one, two) = (self.simple_literal(inner), self.simple_literal(inner));
                format!("[{one} {two}]")
            }
            Kind::Text => self
                .dice
                .one_of(&["\"alpha\"", "\"it's\"", "\"-n\"", "\"\""])
                .to_owned(),
            // A bare word would go on with the comma behind it.
            Kind::Node | Kind::Nodes => format!("\"{}\"", self.simple(kind)),
            Kind::Bool => self.dice.one_of(&["(yes)", "(no)"]).to_owned(),
            kind => self.simple(kind),
        }
    }

    /// What `--set` says.
    fn given_for(&mut self, kind: &Kind) -> String {
        match kind {
            Kind::Text => self.dice.one_of(&HOSTILE_TEXTS).to_owned(),
            Kind::Secret => self.dice.one_of(&["pass word", "it's", "se$cret"]).to_owned(),
            Kind::Path => self.dice.one_of(&["/tmp", "/tmp/a b"]).to_owned(),
            Kind::Choice => "fast".to_owned(),
            Kind::List(inner) => match **inner {
                Kind::Text => self.dice.one_of(&PLAIN_WORDS).to_owned(),
                _ => "5".to_owned(),
            },
            kind => self.simple(kind),
        }
    }

    /// A few definitions; what comes later may use what came before.
    pub fn definitions(&mut self) {
        for _ in 0..self.dice.weighted(&[(3, 0), (4, 1), (3, 2), (1, 3)]) {
            let names = std::mem::take(&mut self.names);
            match self.dice.weighted(&[(4, 0), (3, 1), (3, 2), (2, 3)]) {
                0 => self.guard(),
                1 => self.fact(),
                3 => self.service(),
                _ => self.verb(),
            }
            self.names = names;
        }
    }

    /// The head of a definition: its name, its parameters.
    fn head(&mut self, word: &str, gives: Kind) -> Definition {
        let name = self.new_name(word);
        let needs_node = self.dice.hits(50);
        let count = self.dice.below(3);
        let default_count = self.dice.below(count + 1);
        let kinds = [
            Kind::Int,
            Kind::Text,
            Kind::Node,
            Kind::Bool,
            Kind::Duration,
            Kind::Nodes,
            Kind::Text.list(),
        ];
        let parameters = (0..count)
            .map(|_| Name {
                name: self.new_name("given"),
                kind: self.dice.one_of(&kinds),
            })
            .collect();
        Definition {
            name,
            parameters,
            default_count,
            needs_node,
            gives,
            is_irreversible: false,
        }
    }

    fn write_parameters(&mut self, definition: &Definition) -> String {
        let count = definition.parameters.len();
        let mut written = Vec::new();
        for (place, parameter) in definition.parameters.iter().enumerate() {
            let default = match place >= count - definition.default_count {
                true => format!(" = {}", self.simple_literal(&parameter.kind)),
                false => String::new(),
            };
            written.push(format!(
                "{}: {}{default}",
                parameter.name,
                parameter.kind.declared()
            ));
        }
        match written.is_empty() {
            true => String::new(),
            false => format!("({})", written.join(", ")),
        }
    }

    /// Enters a definition: its parameters are all that is known in it, and perhaps the node.
    fn enter(&mut self, definition: &Definition) {
        self.names = definition.parameters.clone();
        if definition.needs_node {
            self.know("node", Kind::Node);
        }
        self.place.has_node = definition.needs_node;
    }

    fn guard(&mut self) {
        let definition = self.head("guard", Kind::Bool);
        let parameters = self.write_parameters(&definition);
        let head = format!("guard {}{parameters}", definition.name);
        self.block(&head, |writer| {
            writer.enter(&definition);
            for _ in 0..writer.dice.between(1, 3) {
                writer.guard_statement();
            }
            if definition.needs_node && writer.dice.hits(50) {
                let command = writer.dice.one_of(&["hostname", "cat /tmp/f1", "echo 7"]);
                let name = writer.new_name("seen");
                writer.line(format!("let {name} = probe \"{command}\" ok=[0 1] | trim"));
                writer.know(&name, Kind::Text);
            }
            writer.check();
        });
        self.guards.push(definition);
    }

    fn check(&mut self) {
        let condition = self.condition(2);
        let why = self.template();
        self.line(format!("check {condition} else {why}"));
    }

    fn guard_statement(&mut self) {
        match self.dice.below(8) {
            0..=2 => {
                let kind = self
                    .dice
                    .one_of(&[Kind::Int, Kind::Text, Kind::Text.list(), Kind::Nodes]);
                let (name, value) = (self.new_name("seen"), self.value(&kind, 2));
                self.line(format!("let {name} = {value}"));
                self.know(&name, kind);
            }
            3 => {
                let condition = self.condition(1);
                self.block(&format!("if {condition}"), Writer::check);
            }
            4 => {
                let (name, list) = (self.new_name("each"), self.value(&Kind::Text.list(), 1));
                self.block(&format!("for {name} in {list}"), |writer| {
                    writer.know(&name, Kind::Text);
                    writer.check();
                });
            }
            5 => {
                let value = self.value(&Kind::Int, 1);
                self.line(format!("steady {value}"));
            }
            6 => match self.guard_call(0) {
                Some(call) => self.line(format!("require {call}")),
                None => self.check(),
            },
            _ => self.check(),
        }
    }

    fn fact(&mut self) {
        let gives = self.dice.one_of(&[
            Kind::Int,
            Kind::Text,
            Kind::Text,
            Kind::Node,
            Kind::Table(pair_columns()),
            Kind::Table(template_columns()),
            Kind::Table(template_columns()),
        ]);
        let definition = self.head("fact", gives.clone());
        let parameters = self.write_parameters(&definition);
        let head = format!("fact {}{parameters}: {}", definition.name, gives.declared());
        self.block(&head, |writer| {
            writer.enter(&definition);
            let (command, filters) = match gives {
                Kind::Table(ref columns) if columns[0].0 == "key" => {
                    ("printf 'a: 1\\\\nb: it'", " | pairs \":\"")
                }
                Kind::Table(_) => writer.dice.one_of(&[
                    ("printf 'alpha 3 40%\\\\nbeta 0 7%\\\\n'", " | match \"{name} {up: int} {share: percent}\""),
                    ("printf 'NAME UP SHARE\\\\nalpha 3 40%\\\\nbeta x 7%\\\\ngamma\\\\n'", " | columns"),
                    (
                        "echo '[{\\\"name\\\": \\\"a\\\", \\\"up\\\": 3, \\\"share\\\": \\\"4%\\\"}, {\\\"name\\\": null, \\\"up\\\": 7}]'",
                        " | json",
                    ),
                ]),
                Kind::Int => writer.dice.one_of(&[("echo 7", " | trim"), ("echo x", " | trim"), ("printf 'a\\\\nb\\\\n'", " | lines | count")]),
                Kind::Node => writer.dice.one_of(&[("hostname", " | trim"), ("echo node2", " | trim"), ("echo nobody", " | trim")]),
                _ => writer.dice.one_of(&[("hostname", ""), ("echo \\\"it's\\\"", " | trim"), ("cat /tmp/f1", ""), ("true", "")]),
            };
            match definition.needs_node {
                true => writer.line(format!("probe \"{command}\"{filters}")),
                false => {
                    let aim = writer.dice.one_of(&["mds_nodes", "node2", "all_nodes"]);
                    writer.line(format!("on any {aim} < probe \"{command}\" >{filters}"));
                }
            }
        });
        self.facts.push(definition);
    }

    fn verb(&mut self) {
        let mut definition = self.head("verb", Kind::Bool);
        definition.is_irreversible = self.dice.hits(20);
        let parameters = self.write_parameters(&definition);
        let head = format!("verb {}{parameters}", definition.name);
        let left = std::mem::replace(&mut self.left, 3);
        self.block(&head, |writer| {
            writer.enter(&definition);
            writer.place.is_repeated = true;
            if definition.is_irreversible {
                writer.line("irreversible");
                writer.require();
            }
            writer.body(3);
        });
        self.left = left;
        self.verbs.push(definition);
    }

    /// Arguments for a definition, each with a blank before it.
    pub fn arguments(&mut self, definition: &Definition, depth: usize) -> String {
        let mut written = String::new();
        let count = definition.parameters.len();
        let mut is_named = false;
        for (place, parameter) in definition.parameters.iter().enumerate() {
            if place >= count - definition.default_count && self.dice.hits(40) {
                is_named = true;
                continue;
            }
            let value = match &parameter.kind {
                Kind::Node | Kind::Int | Kind::Duration | Kind::Text if self.dice.hits(50) => {
                    match &parameter.kind {
                        Kind::Text => quoted(self.dice.one_of(&HOSTILE_TEXTS)),
                        kind => self.simple(kind),
                    }
                }
                kind => format!("({})", self.value(kind, depth)),
            };
            is_named |= self.dice.hits(30) || matches!(parameter.kind, Kind::List(_));
            match is_named {
                true => written.push_str(&format!(" {}={value}", parameter.name)),
                false => written.push_str(&format!(" {value}")),
            }
        }
        written
    }

    /// A call of a guard that can be asked here.
    pub fn guard_call(&mut self, depth: usize) -> Option<String> {
        let has_node = self.place.has_node && !self.place.is_local;
        if self.dice.hits(45) {
            let (call, needs_node) = self.dice.one_of(&KNOWN_GUARDS);
            return (has_node || !needs_node).then(|| call.to_owned());
        }
        let guards: Vec<Definition> = self
            .guards
            .iter()
            .filter(|it| has_node || !it.needs_node)
            .cloned()
            .collect();
        if guards.is_empty() {
            return None;
        }
        let guard = self.dice.one_of(&guards);
        let arguments = self.arguments(&guard, depth);
        Some(format!("{}{arguments}", guard.name))
    }

    /// A call of a fact of the runbook that gives this.
    pub fn fact_of(&mut self, kind: &Kind) -> Option<String> {
        let has_node = self.place.has_node && !self.place.is_local;
        let facts: Vec<Definition> = self
            .facts
            .iter()
            .filter(|it| it.gives == *kind && (has_node || !it.needs_node))
            .cloned()
            .collect();
        if facts.is_empty() {
            return None;
        }
        let fact = self.dice.one_of(&facts);
        let count = fact.parameters.len();
        if count == 0 {
            return Some(fact.name);
        }
        let values: Vec<String> = fact.parameters.iter().map(|it| self.value(&it.kind, 0)).collect();
        Some(format!("{}({})", fact.name, values.join(", ")))
    }
}
