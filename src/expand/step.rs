use super::ExpandError;
use super::expander::Expander;
use super::here::{Here, ShellVariable, Target};
use super::lines::{Said, all_of, block, chain, comment, scope, single};
use super::word::Word;
use crate::diagnostic::Spanned;
use crate::plan::{Step, StepKind, describe_step, describe_test};
use crate::syntax::{CommandCall, Expression, Test, Written};
use crate::value::{Type, Value};

type Lines = Result<Vec<String>, ExpandError>;

impl Expander<'_> {
    /// The lines of some steps, each going on only if the one before went well. With `gives`, what the
    /// last one gives is left in `$last`.
    pub fn steps(&mut self, here: &Here, steps: &[Step], gives: bool) -> Lines {
        let mut here = here.clone();
        let mut said = Vec::new();
        if gives {
            said.push(Said::of(vec!["last=t".to_owned()]));
        }
        for (index, step) in steps.iter().enumerate() {
            let gives = gives && index + 1 == steps.len();
            let mut code = self.step(&mut here, step, gives)?;
            if !here.has_node() && !code.is_empty() {
                code = all_of(vec![vec!["goes_on".to_owned()], code]);
            }
            let words = describe_step(&step.kind);
            let place = self.place_of(step.span);
            said.push(Said {
                comment: vec![format!("{place}  {}", self.title(step).unwrap_or(words))],
                code,
            });
        }
        Ok(chain(said))
    }

    /// What a comment says of a step whose words alone say too little.
    fn title(&self, step: &Step) -> Option<String> {
        let first = self.sources.text(step.span).lines().next()?;
        matches!(step.kind, StepKind::On(_) | StepKind::Losing(..))
            .then(|| first.trim_end_matches(['<', ' ']).trim_end().to_owned())
    }

    fn step(&mut self, here: &mut Here, step: &Step, gives: bool) -> Lines {
        match &step.kind {
            StepKind::On(on) => self.on(here, step, on, gives),
            StepKind::Locally(body) => {
                let mut inner = here.clone();
                inner.aim(Target::Local);
                let lines = self.steps(&inner, body, gives)?;
                let outer = format!("local_{}", self.next());
                let mut all = vec![format!("{outer}=$local local=@")];
                all.extend(block("{", lines, "}"));
                all.push(format!("local=${outer}"));
                all.push("is_well".to_owned());
                Ok(block("{", all, "}"))
            }
            StepKind::Command(call) => self.command_step(here, call, gives),
            StepKind::Service(call) => self.service_step(here, call),
            StepKind::Reboot(arguments) => self.reboot(here, arguments),
            StepKind::Losing(services, body) => self.losing(here, services, body, gives),
            StepKind::Leave(services, why) => self.leave(here, services, why),
            StepKind::Manual { name, text, .. } => self.question(here, "manual", name, text),
            StepKind::Confirm {
                name,
                text,
                before_irreversible,
            } => {
                let kind = if *before_irreversible {
                    "irreversible"
                } else {
                    "confirm"
                };
                let mut lines = self.question(here, kind, name, text)?;
                if *before_irreversible {
                    lines = all_of(vec![lines, vec![": >\"$work/confirmed\"".to_owned()]]);
                }
                Ok(lines)
            }
            StepKind::Note(text) => self.tell(here, text),
            StepKind::Show(value) => {
                let what = crate::evaluate::describe(&value.node);
                let word = self.said_word(here, value)?;
                Ok(joined(word, |text| {
                    format!("say {} {text}", single(&format!("  {what} =")))
                }))
            }
            StepKind::Fail(text) => {
                let word = self.said_word(here, text)?;
                Ok(joined(word, |text| format!("fail {text}")))
            }
            StepKind::Skip(text) => {
                let word = self.said_word(here, text)?;
                Ok(joined(word, |text| format!("skip {text}")))
            }
            StepKind::Let { name, value, source } => self.name_value(here, name, value, source.as_deref()),
            StepKind::Undo(body) => self.cleanup(here, step, body, "undo"),
            StepKind::Finally(body) => self.cleanup(here, step, body, "finally"),
            StepKind::Retry { times, every, body } => self.retry(here, times, every.as_ref(), body, gives),
            StepKind::Within(limit, body) => {
                let limit = self.number_word(here, limit, &Type::Duration)?;
                let lines = self.steps(here, body, gives)?;
                let mut before = limit.before;
                let mut all = vec![format!("begin_within {}", limit.text)];
                all.extend(block("{", lines, "}"));
                all.push("end_within \"$?\"".to_owned());
                before.push(block("{", all, "}"));
                Ok(all_of(before))
            }
            StepKind::Try(body, otherwise) => {
                let body = self.steps(here, body, gives)?;
                let otherwise = self.steps(here, otherwise, gives)?;
                let mut all = vec!["begin_scope".to_owned()];
                all.extend(block("{", body, "}"));
                all.push("end_scope".to_owned());
                all.push("if catches_failure try; then".to_owned());
                all.extend(super::lines::indent(otherwise));
                all.push("fi".to_owned());
                all.push("is_well".to_owned());
                Ok(block("{", all, "}"))
            }
            StepKind::If(condition, body, otherwise) => self.branch(here, condition, body, otherwise, gives),
            StepKind::For(name, list, body) => self.each_turn(here, &name.node, list, body, gives),
            StepKind::Require(test, otherwise) => self.require(here, test, otherwise.as_ref(), gives),
            StepKind::Wait { .. } => self.wait(here, &step.kind, gives),
            StepKind::Outage { name, why, body } => self.outage(here, name, why, body, gives),
            StepKind::Verb {
                verb,
                arguments,
                name,
                body,
            } => self.verb(here, verb, arguments, name, body, gives),
            StepKind::Value(value) => {
                if let Some(known) = self.constant(&here.scope, value)
                    && !gives
                    && known.unsure().is_none()
                {
                    return Ok(Vec::new());
                }
                let question = self.ask(here, "put_value", |it, function, here| {
                    it.expression(function, &here.scope, value)
                })?;
                let mut all = vec![vec![format!("evaluate {question}")]];
                if gives {
                    all.push(vec!["last=$value".to_owned()]);
                }
                Ok(all_of(all))
            }
        }
    }

    fn tell(&mut self, here: &Here, text: &Written) -> Lines {
        let node = match here.has_node() {
            true => format!("{}: ", here.node_word().trim_matches('"')),
            false => String::new(),
        };
        let word = self.said_word(here, text)?;
        Ok(joined(word, |text| match node.is_empty() {
            true => format!("say {text}"),
            false => format!("say \"{node}\"{text}"),
        }))
    }

    fn question(&mut self, here: &Here, kind: &str, name: &str, text: &Written) -> Lines {
        let word = self.said_word(here, text)?;
        Ok(joined(word, |text| format!("ask_person {kind} {name} {text}")))
    }

    /// The line of a command that goes to the node in hand, or is carried out on this machine.
    pub fn command_line(&self, here: &Here, command: &str) -> String {
        match &here.target {
            Target::Local => format!("locally {command}"),
            _ => {
                let sudo = if here.as_root { " sudo" } else { "" };
                // Values stand in it as they are now; `--` shows that this is meant.
                let values = if command.starts_with('"') { " --" } else { "" };
                format!("ssh {}{sudo}{values} {command}", here.node_word())
            }
        }
    }

    fn command_step(&mut self, here: &Here, call: &CommandCall, gives: bool) -> Lines {
        let command = self.command_word(here, &call.command)?;
        let mut before = command.before.clone();
        let mut settings = self.settings(here, call, &mut before)?;
        if !call.acts {
            settings.push("looks=yes".to_owned());
        }
        if call.may_disconnect {
            settings.push("may_disconnect=yes".to_owned());
        }
        if !settings.is_empty() {
            before.push(vec![settings.join(" ")]);
        }
        let line = self.command_line(here, &command.text);
        let settled = match &call.done_when {
            Some(test) => {
                let question = self.ask(here, "put_verdict", |it, function, here| {
                    it.judge(function, &here.scope, test)
                })?;
                Some((question, describe_test(&test.node)))
            }
            None => None,
        };
        let run = match (settled, gives) {
            (None, false) => vec![line],
            (None, true) => all_of(vec![vec![line], vec!["keep_output".to_owned()]]),
            (Some((question, words)), gives) => {
                let kept = if gives { "keep_output" } else { ":" };
                vec![
                    format!("if {line}; then"),
                    format!("    {kept}"),
                    "else".to_owned(),
                    format!("    {}", comment(&format!("done when {words}"))),
                    format!("    settle {question}"),
                    "fi".to_owned(),
                ]
            }
        };
        before.push(run);
        Ok(all_of(before))
    }

    /// What is set for one command: its limit, good statuses, what it must print, what it reads.
    fn settings(
        &mut self,
        here: &Here,
        call: &CommandCall,
        before: &mut Vec<Vec<String>>,
    ) -> Result<Vec<String>, ExpandError> {
        let mut settings = Vec::new();
        for (name, written) in &call.named {
            match name.node.as_str() {
                "limit" => {
                    let word = self.number_word(here, written, &Type::Duration)?;
                    before.extend(word.before);
                    settings.push(format!("limit={}", word.text));
                }
                "ok" => match self.constant_statuses(&here.scope, written) {
                    Some(statuses) => settings.push(format!("ok={}", single(&statuses))),
                    None => {
                        let question = self.ask(here, "put_text", |it, function, here| {
                            let code = it.expression(function, &here.scope, written)?;
                            Ok(format!("statuses_text({code})"))
                        })?;
                        let name = format!("ok_{}", self.next());
                        before.push(vec![format!("evaluate {question}")]);
                        before.push(vec![format!("{name}=$value")]);
                        settings.push(format!("ok=${name}"));
                    }
                },
                "expect" => {
                    if let Expression::Regex(pattern) = &written.node {
                        let portable = self.pattern(pattern, written.span)?;
                        settings.push(format!(
                            "expect={} expect_words={}",
                            single(&portable),
                            single(pattern)
                        ));
                    }
                }
                "input" => settings.push(self.input(here, written, before)?),
                _ => {}
            }
        }
        Ok(settings)
    }

    fn input(
        &mut self,
        here: &Here,
        written: &Spanned<Expression>,
        before: &mut Vec<Vec<String>>,
    ) -> Result<String, ExpandError> {
        if let Expression::Variable(variable) = &written.node
            && let Some(known) = here.shell_variable(&variable.name.node)
            && known.is_secret
        {
            return Ok(format!("input=${}", known.name));
        }
        let word = self.said_word(here, written)?;
        before.extend(word.before);
        Ok(format!("input={}", word.text))
    }

    fn name_value(&mut self, here: &mut Here, name: &str, value: &Written, source: Option<&[Step]>) -> Lines {
        let Some(source) = source else {
            if let Some(known) = self.constant(&here.scope, value) {
                here.know(name, known);
                return Ok(Vec::new());
            }
            let question = self.ask(here, "put_value", |it, function, here| {
                it.expression(function, &here.scope, value)
            })?;
            let variable = self.names.take(name);
            here.bind(name, plain_variable(&variable));
            return Ok(all_of(vec![
                vec![format!("evaluate {question}")],
                vec![format!("bind {variable} \"$value\"")],
            ]));
        };
        let body = self.steps(here, source, true)?;
        let mut lines = vec![block("{", scope(body), "}")];
        let variable = self.names.take(name);
        match &value.node {
            Expression::Pipeline { filters, .. } => {
                let flowing = self.names.take(&format!("{name}_read"));
                lines.push(vec![format!("bind {flowing} \"$last\"")]);
                let question = self.ask(here, "put_value", |it, function, here| {
                    it.pipe(
                        function,
                        &here.scope,
                        format!("var(\"value_{flowing}\")"),
                        filters,
                    )
                })?;
                lines.push(vec![format!("evaluate {question}")]);
                lines.push(vec![format!("bind {variable} \"$value\"")]);
            }
            _ => lines.push(vec![format!("bind {variable} \"$last\"")]),
        }
        here.bind(name, plain_variable(&variable));
        Ok(all_of(lines))
    }

    fn cleanup(&mut self, here: &Here, step: &Step, body: &[Step], kind: &str) -> Lines {
        let mut name = format!("{kind}_{}_{}", step.id.0, self.next());
        if here.target == Target::Local {
            name.push_str("_locally");
        }
        let lines = self.steps(here, body, false)?;
        let outage = format!("outage_{}", self.next());
        let mut all = vec![format!("in_outage \"${outage}\"")];
        let outer = format!("local_{}", self.next());
        if here.target == Target::Local {
            // The place is gone when the block has ended.
            all.push(format!("{outer}=$local local=@"));
        }
        all.extend(block("{", lines, "}"));
        if here.target == Target::Local {
            all.push(format!("local=${outer}"));
        }
        all.push("out_of_outage".to_owned());
        let mut function = vec![comment(&format!("{}  {kind}", self.place_of(step.span)))];
        function.extend(block(&format!("{name}() {{"), all, "}"));
        self.cleanups.push((name.clone(), function));
        let lines = vec![format!("{outage}=$outage"), format!("owe {name}")];
        Ok(block("{", lines, "}"))
    }

    fn retry(
        &mut self,
        here: &Here,
        times: &Written,
        every: Option<&Written>,
        body: &[Step],
        gives: bool,
    ) -> Lines {
        let times = self.number_word(here, times, &Type::Int)?;
        let pause = match every {
            Some(every) => self.number_word(here, every, &Type::Duration)?,
            None => Word::plain("0".to_owned()),
        };
        let body = self.steps(here, body, gives)?;
        let mut before = times.before;
        before.extend(pause.before);
        let mut turn = scope(body);
        turn.push("tries_again || break".to_owned());
        let mut all = vec![format!("begin_retry {} {}", times.text, pause.text)];
        all.extend(block("while :; do", turn, "done"));
        all.push("end_retry".to_owned());
        before.push(block("{", all, "}"));
        Ok(all_of(before))
    }

    fn branch(
        &mut self,
        here: &Here,
        condition: &Written,
        body: &[Step],
        otherwise: &[Step],
        gives: bool,
    ) -> Lines {
        let known = self.compute(&here.scope.known, |context, frame| {
            context.truth(frame, condition)
        });
        let is_sure = self.constant(&here.scope, condition).is_some();
        if let (Some(truth), true) = (known.and_then(|truth| truth.known()), is_sure) {
            let taken = if truth { body } else { otherwise };
            return match taken.is_empty() {
                true => Ok(Vec::new()),
                false => Ok(block("{", self.steps(here, taken, gives)?, "}")),
            };
        }
        let question = self.ask(here, "put_value", |it, function, here| {
            it.truth(function, &here.scope, condition)
        })?;
        let words = crate::evaluate::describe(&condition.node);
        let mut lines = vec!["if [ \"$truth\" = yes ]; then".to_owned()];
        lines.extend(super::lines::indent(self.steps(here, body, gives)?));
        if !otherwise.is_empty() {
            lines.push("else".to_owned());
            lines.extend(super::lines::indent(self.steps(here, otherwise, gives)?));
        } else if gives {
            lines.push("else".to_owned());
            lines.push("    last=t".to_owned());
        }
        lines.push("fi".to_owned());
        Ok(all_of(vec![
            vec![format!("decide {question} {}", single(&words))],
            lines,
        ]))
    }

    fn each_turn(&mut self, here: &Here, name: &str, list: &Written, body: &[Step], gives: bool) -> Lines {
        let known = self.constant(&here.scope, list).and_then(|value| {
            self.compute(&here.scope.known, |context, _| {
                context.items(value.clone(), list.span)
            })
        });
        if let Some(items) = known {
            let mut turns = Vec::new();
            for item in items {
                let mut inner = here.clone();
                let words = format!("{name} = {item}");
                inner.know(name, item);
                let lines = self.steps(&inner, body, gives)?;
                turns.push(Said {
                    comment: vec![words],
                    code: block("{", scope(lines), "}"),
                });
            }
            return match turns.is_empty() {
                true => Ok(Vec::new()),
                false => Ok(block("{", chain(turns), "}")),
            };
        }
        let question = self.ask(here, "put_items", |it, function, here| {
            it.expression(function, &here.scope, list)
        })?;
        let variable = self.names.take(name);
        let turns = format!("turns_{}", self.next());
        let mut inner = here.clone();
        inner.bind(name, plain_variable(&variable));
        let body = self.steps(&inner, body, gives)?;
        let mut turn = vec![
            format!("bind {variable} \"${{{turns}%%\"$newline\"*}}\" || break"),
            format!("{turns}=${{{turns}#*\"$newline\"}}"),
        ];
        turn.extend(scope(body));
        turn.push("is_well || break".to_owned());
        let mut loop_lines = block(&format!("while [ -n \"${turns}\" ]; do"), turn, "done");
        loop_lines.push("is_well".to_owned());
        Ok(all_of(vec![
            vec![format!("evaluate {question}")],
            vec![format!("{turns}=$value")],
            // The shell drops the end of the last line.
            vec![format!("{turns}=${{{turns}:+${turns}$newline}}")],
            block("{", loop_lines, "}"),
        ]))
    }

    fn require(
        &mut self,
        here: &Here,
        test: &Spanned<Test>,
        otherwise: Option<&Written>,
        gives: bool,
    ) -> Lines {
        let question = self.ask(here, "put_verdict", |it, function, here| {
            it.judge(function, &here.scope, test)
        })?;
        let name = match &test.node {
            Test::Guard(call) => call.name.node.as_str(),
            Test::Condition(_) => "condition",
        };
        let mut line = format!("require {question} {} {name}", single(&describe_test(&test.node)));
        if let Some(text) = otherwise {
            line.push_str(&format!(" {}", self.text_word(here, text)?));
        }
        let mut lines = vec![vec![line]];
        if gives {
            lines.push(vec!["last=byes".to_owned()]);
        }
        Ok(all_of(lines))
    }

    fn wait(&mut self, here: &Here, kind: &StepKind, gives: bool) -> Lines {
        let StepKind::Wait {
            limit,
            test,
            holding,
            every,
            otherwise,
        } = kind
        else {
            return Ok(Vec::new());
        };
        let limit = self.number_word(here, limit, &Type::Duration)?;
        let holding = match holding {
            Some(holding) => self.number_word(here, holding, &Type::Duration)?,
            None => Word::plain("0".to_owned()),
        };
        let every = match every {
            Some(every) => self.number_word(here, every, &Type::Duration)?,
            None => Word::plain("5".to_owned()),
        };
        let question = self.ask(here, "put_verdict", |it, function, here| {
            it.judge(function, &here.scope, test)
        })?;
        let words = single(&describe_test(&test.node));
        let line = format!(
            "wait_until {question} {words} {} {} {}",
            limit.text, holding.text, every.text
        );
        let mut all = limit.before;
        all.extend(holding.before);
        all.extend(every.before);
        match otherwise {
            None => all.push(vec![line]),
            Some(body) => {
                let body = self.steps(here, body, gives)?;
                let mut lines = vec![line, "if wait_ran_out \"$?\"; then".to_owned()];
                lines.extend(super::lines::indent(body));
                lines.push("fi".to_owned());
                lines.push("is_well".to_owned());
                all.push(block("{", lines, "}"));
            }
        }
        Ok(all_of(all))
    }

    fn outage(&mut self, here: &Here, name: &str, why: &Written, body: &[Step], gives: bool) -> Lines {
        let word = self.said_word(here, why)?;
        let cluster = &self.plan.inventory.name;
        let mut all = word.before;
        let why = match word.known {
            Some(_) => word.text.clone(),
            None => {
                let kept = format!("why_{}", self.next());
                all.push(vec![format!("{kept}=$text")]);
                format!("\"${kept}\"")
            }
        };
        all.push(vec![format!(
            "ask_person outage {name} \"outage of {cluster}: \"{why}"
        )]);
        let number = self.next();
        let mut lines = vec![format!("begin_outage {number} {why}")];
        lines.extend(block("{", self.steps(here, body, gives)?, "}"));
        lines.push("end_outage".to_owned());
        all.push(block("{", lines, "}"));
        Ok(all_of(all))
    }
}

/// A variable of the script whose words are to be made when they are needed.
pub(super) fn plain_variable(name: &str) -> ShellVariable {
    ShellVariable {
        name: name.to_owned(),
        is_ready: false,
        is_single: false,
        is_secret: false,
    }
}

/// A line that uses a word, after what that needs.
pub(super) fn joined(word: Word, line: impl FnOnce(&str) -> String) -> Vec<String> {
    let mut all = word.before;
    all.push(vec![line(&word.text)]);
    all_of(all)
}

/// Whether a value is one word in a command for sure.
pub(super) fn is_single(kind: &Type) -> bool {
    !matches!(
        kind,
        Type::List(_) | Type::Any | Type::Table(_) | Type::Row(_) | Type::Nodes
    )
}

/// Whether a value is known as a whole.
pub(super) fn is_known(value: &Value) -> bool {
    value.unsure().is_none()
}
