use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::away::{Bits, Places, Role, Standing, State, collect_roles};
use super::checker::Learned;
use super::collect::{Declared, Found, Shelf};
use super::error::CheckError;
use super::findings::Findings;
use super::program::VerbDefinition;
use super::types::constant_text;
use crate::diagnostic::{Span, Spanned};
use crate::guard::Budget;
use crate::inventory::{Inventory, NodeName};
use crate::syntax::{
    Arguments, ArithmeticOperator, Block, CompareOperator, Expression, Literal, Mode, NodeExpression, On,
    OnOption, ServiceAction, ServiceCall, Statement, Test, VerbCall,
};

/// Most statements that are looked at: verbs are followed into, and could call each other without end.
const MOST_STATEMENTS: usize = 400_000;

/// Most batches of one `on` that are followed one by one.
const MOST_BATCHES: usize = 32;

/// Walks a script as a run would and reports what breaks on every way.
///
/// For each service it keeps the nodes where it is surely away and those where it may be. What
/// hangs on measurements is left to the guards of the run.
pub(super) fn check_safety(
    body: &Block,
    module: &str,
    inventory: &Inventory,
    declared: &Declared,
    learned: &Learned,
    findings: &mut Findings,
) {
    let mut places = Places::new(inventory);
    let roles = collect_roles(declared, &mut places);
    let mut walk = Walk {
        declared,
        learned,
        inventory,
        places,
        roles,
        findings,
        words: Vec::new(),
        skipped: Vec::new(),
        losses: HashMap::new(),
        reported: HashSet::new(),
        fuel: MOST_STATEMENTS,
    };
    let mut state = State {
        services: vec![Standing::default(); walk.roles.len()],
        ..State::default()
    };
    let way = Way {
        module: module.into(),
        ..Way::default()
    };
    walk.block(body, &mut state, &way);
    walk.report_losses();
    if !state.is_over && !walk.findings.is_broken {
        walk.report_left(&state, None);
    }
}

/// Where a walk is.
#[derive(Clone, Default)]
pub(super) struct Way {
    module: Rc<str>,
    /// The nodes in hand at once, where they are known.
    nodes: Option<Bits>,
    /// All nodes of the `on` around.
    whole: Option<(Bits, Span)>,
    /// Budgets are lifted.
    in_outage: bool,
    /// The `retry` around.
    retry: Option<Span>,
    /// Inside of an irreversible verb, which was judged as a whole.
    in_irreversible: bool,
    /// When given, only these services are judged: the others were, with the first node.
    judged: Option<Rc<HashSet<usize>>>,
    depth: usize,
}

/// The worst loss that one statement comes to.
struct Loss {
    does: &'static str,
    away: Bits,
    count: usize,
}

pub(super) struct Walk<'a, 'p> {
    pub(super) declared: &'a Declared,
    learned: &'a Learned,
    pub(super) inventory: &'a Inventory,
    pub(super) places: Places<'a>,
    pub(super) roles: Vec<Role>,
    pub(super) findings: &'a mut Findings<'p>,
    /// Names whose words are known here, newest last.
    words: Vec<(String, Rc<Vec<String>>)>,
    /// What is known where a body ended early by `skip`.
    skipped: Vec<State>,
    losses: HashMap<(Span, usize), Loss>,
    /// Statements that were reported, each once.
    pub(super) reported: HashSet<Span>,
    fuel: usize,
}

impl Walk<'_, '_> {
    fn block(&mut self, body: &Block, state: &mut State, way: &Way) {
        let known = self.words.len();
        let mut finals: Vec<&Block> = Vec::new();
        for statement in body {
            if state.is_over || self.fuel == 0 {
                break;
            }
            self.fuel -= 1;
            if let Statement::Finally(body) = &statement.node {
                finals.push(body);
            } else {
                self.statement(statement, state, way);
            }
        }
        for body in finals.into_iter().rev() {
            let was_over = std::mem::replace(&mut state.is_over, false);
            self.block(body, state, way);
            state.is_over |= was_over;
        }
        self.words.truncate(known);
    }

