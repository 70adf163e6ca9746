use std::time::Duration;

use super::checker::{Body, Checker, NodeInHand};
use super::error::{EffectError, NameError, NodeError, TypeError};
use super::scope::Role;
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{
    Block, Declaration, Expression, Literal, Mode, NodeExpression, On, OnOption, ServiceAction, Statement,
    Test, Written,
};
use crate::value::Type;

impl Checker<'_, '_> {
    /// Walks a block; what it names is forgotten at its end.
    pub(super) fn block(&mut self, body: &Block) {
        let mark = self.scope.mark();
        for statement in body {
            self.statement(statement);
        }
        self.close(mark);
    }

    /// Walks one statement: its names, its types, and whether it may stand here.
    pub(super) fn statement(&mut self, written: &Spanned<Statement>) {
        let at = written.span;
        self.check_place(written);
        match &written.node {
            Statement::Declaration(declaration) => self.findings.push(EffectError::NotAtTop {
                word: declaration_word(declaration),
                at: first_word(at, declaration_word(declaration)),
            }),
            Statement::On(on) => {
                self.on_block(on, at);
            }
            Statement::Locally(body) => {
                self.locally(body);
            }
            Statement::Command(call) => self.command_call(call, at),
            Statement::Service(call) => {
                let word = format!("`{}`", call.action.node.word());
                self.act_on_node(&word, at);
                self.services_given(&call.arguments, &word, at);
            }
            Statement::Reboot(arguments) => {
                self.act_on_node("`reboot`", at);
                self.named_arguments("`reboot`", &arguments.named, &[("limit", Type::Duration)]);
                if let Some(extra) = arguments.positional.first() {
                    self.findings.push(TypeError::TooManyArguments {
                        what: "`reboot`".to_owned(),
                        takes: "`limit` only".to_owned(),
                        at: extra.span,
                        help: Some("say where by `on NODES < reboot >`".to_owned()),
                    });
                }
            }
            Statement::Losing { services, body } => {
                self.act_on_node("`losing`", at);
                self.services_given(services, "`losing`", at);
                self.block_of("losing", body, at);
            }
            Statement::Leave { services, why } => {
                self.act_on_node("`leave`", at);
                self.services_given(services, "`leave`", at);
                self.text(why, "the reason");
            }
            Statement::Manual {
                text,
                rehearsed_as,
                name,
            } => {
                self.question_name(name.as_ref());
                self.text(text, "what is to be done");
                if let Some(command) = rehearsed_as {
                    self.command_value(command);
                }
            }
            Statement::Confirm { text, name } => {
                self.question_name(name.as_ref());
                self.text(text, "the question");
            }
            Statement::Note(text) | Statement::Fail(text) | Statement::Skip(text) => {
                self.text(text, "what is said");
            }
            Statement::Show(value) | Statement::Steady(value) | Statement::Value(value) => {
                self.infer(value);
            }
            Statement::Let { name, value } => {
                let kind = self.infer(value);
                let words = self.words_of(value);
                self.bind_words(name, kind, Role::Value, words);
            }
            Statement::Verb(call) => self.verb_call(call, at),
            _ => self.compound(written),
        }
    }

    /// Statements with blocks or guards in them.
    fn compound(&mut self, written: &Spanned<Statement>) {
        let at = written.span;
        match &written.node {
            Statement::Undo(body) => self.block_of("undo", body, at),
            Statement::Finally(body) => self.block_of("finally", body, at),
            Statement::Retry { times, every, body } => {
                self.expect(times, &Type::Int, "how often");
                self.at_least_one("retry", times);
                self.duration(every.as_ref(), "`every`");
                self.block_of("retry", body, at);
            }
            Statement::Within { limit, body } => {
                self.duration(Some(limit), "`within`");
                self.block_of("within", body, at);
            }
            Statement::Try { body, otherwise } => {
                self.block_of("try", body, at);
                otherwise.iter().for_each(|block| self.block(block));
            }
            Statement::If {
                condition,
                body,
                otherwise,
            } => {
                self.condition(condition);
                self.branches(body, otherwise.as_ref());
            }
            Statement::For { name, list, body } => self.for_loop(name, list, body, at),
            Statement::Require { test, otherwise } => {
                self.test(test);
                otherwise.iter().for_each(|text| self.text(text, "what is said"));
            }
            Statement::Wait {
                limit,
                test,
                holding,
                every,
                otherwise,
            } => {
                self.duration(Some(limit), "`wait up to`");
                self.test(test);
                self.duration(holding.as_ref(), "`holding`");
                self.wait_can_end(limit, holding.as_ref());
                self.duration(every.as_ref(), "`every`");
                otherwise.iter().for_each(|block| self.block(block));
            }
            Statement::Check { condition, otherwise } => {
                self.condition(condition);
                otherwise.iter().for_each(|text| self.text(text, "what is said"));
            }
            Statement::Outage { why, body, name } => {
                self.question_name(name.as_ref());
                self.text(why, "the reason");
                self.block_of("outage", body, at);
            }
            _ => {}
        }
    }

