use super::{Pair, Reader, Rule, first, has, parts};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{
    Arguments, ArithmeticOperator, CommandCall, CompareOperator, Expression, FilterCall, FilterForm,
    GuardCall, Literal, NodeExpression, Quantifier, SyntaxError, Test, Variable, Written,
};
use crate::value::{read_duration, read_percent, read_ratio, read_size, read_version};

/// How many operators one expression may hold, with those in brackets in it.
const MOST_OPERATORS: usize = 512;

/// A part of an expression before its operators are weighed.
enum Piece {
    Prefix(Prefix, Span),
    Infix(Infix, Span),
    Operand(Spanned<Expression>),
}

#[derive(Clone, Copy, PartialEq)]
enum Prefix {
    Not,
    Minus,
}

#[derive(Clone, Copy)]
enum Infix {
    Or,
    And,
    Compare(CompareOperator),
    Arithmetic(ArithmeticOperator),
}

impl Infix {
    /// How tightly it binds; `not` has 3 and the sign of a number 7.
    fn binding(self) -> u8 {
        match self {
            Infix::Or => 1,
            Infix::And => 2,
            Infix::Compare(_) => 4,
            Infix::Arithmetic(ArithmeticOperator::Multiply | ArithmeticOperator::Divide) => 6,
            Infix::Arithmetic(_) => 5,
        }
    }

    fn of(rule: Rule) -> Option<Infix> {
        let arithmetic = |operator| Some(Infix::Arithmetic(operator));
        let compare = |operator| Some(Infix::Compare(operator));
        match rule {
            Rule::logical_or => Some(Infix::Or),
            Rule::logical_and => Some(Infix::And),
            Rule::add => arithmetic(ArithmeticOperator::Add),
            Rule::subtract => arithmetic(ArithmeticOperator::Subtract),
            Rule::multiply => arithmetic(ArithmeticOperator::Multiply),
            Rule::divide => arithmetic(ArithmeticOperator::Divide),
            Rule::intersect => arithmetic(ArithmeticOperator::Intersect),
            Rule::compare_is => compare(CompareOperator::Is),
            Rule::compare_is_not => compare(CompareOperator::IsNot),
            Rule::compare_at_least => compare(CompareOperator::AtLeast),
            Rule::compare_at_most => compare(CompareOperator::AtMost),
            Rule::compare_more_than => compare(CompareOperator::MoreThan),
            Rule::compare_less_than => compare(CompareOperator::LessThan),
            Rule::compare_in => compare(CompareOperator::In),
            Rule::compare_not_in => compare(CompareOperator::NotIn),
            Rule::compare_matches => compare(CompareOperator::Matches),
            _ => None,
        }
    }
}

impl<'a> Reader<'a> {
    /// Anything that yields a value, boxed.
    pub(super) fn boxed(&mut self, pair: Pair<'a>) -> Written {
        Box::new(self.expression(pair))
    }

    /// Anything that yields a value.
    pub(super) fn expression(&mut self, pair: Pair<'a>) -> Spanned<Expression> {
        let span = self.span(&pair);
        let node = match pair.as_rule() {
            Rule::expression | Rule::row_condition => return self.weigh(pair),
            Rule::pipeline => return self.pipeline(pair),
            Rule::string => Expression::Text(self.string(&pair)),
            Rule::variable => Expression::Variable(self.variable(&pair)),
            Rule::number => self.literal(&pair),
            Rule::truth => Expression::Literal(Literal::Bool(pair.as_str().starts_with('y'))),
            Rule::regex => {
                let written = self.written(&pair);
                Expression::Regex(written[1..written.len() - 1].replace("\\/", "/"))
            }
            Rule::field_name => Expression::Name(pair.as_str().to_owned()),
            Rule::folded => Expression::Folded(self.written(&pair).to_owned()),
            Rule::bare => self.bare(pair),
            Rule::group => Expression::Group(self.inside(pair)),
            Rule::list => Expression::List(self.list(pair)),
            Rule::on => Expression::On(Box::new(self.on(pair))),
            Rule::locally => Expression::Locally(self.statements(pair.into_inner())),
            Rule::command => Expression::Command(Box::new(self.command(pair))),
            Rule::holds => Expression::Holds(self.guard_call(pair)),
            Rule::succeeds => Expression::Succeeds(self.arguments(pair)),
            Rule::quantified => self.quantified(pair),
            Rule::row => Expression::Row(parts(pair).map(|cell| self.key_and_value(cell)).collect()),
            Rule::call => {
                let mut inner = parts(pair);
                let head = inner.next().expect("a call has a head");
                let name = self.named(&first(head.into_inner()));
                let arguments = inner.map(|argument| self.expression(argument)).collect();
                Expression::Call { name, arguments }
            }
            rule => unreachable!("{rule:?} is no expression"),
        };
        Spanned::new(node, span)
    }