    fn statement(&mut self, written: &Spanned<Statement>, state: &mut State, way: &Way) {
        let at = written.span;
        match &written.node {
            Statement::On(on) => self.on(on, at, state, way),
            Statement::Locally(body) => {
                let inner = Way {
                    nodes: None,
                    whole: None,
                    ..way.clone()
                };
                self.block(body, state, &inner);
            }
            Statement::Service(call) => self.service_call(call, at, state, way),
            Statement::Leave { services, .. } => {
                let services = self.services(services, way);
                self.stop(&services, at, state, way);
                for service in services {
                    let standing = &mut state.services[service];
                    standing.left = standing.surely.clone();
                    standing.somewhere = None;
                }
            }
            Statement::Losing { services, body } => self.losing(services, body, at, state, way),
            Statement::Reboot(_) => {
                for service in 0..self.roles.len() {
                    self.judge(service, "takes away", at, state, way);
                }
            }
            Statement::Verb(call) => self.verb(call, state, way),
            Statement::Confirm { .. } => state.is_confirmed = true,
            Statement::Require { test, .. } => self.asked(&test.node, state),
            Statement::Wait { test, otherwise, .. } => {
                let late = otherwise.as_ref().map(|block| {
                    let mut late = state.clone();
                    self.block(block, &mut late, way);
                    late
                });
                self.asked(&test.node, state);
                if let Some(late) = late {
                    *state = std::mem::take(state).join(late);
                }
            }
            Statement::Outage { body, .. } => self.outage(body, state, way),
            Statement::Let { name, value } => {
                self.acting_value(value, state, way);
                if let Some(words) = self.words_of(value, way) {
                    self.words.push((name.node.clone(), words));
                }
            }
            Statement::Value(value) | Statement::Show(value) => self.acting_value(value, state, way),
            Statement::Fail(_) => state.is_over = true,
            Statement::Skip(_) => {
                self.skipped.push(state.clone());
                state.is_over = true;
            }
            _ => self.branch(written, state, way),
        }
    }

    fn branch(&mut self, written: &Spanned<Statement>, state: &mut State, way: &Way) {
        match &written.node {
            Statement::If { body, otherwise, .. } => {
                let mut other = state.clone();
                self.block(body, state, way);
                if let Some(otherwise) = otherwise {
                    self.block(otherwise, &mut other, way);
                }
                let both_over = state.is_over && other.is_over;
                *state = std::mem::take(state).join(other);
                state.is_over = both_over;
            }
            Statement::Try { body, otherwise } => {
                let before = state.clone();
                self.block(body, state, way);
                let mut failed = before.join(state.clone());
                failed.is_over = false;
                if let Some(otherwise) = otherwise {
                    self.block(otherwise, &mut failed, way);
                }
                *state = std::mem::take(state).join(failed);
            }
            Statement::Retry { body, .. } => {
                let inner = Way {
                    retry: Some(Span::new(written.span.start, written.span.start + 5)),
                    ..way.clone()
                };
                self.block(body, state, &inner);
            }
            Statement::Within { body, .. } => self.block(body, state, way),
            Statement::For { name, list, body } => match self.words_of(list, way) {
                Some(words) => {
                    for word in words.iter() {
                        self.words.push((name.node.clone(), Rc::new(vec![word.clone()])));
                        self.block(body, state, way);
                        self.words.pop();
                    }
                }
                None => {
                    let before = state.clone();
                    self.block(body, state, way);
                    *state = std::mem::take(state).join(before);
                }
            },
            _ => {}
        }
    }

    /// A guard or condition was asked: whoever comes on was let through.
    fn asked(&mut self, test: &Test, state: &mut State) {
        state.is_confirmed = true;
        let Test::Guard(call) = test else { return };
        for (role, standing) in self.roles.iter().zip(&mut state.services) {
            if role.until.as_deref() == Some(call.name.node.as_str()) {
                standing.freed = standing.surely.clone();
            }
        }
    }

