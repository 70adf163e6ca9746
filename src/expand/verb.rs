use std::sync::Arc;

use super::ExpandError;
use super::encode::awk_string;
use super::expander::Expander;
use super::here::{Here, ShellVariable, Target};
use super::lines::{all_of, block, scope, single};
use super::service::{Use, names_of, when};
use super::step::is_single;
use super::word::Word;
use crate::check::{Membership, VerbDefinition};
use crate::diagnostic::Spanned;
use crate::plan::Step;
use crate::syntax::{Arguments, Expression};
use crate::value::{Type, Value};

impl Expander<'_> {
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
        Ok(Word::answer(question, &name))
    }

    fn roles_in(&mut self, group: &str) -> Vec<Use> {
        self.roles(|service| service.group == group)
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
        let names = names_of(&roles);
        let mut section = vec![self.section_of(&roles)];
        for role in &roles {
            if !membership.joins {
                let here = self.hook_here(role);
                let inner = Here {
                    target: Target::Hand,
                    ..here
                };
                if let Some(line) = self.budget_line(&inner, role)? {
                    section.push(when(&format!("is_leaving {}", role.name), vec![line]));
                }
            }
            section.push(vec![format!("take_token {}", role.name)]);
        }
        if !roles.is_empty() {
            let mut lines = vec![format!("services {names}")];
            lines.extend(block("{", all_of(section), "}"));
            lines.push("end_section \"$?\"".to_owned());
            all.push(self.on_host(host, lines));
        }
        Ok(all)
    }

    /// Lines with another node in hand.
    fn on_host(&mut self, host: &str, lines: Vec<String>) -> Vec<String> {
        let outer = format!("node_{}", self.next());
        let mut all = vec![format!("{outer}=$node node={host}")];
        all.extend(lines);
        all.push(format!("node=${outer}"));
        all.push("is_well".to_owned());
        block("{", all, "}")
    }

    fn section_of(&self, roles: &[Use]) -> Vec<String> {
        match roles.is_empty() {
            true => Vec::new(),
            false => vec![format!("enter_section {}", names_of(roles))],
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
        let mut inside = Vec::new();
        for role in self.roles_in(group) {
            inside.push(match membership.joins {
                true => when(
                    &format!("has_token {}", role.name),
                    vec![format!("after_start {}", role.name)],
                ),
                false => vec![format!("return_token {}", role.name)],
            });
        }
        if !inside.is_empty() {
            let lines = block("{", all_of(inside), "}");
            all.push(self.on_host(host, lines));
        }
        Ok(all)
    }
}
