use std::collections::HashMap;

use super::collect::{Declared, Found, define_parameter};
use super::error::{NameError, ServiceError, TypeError};
use super::findings::Findings;
use super::program::{Members, Module, Need, ServiceDefinition};
use crate::diagnostic::{Span, Spanned};
use crate::guard::Budget;
use crate::inventory::Inventory;
use crate::syntax::{
    Block, Expression, FilterForm, GuardCall, Quoting, Service, ServiceClause, Template, TemplatePart,
    Written, WrittenBudget,
};

/// What a program does not keep of a service, and checks and labels want.
#[derive(Default)]
pub(super) struct ServiceNotes {
    /// Where its group is written.
    pub(super) group: Option<Spanned<String>>,
    /// Where each of its needs is written.
    pub(super) needs: Vec<Span>,
    /// The services of `starts after` and `stops after`.
    pub(super) starts_after: Vec<Spanned<String>>,
    pub(super) stops_after: Vec<Spanned<String>>,
}

/// Reads the clauses of a service.
pub(super) fn collect_service(
    module: &Module,
    service: &Service,
    findings: &mut Findings,
) -> (ServiceDefinition, ServiceNotes) {
    let mut definition = ServiceDefinition {
        name: service.name.node.clone(),
        module: module.name.clone(),
        instance: service
            .parameters
            .first()
            .map(|parameter| define_parameter(parameter, findings)),
        group: String::new(),
        members: None,
        command: Template {
            quoting: Quoting::Double,
            parts: Vec::new(),
        },
        budget: None,
        until: None,
        before_stop: Block::new(),
        after_stop: Block::new(),
        after_start: Block::new(),
        needs: Vec::new(),
        starts_after: Vec::new(),
        stops_after: Vec::new(),
        optional: None,
        doc: None,
        span: service.name.span,
        before_stop_span: None,
    };
    if let Some(second) = service.parameters.get(1) {
        findings.push(TypeError::TooManyArguments {
            what: format!("service `{}`", service.name.node),
            takes: "one parameter, which tells its instances apart".to_owned(),
            at: second.name.span,
            help: None,
        });
    }
    let mut notes = ServiceNotes::default();
    let mut seen: HashMap<&'static str, Span> = HashMap::new();
    let mut up_when = None;
    for clause in &service.clauses {
        let word = clause_word(&clause.node);
        let may_repeat = matches!(
            clause.node,
            ServiceClause::Needs { .. } | ServiceClause::StartsAfter(_) | ServiceClause::StopsAfter(_)
        );
        if let Some(first) = seen.insert(word, clause.span)
            && !may_repeat
        {
            findings.push(ServiceError::DuplicateClause {
                clause: word,
                at: clause.span,
                first,
            });
        }
        read_clause(clause, &mut definition, &mut notes, &mut up_when, findings);
    }
    if let Some(members) = &mut definition.members {
        members.up_when = up_when;
    }
    let missing = |what, example| ServiceError::MissingClause {
        service: service.name.node.clone(),
        what,
        example,
        at: service.name.span,
    };
    if !seen.contains_key("on") {
        findings.push(missing("on which nodes it runs", "on GROUP"));
    }
    if !seen.contains_key("command") {
        findings.push(missing(
            "by which command it is stopped and started",
            "command \"service NAME $action\"",
        ));
    }
    let says_action = definition.command.parts.iter().any(|part| match &part.node {
        TemplatePart::Variable(variable) => variable.name.node == "action",
        TemplatePart::Text(_) => false,
    });
    if seen.contains_key("command") && !says_action {
        findings.push(missing(
            "in its command where `stop` and `start` stand",
            "command \"service NAME $action\"",
        ));
    }
    (definition, notes)
}

/// Reports budgets in domains that no node of the inventory is in.
pub(super) fn check_domains(declared: &Declared, inventory: &Inventory, findings: &mut Findings) {
    for entry in &declared.services.entries {
        let Some(budget) = &entry.item.budget else {
            continue;
        };
        let Budget::Domains(_, variable) = &budget.node else {
            continue;
        };
        if let Some(error) = NameError::withheld(inventory, variable, budget.span) {
            findings.push(error);
            continue;
        }
        if inventory.variable_names().any(|known| known == variable) {
            continue;
        }
        let help = findings
            .suggest(variable, inventory.variable_names())
            .unwrap_or_else(|| format!("add `{variable} = \"…\"` to the nodes of the inventory"));
        findings.push(NameError::UnknownName {
            kinds: "inventory variable".to_owned(),
            name: variable.clone(),
            at: budget.span,
            help: Some(help),
        });
    }
}

fn clause_word(clause: &ServiceClause) -> &'static str {
    match clause {
        ServiceClause::On(_) => "on",
        ServiceClause::Members(_) => "members are",
        ServiceClause::UpWhen(_) => "up when",
        ServiceClause::Command(_) => "command",
        ServiceClause::MayLose { .. } => "may lose",
        ServiceClause::BeforeStop(_) => "before stop",
        ServiceClause::AfterStop(_) => "after stop",
        ServiceClause::AfterStart(_) => "after start",
        ServiceClause::Needs { .. } => "needs",
        ServiceClause::StartsAfter(_) => "starts after",
        ServiceClause::StopsAfter(_) => "stops after",
        ServiceClause::Optional(_) => "optional",
    }
}

