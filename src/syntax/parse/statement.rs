use super::{Pair, Reader, Rule, first, has, parts};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::foreign::foreign_statement;
use crate::syntax::{
    Block, Expression, Mode, On, OnOption, ServiceAction, ServiceCall, Statement, SyntaxError, VerbCall,
    Written,
};

/// How many `else if` may follow each other.
const MOST_BRANCHES: usize = 64;

impl<'a> Reader<'a> {
    /// One statement.
    pub(super) fn statement(&mut self, pair: Pair<'a>) -> Statement {
        match pair.as_rule() {
            Rule::on_statement | Rule::locally_statement | Rule::run_statement => self.source_statement(pair),
            Rule::value_statement => Statement::Value(self.only(pair)),
            Rule::verb_call => self.verb_call(pair),
            Rule::service_call => self.service_call(pair),
            Rule::reboot => {
                let arguments = parts(pair).next().expect("arguments follow, if none");
                Statement::Reboot(self.arguments(arguments))
            }
            Rule::note => Statement::Note(self.only(pair)),
            Rule::show => Statement::Show(self.only(pair)),
            Rule::fail => Statement::Fail(self.only(pair)),
            Rule::skip => Statement::Skip(self.only(pair)),
            Rule::steady => Statement::Steady(self.only(pair)),
            Rule::undo => Statement::Undo(self.only_block(pair)),
            Rule::finally => Statement::Finally(self.only_block(pair)),
            Rule::let_statement => {
                let mut inner = parts(pair);
                let name = inner.next().expect("a name follows `let`");
                let value = inner.next().expect("a value follows `=`");
                Statement::Let {
                    name: self.named(&name),
                    value: self.boxed(value),
                }
            }
            Rule::irreversible => Statement::Irreversible,
            Rule::done_when => {
                let test = parts(pair).next().expect("a guard follows");
                Statement::DoneWhen(Box::new(self.test(test)))
            }
            Rule::membership => self.membership(pair),
            Rule::require | Rule::wait | Rule::check => self.whether(pair),
            Rule::manual | Rule::confirm | Rule::outage | Rule::losing | Rule::leave => self.asking(pair),
            Rule::retry | Rule::within | Rule::try_statement | Rule::if_statement | Rule::for_statement => {
                self.flow(pair)
            }
            _ => Statement::Declaration(Box::new(self.declaration(pair))),
        }
    }

    /// The one value a statement holds.
    pub(super) fn only(&mut self, pair: Pair<'a>) -> Written {
        let value = parts(pair).next().expect("a value follows the word");
        self.boxed(value)
    }

    fn only_block(&mut self, pair: Pair<'a>) -> Block {
        let block = parts(pair).next().expect("a block follows the word");
        self.statements(block.into_inner())
    }

    /// `on`, `locally`, `run` or `probe`: a statement by itself, a value before filters.
    fn source_statement(&mut self, pair: Pair<'a>) -> Statement {
        let span = self.span(&pair);
        let mut inner = parts(pair);
        let source = inner.next().expect("the source comes first");
        let source = self.expression(source);
        let whole = self.filtered(source, inner, span);
        match whole.node {
            Expression::On(on) => Statement::On(on),
            Expression::Locally(block) => Statement::Locally(block),
            Expression::Command(command) => Statement::Command(command),
            _ => Statement::Value(Box::new(whole)),
        }
    }

    fn verb_call(&mut self, pair: Pair<'a>) -> Statement {
        let at = self.span(&pair);
        let (from, to) = self.range(&pair);
        let flat: &'a str = self.flat;
        let foreign = foreign_statement(&flat[from..to]);
        let mut inner = parts(pair);
        let name = inner.next().expect("a verb has a name");
        if let Some(foreign) = foreign {
            self.tell_foreign(name.as_str(), foreign, at);
            self.is_told = true;
        }
        let arguments = inner.next().expect("a verb has arguments, if none");
        Statement::Verb(VerbCall {
            name: self.named(&name),
            arguments: self.arguments(arguments),
        })
    }

    fn service_call(&mut self, pair: Pair<'a>) -> Statement {
        let word = first(pair.clone().into_inner());
        let action = match word.as_rule() {
            Rule::word_stop => ServiceAction::Stop,
            Rule::word_start => ServiceAction::Start,
            Rule::word_restart => ServiceAction::Restart,
            _ => ServiceAction::Status,
        };
        let action = Spanned::new(action, self.span(&word));
        let arguments = parts(pair).next().expect("arguments follow, if none");
        Statement::Service(ServiceCall {
            action,
            arguments: self.arguments(arguments),
        })
    }

    fn membership(&mut self, pair: Pair<'a>) -> Statement {
        let joins = has(&pair, Rule::word_joins);
        let mut inner = parts(pair);
        let group = inner.next().expect("a group follows");
        let host = inner
            .next()
            .map(|host| Spanned::new(self.variable(&host), self.span(&host)));
        Statement::Membership {
            joins,
            group: self.named(&group),
            host,
        }
    }