    fn acting_value(&mut self, value: &Spanned<Expression>, state: &mut State, way: &Way) {
        match &value.node {
            Expression::On(on) => self.on(on, value.span, state, way),
            Expression::Pipeline { source, .. } | Expression::Group(source) => {
                self.acting_value(source, state, way);
            }
            _ => {}
        }
    }

    fn outage(&mut self, body: &Block, state: &mut State, way: &Way) {
        state.is_confirmed = true;
        let before = state.clone();
        let inner = Way {
            in_outage: true,
            ..way.clone()
        };
        self.block(body, state, &inner);
        if state.is_over || way.in_outage || self.findings.is_broken {
            return;
        }
        self.report_left(state, Some(&before));
        // What was reported here is not reported again at the end of the script.
        for (now, then) in state.services.iter_mut().zip(&before.services) {
            let fresh = now.surely.without(&then.surely).without(&now.left);
            now.surely = now.surely.without(&fresh);
            now.somewhere = now.somewhere.filter(|_| then.somewhere.is_some());
        }
    }

    fn losing(&mut self, services: &Arguments, body: &Block, at: Span, state: &mut State, way: &Way) {
        let services = self.services(services, way);
        state.is_confirmed = true;
        let at = Span::new(at.start, services_end(at, body));
        for service in &services {
            self.judge(*service, "takes away", at, state, way);
        }
        let before = state.clone();
        for service in &services {
            if let Some(nodes) = self.here(*service, way) {
                let standing = &mut state.services[*service];
                standing.surely = standing.surely.union(&nodes);
                standing.maybe = standing.maybe.union(&nodes);
            }
        }
        self.block(body, state, way);
        for service in &services {
            let now = &mut state.services[*service];
            let then = &before.services[*service];
            now.surely = now.surely.both(&then.surely);
            now.maybe = then.maybe.clone();
            now.somewhere = then.somewhere;
        }
    }

    /// The nodes in hand that are members of a service.
    fn here(&self, service: usize, way: &Way) -> Option<Bits> {
        way.nodes
            .as_ref()
            .map(|nodes| nodes.both(&self.roles[service].members))
    }

    fn service_call(&mut self, call: &ServiceCall, at: Span, state: &mut State, way: &Way) {
        let services = self.services(&call.arguments, way);
        self.check_nodes(&services, at, way);
        match call.action.node {
            ServiceAction::Stop => self.stop(&services, at, state, way),
            ServiceAction::Restart => {
                for service in services {
                    self.judge(service, "restarts", at, state, way);
                }
            }
            ServiceAction::Start => self.start(&services, at, state, way),
            ServiceAction::Status => {}
        }
    }

    /// Reports a service that runs on none of the nodes of the `on` around.
    fn check_nodes(&mut self, services: &[usize], at: Span, way: &Way) {
        let Some((whole, on)) = &way.whole else { return };
        for service in services {
            let role = &self.roles[*service];
            if role.is_optional || role.members.is_empty() || !whole.both(&role.members).is_empty() {
                continue;
            }
            if self.reported.insert(at) {
                self.findings.push(CheckError::NotItsNodes {
                    service: role.name.clone(),
                    group: role.group.clone(),
                    at,
                    on: *on,
                    nodes: self.places.fold(whole),
                });
            }
        }
    }

    fn stop(&mut self, services: &[usize], at: Span, state: &mut State, way: &Way) {
        let mut is_too_many = false;
        for service in services {
            is_too_many |= self.judge(*service, "stops", at, state, way);
        }
        let mut fresh = Vec::new();
        for service in services {
            let nodes = self.here(*service, way);
            let standing = &mut state.services[*service];
            match nodes {
                Some(nodes) => {
                    fresh.push((*service, nodes.without(&standing.surely)));
                    standing.freed = standing.freed.without(&nodes.without(&standing.surely));
                    standing.surely = standing.surely.union(&nodes);
                    standing.maybe = standing.maybe.union(&nodes);
                    standing.stop = Some(at);
                }
                None => {
                    standing.maybe = self.roles[*service].members.clone();
                    standing.somewhere = Some(at);
                }
            }
        }
        if is_too_many {
            return;
        }
        for (service, nodes) in fresh {
            if !nodes.is_empty() && way.judged.as_ref().is_none_or(|judged| judged.contains(&service)) {
                self.check_needed(service, &nodes, at, state, way);
            }
        }
    }

