use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use tokio::task::unconstrained;

use super::here::{Halt, Here, Used};
use super::service::Presence;
use super::walk::Walk;
use crate::check::{Need, ServiceDefinition};
use crate::evaluate::Place;
use crate::inventory::{NodeName, NodeSet};
use crate::journal::TroubleKind;
use crate::plan::Step;
use crate::value::Value;

impl Walk<'_> {
    /// `needs X` and `needs X here`: what a service needs must be there before it starts.
    pub(super) async fn ask_needs(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
    ) -> Result<(), Halt> {
        if self.options.dry_run && self.is_past_acts() {
            return Ok(());
        }
        for need in &used.service.needs {
            let Some(needed) = self
                .plan
                .program
                .service(&used.service.module, &need.service)
                .cloned()
            else {
                continue;
            };
            let needed = Used {
                service: needed,
                instances: Value::list(Vec::new()),
            };
            if let Some(missing) = self.missing(here, step, node, need, &needed).await? {
                let message = format!("{} needs {}: {missing}", used.service.name, need.service);
                let help = format!("start {} first", need.service);
                self.refuse(here, step, &need.service, message, Some(help))?;
            }
        }
        Ok(())
    }

    async fn missing(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        need: &Need,
        needed: &Used,
    ) -> Result<Option<String>, Halt> {
        if need.here {
            let runs = self.status(here, step, node, needed).await? == Some(true);
            return Ok((!runs).then(|| format!("it does not run on {node}")));
        }
        let Some(loss) = self.loss_now(here, needed).await? else {
            return Ok(None);
        };
        let (away, members, may) = (loss.away, loss.members, loss.may_be_away);
        Ok((!loss.is_allowed()).then(|| {
            format!(
                "{away} of its {members} members are away ({}), {may} may be",
                loss.nodes
            )
        }))
    }

    /// What still runs and needs a service forbids to take it away beyond its budget.
    ///
    /// What the same statement stops on the same node, `together`, goes first and is not asked.
    pub(super) async fn ask_dependents(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
        together: &[Used],
    ) -> Result<(), Halt> {
        if self.options.dry_run && self.is_past_acts() {
            return Ok(());
        }
        // Outside an outage the budget has been asked already, so what needs the role in the
        // cluster still has it; a service without a budget is missed at once.
        let may_be_missed = used.service.budget.is_none() || here.outage.is_some();
        for dependent in self.plan.program.all_services() {
            let goes_too = together
                .iter()
                .any(|other| Arc::ptr_eq(&other.service, dependent));
            for need in &dependent.needs {
                let needed = self.plan.program.service(&dependent.module, &need.service);
                if !needed.is_some_and(|service| Arc::ptr_eq(service, &used.service))
                    || !(need.here || may_be_missed)
                {
                    continue;
                }
                let mut nodes = if need.here {
                    std::iter::once(node.clone()).collect()
                } else {
                    self.group_of(dependent)
                };
                if goes_too {
                    nodes.remove(node);
                }
                let running = self.runs_on(here, step, dependent, &nodes).await?;
                // Who is up is asked last: in an outage there may be nobody left to tell.
                let Some(running) = running else { continue };
                if need.here || self.is_beyond(here, node, used).await? {
                    let message = format!(
                        "{} still runs on {running} and needs {}",
                        dependent.name, used.service.name
                    );
                    let help = format!("stop {} there first", dependent.name);
                    self.refuse(here, step, &dependent.name, message, Some(help))?;
                }
            }
        }
        Ok(())
    }

    /// A node on which a service still runs: each is asked, several at once. A node that does not
    /// answer is down. What was asked since the `on` in hand began is not asked again.
    async fn runs_on(
        &self,
        here: &Here,
        step: &Step,
        service: &Arc<ServiceDefinition>,
        nodes: &NodeSet,
    ) -> Result<Option<NodeName>, Halt> {
        let _one_at_a_time = unconstrained(self.asking.lock()).await;
        let used = Used {
            service: service.clone(),
            instances: Value::list(Vec::new()),
        };
        let mut unknown = Vec::new();
        for node in nodes.iter() {
            match self.state.borrow().known_to_run(&used.full_key(), node) {
                Some(true) => return Ok(Some(node.clone())),
                Some(false) => {}
                None => unknown.push(node.clone()),
            }
        }
        let mut asked = stream::iter(unknown)
            .map(|node| {
                let used = used.clone();
                async move {
                    let runs = self.runs_there(here, step, &node, used).await;
                    (node, runs)
                }
            })
            .buffered(self.fan_out());
        let mut running = None;
        while let Some((node, runs)) = asked.next().await {
            if runs {
                running.get_or_insert(node);
            }
        }
        Ok(running)
    }

    async fn runs_there(&self, here: &Here, step: &Step, node: &NodeName, used: Used) -> bool {
        let mut there = here.clone();
        there.frame.place = Place::Node(node.clone());
        let runs = match self.presence(&there, step, node, &used, "status").await {
            Ok(Presence::There) => self.status(&there, step, node, &used).await,
            Ok(_) => Ok(Some(false)),
            Err(halt) => Err(halt),
        };
        let runs = match runs {
            Ok(Some(runs)) => runs,
            // A status that says nothing may be that of a service that runs.
            Ok(None) => true,
            // It does not answer, and counts as down; anything else that went wrong proves nothing.
            Err(halt) => !matches!(halt, Halt::Trouble(trouble) if trouble.kind == TroubleKind::Unreachable),
        };
        self.now_runs(&used, node, runs);
        runs
    }
}
