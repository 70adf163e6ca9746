use std::rc::Rc;
use std::time::Duration;

use super::act::Act;
use super::here::{Halt, Here, Used, Walked, trouble};
use super::settle::Settles;
use super::walk::Walk;
use crate::evaluate::{Ask, Reply};
use crate::inventory::NodeName;
use crate::journal::TroubleKind;
use crate::plan::Step;
use crate::syntax::{Arguments, ServiceAction};
use crate::value::{CommandLine, Type, Value};

/// How long a reboot may take unless told.
pub(super) const REBOOT_LIMIT: Duration = Duration::from_secs(15 * 60);
/// The pause between two looks whether a node is back.
pub(super) const REBOOT_EVERY: Duration = Duration::from_secs(5);
/// Tells one boot of a machine from the next.
const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

impl Walk<'_> {
    /// `losing SERVICE... < … >`: the node is out of these services meanwhile.
    pub(super) async fn losing(
        &self,
        here: &Here,
        step: &Step,
        services: &Arguments,
        body: &[Step],
    ) -> Walked {
        let node = self.node_in_hand(here, step)?.clone();
        let used = self
            .used_services(here, step, ServiceAction::Stop, services)
            .await?;
        let used = self.present(here, step, "losing", &node, used).await?;
        let used: Vec<Used> = used
            .into_iter()
            .filter(|one| !here.is_losing(one, &node))
            .collect();
        let inner = self.enter_losing(here, step, &node, &used).await?;
        let walked = self.scoped(inner, body).await;
        if !matches!(walked, Err(Halt::Trouble(_))) {
            self.leave_losing(here, step, &node, used).await?;
        }
        walked
    }

    /// Asks the guards of all services once, then takes their tokens: one critical section.
    async fn enter_losing(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: &[Used],
    ) -> Result<Here, Halt> {
        let section = self.enter_section(here, used).await;
        self.take_away(here, step, node, used).await?;
        drop(section);
        let mut inner = here.clone();
        let mut losing = (*here.losing).clone();
        losing.extend(used.iter().map(|one| (one.key(), node.clone())));
        inner.losing = Rc::new(losing);
        Ok(inner)
    }

    /// At the end each service whose group the node is still in runs, and its `after start` holds.
    async fn leave_losing(
        &self,
        here: &Here,
        step: &Step,
        node: &NodeName,
        used: Vec<Used>,
    ) -> Result<(), Halt> {
        if self.options.dry_run {
            return Ok(());
        }
        // Started again in their own order: what is needed comes up, and is asked, first.
        let services = used.iter().map(|one| one.service.clone()).collect();
        for service in crate::plan::order_services(&self.plan.program, ServiceAction::Start, services) {
            let one = Used {
                service,
                instances: Value::list(Vec::new()),
            };
            if !self.group_of(&one.service).contains(node) {
                self.return_token(node, &one);
                continue;
            }
            if self.status(here, step, node, &one).await? != Some(true) {
                let message = format!(
                    "{} does not run on {node} at the end of `losing`",
                    one.service.name
                );
                let help = format!("start it again inside the block: start {}", one.service.name);
                return Err(trouble(TroubleKind::Failed, message, step, here).with_help(help));
            }
            self.after_start(here, step, &one).await?;
        }
        Ok(())
    }

    /// `reboot`: takes the node out of all its roles, and waits for a new boot id.
    pub(super) async fn reboot(&self, here: &Here, step: &Step, arguments: &Arguments) -> Walked {
        let node = self.node_in_hand(here, step)?.clone();
        let limit = self
            .measured(here, |context, frame| {
                context.named(frame, &arguments.named, "limit", &Type::Duration)
            })
            .await?;
        let limit = if let Some(Value::Duration(limit)) = limit {
            limit
        } else {
            REBOOT_LIMIT
        };
        let roles = self.roles_of(&node, here);
        let inner = self.enter_losing(here, step, &node, &roles).await?;
        // Without it nobody could tell a reboot from a node that never went down.
        let before = self.boot_id(here, &node).await.map_err(|why| {
            let message = format!("{node} is not rebooted: its boot id cannot be read: {why}");
            trouble(TroubleKind::Failed, message, step, here)
        })?;
        let mut act = Act::new("reboot".to_owned(), CommandLine::from_quoted("reboot"));
        act.may_disconnect = true;
        act.settles = Settles::NewBoot(before.clone());
        if self.carry_out(&inner, step, &act).await?.is_none() {
            return Ok(Value::text(""));
        }
        let end = self.now() + limit;
        loop {
            self.world.clock.sleep(REBOOT_EVERY).await;
            match self.boot_id(here, &node).await {
                Ok(now) if now != before => break,
                _ if self.now() < end => {}
                Ok(_) => {
                    let message = format!("{node} has not rebooted: its boot id is the same");
                    return Err(trouble(TroubleKind::Failed, message, step, here));
                }
                Err(why) => {
                    let message = format!("{node} has not come back after its reboot: {why}");
                    return Err(trouble(TroubleKind::Unreachable, message, step, here));
                }
            }
        }
        self.state.borrow_mut().epoch += 1;
        self.leave_losing(here, step, &node, roles).await?;
        Ok(Value::text(""))
    }

    /// What tells this boot of a node from others.
    pub(super) async fn boot_id(&self, here: &Here, node: &NodeName) -> Result<String, String> {
        let command = CommandLine::from_quoted(BOOT_ID);
        let limit = super::act::PROBE_LIMIT;
        match self
            .ask(
                here,
                &Ask {
                    node: Some(node.clone()),
                    command,
                    limit,
                    input: None,
                },
            )
            .await
        {
            Reply::Ran {
                status: 0, output, ..
            } => Ok(output.trim().to_owned()),
            Reply::Ran { errors, .. } => Err(errors.trim().to_owned()),
            Reply::Silent(why) => Err(why),
        }
    }
}