    /// Both branches of an `if`: of their questions only one side's are asked.
    fn branches(&mut self, body: &Block, otherwise: Option<&Block>) {
        let before = self.learned.questions.clone();
        self.block(body);
        if let Some(otherwise) = otherwise {
            let first = std::mem::replace(&mut self.learned.questions, before);
            self.block(otherwise);
            self.learned.questions.extend(first);
        }
    }

    /// Sees to it that one answer does not answer two questions.
    fn question_name(&mut self, name: Option<&Spanned<String>>) {
        let Some(name) = name else {
            return;
        };
        let key = (self.module.clone(), name.node.clone());
        let first = *self.learned.questions.entry(key).or_insert(name.span);
        if first != name.span {
            self.findings.push(NameError::QuestionTwice {
                name: name.node.clone(),
                at: name.span,
                first,
            });
        }
    }

    fn block_of(&mut self, word: &'static str, body: &Block, at: Span) {
        if body.is_empty() {
            self.findings.push(EffectError::EmptyBlock {
                word,
                at: first_word(at, word),
            });
        }
        self.block(body);
    }

    /// An act on a node's services; where only looking is allowed that was reported already.
    fn act_on_node(&mut self, word: &str, at: Span) {
        if self.place.body.only_looks() {
            return;
        }
        match self.place.node {
            NodeInHand::Local | NodeInHand::Nowhere => self.findings.push(NodeError::NeedsNode {
                what: word.to_owned(),
                at,
                help: "put it in a block: `on NODES < … >`".to_owned(),
            }),
            _ => self.need_node(word, at),
        }
    }

    pub(super) fn text(&mut self, written: &Written, what: &str) {
        let kind = self.infer(written);
        if matches!(kind, Type::Table(_) | Type::Row(_) | Type::Truth) {
            self.wrong_type(
                what,
                "a text",
                &kind,
                written.span,
                Some("put it in quotes".to_owned()),
            );
        }
    }

    fn duration(&mut self, written: Option<&Written>, what: &str) {
        if let Some(written) = written {
            self.expect(written, &Type::Duration, what);
        }
    }

    /// Reports a wait whose limit is over before anything could have held.
    fn wait_can_end(&mut self, limit: &Written, holding: Option<&Written>) {
        let Some(most) = duration_of(limit) else { return };
        if most.is_zero() {
            self.findings.push(EffectError::NoBound {
                word: "wait up to",
                wanted: "longer than nothing",
                at: limit.span,
                help: "say how long at most, such as `wait up to 5m`; to ask once, write `require`",
            });
        } else if let Some(holding) = holding
            && duration_of(holding).is_some_and(|held| held > most)
        {
            self.findings.push(EffectError::NoBound {
                word: "holding",
                wanted: "within the limit of the wait",
                at: holding.span,
                help: "it must hold so long before the limit is over; wait longer, or ask for less",
            });
        }
    }

    fn at_least_one(&mut self, word: &'static str, written: &Spanned<Expression>) {
        if matches!(written.node, Expression::Literal(Literal::Int(number)) if number < 1) {
            self.findings.push(EffectError::NoBound {
                word,
                wanted: "at least 1",
                at: written.span,
                help: match word {
                    "retry" => "say how often at most, such as `retry 3 times`",
                    "in batches of" => "say how many at a time, such as `in batches of 1 10%`",
                    _ => "say how many at most, such as `at most 20 at once`",
                },
            });
        }
    }

    fn for_loop(&mut self, name: &Spanned<String>, list: &Written, body: &Block, at: Span) {
        let kind = self.infer(list);
        let words = self.words_of(list);
        if words.as_ref().is_some_and(|words| words.is_empty()) {
            self.findings.push(EffectError::EmptyList { at: list.span });
        }
        let item = match kind {
            Type::List(inner) => *inner,
            Type::Table(columns) => Type::Row(columns),
            Type::Nodes => Type::Node,
            Type::Any => Type::Any,
            other => {
                let help = Some("write a list: `for x in [a b]`".to_owned());
                self.wrong_type("what a loop goes through", "a list", &other, list.span, help);
                Type::Any
            }
        };
        let mark = self.scope.mark();
        // Words that are all services may be acted upon; any other word among them is told there.
        self.bind_words(name, item, Role::Loop, words);
        self.block_of("for", body, at);
        self.close(mark);
    }

