use super::{Pair, Reader, Rule, has, parts};
use crate::diagnostic::Spanned;
use crate::syntax::{
    Arguments, Declaration, Expression, Fact, Guard, Literal, Parameter, Service, ServiceClause, Simulate,
    Statement, SyntaxError, Template, TypeExpression, Verb, VerbCall, WrittenBudget,
};

impl<'a> Reader<'a> {
    /// What names something at the top of a file.
    pub(super) fn declaration(&mut self, pair: Pair<'a>) -> Declaration {
        let rule = pair.as_rule();
        match rule {
            Rule::language => {
                let number = parts(pair).next().expect("a number follows `language`");
                Declaration::Language(Spanned::new(i64::from(self.count(&number)), self.span(&number)))
            }
            Rule::runbook | Rule::module => {
                let name = parts(pair).next().expect("a name follows");
                let name = self.named(&name);
                if rule == Rule::runbook {
                    Declaration::Runbook(name)
                } else {
                    Declaration::Module(name)
                }
            }
            Rule::use_module => self.use_module(pair),
            Rule::promise => self.promise(pair),
            Rule::simulate => self.simulate(pair),
            Rule::param | Rule::group_declaration => self.named_thing(pair),
            Rule::service => Declaration::Service(self.service(pair)),
            _ => self.bodied(pair),
        }
    }

    fn use_module(&mut self, pair: Pair<'a>) -> Declaration {
        let mut inner = parts(pair);
        let module = inner.next().expect("a module follows `use`");
        let is_file = module.as_rule() == Rule::string;
        let mut module = self.named(&module);
        if is_file {
            module.node = module.node[1..module.node.len() - 1].to_owned();
        }
        let with = inner.map(|mapping| {
            let mut names = parts(mapping).map(|name| self.named(&name));
            let mut name = || names.next().expect("a mapping has two names");
            (name(), name())
        });
        Declaration::Use {
            module,
            is_file,
            with: with.collect(),
        }
    }

    fn promise(&mut self, pair: Pair<'a>) -> Declaration {
        let mut inner = parts(pair);
        let test = inner.next().expect("a guard follows `promise`");
        Declaration::Promise {
            test: self.test(test),
            otherwise: inner.next().map(|said| self.only(said)),
        }
    }

    fn simulate(&mut self, pair: Pair<'a>) -> Declaration {
        let mut inner = parts(pair);
        let command = inner.next().expect("a command follows `simulate`");
        let body = inner.next().expect("a block follows the command");
        let body = self.statements(body.into_inner());
        Declaration::Simulate(Simulate {
            command: self.template(command),
            body: body.into_iter().map(name_as_value).collect(),
        })
    }

    fn named_thing(&mut self, pair: Pair<'a>) -> Declaration {
        let mut inner = parts(pair);
        let named = inner.next().expect("a name follows");
        let says = inner.next().map(|says| self.template(says));
        match named.as_rule() {
            Rule::parameter => Declaration::Param {
                parameter: self.parameter(named),
                says,
            },
            _ => Declaration::Group {
                name: self.named(&named),
                says,
            },
        }
    }

    fn template(&mut self, pair: Pair<'a>) -> Spanned<Template> {
        let span = self.span(&pair);
        Spanned::new(self.string(&pair), span)
    }

    /// `fact`, `guard` and `verb`: a name, parameters and a body.
    fn bodied(&mut self, pair: Pair<'a>) -> Declaration {
        let rule = pair.as_rule();
        let (mut name, mut parameters, mut kind, mut body) = (None, Vec::new(), None, Vec::new());
        for part in parts(pair) {
            match part.as_rule() {
                Rule::name => name = Some(self.named(&part)),
                Rule::parameters => parameters = self.parameters(part),
                Rule::type_expression => kind = Some(self.type_expression(part)),
                _ => body = self.statements(part.into_inner()),
            }
        }
        let name = name.expect("a name follows the word");
        match rule {
            Rule::fact => {
                let kind = kind.expect("a type follows the colon");
                Declaration::Fact(Fact {
                    name,
                    parameters,
                    kind,
                    body: body.into_iter().map(name_as_value).collect(),
                })
            }
            Rule::guard => Declaration::Guard(Guard {
                name,
                parameters,
                body,
            }),
            _ => Declaration::Verb(Verb {
                name,
                parameters,
                body,
            }),
        }
    }

    fn parameters(&mut self, pair: Pair<'a>) -> Vec<Parameter> {
        parts(pair).map(|parameter| self.parameter(parameter)).collect()
    }

    fn parameter(&mut self, pair: Pair<'a>) -> Parameter {
        let mut inner = parts(pair);
        let name = inner.next().expect("a name comes first");
        let kind = inner.next().expect("a type follows the colon");
        let (name, kind) = (self.named(&name), self.type_expression(kind));
        let default = inner.next().map(|default| {
            let mut value = self.expression(default);
            if let Expression::Word(word) = &value.node
                && (word == "yes" || word == "no")
            {
                value.node = Expression::Literal(Literal::Bool(word == "yes"));
            }
            value
        });
        Parameter { name, kind, default }
    }

