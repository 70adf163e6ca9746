use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::{EffectError, NameError, UseError};
use super::findings::Findings;
use super::model::{CommandPattern, ModelDefinition};
use super::program::{Constant, FactDefinition, GuardDefinition, ParameterDefinition, VerbDefinition};
use super::program::{Membership, Module, ServiceDefinition};
use super::services::{ServiceNotes, collect_service};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{
    Block, Declaration, Fact, Guard, Parameter, Simulate, Statement, Template, TemplatePart, TypeExpression,
    Verb,
};
use crate::value::{Column, Type};

/// Everything that the modules and the script declare, by name.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) facts: Shelf<FactDefinition>,
    pub(super) guards: Shelf<GuardDefinition>,
    pub(super) services: Shelf<ServiceDefinition>,
    pub(super) verbs: Shelf<VerbDefinition>,
    pub(super) constants: Shelf<Constant>,
    /// The script's own come first.
    pub(super) models: Vec<Entry<ModelDefinition>>,
    /// What the program does not keep of a service, in the services' order.
    pub(super) service_notes: Vec<ServiceNotes>,
    /// The script's own parameters.
    pub(super) parameters: Vec<ParameterDefinition>,
    /// Which groups each module says that it needs.
    pub(super) module_groups: HashMap<String, HashSet<String>>,
    /// What a module says of a group of its own.
    pub(super) group_words: HashMap<(String, String), String>,
    /// Of each module: its group name → the inventory's.
    pub(super) groups: HashMap<String, BTreeMap<String, String>>,
    pub(super) title: Option<String>,
}

/// Definitions of one kind, found by `module.name`, or by `name` where only one module has it.
pub(super) struct Shelf<T> {
    pub(super) entries: Vec<Entry<T>>,
    full: HashMap<String, usize>,
    short: HashMap<String, Vec<usize>>,
}

/// A definition and where it comes from.
pub(super) struct Entry<T> {
    pub(super) name: String,
    pub(super) module: String,
    pub(super) span: Span,
    pub(super) is_built_in: bool,
    pub(super) item: T,
}

/// What a name stands for.
pub(super) enum Found {
    One(usize),
    Several(Vec<usize>),
    Nothing,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Shelf {
            entries: Vec::new(),
            full: HashMap::new(),
            short: HashMap::new(),
        }
    }
}

impl<T> Shelf<T> {
    /// Adds a definition; gives back where the first one is when the module has two of the name.
    fn add(&mut self, module: &Module, name: &Spanned<String>, item: T) -> Result<(), Span> {
        let full = format!("{}.{}", module.name, name.node);
        if let Some(first) = self.full.get(&full) {
            return Err(self.entries[*first].span);
        }
        let index = self.entries.len();
        self.full.insert(full, index);
        self.short.entry(name.node.clone()).or_default().push(index);
        self.entries.push(Entry {
            name: name.node.clone(),
            module: module.name.clone(),
            span: name.span,
            is_built_in: module.is_built_in,
            item,
        });
        Ok(())
    }

    /// What `name` means in `module`: its own, else the only one of that name, else `other.name`.
    pub(super) fn find(&self, module: &str, name: &str) -> Found {
        if let Some(short) = self.short.get(name) {
            if let Some(own) = short.iter().find(|index| self.entries[**index].module == module) {
                return Found::One(*own);
            }
            return match short.as_slice() {
                [one] => Found::One(*one),
                several => Found::Several(several.to_vec()),
            };
        }
        match self.full.get(name) {
            Some(index) => Found::One(*index),
            None => Found::Nothing,
        }
    }

    /// The definition that `name` means in `module`, when it is exactly one.
    pub(super) fn get(&self, module: &str, name: &str) -> Option<&Entry<T>> {
        match self.find(module, name) {
            Found::One(index) => Some(&self.entries[index]),
            _ => None,
        }
    }

    /// All definitions of this name, whichever module has them.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &Entry<T>> {
        let places = self.short.get(name).into_iter().flatten();
        places.map(|place| &self.entries[*place])
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.short.keys().map(String::as_str)
    }

    /// The map that a program looks things up in.
    pub(super) fn into_map(self) -> HashMap<String, std::sync::Arc<T>> {
        let single: HashSet<usize> = self
            .short
            .values()
            .filter(|indices| indices.len() == 1)
            .map(|indices| indices[0])
            .collect();
        let mut map = HashMap::new();
        for (index, entry) in self.entries.into_iter().enumerate() {
            let item = std::sync::Arc::new(entry.item);
            if single.contains(&index) {
                map.insert(entry.name.clone(), item.clone());
            }
            map.insert(format!("{}.{}", entry.module, entry.name), item);
        }
        map
    }
}

