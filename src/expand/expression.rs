use std::rc::Rc;

use super::ExpandError;
use super::encode::{awk_string, encode_type, encode_value};
use super::expander::Expander;
use super::function::Function;
use crate::diagnostic::{Span, Spanned};
use crate::evaluate::{Frame, Place, describe};
use crate::syntax::{
    ArithmeticOperator, CommandCall, CompareOperator, Expression, FilterForm, NodeExpression, Quoting,
    Template, TemplatePart, Variable,
};
use crate::value::{Type, Value};

pub(super) type Code = Result<String, ExpandError>;

/// What names mean at one place of the awk program.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    /// The module whose names are seen.
    pub module: Rc<str>,
    /// The variables, each with the code that yields it; newest last.
    pub variables: Vec<(String, String)>,
    /// What is known before the run, for what can be computed now.
    pub known: Frame,
    /// Whether a row or a node of a `where` lends its names.
    pub looks_at_rows: bool,
}

impl Scope {
    /// The body of a fact or guard: it sees what it is given.
    pub fn fresh(module: &str) -> Scope {
        Scope {
            module: module.into(),
            variables: Vec::new(),
            known: Frame::fresh(module, Place::Nowhere),
            looks_at_rows: false,
        }
    }

    /// The same with one more variable.
    #[must_use]
    pub fn with(&self, name: &str, code: &str) -> Scope {
        let mut scope = self.clone();
        scope.variables.push((name.to_owned(), code.to_owned()));
        scope
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let mut newest_first = self.variables.iter().rev();
        newest_first
            .find(|(known, _)| known == name)
            .map(|(_, code)| code.as_str())
    }

    /// The local variables of the function at hand, which a function of its own must be given.
    pub fn locals(&self) -> Vec<String> {
        let is_name = |code: &str| {
            code.chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        let mut locals: Vec<String> = Vec::new();
        for (_, code) in &self.variables {
            if is_name(code) && !locals.contains(code) {
                locals.push(code.clone());
            }
        }
        if self.looks_at_rows {
            locals.push("row".to_owned());
        }
        locals
    }
}

impl Expander<'_> {
    /// The value of an expression, as a value, if it hangs on nothing that is measured.
    pub fn constant(&self, scope: &Scope, written: &Spanned<Expression>) -> Option<Value> {
        if !is_computable(&written.node, scope.looks_at_rows) {
            return None;
        }
        let value = self.compute(&scope.known, |context, frame| context.evaluate(frame, written))?;
        value.unsure().is_none().then_some(value)
    }

    /// Code that yields the value of an expression.
    pub fn expression(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        written: &Spanned<Expression>,
    ) -> Code {
        if let Some(value) = self.constant(scope, written)
            && !matches!(value, Value::Regex(_) | Value::Secret(_))
        {
            return Ok(awk_string(&encode_value(&value)));
        }
        let at = written.span;
        match &written.node {
            Expression::Literal(_) | Expression::Word(_) | Expression::Folded(_) => match &written.node {
                Expression::Folded(text) => Ok(format!("expand_nodes({})", awk_string(text))),
                Expression::Word(word) => Ok(awk_string(&format!("t{word}"))),
                // Every literal is a constant.
                other => Ok(awk_string(&format!("t{}", describe(other)))),
            },
            Expression::Regex(pattern) => {
                self.pattern(pattern, at)?;
                Ok(awk_string(&encode_value(&Value::Regex(pattern.as_str().into()))))
            }
            Expression::Text(template) => self.text(scope, template, "text_add"),
            Expression::Name(name) => self.name(function, scope, name, at),
            Expression::Variable(variable) => self.variable(scope, variable),
            Expression::Call { name, arguments } => {
                let mut codes = Vec::new();
                for argument in arguments {
                    codes.push(self.expression(function, scope, argument)?);
                }
                self.fact_call(scope, &name.node, codes)
            }
            Expression::List(items) => {
                let mut list = "\"L\"".to_owned();
                for item in items {
                    let code = self.expression(function, scope, item)?;
                    list = format!("list_add({list}, {code})");
                }
                Ok(list)
            }
            Expression::Row(cells) => {
                let mut row = "\"R\"".to_owned();
                for (name, cell) in cells {
                    let code = self.expression(function, scope, cell)?;
                    row = format!("row_add({row}, {}, {code})", awk_string(&name.node));
                }
                Ok(row)
            }
            Expression::Negative(inner) => {
                let inner = self.expression(function, scope, inner)?;
                Ok(format!("negative({inner})"))
            }
            Expression::Arithmetic {
                left,
                operator,
                right,
            } => {
                let name = match operator.node {
                    ArithmeticOperator::Add => "plus",
                    ArithmeticOperator::Subtract => "minus",
                    ArithmeticOperator::Multiply => "times",
                    ArithmeticOperator::Divide => "divided",
                    ArithmeticOperator::Intersect => "intersected",
                };
                self.two(function, scope, name, left, right)
            }
            Expression::Group(inner) => self.expression(function, scope, inner),
            Expression::Pipeline { source, filters } => {
                let source = self.expression(function, scope, source)?;
                self.pipe(function, scope, source, filters)
            }
            Expression::On(on) => self.probe_on(scope, on),
            Expression::Locally(body) => self.body_call(scope, body, "\"@\""),
            Expression::Command(call) => self.probe(function, scope, call, at),
            _ => self.condition(function, scope, written),
        }
    }

