use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::function::Function;
use super::lock::takes_lock;
use super::names::Names;
use super::{Expansion, shell_library, whole_library};
use crate::check::ServiceDefinition;
use crate::diagnostic::{SourceMap, Span};
use crate::evaluate::{Context, Frame, Groups, Measured, Stop};
use crate::inventory::{Inventory, Node, NodeSet};
use crate::plan::{Plan, Step, StepKind};

/// What an expansion knows and has written so far.
pub(super) struct Expander<'a> {
    pub plan: &'a Plan,
    pub sources: &'a SourceMap,
    pub options: &'a Expansion,
    /// The functions of the awk program.
    pub functions: Functions,
    /// The questions that the script puts to the awk program.
    pub questions: Questions,
    /// The names of the script's own variables.
    pub names: Names,
    /// The groups that a verb joins or leaves: they are known in the run alone.
    pub changing: BTreeSet<String>,
    /// The inventory without these groups.
    pub fixed: Inventory,
    /// The services that are used, each with its name in the script.
    pub services: Vec<(Arc<ServiceDefinition>, String)>,
    /// The functions that blocks owe at their end: name and lines.
    pub cleanups: Vec<(String, Vec<String>)>,
    /// The functions that tell failure domains.
    pub domains: Vec<String>,
    /// What is known of each service, as rows of a `case`.
    pub service_rows: Vec<String>,
    /// Whether the statement at hand names instances of a service.
    pub names_instances: bool,
    /// Functions of the shell that were written for this runbook.
    pub shell_functions: Vec<Vec<String>>,
    /// Counts what needs a name of its own: loops, undos, blocks.
    pub count: usize,
}

impl<'a> Expander<'a> {
    pub fn new(plan: &'a Plan, sources: &'a SourceMap, options: &'a Expansion) -> Expander<'a> {
        let mut changing = BTreeSet::new();
        find_changing(&plan.steps, &mut changing);
        Expander {
            plan,
            sources,
            options,
            functions: Functions {
                names: Names::of_awk(&whole_library()),
                ..Functions::default()
            },
            questions: Questions::default(),
            names: Names::of_shell(&shell_library(takes_lock(plan, options)).join("\n")),
            fixed: without_groups(&plan.inventory, &changing),
            changing,
            services: Vec::new(),
            cleanups: Vec::new(),
            domains: Vec::new(),
            service_rows: Vec::new(),
            names_instances: false,
            shell_functions: Vec::new(),
            count: 0,
        }
    }

    /// Evaluates something that hangs on nothing that is measured.
    pub fn compute<T>(
        &self,
        frame: &Frame,
        evaluate: impl Fn(&Context<'_>, &Frame) -> Result<T, Stop>,
    ) -> Option<T> {
        let (groups, measured) = (Groups::default(), Measured::default());
        let context = Context {
            program: &self.plan.program,
            inventory: &self.fixed,
            groups: &groups,
            masks: &[],
            measured: &measured,
        };
        evaluate(&context, frame).ok()
    }

    /// `file:line` of a place.
    pub fn place_of(&self, at: Span) -> String {
        match self.sources.place(at) {
            Some(place) => format!("{}:{}", place.file, place.line),
            None => String::new(),
        }
    }

    /// The nodes of a group, unless they change in the run.
    pub fn group(&self, name: &str) -> Option<&NodeSet> {
        self.fixed.group(name)
    }

    /// The next number for something that needs a name of its own.
    pub fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }
}

fn find_changing(steps: &[Step], changing: &mut BTreeSet<String>) {
    for step in steps {
        if let StepKind::Verb { verb, .. } = &step.kind {
            changing.extend(verb.memberships.iter().map(|membership| membership.group.clone()));
        }
        for body in step.kind.bodies() {
            find_changing(body, changing);
        }
    }
}

/// The same inventory, which knows nothing of some groups.
fn without_groups(inventory: &Inventory, left_out: &BTreeSet<String>) -> Inventory {
    let nodes: Vec<Node> = inventory.nodes().cloned().collect();
    let groups: BTreeMap<String, NodeSet> = inventory
        .group_names()
        .filter(|name| !left_out.contains(*name))
        .filter_map(|name| Some((name.to_owned(), inventory.group(name)?.clone())))
        .collect();
    let (name, system) = (&inventory.name, inventory.system.as_deref());
    Inventory::build(name, system, nodes, groups, inventory.variables.clone())
        .expect("a part of an inventory is one")
}

/// The functions of the awk program that this runbook needs.
#[derive(Debug, Default)]
pub(super) struct Functions {
    names: Names,
    written: HashMap<String, String>,
    texts: Vec<String>,
    counts: HashMap<String, usize>,
    /// Helpers that say the same are written once: what they do → their name.
    alike: HashMap<String, String>,
}

impl Functions {
    /// A name of its own: `fact_mds`.
    pub fn name(&mut self, kind: &str, name: &str) -> String {
        if !name.is_empty() {
            return self.names.take(&format!("{kind}_{name}"));
        }
        let count = self.counts.entry(kind.to_owned()).or_default();
        *count += 1;
        self.names.take(&format!("{kind}_{count}"))
    }

    /// What a variable of the language is called in a function.
    pub fn variable(&self, name: &str) -> String {
        let mut name = super::names::plain_name(name);
        while self.names.has(&name) {
            name.push_str("_v");
        }
        name
    }

    /// The function of a definition, if it is written already.
    pub fn known(&self, key: &str) -> Option<String> {
        self.written.get(key).cloned()
    }

    /// Remembers which function a definition has.
    pub fn remember(&mut self, key: &str, name: &str) {
        self.written.insert(key.to_owned(), name.to_owned());
    }

    /// Adds a function.
    pub fn add(&mut self, function: Function) {
        self.texts.push(function.write());
    }

    /// Adds a helper, unless there is one that does the same; the name of the one to call.
    pub fn add_helper(&mut self, mut function: Function) -> String {
        let name = std::mem::take(&mut function.name);
        let what = function.write();
        if let Some(known) = self.alike.get(&what) {
            return known.clone();
        }
        self.alike.insert(what, name.clone());
        function.name = name.clone();
        self.texts.push(function.write());
        name
    }

    /// All of them.
    pub fn text(&self) -> String {
        self.texts.join("\n")
    }
}

/// What the script asks the awk program, by numbers.
#[derive(Debug, Default)]
pub(super) struct Questions {
    lines: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Questions {
    /// The number of a question: how its answer is printed, and the code that yields it.
    pub fn add(&mut self, print: &str, code: &str) -> usize {
        let key = format!("{print}({code})");
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.lines.len() + 1;
        self.lines.push(format!("    if (question == {number}) {key}"));
        self.numbers.insert(key, number);
        number
    }

    /// The rule that answers them.
    pub fn text(&self) -> String {
        let words = "    if (question == \"words\") put_words(import_value(ENVIRON[\"QUORATE_VALUE\"]), ENVIRON[\"QUORATE_NAME\"])\n    \
            if (question == \"output\") put_value(\"t\" read_lines(ENVIRON[\"QUORATE_VALUE\"]))\n    \
            if (question == \"gathered\") put_gathered(ENVIRON[\"QUORATE_VALUE\"])\n    \
            if (question == \"folded\") put(fold_nodes(ENVIRON[\"QUORATE_VALUE\"]))";
        format!(
            "BEGIN {{\n    question = ENVIRON[\"QUORATE_QUESTION\"]\n    place = ENVIRON[\"QUORATE_PLACE\"]\n    load()\n{words}\n{}\n}}\n",
            self.lines.join("\n")
        )
    }
}