    /// What stands between parentheses.
    pub(super) fn inside(&mut self, pair: Pair<'a>) -> Written {
        let inner = parts(pair).next().expect("a group holds a pipeline");
        self.boxed(inner)
    }

    fn list(&mut self, pair: Pair<'a>) -> Vec<Spanned<Expression>> {
        let mut items = Vec::new();
        for part in parts(pair) {
            match part.as_rule() {
                // `[a=b]`: a word like any other.
                Rule::named_in_list => {
                    let span = self.span(&part);
                    items.push(Spanned::new(
                        Expression::Word(self.written(&part).to_owned()),
                        span,
                    ));
                }
                _ => {
                    let value = first(part.into_inner());
                    items.push(self.expression(value));
                }
            }
        }
        items
    }

    /// `source | filter | filter`, or the source alone.
    pub(super) fn pipeline(&mut self, pair: Pair<'a>) -> Spanned<Expression> {
        let span = self.span(&pair);
        let mut inner = parts(pair);
        let source = inner.next().expect("a pipeline has a source");
        let source = self.expression(source);
        self.filtered(source, inner, span)
    }

    /// `source` behind the filters, if there are any.
    pub(super) fn filtered(
        &mut self,
        source: Spanned<Expression>,
        filters: impl Iterator<Item = Pair<'a>>,
        span: Span,
    ) -> Spanned<Expression> {
        let filters: Vec<_> = filters.map(|filter| self.filter(filter)).collect();
        if filters.is_empty() {
            return source;
        }
        Spanned::new(
            Expression::Pipeline {
                source: Box::new(source),
                filters,
            },
            span,
        )
    }

    /// Weighs operators against each other.
    fn weigh(&mut self, pair: Pair<'a>) -> Spanned<Expression> {
        let span = self.span(&pair);
        let is_root = !std::mem::replace(&mut self.is_in_expression, true);
        let before = self.operators;
        let mut pieces = Vec::new();
        for part in pair.into_inner() {
            let at = self.span(&part);
            match part.as_rule() {
                Rule::word_not => pieces.push(Piece::Prefix(Prefix::Not, at)),
                Rule::minus => pieces.push(Piece::Prefix(Prefix::Minus, at)),
                rule => match Infix::of(rule) {
                    Some(infix) => pieces.push(Piece::Infix(infix, at)),
                    None => pieces.push(Piece::Operand(self.expression(part))),
                },
            }
        }
        let operators = pieces
            .iter()
            .filter(|piece| !matches!(piece, Piece::Operand(_)))
            .count();
        self.operators += operators;
        let is_too_long = self.operators > MOST_OPERATORS;
        if is_too_long {
            self.problems.push(SyntaxError::TooManyOperators {
                limit: MOST_OPERATORS,
                at: span,
            });
            // Cut short, so that nobody recurses into it; at least one operand is left.
            let operand = pieces
                .into_iter()
                .find(|piece| matches!(piece, Piece::Operand(_)));
            pieces = operand.into_iter().collect();
            self.operators = before;
        }
        if is_root {
            self.is_in_expression = false;
            self.operators = 0;
        }
        let mut pieces = pieces.into_iter().peekable();
        climb(&mut pieces, 0)
    }