    fn type_expression(&mut self, pair: Pair<'a>) -> Spanned<TypeExpression> {
        let span = self.span(&pair);
        let is_list = has(&pair, Rule::rest);
        let inner = parts(pair).next().expect("a type has a name");
        let node = match inner.as_rule() {
            Rule::table_type => TypeExpression::Table(
                parts(inner)
                    .map(|column| {
                        let mut inner = parts(column);
                        let name = inner.next().expect("a column has a name");
                        let kind = inner.next().expect("a column has a type");
                        (self.named(&name), self.type_expression(kind))
                    })
                    .collect(),
            ),
            Rule::choice => {
                TypeExpression::Choice(parts(inner).map(|word| word.as_str().to_owned()).collect())
            }
            _ => TypeExpression::Name(inner.as_str().to_owned()),
        };
        let node = if is_list {
            TypeExpression::List(Box::new(Spanned::new(node, span).node))
        } else {
            node
        };
        Spanned::new(node, span)
    }

    fn service(&mut self, pair: Pair<'a>) -> Service {
        let (mut name, mut parameters, mut clauses) = (None, Vec::new(), Vec::new());
        for part in parts(pair) {
            match part.as_rule() {
                Rule::name => name = Some(self.named(&part)),
                Rule::parameters => parameters = self.parameters(part),
                _ => clauses = self.clauses(part),
            }
        }
        Service {
            name: name.expect("a name follows `service`"),
            parameters,
            clauses,
        }
    }

    fn clauses(&mut self, pair: Pair<'a>) -> Vec<Spanned<ServiceClause>> {
        let mut clauses = Vec::new();
        for part in parts(pair) {
            match part.as_rule() {
                Rule::clause => {
                    let (from, to) = self.range(&part);
                    let mut inner = parts(part);
                    let form = inner.next().expect("a clause has a form");
                    let span = self.span(&form);
                    clauses.push(Spanned::new(self.clause(form), span));
                    if let Some(rest) = inner.next() {
                        let (rest, _) = self.range(&rest);
                        self.explain_piece(from, rest, to, true);
                    }
                }
                Rule::broken => self.explain(part, true),
                _ => {}
            }
        }
        clauses
    }

    fn clause(&mut self, pair: Pair<'a>) -> ServiceClause {
        let rule = pair.as_rule();
        let here = has(&pair, Rule::word_here);
        let mut inner = parts(pair);
        if matches!(rule, Rule::needs | Rule::starts_after | Rule::stops_after) {
            let services = inner.map(|name| self.named(&name)).collect();
            return match rule {
                Rule::needs => ServiceClause::Needs { services, here },
                Rule::starts_after => ServiceClause::StartsAfter(services),
                _ => ServiceClause::StopsAfter(services),
            };
        }
        let part = inner.next().expect("something follows the word");
        match rule {
            Rule::clause_on => ServiceClause::On(self.named(&part)),
            Rule::members => ServiceClause::Members(self.boxed(part)),
            Rule::up_when => ServiceClause::UpWhen(self.boxed(part)),
            Rule::command_clause => ServiceClause::Command(self.template(part)),
            Rule::optional => ServiceClause::Optional(self.template(part)),
            Rule::before_stop => ServiceClause::BeforeStop(self.statements(part.into_inner())),
            Rule::after_stop => ServiceClause::AfterStop(self.statements(part.into_inner())),
            Rule::after_start => ServiceClause::AfterStart(self.statements(part.into_inner())),
            _ => {
                let until = inner.next().map(|guard| {
                    let span = self.span(&guard);
                    Spanned::new(self.guard_call(guard), span)
                });
                ServiceClause::MayLose {
                    budget: self.budget(part),
                    until,
                }
            }
        }
    }

    fn budget(&mut self, pair: Pair<'a>) -> Spanned<WrittenBudget> {
        let span = self.span(&pair);
        let is_minority = has(&pair, Rule::word_minority);
        let mut inner = parts(pair);
        let budget = match (inner.next(), inner.next()) {
            (Some(number), Some(unit)) => {
                let count = self.count(&number);
                match unit.as_str() {
                    "node" | "nodes" => WrittenBudget::Nodes(count),
                    domain if count > 1 => {
                        WrittenBudget::Domains(count, domain.trim_end_matches('s').to_owned())
                    }
                    domain => WrittenBudget::Domains(count, domain.to_owned()),
                }
            }
            _ if is_minority => WrittenBudget::Minority,
            _ => WrittenBudget::None,
        };
        Spanned::new(budget, span)
    }

    /// A plain number that counts something.
    fn count(&mut self, pair: &Pair) -> u32 {
        let written = self.written(pair);
        written.parse().unwrap_or_else(|_| {
            let at = self.span(pair);
            self.problems.push(SyntaxError::BadLiteral {
                written: written.to_owned(),
                at,
            });
            1
        })
    }
}

/// A bare name that stands alone is a verb, but in a fact, where nothing may be done: there it is
/// the value of another fact.
fn name_as_value(statement: Spanned<Statement>) -> Spanned<Statement> {
    match statement.node {
        Statement::Verb(VerbCall { name, arguments }) if arguments == Arguments::default() => {
            let value = Spanned::new(Expression::Name(name.node), name.span);
            Spanned::new(Statement::Value(Box::new(value)), statement.span)
        }
        node => Spanned::new(node, statement.span),
    }
}
