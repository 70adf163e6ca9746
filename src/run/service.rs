use std::sync::Arc;

use tokio::sync::MutexGuard;
use tokio::task::unconstrained;

use super::act::{Act, PROBE_LIMIT};
use super::here::{Halt, Here, Started, Used, Walked, trouble};
use super::settle::Settles;
use super::walk::Walk;
use crate::check::ServiceDefinition;
use crate::evaluate::{Ask, Frame, Reply};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::{Happening, TroubleKind};
use crate::plan::{Hooks, Step, StepKind, order_services};
use crate::syntax::{Arguments, ServiceAction, ServiceCall, Template};
use crate::value::{CommandLine, Value};

/// Whether a node has a service.
pub(super) enum Presence {
    There,
    Elsewhere,
    NotInstalled,
}

impl Walk<'_> {
    /// `stop`, `start`, `restart`, `status` on the node in hand.
    pub(super) async fn service(&self, here: &Here, step: &Step, call: &ServiceCall) -> Walked {
        let node = self.node_in_hand(here, step)?.clone();
        let action = call.action.node;
        let used = self.used_services(here, step, action, &call.arguments).await?;
        let used = self.present(here, step, action.word(), &node, used).await?;
        match action {
            ServiceAction::Stop => self.stop(here, step, &node, used).await?,
            ServiceAction::Start => {
                for one in &used {
                    self.start(here, step, &node, one).await?;
                }
            }
            ServiceAction::Restart => {
                for one in &used {
                    self.restart(here, step, &node, one).await?;
                }
            }
            ServiceAction::Status => {
                for one in &used {
                    let (what, value) = match self.status(here, step, &node, one).await? {
                        Some(true) => (one.service.name.clone(), "running"),
                        Some(false) => (one.service.name.clone(), "stopped"),
                        None => (one.service.name.clone(), "unknown"),
                    };
                    let place = self.place(step, here);
                    self.record(Happening::Shown {
                        place,
                        what,
                        value: value.to_owned(),
                    });
                }
            }
        }
        Ok(Value::text(""))
    }

    /// The services of a statement in their order, each with the instances that were named.
    pub(super) async fn used_services(
        &self,
        here: &Here,
        step: &Step,
        action: ServiceAction,
        arguments: &Arguments,
    ) -> Result<Vec<Used>, Halt> {
        let mut services: Vec<Arc<ServiceDefinition>> = Vec::new();
        let mut instances = Vec::new();
        for word in &arguments.positional {
            let value = self.value(here, word).await?;
            let values = match value {
                Value::List(values) => values.to_vec(),
                single => vec![single],
            };
            for value in values {
                let value = self
                    .measured(here, |context, _| {
                        context.wholly_known(value.clone(), "this argument", word.span)
                    })
                    .await?;
                let name = value.to_string();
                let known = self.plan.program.service(&here.frame.module, &name);
                match known {
                    Some(service) if instances.is_empty() => services.push(service.clone()),
                    _ => instances.push(value),
                }
            }
        }
        if services.is_empty() {
            return Err(trouble(
                TroubleKind::Failed,
                "no declared service is named here",
                step,
                here,
            ));
        }
        let ordered = order_services(&self.plan.program, action, services);
        let used = ordered.into_iter().map(|service| {
            let own = if service.instance.is_some() {
                instances.clone()
            } else {
                Vec::new()
            };
            Used {
                service,
                instances: Value::list(own),
            }
        });
        Ok(used.collect())
    }

    /// Those of the services that the node has: of its groups, and installed.
    pub(super) async fn present(
        &self,
        here: &Here,
        step: &Step,
        verb: &str,
        node: &NodeName,
        used: Vec<Used>,
    ) -> Result<Vec<Used>, Halt> {
        let mut present = Vec::new();
        for one in used {
            match self.presence(here, step, node, &one, verb).await? {
                Presence::There => present.push(one),
                Presence::Elsewhere => {
                    let why = format!("{node} is not in {}", one.service.group);
                    self.pass_over(here, step, &one, verb, &why);
                }
                Presence::NotInstalled => self.pass_over(here, step, &one, verb, "it is not installed here"),
            }
        }
        Ok(present)
    }

    /// Whether the node has a service: of its group, and installed where that is not certain.
    pub(super) async fn presence(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
        verb: &str,
    ) -> Result<Presence, Halt> {
        if !self.group_of(&used.service).contains(node) {
            return Ok(Presence::Elsewhere);
        }
        let Some(test) = &used.service.optional else {
            return Ok(Presence::There);
        };
        let command = self.service_command(here, used, test, verb).await?;
        match self.probe_status(here, node, command).await {
            Reply::Ran { status: 0, .. } => Ok(Presence::There),
            Reply::Ran { status: 1, .. } => Ok(Presence::NotInstalled),
            reply => {
                let (name, said) = (&used.service.name, said(&reply));
                let message = format!("cannot tell whether {name} is installed: {said}");
                Err(trouble(kind_of(&reply), message, step, here))
            }
        }
    }

    /// The nodes of the service's group, as this run's joins and leaves have changed it.
    pub(super) fn group_of(&self, service: &ServiceDefinition) -> NodeSet {
        let groups = self.state.borrow().groups.clone();
        groups
            .of(&self.plan.inventory, &service.group)
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn hooks(&self, used: &Used) -> Option<&Hooks> {
        self.plan.hooks.get(&used.key())
    }

    /// The frame of a service's command and hooks: `$action`, the instance and `$node`.
    pub(super) fn service_frame(&self, here: &Here, used: &Used, action: &str) -> Frame {
        let mut frame = Frame::fresh(&used.service.module, here.frame.place.clone());
        frame = frame.with("action", Value::text(action));
        if let Some(instance) = &used.service.instance {
            let value = match &used.instances {
                Value::List(values) if !instance.is_rest && values.len() == 1 => values[0].clone(),
                other => other.clone(),
            };
            frame = frame.with(&instance.name, value);
        }
        frame
    }

    async fn service_command(
        &self,
        here: &Here,
        used: &Used,
        template: &Template,
        action: &str,
    ) -> Result<CommandLine, Halt> {
        let mut inner = here.clone();
        inner.frame = self.service_frame(here, used, action);
        self.measured(&inner, |context, frame| context.command_line(frame, template))
            .await
    }

    async fn probe_status(&self, here: &Here, node: &NodeName, command: CommandLine) -> Reply {
        self.ask(
            here,
            &Ask {
                node: Some(node.clone()),
                command,
                limit: PROBE_LIMIT,
                input: None,
            },
        )
        .await
    }

    /// Whether a service runs, by its own `status`: 0 runs, 1 to 3 stopped, anything else is not known,
    /// nor is it when its instances differ.
    ///
    /// # Source
    ///
    /// Linux Standard Base, "Init Script Actions": 0 running, 1 and 2 dead, 3 not running, 4 unknown.
    pub(super) async fn status(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
    ) -> Result<Option<bool>, Halt> {
        let mut states = Vec::new();
        for one in used.one_by_one() {
            states.push(self.status_of_one(here, step, node, &one).await?);
        }
        let first = states.first().copied().flatten();
        Ok(first.filter(|_| states.iter().all(|state| *state == first)))
    }

    async fn status_of_one(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
    ) -> Result<Option<bool>, Halt> {
        // Past an act that a dry run held back, the node shows what was, not what would be.
        let known = self.state.borrow().last_seen(&used.full_key(), node);
        if self.options.dry_run && self.is_past_acts() && known.is_some() {
            return Ok(known);
        }
        let command = self
            .service_command(here, used, &used.service.command, "status")
            .await?;
        let reply = self.probe_status(here, node, command).await;
        let running = match &reply {
            Reply::Ran { status: 0, .. } => Some(true),
            Reply::Ran { status: 1..=3, .. } => Some(false),
            Reply::Ran { .. } => None,
            Reply::Silent(why) => {
                let message = format!("{node} did not answer: {why}");
                return Err(trouble(TroubleKind::Unreachable, message, step, here));
            }
        };
        if let Some(running) = running {
            self.now_runs(used, node, running);
        }
        Ok(running)
    }

    /// Remembers what a service was last known to be doing.
    pub(super) fn now_runs(&self, used: &Used, node: &NodeName, running: bool) {
        let mut state = self.state.borrow_mut();
        if running {
            state.note_stopped(used, node, false);
        }
        let epoch = state.epoch;
        for one in used.one_by_one() {
            state
                .running
                .insert((one.full_key(), node.clone()), (running, epoch));
        }
    }

    /// Carries out the service's command for an action.
    pub(super) async fn command_service(
        &self,
        here: &Here,
        step: &Step,
        used: &Used,
        action: ServiceAction,
    ) -> Result<(), Halt> {
        for one in used.one_by_one() {
            let command = self
                .service_command(here, &one, &one.service.command, action.word())
                .await?;
            let what = format!("{} {}", action.word(), one.name());
            let mut act = Act::new(what, command);
            act.settles = match action {
                ServiceAction::Stop => Settles::Service(one, false),
                ServiceAction::Start => Settles::Service(one, true),
                // That it runs does not say since when.
                ServiceAction::Restart | ServiceAction::Status => Settles::Nobody,
            };
            self.carry_out(here, step, &act).await?;
        }
        Ok(())
    }

    /// Stops services: all their guards first, then the stops; none stops if one refuses.
    async fn stop(&self, here: &Here, step: &Step, node: &NodeName, used: Vec<Used>) -> Result<(), Halt> {
        let mut running = Vec::new();
        for one in used {
            if self.status(here, step, node, &one).await? == Some(false) {
                self.pass_over(here, step, &one, "stop", "it is stopped already");
            } else {
                running.push(one);
            }
        }
        let section = self.enter_section(here, &running).await;
        let held: Vec<String> = running
            .iter()
            .filter(|one| self.tokens_of(one).contains(node))
            .map(Used::key)
            .collect();
        self.take_away(here, step, node, &running).await?;
        for one in &running {
            let stopped = self.command_service(here, step, one, ServiceAction::Stop).await;
            if !held.contains(&one.key()) && matches!(&stopped, Err(halt) if surely_did_not_run(halt)) {
                self.return_token(node, one);
            }
            stopped?;
            self.now_runs(one, node, false);
            if !self.options.dry_run {
                self.state.borrow_mut().note_stopped(one, node, true);
            }
            if let Some(outage) = &here.outage {
                outage.stopped.borrow_mut().push((one.clone(), node.clone()));
                self.prove_stopped(here, step, node, one).await?;
            }
        }
        drop(section);
        if here.outage.is_some() {
            return Ok(());
        }
        for one in &running {
            if here.is_losing(one, node) {
                continue;
            }
            if let Some(hooks) = self.hooks(one) {
                self.hook(here, one, "stop", &hooks.after_stop).await?;
            }
            if let Some(token) = self.state.borrow_mut().token(&one.key(), node) {
                token.is_noticed = true;
            }
        }
        Ok(())
    }

    pub(super) fn pass_over(&self, here: &Here, step: &Step, used: &Used, verb: &str, why: &str) {
        let (what, why) = (format!("{verb} {}", used.name()), why.to_owned());
        self.record(Happening::PassedOver {
            place: self.place(step, here),
            what,
            why,
        });
    }

    /// Enters the critical section of the cluster, where guards are asked at all: two nodes never
    /// both pass a check that only one may pass. What no guard looks at is not held up.
    pub(super) async fn enter_section(&self, here: &Here, used: &[Used]) -> Option<MutexGuard<'_, ()>> {
        let is_guarded = |one: &Used| one.service.budget.is_some() || !one.service.before_stop.is_empty();
        if here.outage.is_some() || !used.iter().any(is_guarded) {
            return None;
        }
        Some(unconstrained(self.section.lock()).await)
    }

    /// Inside an outage no quorum may be left to answer, so a stop is proven by the service itself.
    async fn prove_stopped(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
    ) -> Result<(), Halt> {
        if self.options.dry_run {
            return Ok(());
        }
        let (name, status) = (&used.service.name, self.status(here, step, node, used).await?);
        match status {
            Some(false) => Ok(()),
            Some(true) => {
                let message = format!("{name} still runs on {node} after it was stopped");
                Err(trouble(TroubleKind::Failed, message, step, here))
            }
            None => {
                let message =
                    format!("{name} was stopped on {node}, and its own status does not say whether it runs");
                Err(trouble(TroubleKind::Unknown, message, step, here))
            }
        }
    }

    /// Takes a node out of services: asks their budgets, guards and dependents, then takes the
    /// tokens. Inside an outage only the dependents are asked.
    pub(super) async fn take_away(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &[Used],
    ) -> Result<(), Halt> {
        // A token is for an act that is about to begin.
        self.check_deadline(here, step)?;
        let leaving: Vec<&Used> = used.iter().filter(|one| !here.is_losing(one, node)).collect();
        for one in &leaving {
            if here.outage.is_none() {
                self.ask_budget(here, step, node, one).await?;
                if let Some(hooks) = self.hooks(one) {
                    self.hook(here, one, "stop", &hooks.before_stop).await?;
                }
            }
            self.ask_dependents(here, step, node, one, used).await?;
        }
        for one in leaving {
            self.take_token(here, node, one);
        }
        Ok(())
    }

    pub(super) fn take_token(&self, here: &Here, node: &NodeName, used: &Used) {
        if !self.options.has_tokens() || used.service.budget.is_none() || self.options.dry_run {
            return;
        }
        let fact = used.service.members.as_ref().map(|members| {
            let known = self.plan.program.fact(&used.service.module, &members.fact);
            known.map_or_else(String::new, |fact| format!("{}.{}", fact.module, fact.name))
        });
        if self.state.borrow_mut().take(&used.key(), node, here.body(), fact) {
            let (service, node) = (used.service.name.clone(), node.clone());
            let away = self
                .state
                .borrow()
                .tokens
                .iter()
                .filter(|token| token.service == used.key())
                .count();
            let members = self.group_of(&used.service).len();
            self.record(Happening::TokenTaken {
                service,
                node,
                sum: format!("{away} of {members} members away"),
            });
        }
    }

    pub(super) fn return_token(&self, node: &NodeName, used: &Used) {
        if self.state.borrow_mut().give_back(&used.key(), node) {
            let (service, node) = (used.service.name.clone(), node.clone());
            self.record(Happening::TokenReturned { service, node });
        }
    }

    /// Walks a hook: a fresh frame with `$node` and the instance.
    pub(super) async fn hook(
        &self,
        here: &Here,
        used: &Used,
        action: &str,
        steps: &[Step],
    ) -> Result<(), Halt> {
        if steps.is_empty() {
            return Ok(());
        }
        let mut inner = here.clone();
        inner.frame = self.service_frame(here, used, action);
        inner.path = here.path.child(&format!("hooks of {action} {}", used.name()));
        self.scoped(inner, steps).await.map(|_| ())
    }

    async fn start(&self, here: &Here, step: &Step, node: &NodeName, used: &Used) -> Result<(), Halt> {
        self.ask_needs(here, step, node, used).await?;
        if self.status(here, step, node, used).await? == Some(true) {
            self.pass_over(here, step, used, "start", "it runs already");
            self.is_back(here, node, used);
            if self.state.borrow_mut().token(&used.key(), node).is_none() {
                return Ok(());
            }
        } else {
            self.command_service(here, step, used, ServiceAction::Start)
                .await?;
        }
        self.now_runs(used, node, true);
        self.has_started(here, step, node, used).await
    }

    async fn restart(&self, here: &Here, step: &Step, node: &NodeName, used: &Used) -> Result<(), Halt> {
        self.ask_needs(here, step, node, used).await?;
        let used_alone = std::slice::from_ref(used);
        let section = self.enter_section(here, used_alone).await;
        self.take_away(here, step, node, used_alone).await?;
        self.command_service(here, step, used, ServiceAction::Restart)
            .await?;
        drop(section);
        self.now_runs(used, node, true);
        self.has_started(here, step, node, used).await
    }

    /// What runs again is not missed at the end of the outage.
    fn is_back(&self, here: &Here, node: &NodeName, used: &Used) {
        let Some(outage) = &here.outage else { return };
        let all = used.one_by_one();
        let is_it = |stopped: &Used| {
            stopped.key() == used.key()
                && (used.names_all() || all.iter().any(|one| one.full_key() == stopped.full_key()))
        };
        outage
            .stopped
            .borrow_mut()
            .retain(|(stopped, where_)| where_ != node || !is_it(stopped));
    }

    /// A service was started: its `after start` is asked, now or at the end of the `on`.
    async fn has_started(&self, here: &Here, step: &Step, node: &NodeName, used: &Used) -> Result<(), Halt> {
        self.is_back(here, node, used);
        if here.is_losing(used, node) {
            return Ok(());
        }
        // The token follows the body that brings the member back, so that it sees its own member.
        {
            let mut state = self.state.borrow_mut();
            state.replaced.remove(&(used.key(), node.clone()));
            if let Some(token) = state.token(&used.key(), node) {
                token.holder = here.body();
            }
        }
        if let Some(starts) = &here.starts {
            starts.borrow_mut().push(Started {
                here: here.clone(),
                used: used.clone(),
            });
            return Ok(());
        }
        self.after_start(here, step, used).await
    }

    /// Asks `after start`, and gives the token back once it holds.
    pub(super) async fn after_start(&self, here: &Here, step: &Step, used: &Used) -> Result<(), Halt> {
        let node = self.node_in_hand(here, step)?;
        if let Some(hooks) = self.hooks(used) {
            self.hook(here, used, "start", &hooks.after_start).await?;
        }
        self.return_token(node, used);
        Ok(())
    }

    /// `leave SERVICE stopped "why"`
    pub(super) async fn leave(
        &self,
        here: &Here,
        step: &Step,
        services: &Arguments,
        why: &crate::syntax::Written,
    ) -> Walked {
        debug_assert!(matches!(step.kind, StepKind::Leave(..)));
        let node = self.node_in_hand(here, step)?.clone();
        let why = self.shown(here, why).await?;
        let used = self
            .used_services(here, step, ServiceAction::Stop, services)
            .await?;
        let used = self.present(here, step, "leave", &node, used).await?;
        self.stop(here, step, &node, used.clone()).await?;
        for one in used {
            self.is_back(here, &node, &one);
            let (place, service, why) = (self.place(step, here), one.name(), why.clone());
            self.record(Happening::LeftStopped { place, service, why });
        }
        Ok(Value::text(""))
    }
}

/// Whether a command was never begun: what it would have stopped still runs.
fn surely_did_not_run(halt: &Halt) -> bool {
    matches!(halt, Halt::Trouble(trouble) if trouble.kind == TroubleKind::Unreachable)
}

fn said(reply: &Reply) -> String {
    match reply {
        Reply::Silent(why) => why.clone(),
        Reply::Ran { status, errors, .. } => format!("status {status} {}", errors.trim()),
    }
}

fn kind_of(reply: &Reply) -> TroubleKind {
    match reply {
        Reply::Silent(_) => TroubleKind::Unreachable,
        Reply::Ran { .. } => TroubleKind::Failed,
    }
}