    fn quantified(&mut self, pair: Pair<'a>) -> Expression {
        let mut inner = pair
            .into_inner()
            .filter(|part| !matches!(part.as_rule(), Rule::word_of | Rule::word_have));
        let written = inner.next().expect("a quantifier comes first");
        let at = self.span(&written);
        let amount = parts(written.clone()).next().map(|amount| self.boxed(amount));
        let quantifier = match amount {
            None if has(&written, Rule::word_all) => Quantifier::All,
            None if has(&written, Rule::word_some) => Quantifier::Some,
            None => Quantifier::None,
            Some(amount) if has(&written, Rule::word_exactly) => Quantifier::Exactly(amount),
            Some(amount) if has(&written, Rule::word_least) => Quantifier::AtLeast(amount),
            Some(amount) => Quantifier::AtMost(amount),
        };
        let table = inner.next().expect("a table comes next");
        let table = self.boxed(table);
        let condition = inner.next().expect("a condition comes last");
        let condition = self.boxed(condition);
        let or_none = inner.next().is_some();
        Expression::Quantified {
            quantifier: Spanned::new(quantifier, at),
            table,
            condition,
            or_none,
        }
    }

    fn filter(&mut self, pair: Pair<'a>) -> Spanned<FilterCall> {
        let span = self.span(&pair);
        let filter = first(pair.into_inner());
        let rule = filter.as_rule();
        let or_none = has(&filter, Rule::or_none);
        let keyword = filter.clone().into_inner().next();
        let mut inner = parts(filter.clone()).filter(|part| part.as_rule() != Rule::or_none);
        let (name, form) = match rule {
            Rule::where_filter | Rule::each_filter => {
                let value = inner.next().expect("the filter has a condition");
                let value = self.boxed(value);
                let is_where = rule == Rule::where_filter;
                (
                    keyword,
                    if is_where {
                        FilterForm::Where(value)
                    } else {
                        FilterForm::Each(value)
                    },
                )
            }
            Rule::sort_filter => {
                let keys = inner
                    .map(|key| {
                        (
                            self.named(&first(key.clone().into_inner())),
                            has(&key, Rule::word_down),
                        )
                    })
                    .collect();
                (keyword, FilterForm::SortBy(keys))
            }
            Rule::section_filter => (keyword, FilterForm::Plain(self.arguments(filter))),
            _ => {
                let name = inner.next();
                let arguments = inner.next().expect("a filter has arguments, if none");
                (name, FilterForm::Plain(self.arguments(arguments)))
            }
        };
        let name = self.named(&name.expect("a filter has a name"));
        Spanned::new(FilterCall { name, form, or_none }, span)
    }

    /// Arguments in argument mode, among whatever else the pair holds.
    pub(super) fn arguments(&mut self, pair: Pair<'a>) -> Arguments {
        let mut arguments = Arguments::default();
        for part in parts(pair) {
            match part.as_rule() {
                Rule::named => arguments.named.push(self.key_and_value(part)),
                Rule::positional => {
                    let value = first(part.into_inner());
                    arguments.positional.push(self.expression(value));
                }
                Rule::regex | Rule::string | Rule::variable | Rule::group => {
                    arguments.positional.push(self.expression(part));
                }
                _ => {}
            }
        }
        arguments
    }

    /// `key=value`
    fn key_and_value(&mut self, pair: Pair<'a>) -> (Spanned<String>, Spanned<Expression>) {
        let mut inner = parts(pair);
        let key = inner.next().expect("a key comes first");
        if key.as_rule() == Rule::expecting {
            return self.key_and_value(key);
        }
        let value = inner.next().expect("a value follows its key");
        (self.named(&key), self.expression(value))
    }

    /// A guard's name and its arguments, among keywords.
    pub(super) fn guard_call(&mut self, pair: Pair<'a>) -> GuardCall {
        let mut inner = parts(pair);
        let name = inner.next().expect("a guard has a name");
        let arguments = inner.next().expect("a guard has arguments, if none");
        GuardCall {
            name: self.named(&name),
            arguments: self.arguments(arguments),
        }
    }

