use super::ExpandError;
use super::expander::Expander;
use super::here::{Here, Target};
use super::lines::{all_of, block, scope};
use super::service::{Instances, Use, names_of};
use super::word::Word;
use crate::check::ServiceDefinition;
use crate::plan::{Step, order_services};
use crate::syntax::{Arguments, ServiceAction, Written};
use crate::value::Type;

impl Expander<'_> {
    /// `leave SERVICE stopped "why"`
    pub fn leave(
        &mut self,
        here: &Here,
        services: &Arguments,
        why: &Written,
    ) -> Result<Vec<String>, ExpandError> {
        let word = self.said_word(here, why)?;
        let mut all = word.before;
        let uses = self.uses(here, ServiceAction::Stop, services)?;
        let (uses, present) = self.present(here, "leave", uses)?;
        if uses.is_empty() {
            return Ok(Vec::new());
        }
        let why = format!("why_{}", self.next());
        all.push(vec![format!("{why}={}", word.text)]);
        all.extend(present);
        let left = format!("left_{}", self.next());
        all.push(vec![format!("{left}=$due")]);
        all.extend(self.stop(here, &uses)?);
        all.push(vec![format!("due=${left}")]);
        for one in &uses {
            let mut lines = self.name_instances(one);
            lines.push(vec![format!("is_back {}", one.name)]);
            lines.push(vec![format!(
                "say \"  {} stays stopped: ${why}\"",
                one.service.name
            )]);
            all.push(block(
                &format!("if is_due {}; then", one.name),
                all_of(lines),
                "fi",
            ));
        }
        all.push(vec!["acting_for=''".to_owned()]);
        Ok(block("{", all_of(all), "}"))
    }

    /// `losing SERVICE... < … >`: the node is out of these services meanwhile.
    pub fn losing(
        &mut self,
        here: &Here,
        services: &Arguments,
        body: &[Step],
        gives: bool,
    ) -> Result<Vec<String>, ExpandError> {
        let uses = self.uses(here, ServiceAction::Stop, services)?;
        let (uses, mut all) = self.present(here, "losing", uses)?;
        let body = scope(self.steps(here, body, gives)?);
        if uses.is_empty() {
            return Ok(block("{", body, "}"));
        }
        all.extend(self.out_of(here, &uses, body)?);
        Ok(block("{", all_of(all), "}"))
    }

    /// Takes the node out of services, does something, and sees that they run again.
    fn out_of(
        &mut self,
        here: &Here,
        uses: &[Use],
        body: Vec<String>,
    ) -> Result<Vec<Vec<String>>, ExpandError> {
        let section = all_of(vec![
            self.enter(uses),
            vec![format!("take_away {}", names_of(uses))],
        ]);
        let mut lines = block("{", section, "}");
        lines.push("end_section \"$?\"".to_owned());
        let mut all = vec![lines];
        let number = self.next();
        let mut inside = vec![
            format!("losing_{number}=$losing"),
            format!("begin_losing {}", names_of(uses)),
            format!("lost_{number}=$lost"),
        ];
        inside.extend(body);
        inside.push(format!("losing=$losing_{number}"));
        let mut again = vec![vec![format!("lost=$lost_{number}")]];
        let services = uses.iter().map(|one| one.service.clone()).collect();
        for service in order_services(&self.plan.program, ServiceAction::Start, services) {
            let name = self.service_name(&service);
            let one = Use {
                service,
                name,
                instances: Instances::All,
            };
            let commands = self.commands(here, &one, "status")?;
            again.push(vec![format!(
                "runs_again {} {}",
                one.name,
                commands.words.join(" ")
            )]);
        }
        let mut close = all_of(again);
        close.push("go_on_skipping".to_owned());
        inside.extend(block("if close_block; then", close, "fi"));
        inside.push("is_well".to_owned());
        all.push(block("{", inside, "}"));
        Ok(all)
    }

    /// `reboot`: takes the node out of all its roles, and waits for a new boot id.
    pub fn reboot(&mut self, here: &Here, arguments: &Arguments) -> Result<Vec<String>, ExpandError> {
        let limit = match arguments.named.iter().find(|(name, _)| name.node == "limit") {
            Some((_, written)) => self.number_word(here, written, &Type::Duration)?,
            None => Word::plain("900".to_owned()),
        };
        let roles = self.roles(|_| true);
        let (roles, present) = self.roles_here(here, roles);
        let body = all_of(vec![
            vec!["remember_boot".to_owned()],
            vec!["may_disconnect=yes".to_owned()],
            vec![self.command_line(here, "reboot")],
            vec![format!("wait_for_boot {}", limit.text)],
        ]);
        let mut all = limit.before;
        if roles.is_empty() {
            all.push(block("{", body, "}"));
            return Ok(all_of(all));
        }
        all.extend(present);
        all.extend(self.out_of(here, &roles, block("{", body, "}"))?);
        Ok(block("{", all_of(all), "}"))
    }

    /// The services with a budget that are wanted, each with all its instances.
    pub fn roles(&mut self, is_wanted: impl Fn(&ServiceDefinition) -> bool) -> Vec<Use> {
        let mut roles = Vec::new();
        for service in self.plan.program.all_services() {
            if service.budget.is_some() && is_wanted(service) {
                let name = self.service_name(service);
                roles.push(Use {
                    service: service.clone(),
                    name,
                    instances: Instances::All,
                });
            }
        }
        roles
    }

    /// The roles that the node has, as far as that is known now.
    fn roles_here(&self, here: &Here, roles: Vec<Use>) -> (Vec<Use>, Vec<Vec<String>>) {
        let has = |one: &Use| match (&here.target, self.group(&one.service.group)) {
            (Target::Node(node), Some(nodes)) => nodes.contains(node),
            _ => true,
        };
        let roles: Vec<Use> = roles.into_iter().filter(has).collect();
        let mut lines = vec![vec![format!("services {}", names_of(&roles))]];
        for one in &roles {
            let is_sure = matches!(&here.target, Target::Node(_)) && self.group(&one.service.group).is_some();
            if !is_sure {
                lines.push(vec![format!("only_in {} {}", one.name, one.service.group)]);
            }
        }
        (roles, lines)
    }
}
