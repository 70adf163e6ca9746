use std::collections::{HashMap, HashSet};

use super::checker::{Body, Checker, Definition, Extent, Learned, NodeInHand, Place, RowNames};
use super::collect::{Declared, Found};
use super::error::{EffectError, NameError, NodeError};
use super::findings::{Findings, list_names};
use super::fit::fits;
use super::program::{Module, ParameterDefinition, ServiceDefinition};
use super::scope::{Role, Scope};
use super::services::find_ring;
use crate::diagnostic::{Span, Spanned};
use crate::inventory::Inventory;
use crate::syntax::{Declaration, Script, Statement};
use crate::value::Type;

/// Most groups of an inventory that a help names.
const MOST_GROUPS: usize = 8;

/// Walks every definition and the script; gives what was learned on the way.
pub(super) fn check_bodies(
    main: &Module,
    extent: Extent,
    inventory: &Inventory,
    declared: &Declared,
    findings: &mut Findings,
) -> Learned {
    let mut checker = Checker {
        declared,
        inventory,
        findings,
        learned: Learned::default(),
        module: String::new(),
        is_built_in: true,
        scope: Scope::default(),
        rows: Vec::new(),
        place: Place {
            body: Body::Clause,
            node: NodeInHand::Nowhere,
            definition: None,
        },
        sets: HashMap::new(),
    };
    checker.constants();
    checker.facts();
    checker.guards();
    checker.services();
    checker.verbs();
    checker.models();
    checker.script(main, extent);
    checker.learned
}

impl Checker<'_, '_> {
    fn constants(&mut self) {
        let declared = self.declared;
        for (index, entry) in declared.constants.entries.iter().enumerate() {
            let place = Place {
                body: Body::Clause,
                node: NodeInHand::Nowhere,
                definition: Some(Definition::Constant(index)),
            };
            self.begin_body(&entry.module, entry.is_built_in, place);
            let kind = self.infer(&entry.item.value);
            let words = self.words_of(&entry.item.value);
            self.learned.constants.push((kind, words));
        }
    }

    fn facts(&mut self) {
        let declared = self.declared;
        for (index, entry) in declared.facts.entries.iter().enumerate() {
            self.begin_definition(
                &entry.module,
                entry.is_built_in,
                Body::Fact,
                Definition::Fact(index),
            );
            self.defaults(&entry.item.parameters);
            let mark = self.scope.mark();
            self.bind_parameters(&entry.item.parameters);
            let kind = self.block_value(&entry.item.body);
            // Rows as they come are read as the declared columns; other shapes are a slip.
            let is_shape = !matches!(kind, Type::Table(_) | Type::List(_) | Type::Row(_));
            if let Some(last) = entry.item.body.last()
                && is_shape
                && !fits(&kind, &entry.item.kind)
                && matches!(entry.item.kind, Type::Table(_))
            {
                let help = Some("split it into rows: `| columns`, `| match \"…\"`".to_owned());
                self.wrong_type("what this fact gives", "a table", &kind, last.span, help);
            }
            self.close(mark);
        }
    }

    fn guards(&mut self) {
        let declared = self.declared;
        for (index, entry) in declared.guards.entries.iter().enumerate() {
            self.begin_definition(
                &entry.module,
                entry.is_built_in,
                Body::Guard,
                Definition::Guard(index),
            );
            self.defaults(&entry.item.parameters);
            let mark = self.scope.mark();
            self.bind_parameters(&entry.item.parameters);
            self.block(&entry.item.body);
            self.close(mark);
        }
    }

    fn verbs(&mut self) {
        let declared = self.declared;
        for (index, entry) in declared.verbs.entries.iter().enumerate() {
            self.begin_definition(
                &entry.module,
                entry.is_built_in,
                Body::Verb,
                Definition::Verb(index),
            );
            self.defaults(&entry.item.parameters);
            let mark = self.scope.mark();
            self.bind_parameters(&entry.item.parameters);
            for membership in &entry.item.memberships {
                if let Some(host) = &membership.host {
                    let kind = self.variable(host);
                    if !fits(&kind, &Type::Nodes) {
                        let what = "who joins or leaves";
                        self.wrong_type(what, "a node", &kind, host.name.span, None);
                    }
                } else {
                    self.mark_uses_node();
                }
                let name = Spanned::new(membership.group.clone(), membership.span);
                self.group_of_clause(&name);
            }
            if let Some(test) = &entry.item.done_when {
                self.test(test);
            }
            self.block(&entry.item.body);
            self.close(mark);
        }
    }

