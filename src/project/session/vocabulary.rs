use std::sync::Arc;

use super::line::holds_secret;
use crate::check::{ParameterDefinition, Program};
use crate::diagnostic::nearest;
use crate::inventory::Inventory;
use crate::library::FILTERS;
use crate::value::{Column, Type};

/// The words that begin a statement, each with what it does.
pub const KEYWORDS: &[(&str, &str)] = &[
    ("on", "does something on nodes: on NODES serially < … >"),
    ("locally", "does something on this machine: locally < … >"),
    (
        "run",
        "carries out a command that changes something: run \"COMMAND\"",
    ),
    (
        "probe",
        "carries out a command that only looks: probe \"COMMAND\"",
    ),
    ("stop", "stops services, if their guards let it: stop SERVICE"),
    ("start", "starts services: start SERVICE"),
    (
        "restart",
        "restarts services, if their guards let it: restart SERVICE",
    ),
    ("status", "asks whether services run: status SERVICE"),
    ("reboot", "reboots a node and waits until it is back"),
    (
        "losing",
        "takes a node out of services meanwhile: losing SERVICE < … >",
    ),
    (
        "leave",
        "leaves services stopped, for a reason: leave SERVICE stopped \"WHY\"",
    ),
    ("require", "goes on only if a guard holds: require GUARD"),
    (
        "wait",
        "waits until a guard holds: wait up to 5m until GUARD holding 1m",
    ),
    ("confirm", "asks a person: confirm \"QUESTION\""),
    ("manual", "asks a person to do something: manual \"TEXT\""),
    ("outage", "lifts budgets, for a reason: outage \"WHY\" < … >"),
    ("let", "names a value: let NAME = VALUE"),
    ("show", "shows a value: show VALUE"),
    ("note", "says something: note \"TEXT\""),
    ("fail", "ends with a failure: fail \"TEXT\""),
    ("skip", "is done with the node in hand: skip \"WHY\""),
    ("if", "does one thing or another: if CONDITION < … > else < … >"),
    ("for", "goes through a list: for NAME in LIST < … >"),
    ("try", "goes on after a failure: try < … > else < … >"),
    ("retry", "tries again: retry 3 times every 10s < … >"),
    ("within", "begins nothing more after a time: within 10m < … >"),
    ("undo", "says how to take back what was done: undo < … >"),
    ("finally", "is done however the block ends: finally < … >"),
    ("verb", "declares an action: verb NAME(PARAMETER: TYPE) < … >"),
    (
        "guard",
        "declares a guard: guard NAME(PARAMETER: TYPE = DEFAULT) < … >",
    ),
    ("fact", "declares what can be measured: fact NAME: TYPE < … >"),
    ("service", "declares a service: service NAME < … >"),
    ("group", "declares a group that is needed: group NAME"),
    ("use", "brings a module in: use MODULE"),
];

/// All words that mean something at the place where they stand, for colours.
pub const WORDS: &[&str] = &[
    "after",
    "all",
    "and",
    "any",
    "are",
    "as",
    "at",
    "batches",
    "before",
    "by",
    "check",
    "command",
    "disconnect",
    "done",
    "down",
    "each",
    "else",
    "every",
    "exactly",
    "have",
    "here",
    "holding",
    "holds",
    "in",
    "irreversible",
    "is",
    "joins",
    "last",
    "least",
    "leaves",
    "less",
    "lose",
    "matches",
    "may",
    "members",
    "minority",
    "more",
    "most",
    "needs",
    "no",
    "none",
    "not",
    "of",
    "once",
    "optional",
    "or",
    "parallel",
    "rehearsed",
    "root",
    "row",
    "section",
    "serially",
    "some",
    "starts",
    "steady",
    "stopped",
    "stops",
    "succeeds",
    "table",
    "than",
    "times",
    "to",
    "tolerating",
    "until",
    "up",
    "when",
    "where",
    "with",
    "yes",
];

/// The names that mean something to a session, and what they mean.
#[derive(Clone)]
pub struct Vocabulary {
    program: Arc<Program>,
    inventory: Arc<Inventory>,
    /// The session's own values.
    variables: Vec<(String, Type)>,
}

impl Vocabulary {
    /// The names of a program and an inventory, and of values.
    pub fn new(
        program: Arc<Program>,
        inventory: Arc<Inventory>,
        variables: Vec<(String, Type)>,
    ) -> Vocabulary {
        Vocabulary {
            program,
            inventory,
            variables,
        }
    }

    /// The nodes and groups.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The verbs.
    pub fn verbs(&self) -> Vec<&str> {
        self.program
            .all_verbs()
            .into_iter()
            .map(|verb| verb.name.as_str())
            .collect()
    }

    /// The guards.
    pub fn guards(&self) -> Vec<&str> {
        self.program
            .all_guards()
            .into_iter()
            .map(|guard| guard.name.as_str())
            .collect()
    }

    /// The facts.
    pub fn facts(&self) -> Vec<&str> {
        self.program
            .all_facts()
            .into_iter()
            .map(|fact| fact.name.as_str())
            .collect()
    }

    /// The services.
    pub fn services(&self) -> Vec<&str> {
        self.program
            .all_services()
            .into_iter()
            .map(|service| service.name.as_str())
            .collect()
    }

    /// The filters of pipelines.
    pub fn filters(&self) -> Vec<&str> {
        FILTERS.iter().map(|filter| filter.name).collect()
    }

    /// The values with a name, and their types.
    pub fn variables(&self) -> &[(String, Type)] {
        &self.variables
    }

    /// What a verb, guard or fact may be given.
    pub fn parameters(&self, name: &str) -> &[ParameterDefinition] {
        let module = &self.program.module;
        if let Some(verb) = self.program.verb(module, name) {
            &verb.parameters
        } else if let Some(guard) = self.program.guard(module, name) {
            &guard.parameters
        } else {
            self.program
                .fact(module, name)
                .map_or(&[], |fact| &fact.parameters)
        }
    }