    /// A guard, or a condition in parentheses.
    pub(super) fn test(&mut self, test: &Spanned<Test>) {
        match &test.node {
            Test::Guard(call) => self.guard_call(call, test.span),
            Test::Condition(condition) => self.condition(condition),
        }
    }

    /// An `on` block; gives the type of its body's last statement.
    pub(super) fn on_block(&mut self, on: &On, at: Span) -> Type {
        let set = self.node_set(&on.nodes);
        if let Some(set) = &set
            && set.is_empty()
            && !on.or_none
        {
            let what = match &on.nodes.node {
                NodeExpression::Name(name) => format!("group `{name}`"),
                _ => "this set".to_owned(),
            };
            self.findings.push(NodeError::EmptyNodes {
                what,
                at: on.nodes.span,
            });
        }
        if let Some(mode) = &on.mode {
            self.mode(mode);
        }
        on.options.iter().for_each(|option| self.option(option));
        let mark = self.scope.mark();
        if let Some(name) = &on.each {
            self.bind(name, Type::Node, Role::Node);
        }
        let outside = self.place.node;
        let head = Span::new(at.start, on.nodes.span.end);
        self.place.node = match outside {
            NodeInHand::Here(outer) | NodeInHand::Nested(outer, _) => NodeInHand::Nested(outer, head),
            _ => NodeInHand::Here(head),
        };
        if on.body.is_empty() {
            self.findings
                .push(EffectError::EmptyBlock { word: "on", at: head });
        }
        let kind = self.block_value(&on.body);
        self.place.node = outside;
        self.close(mark);
        kind
    }

    fn mode(&mut self, mode: &Spanned<Mode>) {
        match &mode.node {
            Mode::Serially | Mode::InParallel => {}
            Mode::InBatches(sizes) => {
                for size in sizes {
                    let kind = self.infer(size);
                    self.at_least_one("in batches of", size);
                    if !matches!(kind, Type::Int | Type::Percent | Type::Any) {
                        let wanted = "a number or a percentage";
                        self.wrong_type("a batch", wanted, &kind, size.span, None);
                    }
                }
            }
            Mode::By(variable) => {
                if let Some(error) = NameError::withheld(self.inventory, variable, mode.span) {
                    self.findings.push(error);
                    return;
                }
                if self.inventory.variable_names().any(|known| known == variable) {
                    return;
                }
                let help = self
                    .findings
                    .suggest(variable, self.inventory.variable_names())
                    .unwrap_or_else(|| format!("add `{variable} = \"…\"` to the nodes of the inventory"));
                self.findings.push(NameError::UnknownName {
                    kinds: "inventory variable".to_owned(),
                    name: variable.clone(),
                    at: mode.span,
                    help: Some(help),
                });
            }
        }
    }

    fn option(&mut self, option: &Spanned<OnOption>) {
        match &option.node {
            OnOption::Last(name) => {
                let written = Spanned::new(NodeExpression::Name(name.node.clone()), name.span);
                self.node_set(&written);
            }
            OnOption::Tolerating(number) => {
                self.expect(number, &Type::Int, "`tolerating`");
            }
            OnOption::AtMost(number) => {
                self.expect(number, &Type::Int, "`at most`");
                self.at_least_one("at most … at once", number);
            }
            OnOption::AsRoot => {}
        }
    }