impl Declared {
    /// The inventory's name of the group that `module` calls `name`.
    pub(super) fn group<'b>(&'b self, module: &str, name: &'b str) -> &'b str {
        self.groups
            .get(module)
            .and_then(|names| names.get(name))
            .map_or(name, String::as_str)
    }

    /// Whether `module` says that it needs a group of this name.
    pub(super) fn module_needs(&self, module: &str, group: &str) -> bool {
        self.module_groups
            .get(module)
            .is_some_and(|groups| groups.contains(group))
    }
}

/// Reads the declarations of all modules and of the script.
pub(super) fn collect_declarations(modules: &[Module], main: &Module, findings: &mut Findings) -> Declared {
    let mut declared = Declared::default();
    for module in modules {
        collect_module(module, false, &mut declared, findings);
    }
    collect_module(main, true, &mut declared, findings);
    declared.models.sort_by_key(|entry| entry.module != main.name);
    for module in modules.iter().chain([main]) {
        check_with(module, &declared, findings);
    }
    declared
}

fn collect_module(module: &Module, is_main: bool, declared: &mut Declared, findings: &mut Findings) {
    declared.groups.insert(module.name.clone(), module.with.clone());
    for statement in &module.script.statements {
        match &statement.node {
            Statement::Declaration(declaration) => {
                collect_declaration(module, is_main, declaration, declared, findings);
            }
            Statement::Let { name, value } if !is_main => {
                let constant = Constant {
                    name: name.node.clone(),
                    module: module.name.clone(),
                    value: (**value).clone(),
                    kind: Type::Any,
                };
                let added = declared.constants.add(module, name, constant);
                report_twice("constant", name, added, findings);
            }
            Statement::Irreversible
            | Statement::Membership { .. }
            | Statement::DoneWhen(_)
            | Statement::Check { .. } => {}
            _ if !is_main => findings.push(EffectError::ActsInModule {
                at: head_of(statement.span, module),
            }),
            _ => {}
        }
    }
}

/// The first line of a statement: a label should not run over a whole block.
fn head_of(span: Span, module: &Module) -> Span {
    let start = (span.start - module.base) as usize;
    let end = (span.end - module.base) as usize;
    let text = module.text.get(start..end).unwrap_or("");
    let line = text.lines().next().unwrap_or("").trim_end();
    Span::new(span.start, span.start + line.len() as u32)
}

fn report_twice(
    what: &'static str,
    name: &Spanned<String>,
    added: Result<(), Span>,
    findings: &mut Findings,
) {
    if let Err(first) = added {
        findings.push(NameError::DuplicateName {
            what,
            name: name.node.clone(),
            at: name.span,
            first,
        });
    }
}