    /// A function of two values; the right one is not looked at when the left one fails.
    pub fn two(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        name: &str,
        left: &Spanned<Expression>,
        right: &Spanned<Expression>,
    ) -> Code {
        let left = self.expression(function, scope, left)?;
        let right = self.expression(function, scope, right)?;
        Ok(lazily(function, name, &left, &right))
    }

    /// A text with its values put in, by `text_add` or, for people, by `say_add`.
    pub fn text(&mut self, scope: &Scope, template: &Template, add: &str) -> Code {
        let mut code = "\"t\"".to_owned();
        for part in &template.parts {
            let piece = match &part.node {
                TemplatePart::Text(text) => awk_string(&format!("t{text}")),
                TemplatePart::Variable(variable) => self.variable(scope, variable)?,
            };
            code = match (code.as_str(), &part.node) {
                ("\"t\"", TemplatePart::Text(_)) => piece,
                _ => format!("{add}({code}, {piece})"),
            };
        }
        Ok(code)
    }

    /// What is said to a person: an unknown value is shown as such.
    pub fn message(&mut self, function: &mut Function, scope: &Scope, written: &Spanned<Expression>) -> Code {
        match &written.node {
            Expression::Text(template) => self.text(scope, template, "say_add"),
            Expression::Group(inner) => self.message(function, scope, inner),
            _ => {
                let code = self.expression(function, scope, written)?;
                Ok(format!("say_add(\"t\", {code})"))
            }
        }
    }

    /// A bare name: a column, then a fact, a group, a node, a service.
    fn name(&mut self, function: &mut Function, scope: &Scope, name: &str, at: Span) -> Code {
        let outer = self.outer_name(scope, name)?;
        if !scope.looks_at_rows {
            return outer.ok_or_else(|| ExpandError::CannotBeSaid {
                what: format!("the name `{name}`"),
                help: "write what it means".to_owned(),
                at,
            });
        }
        let name = awk_string(name);
        Ok(match outer {
            None => format!("in_row(row, {name})"),
            Some(outer) => {
                let found = function.temporary();
                format!("(({found} = seen(row, {name})) != \"\" ? {found} : {outer})")
            }
        })
    }

    fn outer_name(&mut self, scope: &Scope, name: &str) -> Result<Option<String>, ExpandError> {
        if self.plan.program.fact(&scope.module, name).is_some() {
            return self.fact_call(scope, name, Vec::new()).map(Some);
        }
        let group = self.plan.program.group(&scope.module, name);
        if self.plan.inventory.group(group).is_some() {
            return Ok(Some(format!("group({})", awk_string(group))));
        }
        if let Some(node) = self.plan.inventory.find(name) {
            return Ok(Some(awk_string(&format!("n{node}"))));
        }
        if self.plan.program.service(&scope.module, name).is_some() {
            return Ok(Some(awk_string(&format!("S{name}"))));
        }
        Ok(match name {
            "it" => scope.variable("it").map(str::to_owned),
            _ => None,
        })
    }