    fn start(&mut self, services: &[usize], at: Span, state: &mut State, way: &Way) {
        for service in services {
            let nodes = self.here(*service, way);
            let standing = &mut state.services[*service];
            standing.somewhere = None;
            match nodes {
                Some(nodes) => {
                    standing.surely = standing.surely.without(&nodes);
                    standing.maybe = standing.maybe.without(&nodes);
                    standing.left = standing.left.without(&nodes);
                }
                None => standing.surely = Bits::default(),
            }
        }
        for service in services {
            let needs = self.roles[*service].needs.clone();
            for (needed, here, need) in needs {
                let away = &state.services[needed].surely;
                let is_away = if here {
                    self.here(*service, way)
                        .is_some_and(|nodes| !nodes.both(away).is_empty())
                } else {
                    self.is_beyond(needed, away)
                };
                if is_away && self.reported.insert(at) {
                    self.findings.push(CheckError::StartedTooEarly {
                        service: self.roles[*service].name.clone(),
                        needed: self.roles[needed].name.clone(),
                        at,
                        need,
                    });
                }
            }
        }
    }

    /// Reports a service that needs `service` and surely still runs.
    fn check_needed(&mut self, service: usize, nodes: &Bits, at: Span, state: &State, way: &Way) {
        for by in self.roles[service].needed_by.clone() {
            let running = self.roles[by].members.without(&state.services[by].maybe);
            let needs = self.roles[by].needs.iter();
            let mut found = None;
            for (needed, here, need) in needs {
                if *needed != service {
                    continue;
                }
                let away = &state.services[service].surely;
                let mut hurt = running.clone();
                if *here {
                    // Of all nodes of the `on`, though only the first may be in hand.
                    let all = way.whole.as_ref().map_or(nodes, |(whole, _)| whole);
                    hurt = if running.both(nodes).is_empty() {
                        Bits::default()
                    } else {
                        running.both(all)
                    };
                }
                if !hurt.is_empty() && (*here || self.is_beyond(service, away)) {
                    found = Some((*need, hurt, *here));
                }
            }
            let Some((need, hurt, here)) = found else { continue };
            if !self.reported.insert(at) {
                continue;
            }
            let role = &self.roles[service];
            let by = &self.roles[by].name;
            self.findings.push(CheckError::Needed {
                service: role.name.clone(),
                by: by.clone(),
                where_: format!(" on {}", self.places.fold(&hurt)),
                at,
                need,
                help: if here {
                    format!(
                        "stop {by} first; `stop {by} {}` in one line does it in the right order",
                        role.name
                    )
                } else {
                    format!("stop {by} on all its nodes first")
                },
            });
        }
    }

    /// Whether a role with these members away is beyond its budget; without one, when all are away.
    fn is_beyond(&self, service: usize, away: &Bits) -> bool {
        let role = &self.roles[service];
        if away.is_empty() || role.members.is_empty() {
            return false;
        }
        match &role.budget {
            Some(budget) => self.count(role, away) > budget.node.of(role.members.count()),
            None => role.members.is_within(away),
        }
    }

    fn count(&self, role: &Role, away: &Bits) -> usize {
        let away = away.both(&role.members);
        match role.budget.as_ref().map(|budget| &budget.node) {
            Some(Budget::Domains(_, variable)) => self.places.domains(&away, variable).len(),
            _ => away.count(),
        }
    }

