use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::budget::{Counted, count_members};
use super::here::{Here, Used};
use super::standing::Standing;
use super::walk::Walk;
use super::{RunOptions, World};
use crate::check::{Members, ServiceDefinition};
use crate::diagnostic::{Span, Spanned};
use crate::evaluate::{Ask, Context, Frame, Place, Reply, Stop};
use crate::guard::Verdict;
use crate::inventory::{NodeName, NodeSet};
use crate::journal::Event;
use crate::plan::Plan;
use crate::syntax::{Arguments, Expression, GuardCall, Statement, Test};
use crate::transport::simulated::Sight;
use crate::value::{CommandLine, Value};

/// The fact of a module that says in a few words what else matters.
const WORDS: &str = "glance";
/// How long a node may take to answer at all.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// How a cluster is, as it is seen by a person who looks up from the keyboard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Glance {
    /// The roles, each with its members.
    pub roles: Vec<RoleGlance>,
    /// What the module says of it in a few words.
    pub words: Vec<String>,
    /// The guards that stand before the stops of services, as nothing were to be lost, and those watched.
    pub guards: Vec<(String, Verdict)>,
    /// What was measured for it: the facts, by their names.
    pub facts: Vec<(String, Value)>,
}

/// The members of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGlance {
    /// What it is called: the fact that its members come from.
    pub name: String,
    /// How many members there are: a node may have several.
    pub members: usize,
    /// How many of them are surely up.
    pub up: usize,
    /// The nodes with one that is not.
    pub down: NodeSet,
    /// Why nothing is known of them.
    pub blind: Option<String>,
    /// Why no further member may be taken away; `None` when one may.
    pub exhausted: Option<String>,
}

impl Glance {
    /// Whether a guard would refuse: now, or the stop of a further member.
    pub fn refuses(&self) -> bool {
        self.guards.iter().any(|(_, verdict)| !verdict.holds())
            || self
                .roles
                .iter()
                .any(|role| role.blind.is_some() || role.exhausted.is_some())
    }
}

/// Looks at a cluster: all that is needed is asked at once, each question once, and nothing is changed.
///
/// `watched` are further guards, by their names; one that is not known, or needs more than a name, is
/// left out.
pub async fn glance(
    plan: &Plan,
    world: World<'_>,
    options: &RunOptions,
    standing: &Standing,
    watched: &[String],
) -> Glance {
    let mut nobody: Vec<Event> = Vec::new();
    let walk = Walk::new(plan, world, options, standing, &mut nobody);
    let here = Here::default();
    let found = walk
        .measured(&here, |context, _| look(&walk, context, watched))
        .await;
    // What fails is part of what is seen; nothing else ends a look.
    found.unwrap_or_default()
}

/// Looks at a cluster for how a simulated one is to begin: what these facts come to, who is down, and
/// which nodes do not answer. Nothing is changed.
pub async fn survey(plan: &Plan, world: World<'_>, options: &RunOptions, facts: &[&str]) -> Sight {
    let mut nobody: Vec<Event> = Vec::new();
    let standing = Standing::default();
    let walk = Walk::new(plan, world, options, &standing, &mut nobody);
    let found = walk
        .measured(&Here::default(), |context, _| see(context, facts))
        .await;
    found.unwrap_or_default()
}

fn see(context: &Context<'_>, facts: &[&str]) -> Result<Sight, Stop> {
    let mut needs = Needs::default();
    let mut sight = Sight::default();
    for node in context.inventory.nodes() {
        let ask = Ask {
            node: Some(node.name.clone()),
            command: CommandLine::from_quoted("true"),
            limit: ANSWER_LIMIT,
            input: None,
        };
        let replied = context.measured.reply(&ask).cloned();
        match needs.take(replied.ok_or_else(|| Stop::Need(vec![ask]))) {
            Some(Reply::Silent(_)) => sight.silent.insert(node.name.clone()),
            Some(Reply::Ran { .. }) | None => {}
        }
    }
    for fact in facts {
        if context.program.fact(&context.program.module, fact).is_some()
            && let Some(value) = needs.take(value_of(context, fact))
        {
            sight.facts.insert((*fact).to_owned(), value);
        }
    }
    for service in context.program.all_services() {
        let group = context.groups.of(context.inventory, &service.group).cloned();
        if let (Some(members), Some(group)) = (&service.members, group)
            && !group.is_empty()
        {
            let frame = Frame::fresh(&service.module, Place::Nowhere);
            let counted = needs.take(count_members(context, &frame, members, group));
            if let Some(counted) = counted.filter(|counted| counted.blind.is_none()) {
                sight.down.insert(service.name.clone(), counted.down);
            }
        }
    }
    needs.end(sight)
}