    /// `$name`, and what of it.
    pub fn variable(&mut self, scope: &Scope, variable: &Variable) -> Code {
        let name = variable.name.node.as_str();
        let written = Spanned::new(Expression::Variable(variable.clone()), variable.name.span);
        if let Some(value) = self.constant(scope, &written)
            && !matches!(value, Value::Secret(_))
        {
            return Ok(awk_string(&encode_value(&value)));
        }
        let mut code = match (scope.variable(name), name) {
            (Some(code), _) => code.to_owned(),
            (None, "node") => "node_in_hand(place)".to_owned(),
            (None, _) => self.constant_of_module(scope, name, variable.name.span)?,
        };
        for field in &variable.fields {
            code = format!("field({code}, {})", awk_string(&field.node));
        }
        Ok(code)
    }

    fn constant_of_module(&mut self, scope: &Scope, name: &str, at: Span) -> Code {
        let Some(constant) = self.plan.program.constant(&scope.module, name).cloned() else {
            return Err(ExpandError::CannotBeSaid {
                what: format!("`${name}`"),
                help: "give it a value first".to_owned(),
                at,
            });
        };
        // A function of its own: the value is measured where it stands.
        let mut function = Function::new(&self.functions.name("constant", name));
        let code = self.expression(&mut function, &Scope::fresh(&constant.module), &constant.value)?;
        function.line(format!("return {code}"));
        let call = format!("{}(\"\")", function.name);
        self.functions.add(function);
        Ok(call)
    }

    /// The command of a command text: each value is exactly one quoted word, a list several.
    pub fn command(&mut self, function: &mut Function, scope: &Scope, written: &Spanned<Expression>) -> Code {
        match &written.node {
            Expression::Text(template) => self.command_text(scope, template),
            Expression::Group(inner) => self.command(function, scope, inner),
            Expression::Word(word) => Ok(awk_string(&format!("c{word}"))),
            _ => {
                let code = self.expression(function, scope, written)?;
                Ok(format!("command_of({code})"))
            }
        }
    }

    /// A command text, its values put in.
    pub fn command_text(&mut self, scope: &Scope, template: &Template) -> Code {
        let line = self.compute(&scope.known, |context, frame| {
            context.command_line(frame, template)
        });
        if let (Some(line), false) = (line, scope.looks_at_rows) {
            return Ok(awk_string(&format!("c{line}")));
        }
        let mut code = "\"c\"".to_owned();
        for part in &template.parts {
            code = match &part.node {
                TemplatePart::Text(text) if code == "\"c\"" => awk_string(&format!("c{text}")),
                TemplatePart::Text(text) => format!("command_text({code}, {})", awk_string(text)),
                TemplatePart::Variable(variable) => {
                    let value = self.variable(scope, variable)?;
                    let name = awk_string(&variable.name.node);
                    format!("command_add({code}, {value}, {name})")
                }
            };
        }
        let trims = u8::from(template.quoting != Quoting::Single);
        Ok(format!("command_end({code}, {trims})"))
    }

    /// `probe "command"` as a value.
    fn probe(&mut self, function: &mut Function, scope: &Scope, call: &CommandCall, at: Span) -> Code {
        let _ = at;
        let command = self.command(function, scope, &call.command)?;
        let limit = self.probe_limit(function, scope, &call.named)?;
        let ok = self.statuses(function, scope, &call.named, "ok", "0")?;
        let expected = call.named.iter().find(|(name, _)| name.node == "expect");
        let Some((_, expected)) = expected else {
            return Ok(format!("probe_value(place, {command}, {limit}, {ok})"));
        };
        let expected = self.expression(function, scope, expected)?;
        Ok(format!(
            "probe_value(place, {command}, {limit}, {ok}, {expected})"
        ))
    }