    /// Whether taking `service` from the nodes in hand is too much; the worst of it is kept.
    fn judge(&mut self, service: usize, does: &'static str, at: Span, state: &State, way: &Way) -> bool {
        let standing = &state.services[service];
        let is_judged = way.judged.as_ref().is_none_or(|judged| judged.contains(&service));
        if way.in_outage || standing.has_moved || !is_judged {
            return false;
        }
        let Some(nodes) = self.here(service, way) else {
            return false;
        };
        let Some(budget) = &self.roles[service].budget else {
            return false;
        };
        let before = standing.surely.without(&standing.freed);
        let away = before.union(&nodes);
        if nodes.is_within(&before) {
            return false;
        }
        let may_be_away = budget.node.of(self.roles[service].members.count());
        let count = self.count(&self.roles[service], &away);
        if count <= may_be_away {
            return false;
        }
        let loss = Loss { does, away, count };
        match self.losses.entry((at, service)) {
            Entry::Occupied(worst) if worst.get().count >= loss.count => {}
            Entry::Occupied(mut worst) => {
                worst.insert(loss);
            }
            Entry::Vacant(none) => {
                none.insert(loss);
            }
        }
        self.reported.insert(at);
        true
    }

    /// Reports the worst of each statement that takes too many away.
    fn report_losses(&mut self) {
        for ((at, service), loss) in std::mem::take(&mut self.losses) {
            let role = &self.roles[service];
            let Some(budget) = &role.budget else { continue };
            let members = role.members.count();
            let must_stay = members - budget.node.of(members).min(members);
            let (what, rule) = match &budget.node {
                Budget::Minority => (
                    match &role.words {
                        Some(words) => format!("{} of {members} {words}", loss.count),
                        None => format!("{} on {} of {members} members", role.name, loss.count),
                    },
                    format!("a majority of {must_stay} must stay"),
                ),
                Budget::Domains(_, domain) => (
                    format!("{} in {} {domain}s", role.name, loss.count),
                    format!("it may lose {}", budget.node),
                ),
                _ => (
                    format!("{} on {} of {members} nodes", role.name, loss.count),
                    format!("it may lose {}", budget.node),
                ),
            };
            let help = match (loss.does, &role.until) {
                ("stops", Some(until)) => format!(
                    "start it again in the same block, `wait … until {until}` in between, or say `outage \"why\"`"
                ),
                ("stops", None) => "start it again in the same block, or say `outage \"why\"`".to_owned(),
                _ => {
                    "take fewer at a time, such as `on … serially < … >`, or say `outage \"why\"`".to_owned()
                }
            };
            let label = format!("away on {} then", self.places.fold(&loss.away));
            self.findings.push(CheckError::StopsTooMany {
                does: loss.does,
                what,
                rule,
                at,
                label,
                budget: budget.span,
                help,
            });
        }
    }

    fn verb(&mut self, call: &VerbCall, state: &mut State, way: &Way) {
        let declared = self.declared;
        let Some(entry) = find(&declared.verbs, &way.module, &call.name.node) else {
            return;
        };
        let verb: &VerbDefinition = &entry.item;
        if way.depth > 20 {
            return;
        }
        self.check_irreversible(verb, call.name.span, state, way);
        let bound = self.bind(verb, &call.arguments, way);
        let outer = std::mem::replace(&mut self.words, bound);
        let inner = Way {
            module: verb.module.as_str().into(),
            in_irreversible: way.in_irreversible || verb.irreversible,
            depth: way.depth + 1,
            ..way.clone()
        };
        self.move_members(verb, state, way);
        self.block(&verb.body, state, &inner);
        self.words = outer;
    }

    /// The parameters whose words are written out where the verb is called.
    fn bind(
        &self,
        verb: &VerbDefinition,
        arguments: &Arguments,
        way: &Way,
    ) -> Vec<(String, Rc<Vec<String>>)> {
        let mut bound = Vec::new();
        let mut words = arguments.positional.iter();
        for parameter in &verb.parameters {
            let named = arguments
                .named
                .iter()
                .find(|(name, _)| name.node == parameter.name);
            let given = named.map(|(_, value)| value).or_else(|| words.next());
            if let Some(given) = given
                && !parameter.is_rest
                && let Some(known) = self.words_of(given, way)
            {
                bound.push((parameter.name.clone(), known));
            }
        }
        bound
    }