    /// What stands where a guard may.
    pub(super) fn test(&mut self, pair: Pair<'a>) -> Spanned<Test> {
        let span = self.span(&pair);
        let inner = first(pair.into_inner());
        let test = match inner.as_rule() {
            Rule::group => Test::Condition(self.inside(inner)),
            _ => Test::Guard(self.guard_call(inner)),
        };
        if let Test::Guard(call) = &test
            && let Some(condition) = bare_condition(call, self.written_at(span))
        {
            self.problems
                .push(SyntaxError::BareCondition { condition, at: span });
            self.is_told = true;
        }
        Spanned::new(test, span)
    }

    /// `run "…"` or `probe "…"` with all that follows.
    pub(super) fn command(&mut self, pair: Pair<'a>) -> CommandCall {
        let acts = has(&pair, Rule::word_run);
        let mut inner = parts(pair);
        let command = inner.next().expect("a command has a text");
        let mut call = CommandCall {
            acts,
            command: self.boxed(command),
            named: Vec::new(),
            done_when: None,
            may_disconnect: false,
        };
        for part in inner {
            match part.as_rule() {
                Rule::done_when => {
                    let test = parts(part).next().expect("a guard follows");
                    call.done_when = Some(self.test(test));
                }
                Rule::may_disconnect => call.may_disconnect = true,
                _ => call.named.push(self.key_and_value(part)),
            }
        }
        call
    }

    /// A set of nodes.
    pub(super) fn nodes(&mut self, pair: Pair<'a>) -> Spanned<NodeExpression> {
        let span = self.span(&pair);
        let mut nodes: Option<Spanned<NodeExpression>> = None;
        let mut operator = ArithmeticOperator::Add;
        let mut count = 0;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::node_operator => {
                    operator = match part.as_str() {
                        "+" => ArithmeticOperator::Add,
                        "-" => ArithmeticOperator::Subtract,
                        _ => ArithmeticOperator::Intersect,
                    };
                    count += 1;
                }
                Rule::expression => {
                    let condition = self.boxed(part);
                    let filtered = nodes.take().expect("nodes come before `where`");
                    let node = NodeExpression::Where {
                        nodes: Box::new(filtered),
                        condition,
                    };
                    nodes = Some(Spanned::new(node, span));
                }
                _ if count > MOST_OPERATORS => {}
                _ => {
                    let atom = self.node_atom(part);
                    nodes = Some(match nodes.take() {
                        None => atom,
                        Some(left) => {
                            let span = left.span.join(atom.span);
                            let (left, right) = (Box::new(left), Box::new(atom));
                            Spanned::new(
                                NodeExpression::Combined {
                                    left,
                                    operator,
                                    right,
                                },
                                span,
                            )
                        }
                    });
                }
            }
        }
        if count > MOST_OPERATORS {
            self.problems.push(SyntaxError::TooManyOperators {
                limit: MOST_OPERATORS,
                at: span,
            });
        }
        nodes.expect("a set of nodes has a part")
    }

    fn node_atom(&mut self, pair: Pair<'a>) -> Spanned<NodeExpression> {
        let span = self.span(&pair);
        let node = match pair.as_rule() {
            Rule::string => {
                let written = self.written(&pair);
                NodeExpression::Quoted(written[1..written.len() - 1].to_owned())
            }
            Rule::variable => NodeExpression::Value(self.variable(&pair)),
            Rule::group => NodeExpression::Expression(self.inside(pair)),
            Rule::folded => NodeExpression::Folded(self.written(&pair).to_owned()),
            _ => {
                if pair.as_str() == "locally" {
                    self.problems.push(SyntaxError::OnLocally { at: span });
                }
                NodeExpression::Name(pair.as_str().to_owned())
            }
        };
        Spanned::new(node, span)
    }

    /// `$name`, `$row.column`, `${row.column}`.
    pub(super) fn variable(&mut self, pair: &Pair) -> Variable {
        let (from, _) = self.range(pair);
        let written = self.written(pair);
        let lead = if written.starts_with("${") { 2 } else { 1 };
        self.variable_at(from + lead, written[lead..].trim_end_matches('}'))
    }

    /// A number with its unit.
    pub(super) fn literal(&mut self, pair: &Pair) -> Expression {
        let written = self.written(pair);
        Expression::Literal(read_literal(written).unwrap_or_else(|| {
            let at = self.span(pair);
            self.problems.push(SyntaxError::BadLiteral {
                written: written.to_owned(),
                at,
            });
            Literal::Int(0)
        }))
    }
}

