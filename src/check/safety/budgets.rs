use std::collections::btree_map::Entry;

use super::away::{Bits, Standing, State};
use super::{Loss, Walk, Way};
use crate::check::error::{NodeError, SafetyError};
use crate::diagnostic::Span;
use crate::guard::Budget;
use crate::syntax::{Arguments, Block, ServiceAction, ServiceCall};

impl Walk<'_, '_> {
    pub(super) fn losing(
        &mut self,
        services: &Arguments,
        body: &Block,
        at: Span,
        state: &mut State,
        way: &Way,
    ) {
        let services = self.services(services, way);
        state.is_confirmed = true;
        let at = Span::new(at.start, services_end(at, body));
        let before = state.clone();
        *state = self.take_away(&services, "takes away", at, state, way);
        self.block(body, state, way);
        if !state.is_over {
            self.report_halted(&services, &before, state);
        }
        for service in &services {
            let now = &mut state.services[*service];
            let then = &before.services[*service];
            now.surely = now.surely.both(&then.surely);
            now.maybe = then.maybe.clone();
            now.somewhere = then.somewhere;
            now.halted = then.halted.clone();
        }
    }

    /// Judges services that go away from the nodes in hand for a while; gives what is known then.
    pub(super) fn take_away(
        &mut self,
        services: &[usize],
        does: &'static str,
        at: Span,
        state: &State,
        way: &Way,
    ) -> State {
        let mut is_too_many = false;
        for service in services {
            is_too_many |= self.judge(*service, does, at, state, way);
        }
        let mut away = state.clone();
        let mut fresh = Vec::new();
        for service in services {
            if let Some(nodes) = self.here(*service, state, way) {
                let standing = &mut away.services[*service];
                fresh.push((*service, nodes.without(&standing.surely)));
                standing.surely = standing.surely.union(&nodes);
                standing.maybe = standing.maybe.union(&nodes);
            }
        }
        for (service, nodes) in fresh {
            let is_judged = way.judged.as_ref().is_none_or(|judged| judged.contains(&service));
            if !is_too_many && is_judged && !nodes.is_empty() {
                self.check_needed(service, &nodes, at, &away, way);
            }
        }
        away
    }

    /// Reports what the body of a `losing` stopped and did not start again.
    fn report_halted(&mut self, services: &[usize], before: &State, state: &State) {
        for service in services {
            let (now, then) = (&state.services[*service], &before.services[*service]);
            let halted = now.halted.without(&then.halted).without(&now.left);
            let halted = halted.both(&now.members);
            let Some(at) = now.stop.filter(|_| !halted.is_empty()) else {
                continue;
            };
            if self.reported.insert(at) {
                self.findings.push(SafetyError::LeftStopped {
                    service: self.roles[*service].name.clone(),
                    where_: format!(" on {} at the end of the `losing`", self.places.fold(&halted)),
                    at,
                });
            }
        }
    }

    /// The nodes in hand that are members of a service.
    pub(super) fn here(&self, service: usize, state: &State, way: &Way) -> Option<Bits> {
        let nodes = way.nodes.as_ref()?;
        Some(nodes.both(&state.services[service].members))
    }

    pub(super) fn service_call(&mut self, call: &ServiceCall, at: Span, state: &mut State, way: &Way) {
        let services = self.services(&call.arguments, way);
        self.check_nodes(&services, at, state, way);
        match call.action.node {
            ServiceAction::Stop => self.stop(&services, at, state, way),
            ServiceAction::Restart => {
                self.take_away(&services, "restarts", at, state, way);
                for service in services {
                    let Some(nodes) = self.here(service, state, way) else {
                        continue;
                    };
                    // What was stopped runs after a restart.
                    let standing = &mut state.services[service];
                    let halted = standing.halted.both(&nodes);
                    standing.surely = standing.surely.without(&halted);
                    standing.maybe = standing.maybe.without(&halted);
                    standing.halted = standing.halted.without(&nodes);
                    standing.left = standing.left.without(&nodes);
                }
            }
            ServiceAction::Start => self.start(&services, at, state, way),
            ServiceAction::Status => {}
        }
    }

    /// Reports a service that runs on none of the nodes of the `on` around.
    pub(super) fn check_nodes(&mut self, services: &[usize], at: Span, state: &State, way: &Way) {
        let Some((whole, on)) = &way.whole else { return };
        for service in services {
            let role = &self.roles[*service];
            let standing = &state.services[*service];
            let members = &standing.members;
            if role.is_optional || standing.has_moved || members.is_empty() || !whole.both(members).is_empty()
            {
                continue;
            }
            if self.reported.insert(at) {
                self.findings.push(NodeError::NotItsNodes {
                    service: role.name.clone(),
                    group: role.group.clone(),
                    at,
                    on: *on,
                    nodes: self.places.fold(whole),
                });
            }
        }
    }