    /// Roles move: from now on the members of these services are not what the inventory says.
    fn move_members(&mut self, verb: &VerbDefinition, state: &mut State, way: &Way) {
        for membership in &verb.memberships {
            for (index, role) in self.roles.iter().enumerate() {
                if role.group != membership.group {
                    continue;
                }
                let standing = &mut state.services[index];
                standing.has_moved = true;
                standing.somewhere = None;
                match &way.nodes {
                    Some(nodes) if membership.host.is_none() => {
                        standing.surely = standing.surely.without(nodes);
                    }
                    _ => standing.surely = Bits::default(),
                }
            }
        }
    }

    fn check_irreversible(&mut self, verb: &VerbDefinition, at: Span, state: &State, way: &Way) {
        if !verb.irreversible || way.in_irreversible {
            return;
        }
        if let Some(retry) = way.retry {
            if self.reported.insert(at) {
                self.findings.push(CheckError::IrreversibleRetried {
                    verb: verb.name.clone(),
                    at,
                    retry,
                });
            }
        } else if !state.is_confirmed
            && self.first_deed(&verb.body, &verb.module, 0) != Deed::Asks
            && self.reported.insert(at)
        {
            self.findings.push(CheckError::Unconfirmed {
                verb: verb.name.clone(),
                at,
            });
        }
    }