    fn whether(&mut self, pair: Pair<'a>) -> Statement {
        let rule = pair.as_rule();
        let (mut value, mut test, mut said, mut holding, mut every, mut block) =
            (None, None, None, None, None, None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::test => test = Some(self.test(part)),
                Rule::else_said => said = Some(self.only(part)),
                Rule::holding => holding = Some(self.only(part)),
                Rule::every => every = Some(self.only(part)),
                Rule::block => block = Some(self.statements(part.into_inner())),
                _ => value = Some(self.boxed(part)),
            }
        }
        match rule {
            Rule::check => {
                let condition = value.expect("a condition follows `check`");
                Statement::Check {
                    condition,
                    otherwise: said,
                }
            }
            Rule::require => Statement::Require {
                test: test.expect("a guard follows"),
                otherwise: said,
            },
            _ => Statement::Wait {
                limit: value.expect("a limit follows `up to`"),
                test: test.expect("a guard follows `until`"),
                holding,
                every,
                otherwise: block,
            },
        }
    }

    fn asking(&mut self, pair: Pair<'a>) -> Statement {
        let rule = pair.as_rule();
        let (mut said, mut name, mut rehearsed_as, mut services, mut body) =
            (None, None, None, None, Block::new());
        for part in parts(pair) {
            match part.as_rule() {
                Rule::as_name => name = parts(part).next().map(|name| self.named(&name)),
                Rule::rehearsed_as => rehearsed_as = Some(self.only(part)),
                Rule::arguments => services = Some(self.arguments(part)),
                Rule::block => body = self.statements(part.into_inner()),
                _ => said = Some(self.boxed(part)),
            }
        }
        let services = services.unwrap_or_default();
        let mut said = || said.take().expect("a text follows the word");
        match rule {
            Rule::manual => Statement::Manual {
                text: said(),
                name,
                rehearsed_as,
            },
            Rule::confirm => Statement::Confirm { text: said(), name },
            Rule::outage => Statement::Outage {
                why: said(),
                name,
                body,
            },
            Rule::leave => Statement::Leave {
                services,
                why: said(),
            },
            _ => Statement::Losing { services, body },
        }
    }

    fn flow(&mut self, pair: Pair<'a>) -> Statement {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut name = None;
        let mut every = None;
        let mut values = Vec::new();
        let mut blocks = Vec::new();
        for part in parts(pair) {
            match part.as_rule() {
                Rule::name => name = Some(self.named(&part)),
                Rule::every => every = Some(self.only(part)),
                Rule::block => blocks.push(self.statements(part.into_inner())),
                _ => values.push(self.boxed(part)),
            }
        }
        if rule == Rule::if_statement {
            return self.branches(values, blocks, span);
        }
        let mut values = values.into_iter();
        let mut blocks = blocks.into_iter();
        let body = blocks.next().unwrap_or_default();
        let mut value = || values.next().expect("a value follows the word");
        match rule {
            Rule::retry => Statement::Retry {
                times: value(),
                every,
                body,
            },
            Rule::within => Statement::Within { limit: value(), body },
            Rule::for_statement => Statement::For {
                name: name.expect("a name follows `for`"),
                list: value(),
                body,
            },
            _ => Statement::Try {
                body,
                otherwise: blocks.next(),
            },
        }
    }

    /// Nests `else if` after `else if`.
    fn branches(&mut self, mut conditions: Vec<Written>, mut blocks: Vec<Block>, span: Span) -> Statement {
        let mut otherwise = if blocks.len() > conditions.len() {
            blocks.pop()
        } else {
            None
        };
        if conditions.len() > MOST_BRANCHES {
            self.problems.push(SyntaxError::TooDeep {
                limit: MOST_BRANCHES,
                at: span,
            });
            conditions.truncate(MOST_BRANCHES);
            blocks.truncate(MOST_BRANCHES);
        }
        loop {
            let condition = conditions.pop().expect("an `if` has a condition");
            let body = blocks.pop().expect("each condition has a block");
            let place = condition.span.join(span);
            let place = Span::new(condition.span.start, place.end);
            let branch = Statement::If {
                condition,
                body,
                otherwise: otherwise.take(),
            };
            if conditions.is_empty() {
                return branch;
            }
            otherwise = Some(vec![Spanned::new(branch, place)]);
        }
    }

    /// `on NODES MODE, OPTIONS < … >`
    pub(super) fn on(&mut self, pair: Pair<'a>) -> On {
        let any = has(&pair, Rule::word_any);
        let (mut each, mut nodes, mut mode) = (None, None, None);
        let (mut options, mut or_none, mut body) = (Vec::new(), false, Block::new());
        for part in parts(pair) {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::each_of => each = parts(part).next().map(|name| self.named(&name)),
                Rule::nodes => nodes = Some(self.nodes(part)),
                Rule::serially => mode = Some(Spanned::new(Mode::Serially, span)),
                Rule::in_parallel => mode = Some(Spanned::new(Mode::InParallel, span)),
                Rule::in_batches => {
                    let sizes = parts(part).map(|size| self.expression(size)).collect();
                    mode = Some(Spanned::new(Mode::InBatches(sizes), span));
                }
                Rule::by_domain => {
                    let variable = parts(part).next().expect("a name follows `by`");
                    mode = Some(Spanned::new(Mode::By(variable.as_str().to_owned()), span));
                }
                Rule::option_or_none => or_none = true,
                Rule::option_as_root => options.push(Spanned::new(OnOption::AsRoot, span)),
                Rule::option_at_most => options.push(Spanned::new(OnOption::AtMost(self.only(part)), span)),
                Rule::option_tolerating => {
                    options.push(Spanned::new(OnOption::Tolerating(self.only(part)), span));
                }
                Rule::option_last => {
                    let fact = parts(part).next().expect("a fact stands before `last`");
                    options.push(Spanned::new(OnOption::Last(self.named(&fact)), span));
                }
                _ => body = self.statements(part.into_inner()),
            }
        }
        On {
            any,
            each,
            nodes: nodes.expect("nodes follow `on`"),
            mode,
            options,
            or_none,
            body,
        }
    }
}