/// Builds the tree of the pieces from here on whose operators bind at least as `least` does.
fn climb(pieces: &mut std::iter::Peekable<std::vec::IntoIter<Piece>>, least: u8) -> Spanned<Expression> {
    let mut left = match pieces.next() {
        Some(Piece::Operand(operand)) => operand,
        Some(Piece::Prefix(prefix, at)) => {
            let inner = climb(pieces, if prefix == Prefix::Not { 3 } else { 7 });
            let span = at.join(inner.span);
            let inner = Box::new(inner);
            let node = if prefix == Prefix::Not {
                Expression::Not(inner)
            } else {
                Expression::Negative(inner)
            };
            Spanned::new(node, span)
        }
        Some(Piece::Infix(..)) | None => unreachable!("an operand follows each operator"),
    };
    while let Some(Piece::Infix(infix, at)) = pieces.peek() {
        let (infix, at) = (*infix, *at);
        if infix.binding() < least {
            break;
        }
        pieces.next();
        let right = climb(pieces, infix.binding() + 1);
        let span = left.span.join(right.span);
        let (first, right) = (Box::new(left), Box::new(right));
        let node = match infix {
            Infix::Or => Expression::Or(first, right),
            Infix::And => Expression::And(first, right),
            Infix::Compare(operator) => Expression::Compare {
                left: first,
                operator: Spanned::new(operator, at),
                right,
            },
            Infix::Arithmetic(operator) => Expression::Arithmetic {
                left: first,
                operator: Spanned::new(operator, at),
                right,
            },
        };
        left = Spanned::new(node, span);
    }
    left
}

/// A number with its unit, told by its form.
fn read_literal(written: &str) -> Option<Literal> {
    if written.bytes().all(|byte| byte.is_ascii_digit()) {
        return written.parse().ok().map(Literal::Int);
    }
    if written.ends_with('%') {
        return read_percent(written).ok().map(Literal::Percent);
    }
    if written.contains(':') {
        return read_ratio(written).ok().map(|(of, to)| Literal::Ratio(of, to));
    }
    if written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return read_version(written).ok().map(Literal::Version);
    }
    let duration = read_duration(written).ok().map(Literal::Duration);
    duration.or_else(|| read_size(written).ok().map(Literal::Size))
}

/// The condition that was meant by what was read as a guard and its arguments, in parentheses.
fn bare_condition(call: &GuardCall, written: &str) -> Option<String> {
    let is_quantifier = matches!(
        call.name.node.as_str(),
        "not" | "all" | "none" | "some" | "exactly" | "holds"
    );
    let is_joint = |argument: &Spanned<Expression>| matches!(&argument.node, Expression::Word(word) if word == "and" || word == "or");
    let has_joint = call.arguments.positional.iter().any(is_joint);
    if !is_quantifier && !has_joint {
        return None;
    }
    let is_guards = !matches!(
        call.name.node.as_str(),
        "all" | "none" | "some" | "exactly" | "holds"
    );
    if !is_guards {
        return Some(format!("({written})"));
    }
    let words = written.split_whitespace();
    let mut meant = String::new();
    let mut begins = true;
    for word in words {
        let is_word = matches!(word, "and" | "or" | "not");
        if !meant.is_empty() {
            meant.push(' ');
        }
        if begins && !is_word {
            meant.push_str("holds ");
        }
        meant.push_str(word);
        begins = is_word;
    }
    Some(format!("({meant})"))
}