    /// What a body does first: asks somebody, or acts.
    fn first_deed(&self, body: &Block, module: &str, depth: usize) -> Deed {
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
                Statement::If { body, otherwise, .. } => {
                    let one = self.first_deed(body, module, depth);
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

    fn on(&mut self, on: &On, at: Span, state: &mut State, way: &Way) {
        let nodes = self.nodes(&on.nodes.node, way);
        let head = Span::new(at.start, on.nodes.span.end);
        let Some(set) = nodes.filter(|set| !on.any || set.count() == 1) else {
            let inner = Way {
                nodes: None,
                whole: None,
                ..way.clone()
            };
            self.body_of_on(&on.body, state, &inner);
            return;
        };
        if set.is_empty() {
            return;
        }
        let inner = Way {
            whole: Some((set.clone(), head)),
            ..way.clone()
        };
        let batches = self.batches(on, &set, state);
        for batch in batches {
            if state.is_over || self.fuel == 0 {
                return;
            }
            self.batch(&on.body, batch, state, &inner);
        }
    }

    /// Walks the body for the first nodes of a batch, and for the others only as far as the
    /// first ones were left in another state than they came.
    fn batch(&mut self, body: &Block, batch: Batch, state: &mut State, way: &Way) {
        let before = state.clone();
        let first = Way {
            nodes: Some(batch.first),
            ..way.clone()
        };
        self.body_of_on(body, state, &first);
        if batch.rest.is_empty() || state.is_over {
            return;
        }
        let changed: HashSet<usize> = (0..self.roles.len())
            .filter(|index| {
                let (now, then) = (&state.services[*index], &before.services[*index]);
                now.surely != then.surely || now.maybe != then.maybe
            })
            .filter(|index| way.judged.as_ref().is_none_or(|judged| judged.contains(index)))
            .collect();
        if changed.is_empty() {
            return;
        }
        let rest = Way {
            nodes: Some(batch.rest),
            judged: Some(Rc::new(changed)),
            ..way.clone()
        };
        self.body_of_on(body, state, &rest);
    }

    fn body_of_on(&mut self, body: &Block, state: &mut State, way: &Way) {
        let outer = std::mem::take(&mut self.skipped);
        self.block(body, state, way);
        for skipped in std::mem::replace(&mut self.skipped, outer) {
            *state = std::mem::take(state).join(skipped);
        }
    }

    fn batches(&mut self, on: &On, set: &Bits, state: &State) -> Vec<Batch> {
        let all = set.count();
        let at_once = on.options.iter().find_map(|option| match &option.node {
            OnOption::AtMost(number) => whole_number(&number.node),
            _ => None,
        });
        let size = match on.mode.as_ref().map(|mode| &mode.node) {
            None | Some(Mode::Serially) => 1,
            Some(Mode::InParallel) => at_once.unwrap_or(all),
            Some(Mode::InBatches(sizes)) => {
                let sizes = sizes.iter().filter_map(|size| match &size.node {
                    Expression::Literal(Literal::Percent(hundredths)) => {
                        Some((all * usize::try_from(*hundredths).ok()? / 10_000).max(1))
                    }
                    other => whole_number(other),
                });
                sizes.max().unwrap_or(1)
            }
            Some(Mode::By(variable)) => {
                return many(self.places.domains(set, variable).into_iter(), set);
            }
        };
        if size >= all {
            return vec![Batch {
                first: set.clone(),
                rest: Bits::default(),
            }];
        }
        if size > 1 {
            let mut left = set.clone();
            let chunks = std::iter::from_fn(|| {
                let chunk = left.first(size);
                left = left.without(&chunk);
                (!chunk.is_empty()).then_some(chunk)
            });
            return many(chunks, set);
        }
        let alike = self.part_alike(set, state).into_iter();
        let split = |alike: Bits| {
            let first = alike.first(1);
            let rest = alike.without(&first);
            Batch { first, rest }
        };
        alike.map(split).collect()
    }

    /// Parts a set into nodes that have the same services in the same state.
    fn part_alike(&self, set: &Bits, state: &State) -> Vec<Bits> {
        let mut parts = vec![set.clone()];
        for (role, standing) in self.roles.iter().zip(&state.services) {
            for mark in [&role.members, &standing.surely, &standing.maybe] {
                if mark.is_empty() || set.is_within(mark) {
                    continue;
                }
                parts = parts
                    .into_iter()
                    .flat_map(|part| [part.both(mark), part.without(mark)])
                    .filter(|part| !part.is_empty())
                    .collect();
            }
        }
        parts
    }

    /// The services among arguments, as far as they are written out.
    fn services(&self, arguments: &Arguments, way: &Way) -> Vec<usize> {
        let mut services = Vec::new();
        for word in &arguments.positional {
            for word in self.words_of(word, way).iter().flat_map(|words| words.iter()) {
                if let Found::One(index) = self.declared.services.find(&way.module, word) {
                    services.push(index);
                }
            }
        }
        services
    }

    /// The words of an expression that is written out in the script.
    fn words_of(&self, written: &Spanned<Expression>, way: &Way) -> Option<Rc<Vec<String>>> {
        if let Some(text) = constant_text(&written.node) {
            return Some(Rc::new(vec![text]));
        }
        match &written.node {
            Expression::List(items) => {
                let mut words = Vec::new();
                for item in items {
                    words.extend(self.words_of(item, way)?.iter().cloned());
                }
                Some(Rc::new(words))
            }
            Expression::Group(inner) => self.words_of(inner, way),
            Expression::Name(name) => Some(Rc::new(vec![name.clone()])),
            Expression::Variable(variable) if variable.fields.is_empty() => {
                let name = &variable.name.node;
                if let Some((_, words)) = self.words.iter().rev().find(|(known, _)| known == name) {
                    return Some(words.clone());
                }
                match self.declared.constants.find(&way.module, name) {
                    Found::One(index) => {
                        let words = self.learned.constants.get(index)?.1.as_ref()?;
                        Some(Rc::new((**words).clone()))
                    }
                    _ => None,
                }
            }
            Expression::Pipeline { source, filters } => {
                let known = |name: &str| matches!(name, "reverse" | "sort" | "unique");
                // The order of the words does not matter here.
                let is_same = filters.iter().all(|filter| known(&filter.node.name.node));
                is_same.then(|| self.words_of(source, way)).flatten()
            }
            _ => None,
        }
    }

    fn nodes(&mut self, written: &NodeExpression, way: &Way) -> Option<Bits> {
        match written {
            NodeExpression::Name(name) => self.named_nodes(name, way),
            NodeExpression::Folded(text) | NodeExpression::Quoted(text) => self.places.written(text),
            NodeExpression::Value(variable) if variable.fields.is_empty() => {
                let (_, words) = self
                    .words
                    .iter()
                    .rev()
                    .find(|(known, _)| *known == variable.name.node)?;
                let mut set = Bits::default();
                for word in words.clone().iter() {
                    set = set.union(
                        &self
                            .named_nodes(word, way)
                            .or_else(|| self.places.written(word))?,
                    );
                }
                Some(set)
            }
            NodeExpression::Expression(inner) => match &inner.node {
                Expression::Name(name) => self.named_nodes(name, way),
                _ => None,
            },
            NodeExpression::Combined {
                left,
                operator,
                right,
            } => {
                let (left, right) = (self.nodes(&left.node, way)?, self.nodes(&right.node, way)?);
                Some(match operator {
                    ArithmeticOperator::Subtract => left.without(&right),
                    ArithmeticOperator::Intersect => left.both(&right),
                    _ => left.union(&right),
                })
            }
            NodeExpression::Where { nodes, condition } => {
                let set = self.nodes(&nodes.node, way)?;
                let inventory = self.inventory;
                self.places
                    .filter(&set, |node| holds_of(&condition.node, node, inventory))
            }
            NodeExpression::Value(_) => None,
        }
    }

    fn named_nodes(&mut self, name: &str, way: &Way) -> Option<Bits> {
        let declared = self.declared;
        if !matches!(declared.facts.find(&way.module, name), Found::Nothing) {
            return None;
        }
        let group = declared.group(&way.module, name);
        self.places.group(group).or_else(|| self.places.node(name))
    }
}

/// What a body does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Asks,
    Acts,
    Nothing,
}

/// Nodes that are taken at once, and others that are like them and come after.
struct Batch {
    first: Bits,
    rest: Bits,
}

/// Batches of several nodes: the first ones each by itself, all further ones as one.
fn many(chunks: impl Iterator<Item = Bits>, set: &Bits) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut left = set.clone();
    for first in chunks.take(MOST_BATCHES) {
        left = left.without(&first);
        batches.push(Batch {
            first,
            rest: Bits::default(),
        });
    }
    if let Some(last) = batches.last_mut() {
        last.rest = left;
    }
    batches
}

