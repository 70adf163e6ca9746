use super::ProjectError;
use super::limit::unknown_node;
use crate::check::Program;
use crate::diagnostic::{Problems, nearest};
use crate::inventory::{Inventory, NodeName};
use crate::journal::OverriddenFinding;
use crate::run::Override;

/// Findings of a run itself, which no checker can make.
const RUN_FINDINGS: &[&str] = &["inventory-differs"];

/// Reads overrides as they are written: `NAME[@NODE]=WHY`.
///
/// # Errors
///
/// [`ProjectError::Given`] when one is written otherwise, or gives no reason.
pub fn read_overrides(written: &[String], inventory: &Inventory) -> Result<Vec<Override>, ProjectError> {
    written
        .iter()
        .map(|text| read_override(text, inventory))
        .collect()
}

fn read_override(text: &str, inventory: &Inventory) -> Result<Override, ProjectError> {
    let Some((target, why)) = text.split_once('=') else {
        return Err(ProjectError::Given(format!(
            "override {text}: write NAME=\"why\" or NAME@NODE=\"why\""
        )));
    };
    if why.trim().is_empty() {
        return Err(ProjectError::Given(format!(
            "override {target}: say why; the reason is kept in the ledger"
        )));
    }
    let (name, node) = match target.split_once('@') {
        Some((name, node)) => {
            let found = inventory.find(node);
            (
                name,
                Some(found.ok_or_else(|| unknown_node(&NodeName::from(node), inventory))?),
            )
        }
        None => (target, None),
    };
    Ok(Override {
        name: name.to_owned(),
        node,
        why: why.trim().to_owned(),
    })
}

/// Takes out the findings that are overridden; the journal lists them.
///
/// Only of a script that has a program: what cannot be read or named cannot be run, whatever the reason.
pub fn drop_overridden(problems: &mut Problems, overrides: &[Override]) -> Vec<OverriddenFinding> {
    let mut dropped = Vec::new();
    problems.retain(|problem| {
        let code = problem.code();
        let overriding = overrides
            .iter()
            .find(|known| is_code(&known.name, &code) && known.node.is_none());
        let Some(overriding) = overriding else {
            return true;
        };
        dropped.push(OverriddenFinding {
            code,
            finding: problem.finding.to_string(),
            why: overriding.why.clone(),
            at: problem.span().unwrap_or_default(),
        });
        false
    });
    dropped
}

/// Refuses overrides that are for nothing: a slip of the hand must not pass for a decision.
///
/// # Errors
///
/// [`ProjectError::Given`] when neither a guard nor a finding has the name.
pub fn check_overrides(
    overrides: &[Override],
    dropped: &[OverriddenFinding],
    program: &Program,
) -> Result<(), ProjectError> {
    let services = program.all_services();
    let guards = program.all_guards();
    let budgets: Vec<String> = services
        .iter()
        .map(|service| format!("may-lose:{}", service.name))
        .collect();
    for known in overrides {
        let is_known = dropped.iter().any(|finding| is_code(&known.name, &finding.code))
            || RUN_FINDINGS.contains(&known.name.as_str())
            || guards.iter().any(|guard| guard.name == known.name)
            || budgets.contains(&known.name);
        if is_known {
            continue;
        }
        let names = guards
            .iter()
            .map(|guard| guard.name.as_str())
            .chain(budgets.iter().map(String::as_str))
            .chain(RUN_FINDINGS.iter().copied());
        let help = nearest(&known.name, names).map(|near| format!("; did you mean `{near}`?"));
        return Err(ProjectError::Given(format!(
            "override {}: no guard or finding has this name here{}; a finding goes by its code, such as \
             `stops_too_many`, a budget by `may-lose:SERVICE`",
            known.name,
            help.unwrap_or_default()
        )));
    }
    Ok(())
}

fn is_code(name: &str, code: &str) -> bool {
    code == name || code.rsplit("::").next() == Some(name)
}