    fn models(&mut self) {
        let declared = self.declared;
        for (index, entry) in declared.models.iter().enumerate() {
            let model = &entry.item;
            let place = Place {
                body: Body::Model,
                node: NodeInHand::Here(model.span),
                definition: Some(Definition::Model(index)),
            };
            self.begin_body(&entry.module, entry.is_built_in, place);
            let mark = self.scope.mark();
            for name in model.pattern.names() {
                let name = Spanned::new(name.to_owned(), model.span);
                self.bind(&name, Type::String, Role::Given);
            }
            let kind = self.block_value(&model.body);
            if let Some(last) = model.body.last()
                && !matches!(kind, Type::String | Type::Any)
            {
                let help = Some("make one text of it: `| join \"\\n\"`".to_owned());
                self.wrong_type("what a command prints", "a text", &kind, last.span, help);
            }
            self.close(mark);
        }
    }

    fn begin_definition(&mut self, module: &str, is_built_in: bool, body: Body, definition: Definition) {
        let place = Place {
            body,
            node: NodeInHand::Callers,
            definition: Some(definition),
        };
        self.begin_body(module, is_built_in, place);
    }

    fn defaults(&mut self, parameters: &[ParameterDefinition]) {
        for parameter in parameters {
            if let Some(default) = &parameter.default {
                self.expect(
                    default,
                    &parameter.kind,
                    &format!("the default of `{}`", parameter.name),
                );
            }
        }
    }

    fn services(&mut self) {
        let declared = self.declared;
        for (index, entry) in declared.services.entries.iter().enumerate() {
            let service = &entry.item;
            let definition = Definition::Service(index);
            let notes = &declared.service_notes[index];
            self.begin_service(entry.is_built_in, service, Body::Clause, definition);
            if let Some(group) = &notes.group {
                self.group_of_clause(group);
            }
            for (need, at) in service.needs.iter().zip(&notes.needs) {
                self.service_named(&Spanned::new(need.service.clone(), *at));
            }
            for name in notes.starts_after.iter().chain(&notes.stops_after) {
                self.service_named(name);
            }
            self.service_clauses(service);
            let hooks = [
                (&service.before_stop, Body::BeforeStop),
                (&service.after_stop, Body::AfterHook),
                (&service.after_start, Body::AfterHook),
            ];
            for (hook, body) in hooks {
                self.begin_service(entry.is_built_in, service, body, definition);
                self.block(hook);
            }
        }
    }

    fn begin_service(
        &mut self,
        is_built_in: bool,
        service: &ServiceDefinition,
        body: Body,
        definition: Definition,
    ) {
        let place = Place {
            body,
            node: NodeInHand::Here(service.span),
            definition: Some(definition),
        };
        self.begin_body(&service.module, is_built_in, place);
        if let Some(instance) = &service.instance {
            let name = Spanned::new(instance.name.clone(), instance.span);
            self.bind(&name, instance.kind.clone(), Role::Parameter);
            self.scope.take(&instance.name);
        }
    }

    fn service_clauses(&mut self, service: &ServiceDefinition) {
        let mark = self.scope.mark();
        self.lend("action", Type::String, service.span);
        self.command_text(&service.command);
        self.scope.close(mark);
        if let Some(optional) = &service.optional {
            self.command_text(optional);
        }
        if let Some(until) = &service.until {
            self.guard_call(until, until.name.span);
        }
        if let Some(members) = &service.members {
            let kind = self.infer(&members.rows);
            match &kind {
                Type::Table(columns) => {
                    match columns.iter().find(|column| column.name == members.column) {
                        Some(column) if !fits(&column.kind, &Type::Node) => {
                            let what = format!("column `{}` of the members", members.column);
                            self.wrong_type(&what, "a node", &column.kind.clone(), members.rows.span, None);
                        }
                        Some(_) => {}
                        None => {
                            let help = self
                                .findings
                                .suggest(&members.column, columns.iter().map(|column| column.name.as_str()))
                                .unwrap_or_else(|| Self::known_columns(columns));
                            self.findings.push(NameError::UnknownColumn {
                                name: members.column.clone(),
                                at: members.rows.span,
                                help: Some(help),
                            });
                        }
                    }
                    self.rows.push(RowNames::Columns(columns.clone()));
                }
                Type::Any => self.rows.push(RowNames::Open),
                other => {
                    let other = other.clone();
                    self.wrong_type("`members are`", "a table", &other, members.rows.span, None);
                    self.rows.push(RowNames::Open);
                }
            }
            if let Some(up_when) = &members.up_when {
                self.condition(up_when);
            }
            self.rows.pop();
        }
    }