    /// How long a probe may take, in seconds.
    pub fn probe_limit(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        named: &[(Spanned<String>, Spanned<Expression>)],
    ) -> Code {
        if let Some((_, input)) = named.iter().find(|(name, _)| name.node == "input") {
            return Err(ExpandError::ProbeInput { at: input.span });
        }
        let Some((_, limit)) = named.iter().find(|(name, _)| name.node == "limit") else {
            return Ok("\"d30000\"".to_owned());
        };
        self.argument(function, scope, limit, &Type::Duration)
    }

    /// Statuses of a command, as numbers with blanks between.
    pub fn statuses(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        named: &[(Spanned<String>, Spanned<Expression>)],
        name: &str,
        usual: &str,
    ) -> Code {
        let Some((_, written)) = named.iter().find(|(known, _)| known.node == name) else {
            return Ok(awk_string(usual));
        };
        if let Some(text) = self.constant_statuses(scope, written) {
            return Ok(awk_string(&text));
        }
        let code = self.expression(function, scope, written)?;
        Ok(format!("statuses({code})"))
    }

    /// Statuses that are known now.
    pub fn constant_statuses(&self, scope: &Scope, written: &Spanned<Expression>) -> Option<String> {
        let wanted = Type::List(Box::new(Type::Int));
        let value = self.compute(&scope.known, |context, frame| {
            context.default_value(frame, written, &wanted)
        });
        value.map(|value| value.to_string())
    }

    /// The nodes that a written set means: `N` and their names.
    pub fn nodes(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        written: &Spanned<NodeExpression>,
    ) -> Code {
        if let Some(nodes) = self.constant_nodes(scope, written) {
            return Ok(awk_string(&encode_value(&Value::Nodes(nodes))));
        }
        Ok(match &written.node {
            NodeExpression::Name(name) => {
                let code = self.name(function, scope, name, written.span)?;
                format!("as_nodes({code}, {})", awk_string(name))
            }
            NodeExpression::Folded(text) | NodeExpression::Quoted(text) => {
                format!("expand_nodes({})", awk_string(text))
            }
            NodeExpression::Value(variable) => {
                let code = self.variable(scope, variable)?;
                format!("as_nodes({code}, {})", awk_string(&variable.name.node))
            }
            NodeExpression::Expression(expression) => {
                let code = self.expression(function, scope, expression)?;
                format!("as_nodes({code}, \"this set of nodes\")")
            }
            NodeExpression::Combined {
                left,
                operator,
                right,
            } => {
                let (left, right) = (
                    self.nodes(function, scope, left)?,
                    self.nodes(function, scope, right)?,
                );
                let name = match operator {
                    ArithmeticOperator::Subtract => "nodes_difference",
                    ArithmeticOperator::Intersect => "nodes_intersection",
                    _ => "nodes_union",
                };
                lazily(function, name, &left, &right)
            }
            NodeExpression::Where { nodes, condition } => {
                let nodes = self.nodes(function, scope, nodes)?;
                let call = self.where_call(scope, &nodes, condition)?;
                format!("belonging({call})")
            }
        })
    }

    /// The nodes of a written set that hangs on nothing that is measured, or that roles change.
    pub fn constant_nodes(
        &self,
        scope: &Scope,
        written: &Spanned<NodeExpression>,
    ) -> Option<crate::inventory::NodeSet> {
        if scope.looks_at_rows {
            return None;
        }
        self.compute(&scope.known, |context, frame| context.nodes(frame, written))
    }

    /// The value of an argument whose type is known: bare words and texts are read as that type.
    pub fn argument(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        written: &Spanned<Expression>,
        wanted: &Type,
    ) -> Code {
        if *wanted != Type::Secret && !scope.looks_at_rows && is_computable(&written.node, false) {
            let value = self.compute(&scope.known, |context, frame| {
                context.default_value(frame, written, wanted)
            });
            if let Some(value) = value.filter(|value| value.unsure().is_none()) {
                return Ok(awk_string(&encode_value(&value)));
            }
        }
        let code = self.loose_argument(function, scope, written, wanted)?;
        Ok(format!("coerce({code}, {})", awk_string(&encode_type(wanted))))
    }

