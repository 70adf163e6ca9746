use std::sync::Arc;

use super::ExpandError;
use super::encode::awk_string;
use super::expander::Expander;
use super::expression::Scope;
use super::function::Function;
use super::here::{Here, Target};
use super::lines::{all_of, block, comment, scope, single};
use super::service::{Instances, Use};
use super::step::plain_variable;
use crate::check::ServiceDefinition;
use crate::diagnostic::Spanned;
use crate::guard::Budget;
use crate::plan::Step;
use crate::syntax::Test;

impl Expander<'_> {
    /// The text that defines all services that are used: what they may lose, and their hooks.
    ///
    /// Hooks may use further services, so it goes on until none is new.
    pub fn write_services(&mut self) -> Result<Vec<Vec<String>>, ExpandError> {
        let mut texts = Vec::new();
        let mut done = 0;
        while done < self.services.len() {
            let (service, name) = self.services[done].clone();
            done += 1;
            texts.push(self.write_service(&service, &name)?);
        }
        Ok(texts)
    }

    fn write_service(
        &mut self,
        service: &Arc<ServiceDefinition>,
        name: &str,
    ) -> Result<Vec<String>, ExpandError> {
        let key = format!("{}.{}", service.module, service.name);
        let fact = service.members.as_ref().map_or("-".to_owned(), |members| {
            let known = self.plan.program.fact(&service.module, &members.fact);
            known.map_or("-".to_owned(), |fact| format!("{}.{}", fact.module, fact.name))
        });
        let budget = service
            .budget
            .as_ref()
            .map_or(String::new(), |budget| budget.node.to_string());
        let place = self.place_of(service.span);
        let mut lines = vec![comment(&format!("service {}  {place}", service.name))];
        self.service_rows.push(format!(
            "{name}) key={key} name={} fact={fact} group={} budget={} ;;",
            super::word::quoted(&service.name),
            super::word::quoted(&service.group),
            single(&budget)
        ));
        let hooks = self.plan.hooks.get(&key).cloned().unwrap_or_default();
        let one = Use {
            service: service.clone(),
            name: name.to_owned(),
            instances: Instances::All,
        };
        let here = self.hook_here(&one);
        lines.extend(self.may_go(&here, &one, &hooks.before_stop)?);
        for (hook, steps) in [
            ("hook_after_stop", &hooks.after_stop),
            ("hook_after_start", &hooks.after_start),
        ] {
            let body = match steps.is_empty() {
                true => vec![":".to_owned()],
                false => scope(self.steps(&here, steps, false)?),
            };
            lines.extend(block(&format!("{hook}_{name}() {{"), body, "}"));
        }
        if !service.needs.is_empty() {
            lines.extend(self.needs_function(&here, &one)?);
        }
        Ok(lines)
    }

    /// The frame of a service's hooks: the node in hand, and the instances of the statement.
    pub fn hook_here(&mut self, one: &Use) -> Here {
        let mut here = Here::fresh(&one.service.module, Target::Hand);
        if let Some(instance) = &one.service.instance {
            here.bind(&instance.name, plain_variable(&format!("of_{}", one.name)));
        }
        here
    }

    /// The function that asks whether a member may be taken away: its budget, its guards, what needs it.
    fn may_go(&mut self, here: &Here, one: &Use, before_stop: &[Step]) -> Result<Vec<String>, ExpandError> {
        let mut guarded = Vec::new();
        if let Some(line) = self.budget_line(here, one)? {
            guarded.push(vec![line]);
        }
        if !before_stop.is_empty() {
            let body = scope(self.steps(here, before_stop, false)?);
            guarded.push(block("{", body, "}"));
        }
        let mut all = Vec::new();
        if !guarded.is_empty() {
            all.push(super::service::when("[ -z \"$outage\" ]", all_of(guarded)));
        }
        all.extend(self.dependents(here, one)?);
        let lines = all_of(all);
        Ok(block(&format!("may_go_{}() {{", one.name), lines, "}"))
    }

    /// The line that asks whether a token is free.
    pub fn budget_line(&mut self, here: &Here, one: &Use) -> Result<Option<String>, ExpandError> {
        let Some(budget) = one.service.budget.clone() else {
            return Ok(None);
        };
        let (members, arguments) = self.budget_code(one, &budget.node)?;
        let code = format!(
            "{members}, {}, {}, {}, {}, place",
            awk_string(&key_of(one)),
            awk_string(&one.service.name),
            arguments,
            awk_string(&budget.node.to_string())
        );
        let question = self.questions.add("put_loss", &code);
        let mut line = format!("may_lose {} {question}", one.name);
        if let Some(until) = self.until_question(here, one)? {
            line.push_str(&format!(" {until}"));
        }
        Ok(Some(line))
    }

    fn until_question(&mut self, here: &Here, one: &Use) -> Result<Option<usize>, ExpandError> {
        let Some(until) = &one.service.until else {
            return Ok(None);
        };
        let test = Spanned::new(Test::Guard(until.clone()), until.name.span);
        let inner = here.inner(&one.service.module);
        self.ask(&inner, "put_verdict", |it, function, here| {
            it.judge(function, &here.scope, &test)
        })
        .map(Some)
    }

    /// The call that counts a role's members, and the budget as arguments of the awk library.
    fn budget_code(&mut self, one: &Use, budget: &Budget) -> Result<(String, String), ExpandError> {
        let members = self.members_call(&one.service)?;
        let arguments = match budget {
            Budget::Minority => "\"minority\", 0, \"\"".to_owned(),
            Budget::Nodes(count) => format!("\"nodes\", {count}, \"\""),
            Budget::Domains(count, variable) => format!("\"domains\", {count}, {}", awk_string(variable)),
            Budget::None => "\"none\", 0, \"\"".to_owned(),
        };
        Ok((members, arguments))
    }

    /// A call of the function that counts the members of a role, which is written once.
    fn members_call(&mut self, service: &Arc<ServiceDefinition>) -> Result<String, ExpandError> {
        let group = awk_string(&service.group);
        let Some(members) = service.members.clone() else {
            return Ok(format!("group_members({group})"));
        };
        let key = format!("members {}.{}", service.module, service.name);
        if let Some(name) = self.functions.known(&key) {
            return Ok(format!("{name}(place)"));
        }
        let name = self.functions.name("members", &service.name);
        self.functions.remember(&key, &name);
        let mut function = Function::new(&name);
        function.comment = format!(
            "Who the members of {} are, and which of them are up.",
            service.name
        );
        function.parameters.push("table".to_owned());
        let (index, row, up) = (
            function.local("index_"),
            function.local("row"),
            function.local("up_"),
        );
        let scope = Scope::fresh(&service.module);
        let table = self.expression(&mut function, &scope, &members.rows)?;
        function.line(format!("table = {table}"));
        function.line("if (failed(table)) return table");
        function.line("start_members(table)");
        function.line(format!(
            "for ({index} = 1; member_known && {index} <= row_count(table); {index}++) {{"
        ));
        function.line(format!("{row} = table_row(table, {index})"));
        let mut inner = scope.clone();
        inner.looks_at_rows = true;
        let truth = match &members.up_when {
            Some(condition) => self.truth(&mut function, &inner, condition)?,
            None => "\"byes\"".to_owned(),
        };
        function.line(format!("{up} = {truth}"));
        function.line(format!("if (failed({up})) return {up}"));
        function.line(format!(
            "add_member(seen({row}, {}), {up})",
            awk_string(&members.column)
        ));
        function.line("}");
        function.line(format!("return end_members({group})"));
        self.functions.add(function);
        Ok(format!("{name}(place)"))
    }

    /// The lines that ask what still runs and needs a service.
    fn dependents(&mut self, here: &Here, one: &Use) -> Result<Vec<Vec<String>>, ExpandError> {
        let mut all = Vec::new();
        for dependent in self.plan.program.all_services() {
            for need in &dependent.needs {
                let needed = self.plan.program.service(&dependent.module, &need.service);
                if !needed.is_some_and(|service| Arc::ptr_eq(service, &one.service)) {
                    continue;
                }
                let name = self.service_name(dependent);
                let other = Use {
                    service: dependent.clone(),
                    name: name.clone(),
                    instances: Instances::All,
                };
                let beyond = match (need.here, &one.service.budget) {
                    (false, Some(budget)) => {
                        let (members, arguments) = self.budget_code(one, &budget.node.clone())?;
                        let code = format!(
                            "{members}, {}, {}, {arguments}, place",
                            awk_string(&one.service.group),
                            awk_string(&key_of(one))
                        );
                        self.questions.add("put_beyond", &code).to_string()
                    }
                    _ => "-".to_owned(),
                };
                let place = if need.here {
                    "here"
                } else {
                    dependent.group.as_str()
                };
                let presence = match dependent.optional.clone() {
                    Some(test) => {
                        let inner = self.service_here(here, &other, "status");
                        self.template_command(&inner, &test)?.text
                    }
                    None => "there".to_owned(),
                };
                let status = self.commands(here, &other, "status")?.words.join(" ");
                all.push(vec![format!(
                    "ask_dependent {name} {} {place} {beyond} {presence} {status}",
                    one.name
                )]);
            }
        }
        Ok(all)
    }

    /// The function that asks whether what a service needs is there.
    fn needs_function(&mut self, here: &Here, one: &Use) -> Result<Vec<String>, ExpandError> {
        let mut all = Vec::new();
        for need in &one.service.needs {
            let Some(service) = self
                .plan
                .program
                .service(&one.service.module, &need.service)
                .cloned()
            else {
                continue;
            };
            let name = self.service_name(&service);
            let needed = Use {
                service,
                name,
                instances: Instances::All,
            };
            if need.here {
                let status = self.commands(here, &needed, "status")?.words.join(" ");
                all.push(vec![format!("needs_here {} {} {status}", one.name, needed.name)]);
                continue;
            }
            let Some(budget) = needed.service.budget.clone() else {
                continue;
            };
            let (members, arguments) = self.budget_code(&needed, &budget.node)?;
            let code = format!("{members}, {}, {arguments}", awk_string(&key_of(&needed)));
            let question = self.questions.add("put_within", &code);
            let mut line = format!("needs_in_cluster {} {} {question}", one.name, needed.name);
            if let Some(until) = self.until_question(here, &needed)? {
                line.push_str(&format!(" {until}"));
            }
            all.push(vec![line]);
        }
        Ok(block(&format!("needs_of_{}() {{", one.name), all_of(all), "}"))
    }

    /// The lines that compare each role's group with its members before the first act.
    pub fn compare_inventory(&mut self) -> Result<Vec<Vec<String>>, ExpandError> {
        let Some(acting) = self.plan.acting() else {
            return Ok(Vec::new());
        };
        let takes_away = u8::from(acting.takes_away);
        let mut all = Vec::new();
        for service in self.plan.program.all_services() {
            let is_empty = self
                .plan
                .inventory
                .group(&service.group)
                .is_none_or(|nodes| nodes.is_empty());
            if service.members.is_none() || service.budget.is_none() || is_empty {
                continue;
            }
            let members = self.members_call(service)?;
            let code = format!(
                "{members}, {}, {}, {takes_away}",
                awk_string(&service.group),
                awk_string(&service.name)
            );
            let question = self.questions.add("put_difference", &code);
            all.push(vec![format!("compare_members {question}")]);
        }
        Ok(all)
    }
}

pub(super) fn key_of(one: &Use) -> String {
    format!("{}.{}", one.service.module, one.service.name)
}