    /// A group that a module speaks of is declared there, or is in the inventory.
    fn group_of_clause(&mut self, name: &Spanned<String>) {
        let group = self.declared.group(&self.module, &name.node);
        if self.inventory.group(group).is_some() || self.declared.module_needs(&self.module, &name.node) {
            return;
        }
        let help = self.findings.suggest(&name.node, self.inventory.group_names());
        self.findings.push(NameError::UnknownGroup {
            cluster: self.inventory.name.clone(),
            name: name.node.clone(),
            at: name.span,
            help,
        });
    }

    fn script(&mut self, main: &Module, extent: Extent) {
        let declared = self.declared;
        let place = Place {
            body: Body::Script,
            node: NodeInHand::Nowhere,
            definition: None,
        };
        self.begin_body(&main.name, main.is_built_in, place);
        self.defaults(&declared.parameters);
        let mark = self.scope.mark();
        self.bind_given(&declared.parameters, extent.given());
        // Before the steps, of whose names a promise knows nothing.
        for declaration in declarations(&main.script) {
            if let Declaration::Promise { test, otherwise } = declaration {
                self.test(test);
                otherwise.iter().for_each(|text| self.text(text, "what is said"));
            }
        }
        for statement in &main.script.statements {
            if !matches!(statement.node, Statement::Declaration(_)) {
                self.statement(statement);
            }
        }
        match extent {
            Extent::Whole => self.close(mark),
            // What a line names is for the lines to come.
            Extent::Line => drop(self.scope.close(mark)),
        }
    }
}

/// Settles which definitions need a node, and reports calls without one, and rings.
pub(super) fn check_calls(declared: &Declared, learned: &mut Learned, findings: &mut Findings) {
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        for call in &learned.calls {
            if let Some(from) = call.from
                && call.node == NodeInHand::Callers
                && learned.uses_node.contains(&call.to)
            {
                has_changed |= learned.uses_node.insert(from);
            }
        }
    }
    for call in &learned.calls {
        let Some((word, name, _)) = describe(declared, call.to) else {
            continue;
        };
        if call.node == NodeInHand::Nowhere && learned.uses_node.contains(&call.to) {
            findings.push(NodeError::NeedsNode {
                what: format!("{word} `{name}`"),
                at: call.at,
                help: "put it in a block: `on NODES < … >`".to_owned(),
            });
        }
    }
    report_rings(declared, learned, findings);
}

/// Reports groups that the inventory lacks and that something the script calls looks at.
pub(super) fn check_groups(
    inventory: &Inventory,
    declared: &Declared,
    learned: &Learned,
    findings: &mut Findings,
) {
    if learned.missing_groups.is_empty() {
        return;
    }
    let mut reached: HashSet<Option<Definition>> = HashSet::from([None]);
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        for call in &learned.calls {
            has_changed |= reached.contains(&call.from) && reached.insert(Some(call.to));
        }
    }
    let mut told = HashSet::new();
    for (user, module, name) in &learned.missing_groups {
        if !reached.contains(user) || !told.insert((module, &name.node)) {
            continue;
        }
        let group = declared.group(module, &name.node);
        let groups = list_names(inventory.group_names().take(MOST_GROUPS), "and");
        let help = match group == name.node {
            true => format!(
                "it has the groups {groups}; say which one is meant where module {module} is used, `with \
                 {group}=GROUP`, or add `{group}` to the inventory"
            ),
            false => format!(
                "`with {}={group}` names it; it has the groups {groups}",
                name.node
            ),
        };
        findings.push(NameError::UnknownGroup {
            cluster: inventory.name.clone(),
            name: group.to_owned(),
            at: name.span,
            help: Some(help),
        });
    }
}