/// Evaluates everything, and collects what must be asked for it.
fn look(walk: &Walk<'_>, context: &Context<'_>, watched: &[String]) -> Result<Glance, Stop> {
    let mut needs = Needs::default();
    let mut glance = Glance::default();
    let mut facts: Vec<String> = Vec::new();
    let mut guards: Vec<String> = Vec::new();
    for service in context.program.all_services() {
        // A module may come along whose services are not there at all.
        let group = context.groups.of(context.inventory, &service.group);
        let group = group.cloned().unwrap_or_default();
        if group.is_empty() {
            continue;
        }
        for name in guards_before_stop(context, service) {
            if !guards.contains(&name) {
                guards.push(name);
            }
        }
        let Some(members) = &service.members else { continue };
        let fact = format!("{}.{}", service.module, members.fact);
        if facts.contains(&fact) {
            continue;
        }
        facts.push(fact);
        let found = look_at_role(walk, context, service, members, group);
        glance.roles.extend(needs.take(found));
    }
    for fact in context.program.all_facts() {
        if fact.name == WORDS && fact.parameters.is_empty() {
            let value = needs.take(value_of(context, &format!("{}.{}", fact.module, fact.name)));
            glance.words.extend(value.map(|value| match value {
                Value::Unknown(_) => "unknown".to_owned(),
                known => known.to_string(),
            }));
        }
    }
    let further = watched.iter().filter(|name| !guards.contains(name));
    for name in guards.iter().chain(further) {
        if let Some(verdict) = needs.take(verdict_of(context, name)).flatten() {
            glance.guards.push((name.clone(), verdict));
        }
    }
    for fact in facts {
        if let Some(value) = needs.take(value_of(context, &fact)) {
            glance.facts.push((fact, value));
        }
    }
    needs.end(glance)
}

/// The members of a role, and whether a further one may go.
fn look_at_role(
    walk: &Walk<'_>,
    context: &Context<'_>,
    service: &Arc<ServiceDefinition>,
    members: &Members,
    group: NodeSet,
) -> Result<RoleGlance, Stop> {
    let frame = Frame::fresh(&service.module, Place::Nowhere);
    let counted = count_members(context, &frame, members, group)?;
    let without_row = counted.members.difference(&counted.named).len();
    let next = counted.members.difference(&counted.down).iter().next().cloned();
    let exhausted = match next {
        _ if counted.blind.is_some() => None,
        None => Some("none is up".to_owned()),
        Some(node) => why_not_stop(walk, context, service, &counted, node)?,
    };
    Ok(RoleGlance {
        name: label(&members.fact),
        members: counted.rows.0 + without_row,
        up: counted.rows.1,
        down: counted.down,
        blind: counted.blind,
        exhausted,
    })
}

/// Why a member could not be taken away now: by its budget, or by the guards before its stop.
fn why_not_stop(
    walk: &Walk<'_>,
    context: &Context<'_>,
    service: &Arc<ServiceDefinition>,
    counted: &Counted,
    node: NodeName,
) -> Result<Option<String>, Stop> {
    let used = Used {
        service: Arc::clone(service),
        instances: Value::list(Vec::new()),
    };
    if let Some(budget) = &service.budget
        && !walk.loss(&budget.node, &used, counted, Some(&node)).is_allowed()
    {
        return Ok(Some(format!("{} may lose {}", service.name, budget.node)));
    }
    let frame = Frame::fresh(&service.module, Place::Node(node));
    for statement in &service.before_stop {
        if let Statement::Require { test, .. } = &statement.node {
            let verdict = context.judge(&frame, test)?;
            if !verdict.holds() {
                return Ok(Some(verdict.reason));
            }
        }
    }
    Ok(None)
}

/// What must be asked before everything can be evaluated.
#[derive(Default)]
struct Needs {
    asks: Vec<Ask>,
    known: HashSet<Ask>,
}

impl Needs {
    /// The value, unless something must be asked for it, or it cannot be had.
    fn take<T>(&mut self, found: Result<T, Stop>) -> Option<T> {
        match found {
            Ok(value) => return Some(value),
            Err(Stop::Need(asks)) => {
                for ask in asks {
                    if self.known.insert(ask.clone()) {
                        self.asks.push(ask);
                    }
                }
            }
            Err(Stop::Fail(_)) => {}
        }
        None
    }

    fn end<T>(self, found: T) -> Result<T, Stop> {
        match self.asks.is_empty() {
            true => Ok(found),
            false => Err(Stop::Need(self.asks)),
        }
    }
}

/// The guards that are asked before a service is stopped, by `module.name`.
fn guards_before_stop(context: &Context<'_>, service: &ServiceDefinition) -> Vec<String> {
    let asked = service
        .before_stop
        .iter()
        .filter_map(|statement| match &statement.node {
            Statement::Require { test, .. } => match &test.node {
                Test::Guard(call) => context.program.guard(&service.module, &call.name.node),
                Test::Condition(_) => None,
            },
            _ => None,
        });
    asked
        .map(|guard| format!("{}.{}", guard.module, guard.name))
        .collect()
}

/// What a guard answers that is given nothing; `None` for one that needs more.
fn verdict_of(context: &Context<'_>, name: &str) -> Result<Option<Verdict>, Stop> {
    let frame = Frame::fresh(&context.program.module, Place::Nowhere);
    let Some(guard) = context.program.guard(&frame.module, name) else {
        return Ok(None);
    };
    if guard.uses_node
        || guard
            .parameters
            .iter()
            .any(|parameter| parameter.default.is_none())
    {
        return Ok(None);
    }
    let call = GuardCall {
        name: Spanned::new(name.to_owned(), Span::default()),
        arguments: Arguments::default(),
    };
    context.guard(&frame, &call).map(Some)
}

fn value_of(context: &Context<'_>, fact: &str) -> Result<Value, Stop> {
    let frame = Frame::fresh(&context.program.module, Place::Nowhere);
    let call = Expression::Call {
        name: Spanned::new(fact.to_owned(), Span::default()),
        arguments: Vec::new(),
    };
    context.evaluate(&frame, &Spanned::new(call, Span::default()))
}

/// The short name of a fact: `mds`, and `cs` for `chunk-servers`.
fn label(fact: &str) -> String {
    match fact.contains('-') {
        true => fact.split('-').filter_map(|part| part.chars().next()).collect(),
        false => fact.to_owned(),
    }
}
