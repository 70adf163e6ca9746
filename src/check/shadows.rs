use std::collections::{HashMap, HashSet};

use super::collect::{Declared, Shelf, template_text};
use super::error::{NameError, ServiceError};
use super::findings::Findings;
use super::program::Module;
use super::uses::find_uses;
use crate::inventory::Inventory;

/// Reports definitions that would hide those of a used module, and with them its guards.
pub(super) fn check_shadows(modules: &[Module], main: &Module, declared: &Declared, findings: &mut Findings) {
    let seen = collect_seen(modules, main);
    report_hidden("constant", &declared.constants, &seen, findings);
    report_hidden("fact", &declared.facts, &seen, findings);
    report_hidden("guard", &declared.guards, &seen, findings);
    report_hidden("service", &declared.services, &seen, findings);
    report_hidden("verb", &declared.verbs, &seen, findings);
    report_same_command(declared, &seen, findings);
}

/// Reports groups that a `use … with` names and the inventory lacks.
pub(super) fn check_mapped_groups(module: &Module, inventory: &Inventory, findings: &mut Findings) {
    for used in find_uses(&module.script) {
        for (_, own) in &used.with {
            if inventory.group(&own.node).is_some() {
                continue;
            }
            let help = findings.suggest(&own.node, inventory.group_names());
            findings.push(NameError::UnknownGroup {
                cluster: inventory.name.clone(),
                name: own.node.clone(),
                at: own.span,
                help: help.or_else(|| Some("a group of the inventory stands here".to_owned())),
            });
        }
    }
}

/// Of each module: the modules whose names it sees, directly or by way of others.
fn collect_seen(modules: &[Module], main: &Module) -> HashMap<String, HashSet<String>> {
    let mut seen: HashMap<String, HashSet<String>> = HashMap::new();
    // Each module comes after those that it uses.
    for module in modules {
        let mut names = HashSet::new();
        for used in find_uses(&module.script) {
            let path = std::path::Path::new(&used.module.node);
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let name = stem.unwrap_or(&used.module.node).to_owned();
            names.extend(seen.get(&name).into_iter().flatten().cloned());
            names.insert(name);
        }
        seen.insert(module.name.clone(), names);
    }
    let all = modules.iter().map(|module| module.name.clone()).collect();
    seen.insert(main.name.clone(), all);
    seen
}

fn report_hidden<T>(
    what: &'static str,
    shelf: &Shelf<T>,
    seen: &HashMap<String, HashSet<String>>,
    findings: &mut Findings,
) {
    for entry in &shelf.entries {
        let Some(seen) = seen.get(&entry.module) else {
            continue;
        };
        let hidden = shelf
            .named(&entry.name)
            .find(|other| other.module != entry.module && seen.contains(&other.module));
        let Some(hidden) = hidden else { continue };
        let module = hidden.module.clone();
        let help = match what {
            "service" | "verb" => {
                format!("use that of {module}, with its guards, or choose another name for something else")
            }
            "guard" => format!("ask that of {module}, or choose another name for another question"),
            _ => "choose another name here".to_owned(),
        };
        findings.push(NameError::ShadowedDefinition {
            what,
            name: entry.name.clone(),
            module,
            at: entry.span,
            first: hidden.span,
            help,
        });
    }
}

/// Reports services that do under another name what a used module's service does.
fn report_same_command(
    declared: &Declared,
    seen: &HashMap<String, HashSet<String>>,
    findings: &mut Findings,
) {
    let entries = &declared.services.entries;
    for entry in entries {
        let command = template_text(&entry.item.command);
        let Some(seen) = seen.get(&entry.module).filter(|_| !command.is_empty()) else {
            continue;
        };
        let other = entries.iter().find(|other| {
            other.name != entry.name
                && seen.contains(&other.module)
                && other.module != entry.module
                && template_text(&other.item.command) == command
        });
        if let Some(other) = other {
            findings.push(ServiceError::SameCommand {
                name: entry.name.clone(),
                other: other.name.clone(),
                at: entry.span,
                first: other.span,
            });
        }
    }
}