fn report_rings(declared: &Declared, learned: &Learned, findings: &mut Findings) {
    let mut numbers: HashMap<Definition, usize> = HashMap::new();
    let mut known: Vec<Definition> = Vec::new();
    let mut edges: Vec<Vec<(usize, Span)>> = Vec::new();
    let mut number_of = |definition: Definition, edges: &mut Vec<Vec<(usize, Span)>>| {
        *numbers.entry(definition).or_insert_with(|| {
            known.push(definition);
            edges.push(Vec::new());
            edges.len() - 1
        })
    };
    for call in &learned.calls {
        if let Some(from) = call.from {
            let from = number_of(from, &mut edges);
            let to = number_of(call.to, &mut edges);
            edges[from].push((to, call.at));
        }
    }
    // Each ring is cut where it closes, so that the next one is found.
    while let Some((ring, at)) = find_ring(&edges) {
        let last = ring[ring.len() - 2];
        edges[last].retain(|(to, span)| (*to, *span) != (ring[0], at));
        let Some((word, name, span)) = describe(declared, known[ring[0]]) else {
            continue;
        };
        let between: Vec<String> = ring[1..ring.len() - 1]
            .iter()
            .filter_map(|number| describe(declared, known[*number]))
            .map(|(_, name, _)| format!("`{name}`"))
            .collect();
        let chain = if between.is_empty() {
            String::new()
        } else {
            format!(", by way of {}", between.join(" and "))
        };
        findings.push(EffectError::Recursion {
            what: word,
            name: name.to_owned(),
            chain,
            at,
            declared: span,
        });
    }
}

fn describe(declared: &Declared, definition: Definition) -> Option<(&'static str, &str, Span)> {
    match definition {
        Definition::Fact(index) => {
            let entry = &declared.facts.entries[index];
            Some(("fact", &entry.name, entry.span))
        }
        Definition::Guard(index) => {
            let entry = &declared.guards.entries[index];
            Some(("guard", &entry.name, entry.span))
        }
        Definition::Verb(index) => {
            let entry = &declared.verbs.entries[index];
            Some(("verb", &entry.name, entry.span))
        }
        Definition::Service(_) | Definition::Constant(_) | Definition::Model(_) => None,
    }
}

/// Reports definitions of the script itself that nothing uses.
pub(super) fn report_unused(main: &Module, declared: &Declared, learned: &Learned, findings: &mut Findings) {
    if main.is_built_in || declares_only(&main.script) {
        return;
    }
    let index_of = |found: Found| match found {
        Found::One(index) => Some(index),
        _ => None,
    };
    for statement in &main.script.statements {
        let Statement::Declaration(declaration) = &statement.node else {
            continue;
        };
        let (what, name, definition) = match &**declaration {
            Declaration::Fact(fact) => {
                let index = index_of(declared.facts.find(&main.name, &fact.name.node));
                ("fact", &fact.name, index.map(Definition::Fact))
            }
            Declaration::Guard(guard) => {
                let index = index_of(declared.guards.find(&main.name, &guard.name.node));
                ("guard", &guard.name, index.map(Definition::Guard))
            }
            Declaration::Verb(verb) => {
                let index = index_of(declared.verbs.find(&main.name, &verb.name.node));
                ("verb", &verb.name, index.map(Definition::Verb))
            }
            _ => continue,
        };
        if definition.is_some_and(|definition| !learned.used.contains(&definition)) {
            findings.push(NameError::UnusedName {
                what,
                name: name.node.clone(),
                at: name.span,
                help: "use it, or delete it".to_owned(),
            });
        }
    }
}

fn declarations(script: &Script) -> impl Iterator<Item = &Declaration> {
    script
        .statements
        .iter()
        .filter_map(|statement| match &statement.node {
            Statement::Declaration(declaration) => Some(&**declaration),
            _ => None,
        })
}

/// Whether a script is a module of somebody's own: it is checked by itself, and used elsewhere.
fn declares_only(script: &Script) -> bool {
    script
        .statements
        .iter()
        .all(|statement| matches!(statement.node, Statement::Declaration(_)))
}
