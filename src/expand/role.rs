use std::sync::Arc;

use super::ExpandError;
use super::encode::awk_string;
use super::expander::Expander;
use super::expression::Scope;
use super::function::Function;
use super::here::{Here, ShellVariable, Target};
use super::lines::{all_of, block, scope, single};
use super::service::{Instances, Use};
use super::step::{is_single, plain_variable};
use super::word::Word;
use crate::check::{Membership, ServiceDefinition, VerbDefinition};
use crate::diagnostic::Spanned;
use crate::guard::Budget;
use crate::plan::Step;
use crate::syntax::{Arguments, Expression, Test};
use crate::value::{Type, Value};

impl Expander<'_> {
    /// The text that defines all services that are used: what they may lose, and their hooks.
    ///
    /// Hooks may use further services, so it goes on until none is new.
    pub fn write_services(&mut self) -> Result<Vec<String>, ExpandError> {
        let mut texts = Vec::new();
        let mut done = 0;
        while done < self.services.len() {
            let (service, name) = self.services[done].clone();
            done += 1;
            texts.push(self.write_service(&service, &name)?.join("\n"));
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
        let mut lines = vec![format!(
            "# service {}  {}",
            service.name,
            self.place_of(service.span)
        )];
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
    fn hook_here(&mut self, one: &Use) -> Here {
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
    fn budget_line(&mut self, here: &Here, one: &Use) -> Result<Option<String>, ExpandError> {
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
        for dependent in self
            .plan
            .program
            .all_services()
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
        {
            for need in &dependent.needs {
                let needed = self.plan.program.service(&dependent.module, &need.service);
                if !needed.is_some_and(|service| Arc::ptr_eq(service, &one.service)) {
                    continue;
                }
                let name = self.service_name(&dependent);
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
        for service in self
            .plan
            .program
            .all_services()
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
        {
            let is_empty = self
                .plan
                .inventory
                .group(&service.group)
                .is_none_or(|nodes| nodes.is_empty());
            if service.members.is_none() || service.budget.is_none() || is_empty {
                continue;
            }
            let members = self.members_call(&service)?;
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

    /// A verb, in a fresh frame with its arguments.
    pub fn verb(
        &mut self,
        here: &Here,
        verb: &Arc<VerbDefinition>,
        arguments: &Arguments,
        name: &str,
        body: &[Step],
        gives: bool,
    ) -> Result<Vec<String>, ExpandError> {
        let mut inner = here.inner(&verb.module);
        let mut all = self.bind_arguments(here, &mut inner, verb, arguments)?;
        if verb.irreversible {
            all.push(vec![self.irreversible_line(&inner, verb, name)?]);
        }
        let mut hosts = Vec::new();
        for membership in &verb.memberships {
            let word = self.host_word(&inner, membership)?;
            all.extend(word.before);
            hosts.push((membership.clone(), word.text));
        }
        for (membership, host) in &hosts {
            all.extend(self.before_membership(membership, host)?);
        }
        let mut lines = scope(self.steps(&inner, body, gives)?);
        if !hosts.is_empty() {
            let mut after = Vec::new();
            for (membership, host) in &hosts {
                after.extend(self.after_membership(membership, host)?);
            }
            let mut close = all_of(after);
            close.push("go_on_skipping".to_owned());
            lines.extend(block("if close_block; then", close, "fi"));
            lines.push("is_well".to_owned());
        }
        all.push(block("{", lines, "}"));
        Ok(all_of(all))
    }

    /// Gives the parameters of a verb their values: those that are known now, and those of the run.
    fn bind_arguments(
        &mut self,
        here: &Here,
        inner: &mut Here,
        verb: &VerbDefinition,
        arguments: &Arguments,
    ) -> Result<Vec<Vec<String>>, ExpandError> {
        let known = self.compute(&here.scope.known, |context, frame| {
            context.bind(frame, &verb.parameters, arguments, verb.span)
        });
        if let Some(bound) = known.filter(|bound| bound.iter().all(|(_, value)| super::step::is_known(value)))
        {
            for (name, value) in bound {
                inner.know(&name, value);
            }
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        let question = self.ask(here, "put_items", |it, function, here| {
            let codes = it.bound(function, &here.scope, &verb.parameters, arguments)?;
            let mut list = "\"L\"".to_owned();
            for (parameter, code) in verb.parameters.iter().zip(codes) {
                // A secret stays in the shell, and what is known now needs no question.
                if parameter.kind == Type::Secret {
                    continue;
                }
                names.push(parameter.clone());
                list = format!("list_add({list}, {code})");
            }
            Ok(list)
        })?;
        let mut all = Vec::new();
        if !names.is_empty() {
            all.push(vec![format!("evaluate {question}")]);
        }
        let mut taken = Vec::new();
        for parameter in &names {
            let variable = self.names.take(&parameter.name);
            all.push(vec!["take_line".to_owned()]);
            all.push(vec![format!("bind {variable} \"$line\"")]);
            taken.push((parameter.clone(), variable));
        }
        for (parameter, variable) in taken {
            if is_single(&parameter.kind) {
                all.push(vec![format!("words {variable} {}", single(&parameter.name))]);
            }
            inner.bind(
                &parameter.name,
                ShellVariable {
                    name: variable,
                    is_ready: is_single(&parameter.kind),
                    is_single: is_single(&parameter.kind),
                    is_secret: false,
                },
            );
        }
        self.bind_secrets(here, inner, verb, arguments);
        Ok(all)
    }

    fn bind_secrets(&self, here: &Here, inner: &mut Here, verb: &VerbDefinition, arguments: &Arguments) {
        for (index, parameter) in verb.parameters.iter().enumerate() {
            if parameter.kind != Type::Secret {
                continue;
            }
            let named = arguments
                .named
                .iter()
                .find(|(name, _)| name.node == parameter.name);
            let given = named
                .map(|(_, value)| value)
                .or_else(|| arguments.positional.get(index));
            if let Some(Expression::Variable(variable)) = given.map(|written| &written.node)
                && let Some(known) = here.shell_variable(&variable.name.node)
            {
                inner.bind(&parameter.name, known.clone());
            }
        }
    }

    fn irreversible_line(
        &mut self,
        inner: &Here,
        verb: &VerbDefinition,
        name: &str,
    ) -> Result<String, ExpandError> {
        let mut parts = Vec::new();
        for parameter in &verb.parameters {
            parts.push((parameter.name.clone(), parameter.name.clone()));
        }
        let question = self.ask(inner, "put_text", |it, _, here| {
            let mut code = awk_string(&format!("t`{}", verb.name));
            for parameter in &verb.parameters {
                let variable = crate::syntax::Variable {
                    name: Spanned::new(parameter.name.clone(), parameter.span),
                    fields: Vec::new(),
                };
                let value = match parameter.kind {
                    Type::Secret => "\"t***\"".to_owned(),
                    _ => it.variable(&here.scope, &variable)?,
                };
                let before = awk_string(&format!("t {}=", parameter.name));
                code = format!("say_add(say_add({code}, {before}), {value})");
            }
            Ok(format!("say_add({code}, \"t` cannot be taken back. Go on?\")"))
        })?;
        Ok(format!("ask_irreversible {name} {question}"))
    }

    /// The node that joins or leaves a group, as a word.
    fn host_word(&mut self, inner: &Here, membership: &Membership) -> Result<Word, ExpandError> {
        let Some(variable) = &membership.host else {
            return Ok(Word::plain(inner.node_word()));
        };
        let written = Spanned::new(Expression::Variable(variable.clone()), membership.span);
        let known = self.compute(&inner.scope.known, |context, frame| {
            context.evaluate_as(frame, &written, &Type::Node)
        });
        if let Some(Value::Node(node)) = known {
            return Ok(Word::plain(node.to_string()));
        }
        let question = self.ask(inner, "put_text", |it, function, here| {
            it.argument(function, &here.scope, &written, &Type::Node)
        })?;
        let name = format!("host_{}", self.next());
        Ok(Word::found(
            vec![
                vec![format!("evaluate {question}")],
                vec![format!("{name}=$value")],
            ],
            format!("\"${name}\""),
        ))
    }

    fn roles_in(&mut self, group: &str) -> Vec<Use> {
        let mut roles = Vec::new();
        for service in self
            .plan
            .program
            .all_services()
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
        {
            if service.group == group && service.budget.is_some() {
                let name = self.service_name(&service);
                roles.push(Use {
                    service,
                    name,
                    instances: Instances::All,
                });
            }
        }
        roles
    }

    /// Leaving takes a token first; one that joins counts at once, and is down until it is seen up.
    fn before_membership(
        &mut self,
        membership: &Membership,
        host: &str,
    ) -> Result<Vec<Vec<String>>, ExpandError> {
        let group = &membership.group;
        let mut all = Vec::new();
        let verb = if membership.joins { "may_join" } else { "may_leave" };
        all.push(vec![format!("{verb} {group} {host}")]);
        if membership.joins {
            all.extend(self.change_group(group, host, "nodes_union"));
        }
        let roles = self.roles_in(group);
        let names = super::service::names_of(&roles);
        let mut section = vec![self.section_of(&roles)];
        for role in &roles {
            if !membership.joins {
                let here = self.hook_here(role);
                let inner = Here {
                    target: Target::Hand,
                    ..here
                };
                if let Some(line) = self.budget_line(&inner, role)? {
                    section.push(super::service::when(
                        &format!("is_leaving {}", role.name),
                        vec![line],
                    ));
                }
            }
            section.push(vec![format!("take_token {}", role.name)]);
        }
        let number = self.next();
        let mut lines = vec![
            format!("node_{number}=$node node={host}"),
            format!("services {names}"),
        ];
        lines.extend(block("{", all_of(section), "}"));
        lines.push("end_section \"$?\"".to_owned());
        lines.push(format!("node=$node_{number}"));
        lines.push("is_well".to_owned());
        if !roles.is_empty() {
            all.push(block("{", lines, "}"));
        }
        Ok(all)
    }

    fn section_of(&self, roles: &[Use]) -> Vec<String> {
        match roles.is_empty() {
            true => Vec::new(),
            false => vec![format!("enter_section {}", super::service::names_of(roles))],
        }
    }

    fn change_group(&mut self, group: &str, host: &str, change: &str) -> Vec<Vec<String>> {
        let code = format!(
            "{change}(group({}), \"N\" ENVIRON[\"QUORATE_HOST\"])",
            awk_string(group)
        );
        let question = self.questions.add("put_value", &code);
        vec![vec![format!("change_group {group} {host} {question}")]]
    }

    fn after_membership(
        &mut self,
        membership: &Membership,
        host: &str,
    ) -> Result<Vec<Vec<String>>, ExpandError> {
        let group = &membership.group;
        let mut all = Vec::new();
        if !membership.joins {
            // The token goes with the member.
            all.extend(self.change_group(group, host, "nodes_difference"));
        }
        let number = self.next();
        let mut inside = vec![];
        for role in self.roles_in(group) {
            inside.push(match membership.joins {
                true => super::service::when(
                    &format!("has_token {}", role.name),
                    vec![format!("after_start {}", role.name)],
                ),
                false => vec![format!("return_token {}", role.name)],
            });
        }
        if !inside.is_empty() {
            let mut lines = vec![format!("node_{number}=$node node={host}")];
            lines.extend(block("{", all_of(inside), "}"));
            lines.push(format!("node=$node_{number}"));
            lines.push("is_well".to_owned());
            all.push(block("{", lines, "}"));
        }
        Ok(all)
    }
}

fn key_of(one: &Use) -> String {
    format!("{}.{}", one.service.module, one.service.name)
}