fn find<'s, T>(shelf: &'s Shelf<T>, module: &str, name: &str) -> Option<&'s super::collect::Entry<T>> {
    shelf.get(module, name)
}

fn services_end(at: Span, body: &Block) -> u32 {
    body.first()
        .map_or(at.end, |first| first.span.start.min(at.end))
        .max(at.start)
}

fn whole_number(expression: &Expression) -> Option<usize> {
    match expression {
        Expression::Literal(Literal::Int(number)) => {
            usize::try_from(*number).ok().filter(|number| *number > 0)
        }
        Expression::Word(word) => word.parse().ok().filter(|number| *number > 0),
        Expression::Group(inner) => whole_number(&inner.node),
        _ => None,
    }
}

/// Whether a condition on a node's variables holds, where the inventory alone tells.
fn holds_of(condition: &Expression, node: &NodeName, inventory: &Inventory) -> Option<bool> {
    match condition {
        Expression::Group(inner) => holds_of(&inner.node, node, inventory),
        Expression::Not(inner) => Some(!holds_of(&inner.node, node, inventory)?),
        Expression::And(left, right) => {
            Some(holds_of(&left.node, node, inventory)? && holds_of(&right.node, node, inventory)?)
        }
        Expression::Or(left, right) => {
            Some(holds_of(&left.node, node, inventory)? || holds_of(&right.node, node, inventory)?)
        }
        Expression::Compare {
            left,
            operator,
            right,
        } => {
            let Expression::Name(variable) = &left.node else {
                return None;
            };
            let value = inventory.variable(node, variable)?;
            match operator.node {
                CompareOperator::Is => Some(value == constant_text(&right.node)?),
                CompareOperator::IsNot => Some(value != constant_text(&right.node)?),
                _ => None,
            }
        }
        _ => None,
    }
}