fn collect_declaration(
    module: &Module,
    is_main: bool,
    declaration: &Declaration,
    declared: &mut Declared,
    findings: &mut Findings,
) {
    let doc = |span: Span| {
        module
            .script
            .doc_of(line_start(span, module), &module.text, module.base)
    };
    match declaration {
        Declaration::Language(version) if version.node != 1 => findings.push(UseError::Language {
            wanted: version.node,
            at: version.span,
        }),
        Declaration::Language(_) | Declaration::Module(_) | Declaration::Use { .. } => {}
        Declaration::Runbook(name) => {
            if is_main {
                declared.title = Some(name.node.clone());
            }
        }
        Declaration::Param { parameter, says } => {
            if !is_main {
                findings.push(EffectError::ActsInModule {
                    at: parameter.name.span,
                });
                return;
            }
            if let Some(first) = declared
                .parameters
                .iter()
                .find(|known| known.name == parameter.name.node)
            {
                let added = Err(first.span);
                report_twice("parameter", &parameter.name, added, findings);
                return;
            }
            let mut definition = define_parameter(parameter, findings);
            definition.says = says.as_ref().map(|says| template_text(&says.node));
            declared.parameters.push(definition);
        }
        Declaration::Promise { test, .. } => {
            if !is_main {
                findings.push(EffectError::PromiseInModule { at: test.span });
            }
        }
        Declaration::Group { name, says } => {
            if let Some(says) = says {
                let key = (module.name.clone(), name.node.clone());
                declared.group_words.insert(key, template_text(&says.node));
            }
            let groups = declared.module_groups.entry(module.name.clone()).or_default();
            groups.insert(name.node.clone());
        }
        Declaration::Simulate(simulate) => declare_model(module, simulate, declared, findings),
        Declaration::Fact(fact) => {
            let definition = define_fact(module, fact, doc(fact.name.span), findings);
            let added = declared.facts.add(module, &fact.name, definition);
            report_twice("fact", &fact.name, added, findings);
        }
        Declaration::Guard(guard) => {
            let definition = define_guard(module, guard, doc(guard.name.span), findings);
            let added = declared.guards.add(module, &guard.name, definition);
            report_twice("guard", &guard.name, added, findings);
        }
        Declaration::Verb(verb) => {
            let definition = define_verb(module, verb, doc(verb.name.span), declared, findings);
            let added = declared.verbs.add(module, &verb.name, definition);
            report_twice("verb", &verb.name, added, findings);
        }
        Declaration::Service(service) => {
            let (mut definition, notes) = collect_service(module, service, findings);
            definition.doc = doc(service.name.span);
            definition.group = declared.group(&module.name, &definition.group).to_owned();
            let added = declared.services.add(module, &service.name, definition);
            if added.is_ok() {
                declared.service_notes.push(notes);
            }
            report_twice("service", &service.name, added, findings);
        }
    }
}

/// Where the line of `span` begins, as a place: doc comments stand above whole lines.
fn line_start(span: Span, module: &Module) -> Span {
    let offset = (span.start - module.base) as usize;
    let before = module.text.get(..offset).unwrap_or("");
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let start = start + before[start..].len() - before[start..].trim_start().len();
    let start = module.base + start as u32;
    Span::new(start, start)
}

fn declare_model(module: &Module, simulate: &Simulate, declared: &mut Declared, findings: &mut Findings) {
    let at = simulate.command.span;
    let text = template_text(&simulate.command.node);
    match CommandPattern::read(&text) {
        Err(why) => findings.push(EffectError::BadModel { text, why, at }),
        Ok(pattern) => {
            let mut models = declared.models.iter();
            let first = models.find(|entry| entry.module == module.name && entry.item.pattern == pattern);
            if let Some(first) = first {
                let name = Spanned::new(text, at);
                report_twice("model", &name, Err(first.span), findings);
                return;
            }
            declared.models.push(Entry {
                name: text,
                module: module.name.clone(),
                span: at,
                is_built_in: module.is_built_in,
                item: ModelDefinition {
                    pattern,
                    module: module.name.clone(),
                    body: simulate.body.clone(),
                    span: at,
                },
            });
        }
    }
}

fn define_fact(module: &Module, fact: &Fact, doc: Option<String>, findings: &mut Findings) -> FactDefinition {
    FactDefinition {
        name: fact.name.node.clone(),
        module: module.name.clone(),
        parameters: define_parameters(&fact.parameters, findings),
        kind: read_type(&fact.kind, findings),
        body: fact.body.clone(),
        doc,
        span: fact.name.span,
    }
}

fn define_guard(
    module: &Module,
    guard: &Guard,
    doc: Option<String>,
    findings: &mut Findings,
) -> GuardDefinition {
    GuardDefinition {
        name: guard.name.node.clone(),
        module: module.name.clone(),
        parameters: define_parameters(&guard.parameters, findings),
        body: guard.body.clone(),
        uses_node: false,
        doc,
        span: guard.name.span,
    }
}