    pub(super) fn stop(&mut self, services: &[usize], at: Span, state: &mut State, way: &Way) {
        let mut is_too_many = false;
        for service in services {
            is_too_many |= self.judge(*service, "stops", at, state, way);
        }
        let mut fresh = Vec::new();
        for service in services {
            let nodes = self.here(*service, state, way);
            let standing = &mut state.services[*service];
            match nodes {
                Some(nodes) => {
                    fresh.push((*service, nodes.without(&standing.surely)));
                    standing.freed = standing.freed.without(&nodes.without(&standing.surely));
                    standing.surely = standing.surely.union(&nodes);
                    standing.maybe = standing.maybe.union(&nodes);
                    standing.halted = standing.halted.union(&nodes);
                    standing.stop = Some(at);
                }
                None => {
                    standing.maybe = standing.members.clone();
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

    pub(super) fn start(&mut self, services: &[usize], at: Span, state: &mut State, way: &Way) {
        for service in services {
            let nodes = self.here(*service, state, way);
            let standing = &mut state.services[*service];
            standing.somewhere = None;
            match nodes {
                Some(nodes) => {
                    standing.surely = standing.surely.without(&nodes);
                    standing.maybe = standing.maybe.without(&nodes);
                    standing.left = standing.left.without(&nodes);
                    standing.halted = standing.halted.without(&nodes);
                }
                None => {
                    standing.surely = Bits::default();
                    standing.halted = Bits::default();
                }
            }
        }
        for service in services {
            let needs = self.roles[*service].needs.clone();
            for (needed, here, need) in needs {
                let away = &state.services[needed].surely;
                let is_away = if here {
                    self.here(*service, state, way)
                        .is_some_and(|nodes| !nodes.both(away).is_empty())
                } else {
                    self.is_beyond(needed, &state.services[needed])
                };
                if is_away && self.reported.insert(at) {
                    self.findings.push(SafetyError::StartedTooEarly {
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
    pub(super) fn check_needed(&mut self, service: usize, nodes: &Bits, at: Span, state: &State, way: &Way) {
        for by in self.roles[service].needed_by.clone() {
            let by_now = &state.services[by];
            if by_now.has_moved || state.services[service].has_moved {
                continue;
            }
            let running = by_now.members.without(&by_now.maybe);
            let needs = self.roles[by].needs.iter();
            let mut found = None;
            for (needed, here, need) in needs {
                if *needed != service {
                    continue;
                }
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
                if !hurt.is_empty() && (*here || self.is_beyond(service, &state.services[service])) {
                    found = Some((*need, hurt, *here));
                }
            }
            let Some((need, hurt, here)) = found else { continue };
            if !self.reported.insert(at) {
                continue;
            }
            let role = &self.roles[service];
            let by = &self.roles[by].name;
            self.findings.push(SafetyError::Needed {
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

    /// Whether a role is beyond its budget; without one, when all its members are away.
    pub(super) fn is_beyond(&self, service: usize, standing: &Standing) -> bool {
        let (members, away) = (&standing.members, standing.taken());
        if away.is_empty() || members.is_empty() || standing.has_moved {
            return false;
        }
        match &self.roles[service].budget {
            Some(budget) => self.count(service, &away) > budget.node.of(members.count()),
            None => members.is_within(&away),
        }
    }

    /// How many members these nodes are, in the unit of the budget.
    pub(super) fn count(&self, service: usize, away: &Bits) -> usize {
        match self.roles[service].budget.as_ref().map(|budget| &budget.node) {
            Some(Budget::Domains(_, variable)) => self.places.domains(away, variable).len(),
            _ => away.count(),
        }
    }

    /// Whether taking `service` from the nodes in hand is too much; the worst of it is kept.
    pub(super) fn judge(
        &mut self,
        service: usize,
        does: &'static str,
        at: Span,
        state: &State,
        way: &Way,
    ) -> bool {
        let standing = &state.services[service];
        let is_judged = way.judged.as_ref().is_none_or(|judged| judged.contains(&service));
        if way.in_outage || standing.has_moved || !is_judged {
            return false;
        }
        let Some(nodes) = self.here(service, state, way) else {
            return false;
        };
        let Some(budget) = &self.roles[service].budget else {
            return false;
        };
        let before = standing.taken();
        let away = before.union(&nodes);
        if nodes.is_within(&before) {
            return false;
        }
        let members = standing.members.count();
        let may_be_away = budget.node.of(members);
        let count = self.count(service, &away);
        if count <= may_be_away {
            return false;
        }
        let loss = Loss {
            does,
            away,
            count,
            members,
        };
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
    pub(super) fn report_losses(&mut self) {
        for ((at, service), loss) in std::mem::take(&mut self.losses) {
            let role = &self.roles[service];
            let Some(budget) = &role.budget else { continue };
            let members = loss.members;
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
            self.findings.push(SafetyError::StopsTooMany {
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
}

fn services_end(at: Span, body: &Block) -> u32 {
    body.first()
        .map_or(at.end, |first| first.span.start.min(at.end))
        .max(at.start)
}
