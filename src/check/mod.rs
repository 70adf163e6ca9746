//! Tree → program: names, types, effects and safety are settled here, before anything runs.
//!
//! Only `check` makes a [`Program`], so whoever holds one need not doubt its names and types.
//! Every finding about a script is reported at once; those about safety leave a program that
//! somebody who says why may still run.
//!
//! May import: `diagnostic`, `inventory`, `value`, `syntax`, `library`, `guard`.

mod acting;
mod arguments;
mod checker;
mod collect;
mod command_text;
mod compare;
mod definitions;
mod error;
mod findings;
mod fit;
mod model;
mod names;
mod nodes;
mod pipeline;
mod program;
mod safety;
mod scope;
mod services;
mod shadows;
mod statements;
mod types;
mod uses;

pub use command_text::check_given_command;
pub use error::{
    CheckError, CommandError, EffectError, NameError, NodeError, SafetyError, ServiceError, TypeError,
    UseError,
};
pub use model::{CommandPattern, ModelDefinition};
pub use program::{
    Constant, FactDefinition, GuardDefinition, Members, Membership, Module, Need, ParameterDefinition,
    Program, ServiceDefinition, VerbDefinition,
};
pub use uses::{Use, find_uses};

use std::sync::Arc;

use crate::diagnostic::{Problems, Span, Spanned};
use crate::inventory::Inventory;
use crate::syntax::{Block, Declaration, Statement};
use crate::value::Type;
use checker::{Definition, Extent, Learned};
use collect::Declared;
use findings::Findings;

/// Checks a script together with all modules that it uses.
///
/// `modules` is everything used, read and in the order of use; `main` is the script. Findings
/// go to `problems`, to be sorted by the caller. There is a program whenever names and types
/// are sound: findings about safety do not take it away, so that they can be overridden.
pub fn check_scripts(
    modules: &[Module],
    main: &Module,
    inventory: &Inventory,
    problems: &mut Problems,
) -> Option<Program> {
    let mut findings = Findings::new(problems);
    if main.script.statements.is_empty() {
        findings.push(UseError::EmptyScript {
            at: Span::new(main.base, main.base),
        });
    }
    let declared = collect::collect_declarations(modules, main, &mut findings);
    check_declared(modules, main, Extent::Whole, inventory, declared, &mut findings)
}

/// Checks a line of a session together with all modules, and with what the session has declared.
///
/// `earlier` are the names that earlier lines gave to values; the line may give them anew. What a
/// line leaves unused, or leaves stopped, is for later lines. See [`check_scripts`] for the rest.
pub fn check_line(
    modules: &[Module],
    line: &Module,
    earlier: &[(String, Type)],
    inventory: &Inventory,
    problems: &mut Problems,
) -> Option<Program> {
    let mut findings = Findings::new(problems);
    let mut declared = collect::collect_declarations(modules, line, &mut findings);
    for statement in &line.script.statements {
        if let Statement::Declaration(declaration) = &statement.node {
            uses::refuse_in_session(declaration, statement.span, &mut findings);
        }
    }
    let given = earlier.iter().map(|(name, kind)| ParameterDefinition {
        name: name.clone(),
        kind: kind.clone(),
        is_rest: false,
        default: None,
        says: None,
        span: Span::default(),
    });
    declared.parameters = given.collect();
    check_declared(modules, line, Extent::Line, inventory, declared, &mut findings)
}

fn check_declared(
    modules: &[Module],
    main: &Module,
    extent: Extent,
    inventory: &Inventory,
    declared: Declared,
    findings: &mut Findings,
) -> Option<Program> {
    services::check_order(&declared, findings);
    services::check_domains(&declared, inventory, findings);
    shadows::check_shadows(modules, main, &declared, findings);
    for module in modules.iter().chain([main]) {
        shadows::check_mapped_groups(module, inventory, findings);
    }
    let mut learned = definitions::check_bodies(main, extent, inventory, &declared, findings);
    definitions::check_calls(&declared, &mut learned, findings);
    definitions::check_groups(inventory, &declared, &learned, findings);
    if extent == Extent::Whole {
        definitions::report_unused(main, &declared, &learned, findings);
    }
    let body = body_of(main);
    let grounds = safety::Grounds {
        inventory,
        declared: &declared,
        learned: &learned,
        extent,
    };
    safety::check_safety(&body, &main.name, &grounds, findings);
    if findings.is_broken {
        return None;
    }
    Some(make_program(declared, learned, main, body))
}

/// What a script does: its statements without the declarations.
fn body_of(main: &Module) -> Block {
    let is_declaration = |statement: &Statement| matches!(statement, Statement::Declaration(_));
    let statements = main.script.statements.iter();
    statements
        .filter(|statement| !is_declaration(&statement.node))
        .cloned()
        .collect()
}

/// What a script promises, each as a `require`.
fn promises_of(main: &Module) -> Block {
    let promise = |written: &Spanned<Statement>| match &written.node {
        Statement::Declaration(declaration) => match &**declaration {
            Declaration::Promise { test, otherwise } => {
                let (test, otherwise) = (test.clone(), otherwise.clone());
                Some(Spanned::new(Statement::Require { test, otherwise }, written.span))
            }
            _ => None,
        },
        _ => None,
    };
    main.script.statements.iter().filter_map(promise).collect()
}

fn make_program(mut declared: Declared, learned: Learned, main: &Module, body: Block) -> Program {
    for (index, entry) in declared.guards.entries.iter_mut().enumerate() {
        entry.item.uses_node = learned.uses_node.contains(&Definition::Guard(index));
    }
    for (index, entry) in declared.verbs.entries.iter_mut().enumerate() {
        entry.item.uses_node |= learned.uses_node.contains(&Definition::Verb(index));
    }
    for (entry, (kind, _)) in declared.constants.entries.iter_mut().zip(learned.constants) {
        entry.item.kind = kind;
    }
    let models = declared.models.into_iter().map(|entry| entry.item);
    Program {
        title: declared.title,
        module: main.name.clone(),
        parameters: declared.parameters,
        body,
        promises: promises_of(main),
        facts: declared.facts.into_map(),
        guards: declared.guards.into_map(),
        services: declared.services.into_map(),
        verbs: declared.verbs.into_map(),
        constants: declared.constants.into_map(),
        models: models.map(Arc::new).collect(),
        groups: declared.groups,
    }
}