    /// The same before it is read as its type.
    pub fn loose_argument(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        written: &Spanned<Expression>,
        wanted: &Type,
    ) -> Code {
        match (&written.node, wanted) {
            (Expression::Text(template), Type::Command) => self.command_text(scope, template),
            (Expression::Word(word), Type::Node | Type::Nodes)
                if self.plan.program.fact(&scope.module, word).is_some()
                    || self
                        .plan
                        .inventory
                        .group(self.plan.program.group(&scope.module, word))
                        .is_some() =>
            {
                self.name(function, scope, word, written.span)
            }
            _ => self.expression(function, scope, written),
        }
    }

    /// A regular expression as every awk reads it.
    pub fn pattern(&self, pattern: &str, at: Span) -> Code {
        crate::library::write_extended(pattern).map_err(|why| ExpandError::Pattern {
            pattern: pattern.to_owned(),
            why,
            at,
        })
    }
}

/// A call with two arguments of which the right one may measure: only when the left one did not fail.
pub(super) fn lazily(function: &mut Function, name: &str, left: &str, right: &str) -> String {
    if !measures(right) {
        return format!("{name}({left}, {right})");
    }
    let first = function.temporary();
    format!("(failed({first} = {left}) ? {first} : {name}({first}, {right}))")
}

/// Whether evaluating a code may ask something.
pub(super) fn measures(code: &str) -> bool {
    [
        "fact_",
        "guard_",
        "probe_value(",
        "succeeds(",
        "on_",
        "where_",
        "each_",
        "body_",
        "counted_",
        "constant_",
    ]
    .iter()
    .any(|name| code.contains(name))
}

/// Whole seconds of a length of time, rounded up.
pub(super) fn whole_seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Duration(length) => Some(length.as_secs() + u64::from(length.subsec_millis() > 0)),
        _ => None,
    }
}

/// The comparing functions of the awk library.
pub(super) fn compare_function(operator: CompareOperator) -> &'static str {
    match operator {
        CompareOperator::Is => "is",
        CompareOperator::IsNot => "is_not",
        CompareOperator::AtLeast => "at_least",
        CompareOperator::AtMost => "at_most",
        CompareOperator::MoreThan => "more_than",
        CompareOperator::LessThan => "less_than",
        CompareOperator::In => "is_in",
        CompareOperator::NotIn => "not_in",
        CompareOperator::Matches => "matches",
    }
}

/// Whether an expression may be computed before the run: nothing in it asks, and no row lends it names.
fn is_computable(expression: &Expression, looks_at_rows: bool) -> bool {
    let inner = |written: &Spanned<Expression>| is_computable(&written.node, looks_at_rows);
    match expression {
        Expression::Literal(_) | Expression::Word(_) | Expression::Folded(_) | Expression::Variable(_) => {
            true
        }
        Expression::Text(_) => true,
        Expression::Name(_) => !looks_at_rows,
        Expression::List(items) => items.iter().all(inner),
        Expression::Group(one) | Expression::Negative(one) | Expression::Not(one) => inner(one),
        Expression::Arithmetic { left, right, .. }
        | Expression::And(left, right)
        | Expression::Or(left, right) => inner(left) && inner(right),
        Expression::Compare { left, right, .. } => {
            inner(left) && (matches!(right.node, Expression::Regex(_)) || inner(right))
        }
        Expression::Pipeline { source, filters } => {
            inner(source)
                && filters.iter().all(|filter| match &filter.node.form {
                    FilterForm::Plain(arguments) => {
                        let named = arguments.named.iter().map(|(_, value)| value);
                        let is_word = |word: &Spanned<Expression>| {
                            matches!(word.node, Expression::Name(_) | Expression::Regex(_)) || inner(word)
                        };
                        arguments.positional.iter().chain(named).all(is_word)
                    }
                    FilterForm::SortBy(_) => true,
                    _ => false,
                })
        }
        _ => false,
    }
}