fn read_clause(
    clause: &Spanned<ServiceClause>,
    definition: &mut ServiceDefinition,
    notes: &mut ServiceNotes,
    up_when: &mut Option<Spanned<Expression>>,
    findings: &mut Findings,
) {
    let names = |services: &[Spanned<String>]| -> Vec<String> {
        services.iter().map(|service| service.node.clone()).collect()
    };
    match &clause.node {
        ServiceClause::On(group) => {
            definition.group = group.node.clone();
            notes.group = Some(group.clone());
        }
        ServiceClause::Members(written) => match read_members(written) {
            Some(members) => definition.members = Some(members),
            None => findings.push(ServiceError::BadMembers { at: written.span }),
        },
        ServiceClause::UpWhen(condition) => *up_when = Some((**condition).clone()),
        ServiceClause::Command(command) => definition.command = command.node.clone(),
        ServiceClause::MayLose { budget, until } => {
            definition.budget = Some(Spanned::new(read_budget(&budget.node), clause.span));
            definition.until = until
                .as_ref()
                .map(|until: &Spanned<GuardCall>| until.node.clone());
        }
        ServiceClause::BeforeStop(body) => {
            definition.before_stop = body.clone();
            definition.before_stop_span = Some(clause.span);
        }
        ServiceClause::AfterStop(body) => definition.after_stop = body.clone(),
        ServiceClause::AfterStart(body) => definition.after_start = body.clone(),
        ServiceClause::Needs { services, here } => {
            for service in services {
                definition.needs.push(Need {
                    service: service.node.clone(),
                    here: *here,
                });
                notes.needs.push(service.span);
            }
        }
        ServiceClause::StartsAfter(services) => {
            definition.starts_after.extend(names(services));
            notes.starts_after.extend(services.iter().cloned());
        }
        ServiceClause::StopsAfter(services) => {
            definition.stops_after.extend(names(services));
            notes.stops_after.extend(services.iter().cloned());
        }
        ServiceClause::Optional(command) => definition.optional = Some(command.node.clone()),
    }
}

fn read_budget(written: &WrittenBudget) -> Budget {
    match written {
        WrittenBudget::Minority => Budget::Minority,
        WrittenBudget::Nodes(count) => Budget::Nodes(*count),
        WrittenBudget::Domains(count, variable) => Budget::Domains(*count, variable.clone()),
        WrittenBudget::None => Budget::None,
    }
}

/// Takes `(mds | where … | get host)` apart: the table, the fact, the column.
fn read_members(written: &Written) -> Option<Members> {
    let mut inner: &Spanned<Expression> = written;
    while let Expression::Group(group) = &inner.node {
        inner = group;
    }
    let Expression::Pipeline { source, filters } = &inner.node else {
        return None;
    };
    let (last, rest) = filters.split_last()?;
    let FilterForm::Plain(arguments) = &last.node.form else {
        return None;
    };
    if last.node.name.node != "get" {
        return None;
    }
    let column = match &arguments.positional.first()?.node {
        Expression::Word(name) | Expression::Name(name) => name.clone(),
        _ => return None,
    };
    let fact = match &source.node {
        Expression::Name(name) => name.clone(),
        Expression::Call { name, .. } => name.node.clone(),
        _ => return None,
    };
    let rows = if rest.is_empty() {
        (**source).clone()
    } else {
        let end = rest.last()?.span;
        Spanned::new(
            Expression::Pipeline {
                source: source.clone(),
                filters: rest.to_vec(),
            },
            source.span.join(end),
        )
    };
    Some(Members {
        rows,
        fact,
        column,
        up_when: None,
    })
}

/// Reports services that come round in a ring by `needs`, `starts after` or `stops after`.
pub(super) fn check_order(declared: &Declared, findings: &mut Findings) {
    let services = &declared.services;
    let index_of = |module: &str, name: &str| match services.find(module, name) {
        Found::One(index) => Some(index),
        _ => None,
    };
    for word in ["needs", "starts after", "stops after"] {
        let edges: Vec<Vec<(usize, Span)>> = services
            .entries
            .iter()
            .zip(&declared.service_notes)
            .map(|(entry, notes)| {
                let named: Vec<(&str, Span)> = match word {
                    "needs" => {
                        let needs = entry.item.needs.iter().zip(&notes.needs);
                        needs.map(|(need, span)| (need.service.as_str(), *span)).collect()
                    }
                    "starts after" => spans_of(&notes.starts_after),
                    _ => spans_of(&notes.stops_after),
                };
                let found = named.into_iter();
                found
                    .filter_map(|(name, span)| Some((index_of(&entry.module, name)?, span)))
                    .collect()
            })
            .collect();
        if let Some((ring, at)) = find_ring(&edges) {
            let names: Vec<&str> = ring
                .iter()
                .map(|index| services.entries[*index].name.as_str())
                .collect();
            findings.push(ServiceError::CyclicOrder {
                chain: names.join(" → "),
                word,
                at,
            });
        }
    }
}

fn spans_of(named: &[Spanned<String>]) -> Vec<(&str, Span)> {
    named.iter().map(|name| (name.node.as_str(), name.span)).collect()
}

/// A ring among `edges`, its first point repeated at the end, and where it closes.
pub(super) fn find_ring(edges: &[Vec<(usize, Span)>]) -> Option<(Vec<usize>, Span)> {
    // 0: not seen, 1: on the way, 2: no ring from here.
    let mut state = vec![0_u8; edges.len()];
    for start in 0..edges.len() {
        if state[start] != 0 {
            continue;
        }
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        state[start] = 1;
        while let Some((at, next)) = way.last_mut() {
            let Some((to, span)) = edges[*at].get(*next).copied() else {
                state[*at] = 2;
                way.pop();
                continue;
            };
            *next += 1;
            match state[to] {
                0 => {
                    state[to] = 1;
                    way.push((to, 0));
                }
                1 => {
                    let from = way.iter().position(|(point, _)| *point == to)?;
                    let mut ring: Vec<usize> = way[from..].iter().map(|(point, _)| *point).collect();
                    ring.push(to);
                    return Some((ring, span));
                }
                _ => {}
            }
        }
    }
    None
}
