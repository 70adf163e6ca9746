use std::sync::Arc;

use super::here::{Halt, Here, Used};
use super::walk::Walk;
use crate::check::{Need, ServiceDefinition};
use crate::inventory::{NodeName, NodeSet};
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
    pub(super) async fn ask_dependents(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &Used,
    ) -> Result<(), Halt> {
        if self.options.dry_run {
            return Ok(());
        }
        let beyond = match (&used.service.budget, here.outage.is_some()) {
            (None, _) => true,
            // Outside an outage the budget has been asked already.
            (Some(_), false) => false,
            (Some(_), true) => self.is_beyond(node, used),
        };
        for dependent in self.plan.program.all_services() {
            for need in &dependent.needs {
                let is_it = self
                    .plan
                    .program
                    .service(&dependent.module, &need.service)
                    .is_some_and(|service| Arc::ptr_eq(service, &used.service));
                if !is_it || !(need.here || beyond) {
                    continue;
                }
                let nodes = if need.here {
                    std::iter::once(node.clone()).collect()
                } else {
                    self.group_of(dependent)
                };
                if let Some(running) = self.runs_on(here, step, dependent, &nodes).await? {
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

    /// Whether one more stop takes a service below its budget, by this run's own tokens.
    fn is_beyond(&self, node: &NodeName, used: &Used) -> bool {
        let Some(budget) = &used.service.budget else {
            return true;
        };
        let mut away: NodeSet = self.tokens_of(used);
        away.insert(node.clone());
        let domain = |node: &NodeName| self.domain(&budget.node, node);
        !budget
            .node
            .count(&self.group_of(&used.service), &away, &domain)
            .is_allowed()
    }

    /// A node on which a service still runs; what is known from this run is not asked again.
    async fn runs_on(
        &self,
        here: &Here,
        step: &Step,
        service: &Arc<ServiceDefinition>,
        nodes: &NodeSet,
    ) -> Result<Option<NodeName>, Halt> {
        let used = Used {
            service: service.clone(),
            instances: Value::list(Vec::new()),
        };
        for node in nodes.iter() {
            let known = self
                .state
                .borrow()
                .running
                .get(&(used.full_key(), node.clone()))
                .copied();
            let runs = match known {
                Some(runs) => Some(runs),
                None => {
                    let mut there = here.clone();
                    there.frame.place = crate::evaluate::Place::Node(node.clone());
                    if self
                        .present(&there, step, "status", node, vec![used.clone()])
                        .await?
                        .is_empty()
                    {
                        Some(false)
                    } else {
                        self.status(&there, step, node, &used).await?
                    }
                }
            };
            if runs != Some(false) {
                return Ok(Some(node.clone()));
            }
        }
        Ok(None)
    }
}
