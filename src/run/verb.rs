use std::sync::Arc;

use super::here::{Halt, Here, Used, Walked, trouble};
use super::walk::Walk;
use crate::check::{Membership, VerbDefinition};
use crate::diagnostic::Spanned;
use crate::evaluate::Place;
use crate::inventory::NodeName;
use crate::journal::TroubleKind;
use crate::plan::Step;
use crate::syntax::{Arguments, Expression};
use crate::transport::{Question, QuestionKind};
use crate::value::{Type, Value};

impl Walk<'_> {
    /// A verb, in a fresh frame with its arguments.
    pub(super) async fn verb(
        &self,
        here: &Here,
        step: &Step,
        verb: &Arc<VerbDefinition>,
        arguments: &Arguments,
        name: &str,
        body: &[Step],
    ) -> Walked {
        let bound = self
            .measured(here, |context, frame| {
                context.bind(frame, &verb.parameters, arguments, step.span)
            })
            .await?;
        if verb.irreversible && !here.confirmed.get() {
            let question = Question {
                kind: QuestionKind::Irreversible,
                name: name.to_owned(),
                text: format!("`{}` cannot be taken back. Go on?", call_in_words(verb, &bound)),
                node: here.node().cloned(),
                rehearsed_as: None,
                path: here.path.clone(),
            };
            self.question(here, step, question).await?;
        }
        let mut inner = here.fresh(&verb.module);
        for (name, value) in bound {
            if let Value::Secret(secret) = &value {
                self.keep_secret(secret);
            }
            inner = inner.with(&name, value);
        }
        let mut hosts = Vec::new();
        for membership in &verb.memberships {
            hosts.push((membership, self.host_of(&inner, step, membership).await?));
        }
        for (membership, host) in &hosts {
            self.before_membership(&inner, step, membership, host).await?;
        }
        let walked = self.scoped(inner.clone(), body).await;
        if !matches!(walked, Err(Halt::Trouble(_))) {
            for (membership, host) in &hosts {
                self.after_membership(&inner, step, membership, host).await?;
            }
        }
        walked
    }

    async fn host_of(&self, here: &Here, step: &Step, membership: &Membership) -> Result<NodeName, Halt> {
        let Some(variable) = &membership.host else {
            return Ok(self.node_in_hand(here, step)?.clone());
        };
        let written = Spanned::new(Expression::Variable(variable.clone()), membership.span);
        match self.value_as(here, &written, &Type::Node).await? {
            Value::Node(node) => Ok(node),
            other => Err(trouble(
                TroubleKind::Failed,
                format!("{other} is not a node"),
                step,
                here,
            )),
        }
    }

    /// The roles that hang on a group.
    fn roles_in(&self, group: &str) -> Vec<Used> {
        let services = self.plan.program.all_services().into_iter();
        services
            .filter(|service| service.group == group && service.budget.is_some())
            .map(|service| Used {
                service: service.clone(),
                instances: Value::list(Vec::new()),
            })
            .collect()
    }

    /// Leaving takes a token first; one that joins counts at once, and is down until it is seen up.
    async fn before_membership(
        &self,
        here: &Here,
        step: &Step,
        membership: &Membership,
        host: &NodeName,
    ) -> Result<(), Halt> {
        let there = on_host(here, host);
        let groups = self.state.borrow().groups.clone();
        let now = groups.of(&self.plan.inventory, &membership.group);
        if now.is_some_and(|nodes| nodes.contains(host)) == membership.joins {
            let (group, verb) = (&membership.group, if membership.joins { "join" } else { "leave" });
            let is = if membership.joins {
                "is in it already"
            } else {
                "is not in it"
            };
            let message = format!("{host} cannot {verb} {group}: it {is}");
            return Err(trouble(TroubleKind::Failed, message, step, here));
        }
        if membership.joins {
            self.change_group(&membership.group, host, true);
        }
        let roles = self.roles_in(&membership.group);
        let section = self.enter_section(here, &roles).await;
        for role in roles {
            if !membership.joins && !here.is_losing(&role, host) {
                self.ask_budget(&there, step, host, &role).await?;
            }
            self.take_token(&there, host, &role);
        }
        drop(section);
        Ok(())
    }

    async fn after_membership(
        &self,
        here: &Here,
        step: &Step,
        membership: &Membership,
        host: &NodeName,
    ) -> Result<(), Halt> {
        let there = on_host(here, host);
        if !membership.joins {
            // The token goes with the member.
            self.change_group(&membership.group, host, false);
        }
        for role in self.roles_in(&membership.group) {
            if membership.joins && !self.options.dry_run {
                // Starting it inside the verb may have given the token back already.
                if self.tokens_of(&role).contains(host) {
                    self.after_start(&there, step, &role).await?;
                }
            } else {
                self.return_token(host, &role);
            }
        }
        Ok(())
    }
}

/// A call with its values: `rm-cs cs=1026 force=yes`.
fn call_in_words(verb: &VerbDefinition, bound: &[(String, Value)]) -> String {
    let arguments = bound.iter().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", verb.name, arguments.collect::<String>())
}

fn on_host(here: &Here, host: &NodeName) -> Here {
    let mut there = here.clone();
    there.frame.place = Place::Node(host.clone());
    there
}