    /// Reports a statement that may not stand in this kind of body.
    fn check_place(&mut self, written: &Spanned<Statement>) {
        let at = written.span;
        let body = self.place.body;
        match &written.node {
            Statement::Check { .. } | Statement::Steady(_) if body != Body::Guard => {
                let (word, help) = match written.node {
                    Statement::Steady(_) => ("steady", "put it into the guard that is waited for"),
                    _ => ("check", "write `require (CONDITION) else \"why\"`"),
                };
                self.findings.push(EffectError::OnlyInGuard {
                    word,
                    at: first_word(at, word),
                    help,
                });
            }
            Statement::Irreversible | Statement::Membership { .. } | Statement::DoneWhen(_) => {
                let (word, help) = head_word(&written.node, body);
                self.findings.push(EffectError::NotAtHead {
                    word,
                    at: first_word(at, word),
                    help,
                });
            }
            Statement::Verb(call) if body.only_looks() => {
                self.report_act(&format!("verb `{}`", call.name.node), call.name.span);
            }
            statement if body.only_looks() => match acting_word(statement) {
                Some(Acting::Act(word)) => self.report_act(&format!("`{word}`"), first_word(at, word)),
                Some(Acting::Waits(word)) if body != Body::BeforeStop => {
                    self.findings.push(EffectError::WaitsWhileLooking {
                        word,
                        place: body.name(),
                        at: first_word(at, word),
                    });
                }
                None if body == Body::Guard && !decides(statement) => {
                    self.findings.push(EffectError::DecidesNothing { at });
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Reports something that changes the cluster where only looking is allowed.
    pub(super) fn report_act(&mut self, what: &str, at: Span) {
        let help = match (self.place.body, what) {
            (_, "`run`") => {
                "write `probe` for a command that changes nothing; else move it to where the guard is asked"
            }
            (Body::BeforeStop, _) => "ask a guard here: `require GUARD`; acts belong in a verb",
            _ => "move it to where this is asked: `require GUARD`, then the act",
        };
        self.findings.push(EffectError::ActsWhileLooking {
            what: what.to_owned(),
            place: self.place.body.name(),
            at,
            help: help.to_owned(),
        });
    }
}

fn duration_of(written: &Spanned<Expression>) -> Option<Duration> {
    match &written.node {
        Expression::Literal(Literal::Duration(duration)) => Some(*duration),
        _ => None,
    }
}

/// Whether a statement may stand in a guard: it decides, or names what is decided by; or it acts, which
/// is told of by itself.
fn decides(statement: &Statement) -> bool {
    matches!(
        statement,
        Statement::Let { .. }
            | Statement::Check { .. }
            | Statement::Require { .. }
            | Statement::Steady(_)
            | Statement::If { .. }
            | Statement::For { .. }
            | Statement::Declaration(_)
    ) || matches!(statement, Statement::Command(call) if call.acts)
}

/// What a statement does that a looking body must not.
enum Acting {
    Act(&'static str),
    Waits(&'static str),
}

fn acting_word(statement: &Statement) -> Option<Acting> {
    Some(match statement {
        Statement::Service(call) if call.action.node != ServiceAction::Status => {
            Acting::Act(call.action.node.word())
        }
        Statement::Reboot(_) => Acting::Act("reboot"),
        Statement::Losing { .. } => Acting::Act("losing"),
        Statement::Leave { .. } => Acting::Act("leave"),
        Statement::Manual { .. } => Acting::Act("manual"),
        Statement::Outage { .. } => Acting::Act("outage"),
        Statement::Undo(_) => Acting::Act("undo"),
        Statement::Finally(_) => Acting::Act("finally"),
        Statement::Confirm { .. } => Acting::Waits("confirm"),
        Statement::Wait { .. } => Acting::Waits("wait"),
        Statement::Retry { .. } => Acting::Waits("retry"),
        Statement::Within { .. } => Acting::Waits("within"),
        Statement::Try { .. } => Acting::Waits("try"),
        Statement::Skip(_) => Acting::Waits("skip"),
        _ => return None,
    })
}

fn head_word(statement: &Statement, body: Body) -> (&'static str, &'static str) {
    let word = match statement {
        Statement::Membership { joins: true, .. } => "joins",
        Statement::Membership { .. } => "leaves",
        Statement::DoneWhen(_) => "done",
        _ => "irreversible",
    };
    let help = if body == Body::Verb {
        "move it up to the first lines of the verb"
    } else {
        "put what it speaks of into a verb, and it into the verb's first lines"
    };
    (word, help)
}

/// The place of the word that opens a statement.
pub(super) fn first_word(at: Span, word: &str) -> Span {
    Span::new(at.start, at.end.min(at.start + word.len() as u32))
}

fn declaration_word(declaration: &Declaration) -> &'static str {
    match declaration {
        Declaration::Language(_) => "language",
        Declaration::Runbook(_) => "runbook",
        Declaration::Module(_) => "module",
        Declaration::Use { .. } => "use",
        Declaration::Param { .. } => "param",
        Declaration::Promise { .. } => "promise",
        Declaration::Group { .. } => "group",
        Declaration::Simulate(_) => "simulate",
        Declaration::Fact(_) => "fact",
        Declaration::Guard(_) => "guard",
        Declaration::Service(_) => "service",
        Declaration::Verb(_) => "verb",
    }
}
