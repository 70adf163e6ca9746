use super::away::State;
use super::choices::holds_guard;
use super::{Walk, Way, find};
use crate::check::VerbDefinition;
use crate::check::error::SafetyError;
use crate::diagnostic::Span;
use crate::syntax::{Block, Statement};

/// What a body does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Asks,
    Acts,
    Nothing,
}

impl Walk<'_, '_> {
    pub(super) fn check_irreversible(&mut self, verb: &VerbDefinition, at: Span, state: &State, way: &Way) {
        if !verb.irreversible || way.in_irreversible {
            return;
        }
        if let Some(retry) = way.retry {
            if self.reported.insert(at) {
                self.findings.push(SafetyError::IrreversibleRetried {
                    verb: verb.name.clone(),
                    at,
                    retry,
                });
            }
        } else if !state.is_confirmed
            && self.first_deed(&verb.body, &verb.module, 0) != Deed::Asks
            && self.reported.insert(at)
        {
            self.findings.push(SafetyError::Unconfirmed {
                verb: verb.name.clone(),
                at,
            });
        }
    }

    /// What a body does first: asks somebody, or acts.
    pub(super) fn first_deed(&self, body: &Block, module: &str, depth: usize) -> Deed {
        for statement in body {
            let deed = match &statement.node {
                Statement::Require { .. } | Statement::Wait { .. } | Statement::Confirm { .. } => Deed::Asks,
                Statement::Losing { .. } | Statement::Outage { .. } => Deed::Asks,
                Statement::Command(call) if call.acts => Deed::Acts,
                Statement::Service(_) | Statement::Reboot(_) | Statement::Leave { .. } => Deed::Acts,
                Statement::On(on) => self.first_deed(&on.body, module, depth),
                Statement::Locally(body) | Statement::Within { body, .. } | Statement::For { body, .. } => {
                    self.first_deed(body, module, depth)
                }
                Statement::Try { body, .. } | Statement::Retry { body, .. } => {
                    self.first_deed(body, module, depth)
                }
                Statement::If {
                    condition,
                    body,
                    otherwise,
                } => {
                    let one = match holds_guard(&condition.node) {
                        true => Deed::Asks,
                        false => self.first_deed(body, module, depth),
                    };
                    let two = otherwise
                        .as_ref()
                        .map_or(Deed::Nothing, |block| self.first_deed(block, module, depth));
                    match (one, two) {
                        (Deed::Acts, _) | (_, Deed::Acts) => Deed::Acts,
                        (Deed::Asks, Deed::Asks) => Deed::Asks,
                        _ => Deed::Nothing,
                    }
                }
                Statement::Verb(call) if depth < 20 => {
                    match find(&self.declared.verbs, module, &call.name.node) {
                        Some(entry) => self.first_deed(&entry.item.body, &entry.module, depth + 1),
                        None => Deed::Nothing,
                    }
                }
                _ => Deed::Nothing,
            };
            if deed != Deed::Nothing {
                return deed;
            }
        }
        Deed::Nothing
    }
}
