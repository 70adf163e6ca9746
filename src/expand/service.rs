use std::sync::Arc;

use super::ExpandError;
use super::expander::Expander;
use super::here::{Here, Target};
use super::lines::{all_of, block, indent, single};
use super::word::Word;
use crate::check::ServiceDefinition;
use crate::plan::order_services;
use crate::syntax::{Arguments, ServiceAction, ServiceCall, Template};
use crate::value::Value;

/// The instances of a service that a statement names.
#[derive(Debug, Clone)]
pub(super) enum Instances {
    /// All on the node: none is named.
    All,
    /// These.
    Known(Vec<Value>),
    /// One, that the run knows: its name in the script.
    One(String),
    /// Several, that the run finds out: the number of the question that lists their words, and the code.
    Listed(usize, String),
}

/// A service as one statement uses it.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub service: Arc<ServiceDefinition>,
    /// What the script calls it.
    pub name: String,
    pub instances: Instances,
}

/// The commands of a service for one action.
pub(super) struct Commands {
    pub before: Vec<Vec<String>>,
    /// One word a command; none when the instances are found out in the run.
    pub words: Vec<String>,
    /// What stands before and after an instance then.
    pub around: Option<(String, String)>,
}

impl Expander<'_> {
    /// `stop`, `start`, `restart`, `status` on the node in hand.
    pub fn service_step(&mut self, here: &Here, call: &ServiceCall) -> Result<Vec<String>, ExpandError> {
        let action = call.action.node;
        let uses = self.uses(here, action, &call.arguments)?;
        let (uses, mut all) = self.present(here, action.word(), uses)?;
        if uses.is_empty() {
            return Ok(Vec::new());
        }
        match action {
            ServiceAction::Stop => all.extend(self.stop(here, &uses)?),
            ServiceAction::Start => {
                for one in &uses {
                    all.push(self.start(here, one)?);
                }
            }
            ServiceAction::Restart => {
                for one in &uses {
                    all.push(self.restart(here, one)?);
                }
            }
            ServiceAction::Status => {
                for one in &uses {
                    all.push(self.about_state(here, one, "tell_state")?);
                }
            }
        }
        Ok(block("{", all_of(all), "}"))
    }

    /// The services of a statement in their order, each with the instances that are named.
    pub fn uses(
        &mut self,
        here: &Here,
        action: ServiceAction,
        arguments: &Arguments,
    ) -> Result<Vec<Use>, ExpandError> {
        let mut services: Vec<Arc<ServiceDefinition>> = Vec::new();
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        for word in &arguments.positional {
            match self.constant(&here.scope, word) {
                Some(value) => {
                    let values = match value {
                        Value::List(values) => values.to_vec(),
                        single => vec![single],
                    };
                    for value in values {
                        let service = self.plan.program.service(&here.scope.module, &value.to_string());
                        match service {
                            Some(service) if known.is_empty() && unknown.is_empty() => {
                                services.push(service.clone())
                            }
                            _ => known.push(value),
                        }
                    }
                }
                None if services.is_empty() => return Err(ExpandError::UnknownService { at: word.span }),
                None => unknown.push(word),
            }
        }
        let instances = match (known.is_empty(), unknown.as_slice()) {
            (true, []) => Instances::All,
            (false, []) => Instances::Known(known),
            (true, [word]) if self.single_variable(here, word).is_some() => {
                Instances::One(self.single_variable(here, word).expect("it was found just now"))
            }
            _ => {
                let words: Vec<_> = arguments
                    .positional
                    .iter()
                    .filter(|word| {
                        self.constant(&here.scope, word).is_none_or(|value| {
                            self.plan
                                .program
                                .service(&here.scope.module, &value.to_string())
                                .is_none()
                        })
                    })
                    .cloned()
                    .collect();
                let mut code = String::new();
                let question = self.ask(here, "put_instances", |it, function, here| {
                    let mut list = "\"L\"".to_owned();
                    for word in &words {
                        let value = it.expression(function, &here.scope, word)?;
                        list = format!("rest_add({list}, wholly_known({value}, \"this argument\"), \"*\")");
                    }
                    code.clone_from(&list);
                    Ok(list)
                })?;
                Instances::Listed(question, code)
            }
        };
        self.names_instances = !matches!(instances, Instances::All);
        let ordered = order_services(&self.plan.program, action, services);
        let mut uses = Vec::new();
        for service in ordered {
            let own = match service.instance {
                Some(_) => instances.clone(),
                None => Instances::All,
            };
            let name = self.service_name(&service);
            uses.push(Use {
                service,
                name,
                instances: own,
            });
        }
        Ok(uses)
    }

    fn single_variable(
        &self,
        here: &Here,
        word: &crate::diagnostic::Spanned<crate::syntax::Expression>,
    ) -> Option<String> {
        let crate::syntax::Expression::Variable(variable) = &word.node else {
            return None;
        };
        if !variable.fields.is_empty() {
            return None;
        }
        let known = here.shell_variable(&variable.name.node)?;
        (known.is_single && known.is_ready).then(|| known.name.clone())
    }

    /// What the script calls a service; its definition is written when it is first used.
    pub fn service_name(&mut self, service: &Arc<ServiceDefinition>) -> String {
        let key = format!("service {}.{}", service.module, service.name);
        if let Some(name) = self.functions.known(&key) {
            return name;
        }
        let name = self.names.take(&service.name);
        self.functions.remember(&key, &name);
        self.services.push((service.clone(), name.clone()));
        name
    }

    /// Those of the services that the node may have, and the lines that see which it has.
    pub fn present(
        &mut self,
        here: &Here,
        verb: &str,
        uses: Vec<Use>,
    ) -> Result<(Vec<Use>, Vec<Vec<String>>), ExpandError> {
        let mut kept = Vec::new();
        let mut passed = Vec::new();
        for one in uses {
            match (&here.target, self.group(&one.service.group)) {
                (Target::Node(node), Some(nodes)) if !nodes.contains(node) => passed.push(format!(
                    "# {} is passed over: {node} is not in {}",
                    one.service.name, one.service.group
                )),
                _ => kept.push(one),
            }
        }
        let names: Vec<&str> = kept.iter().map(|one| one.name.as_str()).collect();
        let mut lines = passed;
        lines.push(format!("services {}", names.join(" ")).trim_end().to_owned());
        let mut all = vec![lines];
        for one in &kept {
            let is_sure = matches!(&here.target, Target::Node(_)) && self.group(&one.service.group).is_some();
            if !is_sure {
                all.push(vec![format!("only_in {} {}", one.name, one.service.group)]);
            }
            if let Some(test) = one.service.optional.clone() {
                let command = self.service_template(here, one, &test, verb)?;
                all.extend(command.before);
                all.push(vec![format!("if_installed {} {}", one.name, command.text)]);
            }
        }
        Ok((kept, all))
    }

    /// A command of a service in its own frame: `$action`, and the instances that were named.
    fn service_template(
        &mut self,
        here: &Here,
        one: &Use,
        template: &Template,
        action: &str,
    ) -> Result<Word, ExpandError> {
        let inner = self.service_here(here, one, action);
        self.template_command(&inner, template)
    }

    /// The frame of a service's command and hooks.
    pub fn service_here(&mut self, here: &Here, one: &Use, action: &str) -> Here {
        let mut inner = here.inner(&one.service.module);
        inner.know("action", Value::text(action));
        let Some(instance) = &one.service.instance else {
            return inner;
        };
        match &one.instances {
            Instances::All => inner.know(&instance.name, Value::list(Vec::new())),
            Instances::Known(values) => {
                let value = match values.as_slice() {
                    [value] if !instance.is_rest => value.clone(),
                    values => Value::list(values.to_vec()),
                };
                inner.know(&instance.name, value);
            }
            Instances::One(name) => inner.bind(
                &instance.name,
                super::here::ShellVariable {
                    name: name.clone(),
                    is_ready: true,
                    is_single: true,
                    is_secret: false,
                },
            ),
            Instances::Listed(..) => inner.bind(
                &instance.name,
                super::here::ShellVariable {
                    name: "instance".to_owned(),
                    is_ready: true,
                    is_single: true,
                    is_secret: false,
                },
            ),
        }
        inner
    }

    /// The commands of a service for an action, one for each instance.
    pub fn commands(&mut self, here: &Here, one: &Use, action: &str) -> Result<Commands, ExpandError> {
        let template = one.service.command.clone();
        let mut commands = Commands {
            before: Vec::new(),
            words: Vec::new(),
            around: None,
        };
        match &one.instances {
            Instances::Known(values) if values.len() > 1 => {
                for value in values {
                    let alone = Use {
                        instances: Instances::Known(vec![value.clone()]),
                        ..one.clone()
                    };
                    commands
                        .words
                        .push(self.acting_word(here, &alone, &template, action)?);
                }
            }
            Instances::Listed(..) => {
                let word = self.acting_word(here, one, &template, action)?;
                let inside = word.trim_matches('"');
                let cut = inside
                    .replace("${instance:+ $instance}", " \u{0}")
                    .replace("$instance", "\u{0}");
                let (before, after) = cut.split_once('\u{0}').unwrap_or((&cut, ""));
                commands.around = Some((format!("\"{before}\""), format!("\"{after}\"")));
                commands
                    .words
                    .push(word.replace("${instance:+ $instance}", " $instance"));
            }
            _ => commands
                .words
                .push(self.acting_word(here, one, &template, action)?),
        }
        Ok(commands)
    }

    fn acting_word(
        &mut self,
        here: &Here,
        one: &Use,
        template: &Template,
        action: &str,
    ) -> Result<String, ExpandError> {
        let inner = self.service_here(here, one, action);
        Ok(self.template_command(&inner, template)?.text)
    }

    /// Lines that ask a service's own status, and do something with the answer.
    pub fn about_state(
        &mut self,
        here: &Here,
        one: &Use,
        function: &str,
    ) -> Result<Vec<String>, ExpandError> {
        let commands = self.commands(here, one, "status")?;
        let mut all = commands.before;
        all.extend(self.name_instances(one));
        match commands.around {
            None => all.push(vec![format!(
                "{function} {} {}",
                one.name,
                commands.words.join(" ")
            )]),
            Some((before, after)) => {
                all.push(vec![format!("commands_for {before} {after}")]);
                all.push(vec![format!(
                    "with_commands {function} {} \"$commands\"",
                    one.name
                )]);
            }
        }
        Ok(all_of(all))
    }

    /// Says which instances a statement means.
    pub fn name_instances(&self, one: &Use) -> Vec<Vec<String>> {
        if !self.names_instances {
            return Vec::new();
        }
        match &one.instances {
            Instances::All => vec![vec!["instance=''".to_owned()]],
            Instances::Known(values) => {
                let words: Vec<String> = values.iter().map(Value::to_string).collect();
                vec![vec![format!("instance={}", single(&words.join(" ")))]]
            }
            Instances::One(name) => vec![vec![format!("instance=${name}")]],
            Instances::Listed(question, _) => vec![vec![format!("list_instances {question}")]],
        }
    }

    /// Gives the hooks of a service the instances of this statement.
    fn bind_instances(&mut self, here: &Here, one: &Use) -> Result<Vec<Vec<String>>, ExpandError> {
        let Some(instance) = one.service.instance.clone() else {
            return Ok(Vec::new());
        };
        if one.service.after_stop.is_empty() && one.service.after_start.is_empty() {
            return Ok(Vec::new());
        }
        let name = format!("of_{}", one.name);
        if let Instances::All = one.instances {
            return Ok(vec![vec![format!("bind {name} L")]]);
        }
        let inner = self.service_here(here, one, "");
        let code = match &one.instances {
            Instances::Listed(_, code) => code.clone(),
            Instances::One(variable) if instance.is_rest => {
                format!("list_add(\"L\", var(\"value_{variable}\"))")
            }
            Instances::One(variable) => format!("var(\"value_{variable}\")"),
            _ => {
                let value = self.compute(&inner.scope.known, |_, frame| {
                    Ok(frame
                        .scope
                        .get(&instance.name)
                        .cloned()
                        .unwrap_or(Value::list(Vec::new())))
                });
                super::encode::awk_string(&super::encode::encode_value(
                    &value.unwrap_or(Value::list(Vec::new())),
                ))
            }
        };
        let question = self.questions.add("put_value", &code);
        Ok(vec![
            vec![format!("evaluate {question}")],
            vec![format!("bind {name} \"$value\"")],
        ])
    }

    /// The line, or the loop, that carries out a service's command.
    fn act(&mut self, here: &Here, one: &Use, action: &str) -> Result<Vec<String>, ExpandError> {
        let commands = self.commands(here, one, action)?;
        let lines: Vec<String> = commands
            .words
            .iter()
            .map(|word| self.command_line(here, word))
            .collect();
        if commands.around.is_none() {
            let several = lines.len() > 1;
            let lines = lines.into_iter().map(|line| match several {
                true => vec![format!("acting_for={}", one.name), line],
                false => vec![line],
            });
            let mut all = Vec::new();
            for lines in lines {
                all.extend(lines.into_iter().map(|line| vec![line]));
            }
            return Ok(all_of(all));
        }
        let mut turn = vec![format!("acting_for={}", one.name)];
        turn.extend(lines);
        turn.push("is_well || break".to_owned());
        let mut all = vec!["instances_left=$instances".to_owned()];
        all.extend(block("while next_instance; do", turn, "done"));
        all.push("instance=$instances_named".to_owned());
        all.push("is_well".to_owned());
        Ok(block("{", all, "}"))
    }

    /// Stops services: all their guards first, then the stops; none stops if one refuses.
    pub fn stop(&mut self, here: &Here, uses: &[Use]) -> Result<Vec<Vec<String>>, ExpandError> {
        let mut all = Vec::new();
        for one in uses {
            all.push(self.about_state(here, one, "unless_stopped")?);
        }
        let mut section = vec![self.enter(uses), vec![format!("take_away {}", names_of(uses))]];
        for one in uses {
            let mut lines = self.act(here, one, "stop")?;
            lines.push(format!("unless_begun {}", one.name));
            let mut stopped = vec![lines];
            stopped.push(self.about_state(here, one, "has_stopped")?);
            section.push(block(
                &format!("if is_due {}; then", one.name),
                all_of(stopped),
                "fi",
            ));
        }
        let mut lines = block("{", all_of(section), "}");
        lines.push("end_section \"$?\"".to_owned());
        all.push(lines);
        for one in uses {
            if !one.service.after_stop.is_empty() || one.service.budget.is_some() {
                all.extend(self.bind_instances(here, one)?);
                all.push(vec![format!("after_stop {}", one.name)]);
            }
        }
        Ok(all)
    }

    /// Guard and act are one critical section wherever a guard is asked at all.
    pub fn enter(&self, uses: &[Use]) -> Vec<String> {
        let guarded: Vec<&str> = uses
            .iter()
            .filter(|one| one.service.budget.is_some() || !one.service.before_stop.is_empty())
            .map(|one| one.name.as_str())
            .collect();
        match guarded.is_empty() {
            true => Vec::new(),
            false => vec![format!("enter_section {}", guarded.join(" "))],
        }
    }

    /// The lines that ask whether what a service needs is there.
    fn needs(&mut self, one: &Use) -> Vec<Vec<String>> {
        match one.service.needs.is_empty() {
            true => Vec::new(),
            false => vec![vec![format!("needs_of_{}", one.name)]],
        }
    }

    fn start(&mut self, here: &Here, one: &Use) -> Result<Vec<String>, ExpandError> {
        let mut all = self.needs(one);
        all.push(self.about_state(here, one, "unless_running")?);
        let act = self.act(here, one, "start")?;
        all.push(block(&format!("if begins {}; then", one.name), act, "fi"));
        let mut after = self.name_instances(one);
        after.extend(self.bind_instances(here, one)?);
        after.push(vec![format!("has_started {}", one.name)]);
        all.push(block("if [ -n \"$starting\" ]; then", all_of(after), "fi"));
        Ok(block(&format!("if is_due {}; then", one.name), all_of(all), "fi"))
    }

    fn restart(&mut self, here: &Here, one: &Use) -> Result<Vec<String>, ExpandError> {
        let mut all = self.needs(one);
        all.extend(self.name_instances(one));
        let alone = std::slice::from_ref(one);
        let section = all_of(vec![
            self.enter(alone),
            vec![format!("take_away {}", one.name)],
            vec![format!("is_due {}", one.name)],
            self.act(here, one, "restart")?,
        ]);
        let mut lines = block("{", section, "}");
        lines.push("end_section \"$?\"".to_owned());
        all.push(lines);
        all.extend(self.bind_instances(here, one)?);
        all.push(vec![format!("has_started {}", one.name)]);
        Ok(block(&format!("if is_due {}; then", one.name), all_of(all), "fi"))
    }
}

pub(super) fn names_of(uses: &[Use]) -> String {
    let names: Vec<&str> = uses.iter().map(|one| one.name.as_str()).collect();
    names.join(" ")
}

/// Lines that are carried out under a condition.
pub(super) fn when(condition: &str, lines: Vec<String>) -> Vec<String> {
    let mut all = vec![format!("if {condition}; then")];
    all.extend(indent(lines));
    all.push("fi".to_owned());
    all
}