fn define_verb(
    module: &Module,
    verb: &Verb,
    doc: Option<String>,
    declared: &Declared,
    findings: &mut Findings,
) -> VerbDefinition {
    let is_head = |statement: &Statement| {
        matches!(
            statement,
            Statement::Irreversible | Statement::Membership { .. } | Statement::DoneWhen(_)
        )
    };
    let head = verb.body.iter().take_while(|it| is_head(&it.node)).count();
    let mut definition = VerbDefinition {
        name: verb.name.node.clone(),
        module: module.name.clone(),
        parameters: define_parameters(&verb.parameters, findings),
        body: verb.body[head..].to_vec() as Block,
        irreversible: false,
        memberships: Vec::new(),
        done_when: None,
        uses_node: false,
        doc,
        span: verb.name.span,
    };
    for statement in &verb.body[..head] {
        match &statement.node {
            Statement::Membership { joins, group, host } => {
                let name = declared.group(&module.name, &group.node);
                definition.memberships.push(Membership {
                    joins: *joins,
                    group: name.to_owned(),
                    host: host.as_ref().map(|host| host.node.clone()),
                    span: group.span,
                });
                definition.uses_node |= host.is_none();
            }
            Statement::DoneWhen(test) => definition.done_when = Some((**test).clone()),
            _ => definition.irreversible = true,
        }
    }
    definition
}

fn define_parameters(parameters: &[Parameter], findings: &mut Findings) -> Vec<ParameterDefinition> {
    let mut defined: Vec<ParameterDefinition> = Vec::new();
    for parameter in parameters {
        if let Some(first) = defined.iter().find(|known| known.name == parameter.name.node) {
            let added = Err(first.span);
            report_twice("parameter", &parameter.name, added, findings);
            continue;
        }
        defined.push(define_parameter(parameter, findings));
    }
    defined
}

pub(super) fn define_parameter(parameter: &Parameter, findings: &mut Findings) -> ParameterDefinition {
    ParameterDefinition {
        name: parameter.name.node.clone(),
        kind: read_type(&parameter.kind, findings),
        is_rest: matches!(parameter.kind.node, TypeExpression::List(_)),
        default: parameter.default.clone(),
        says: None,
        span: parameter.name.span,
    }
}

/// The type that a written type means.
pub(super) fn read_type(written: &Spanned<TypeExpression>, findings: &mut Findings) -> Type {
    match &written.node {
        TypeExpression::Name(name) => match Type::NAMES.iter().find(|(known, _)| known == name) {
            Some((_, kind)) => kind.clone(),
            None => {
                findings.push(NameError::UnknownName {
                    kinds: "type".to_owned(),
                    name: name.clone(),
                    at: written.span,
                    help: Some(
                        findings
                            .suggest(name, Type::NAMES.iter().map(|(known, _)| *known))
                            .unwrap_or_else(|| {
                                let known: Vec<&str> = Type::NAMES.iter().map(|(known, _)| *known).collect();
                                format!(
                                    "there are {}, `[a b c]` and `table(column: type)`",
                                    known.join(", ")
                                )
                            }),
                    ),
                });
                Type::Any
            }
        },
        TypeExpression::Choice(words) => Type::Choice(words.clone()),
        TypeExpression::List(inner) => {
            let inner = Spanned::new((**inner).clone(), written.span);
            Type::List(Box::new(read_type(&inner, findings)))
        }
        TypeExpression::Table(columns) => {
            let mut read: Vec<Column> = Vec::new();
            for (name, kind) in columns {
                let kind = read_type(kind, findings);
                read.push(Column::new(name.node.to_lowercase(), kind));
            }
            Type::Table(read)
        }
    }
}

/// A template as it would be shown, values as `$name`.
pub(super) fn template_text(template: &Template) -> String {
    let mut text = String::new();
    for part in &template.parts {
        match &part.node {
            TemplatePart::Text(part) => text.push_str(part),
            TemplatePart::Variable(variable) => {
                text.push('$');
                text.push_str(&variable.name.node);
                for field in &variable.fields {
                    text.push('.');
                    text.push_str(&field.node);
                }
            }
        }
    }
    text
}

/// Reports a `with` whose left side is no group of the module.
fn check_with(module: &Module, declared: &Declared, findings: &mut Findings) {
    for statement in &module.script.statements {
        let Statement::Declaration(declaration) = &statement.node else {
            continue;
        };
        let Declaration::Use {
            module: used, with, ..
        } = &**declaration
        else {
            continue;
        };
        let Some(groups) = declared.module_groups.get(&used.node) else {
            continue;
        };
        for (name, _) in with {
            if groups.contains(&name.node) {
                continue;
            }
            let known = groups.iter().map(String::as_str);
            let help = findings.suggest(&name.node, known);
            findings.push(UseError::UnknownModuleGroup {
                module: used.node.clone(),
                group: name.node.clone(),
                at: name.span,
                help,
            });
        }
    }
}