    /// The columns of the table that a text before a `|` gives, as far as its first name tells.
    pub fn columns(&self, pipeline: &str) -> Vec<String> {
        let source = pipeline.rsplit('|').next_back().unwrap_or(pipeline);
        let source = source
            .rsplit(['=', '(', '<', '\n', ';'])
            .next()
            .unwrap_or(source)
            .trim();
        let first = source.split_whitespace().last().unwrap_or_default();
        let kind = match first.strip_prefix('$') {
            Some(name) => self
                .variables
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, kind)| kind),
            None => self
                .program
                .fact(&self.program.module, first)
                .map(|fact| &fact.kind),
        };
        columns_of(kind).map(|column| column.name.clone()).collect()
    }

    /// The fields of `$name`.
    pub fn fields(&self, name: &str) -> Vec<String> {
        if name == "node" {
            let names = self.inventory.variable_names().map(str::to_owned);
            return std::iter::once("name".to_owned()).chain(names).collect();
        }
        let kind = self
            .variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, kind)| kind);
        columns_of(kind).map(|column| column.name.clone()).collect()
    }

    /// Whether a text gives a secret in plain letters, so that it is kept nowhere.
    pub fn holds_secret(&self, text: &str) -> bool {
        holds_secret(text, &self.program)
    }

    /// What a name means; `None` for one that means nothing.
    pub fn describe(&self, name: &str) -> Option<String> {
        let module = &self.program.module;
        let mut parts = Vec::new();
        if let Some(verb) = self.program.verb(module, name) {
            let cannot = if verb.irreversible {
                "; cannot be taken back"
            } else {
                ""
            };
            let head = format!("verb {}{}{cannot}", verb.name, write_parameters(&verb.parameters));
            parts.push(entry(&head, &verb.module, verb.doc.as_ref()));
        }
        if let Some(guard) = self.program.guard(module, name) {
            let head = format!("guard {}{}", guard.name, write_parameters(&guard.parameters));
            parts.push(entry(&head, &guard.module, guard.doc.as_ref()));
        }
        if let Some(fact) = self.program.fact(module, name) {
            let head = format!(
                "fact {}{}: {}",
                fact.name,
                write_parameters(&fact.parameters),
                fact.kind
            );
            parts.push(entry(&head, &fact.module, fact.doc.as_ref()));
        }
        if let Some(service) = self.program.service(module, name) {
            let budget = service
                .budget
                .as_ref()
                .map(|budget| format!("; may lose {}", budget.node));
            let head = format!(
                "service {}, on {}{}",
                service.name,
                service.group,
                budget.unwrap_or_default()
            );
            parts.push(entry(&head, &service.module, service.doc.as_ref()));
        }
        if let Some(filter) = FILTERS.iter().find(|filter| filter.name == name) {
            let mut text = format!("filter | {name}\n  {}\n", filter.says);
            for (pipeline, gives) in filter.examples.iter().take(2) {
                text.push_str(&format!("  {pipeline}  →  {}\n", gives.replace('\n', " ⏎ ")));
            }
            parts.push(text);
        }
        if let Some((_, says)) = KEYWORDS.iter().find(|(word, _)| *word == name) {
            parts.push(format!("{name}\n  {says}\n"));
        }
        if let Some(nodes) = self.inventory.group(name) {
            parts.push(format!("group {name}\n  {nodes}\n"));
        }
        if let Some(node) = self.inventory.node(name) {
            let address = node
                .address
                .as_ref()
                .map(|address| format!(", reached as {address}"));
            let mut text = format!("node {name}{}\n", address.unwrap_or_default());
            for (variable, value) in &node.variables {
                text.push_str(&format!("  {variable} = {value}\n"));
            }
            parts.push(text);
        }
        let bare = name.strip_prefix('$').unwrap_or(name);
        if let Some((_, kind)) = self.variables.iter().find(|(known, _)| known == bare) {
            parts.push(format!("${bare}: {kind}\n"));
        }
        (!parts.is_empty()).then(|| parts.join("\n"))
    }

    /// The name that was meant by one that means nothing.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let known = self
            .verbs()
            .into_iter()
            .chain(self.guards())
            .chain(self.facts())
            .chain(self.services());
        let known = known
            .chain(self.filters())
            .chain(KEYWORDS.iter().map(|(word, _)| *word));
        nearest(name, known.chain(self.inventory.group_names()))
    }
}

/// The columns of a table or row.
fn columns_of(kind: Option<&Type>) -> impl Iterator<Item = &Column> {
    let columns = match kind {
        Some(Type::Table(columns) | Type::Row(columns)) => columns.as_slice(),
        _ => &[],
    };
    columns.iter()
}

fn entry(head: &str, module: &str, doc: Option<&String>) -> String {
    let from = if module.is_empty() {
        "declared here"
    } else {
        module
    };
    let doc = doc.map_or("", String::as_str);
    let lines: String = doc.lines().map(|line| format!("  {line}\n")).collect();
    format!("{head}  ({from})\n{lines}")
}

fn write_parameters(parameters: &[ParameterDefinition]) -> String {
    let written = parameters.iter().map(|parameter| {
        let default = parameter.default.as_ref();
        let default = default.map(|value| format!(" = {}", crate::evaluate::describe(&value.node)));
        format!(
            "{}: {}{}",
            parameter.name,
            parameter.kind,
            default.unwrap_or_default()
        )
    });
    let written: Vec<String> = written.collect();
    match written.is_empty() {
        true => String::new(),
        false => format!("({})", written.join(", ")),
    }
}
