use std::sync::Arc;

use super::ExpandError;
use super::encode::{awk_string, encode_columns, encode_type};
use super::expander::Expander;
use super::expression::{Code, Scope};
use super::function::Function;
use crate::check::{FactDefinition, GuardDefinition, ParameterDefinition};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{Arguments, Block, Expression, NodeExpression, On, Statement};
use crate::value::Type;

impl Expander<'_> {
    /// A call of a fact with the values that it is given.
    pub fn fact_call(&mut self, scope: &Scope, name: &str, arguments: Vec<String>) -> Code {
        let Some(fact) = self.plan.program.fact(&scope.module, name).cloned() else {
            return Ok(awk_string(&format!("!fthere is no fact called `{name}`")));
        };
        let mut given = arguments.into_iter();
        let mut codes = Vec::new();
        for parameter in &fact.parameters {
            codes.push(if parameter.is_rest {
                let rest: Vec<String> = given.by_ref().collect();
                match (rest.is_empty(), &parameter.default) {
                    (true, Some(default)) => self.default_code(default, &parameter.kind)?,
                    _ => rest.into_iter().fold("\"L\"".to_owned(), |list, code| {
                        format!("list_add({list}, {code})")
                    }),
                }
            } else {
                match (given.next(), &parameter.default) {
                    (Some(code), _) => code,
                    (None, Some(default)) => self.default_code(default, &parameter.kind)?,
                    (None, None) => awk_string(&format!("!f`{}` is missing", parameter.name)),
                }
            });
        }
        let function = self.fact_function(&fact)?;
        let codes: String = codes.iter().map(|code| format!(", {code}")).collect();
        Ok(format!("{function}(place{codes})"))
    }

    /// The function of a fact, which is written once.
    fn fact_function(&mut self, fact: &Arc<FactDefinition>) -> Code {
        let key = format!("fact {}.{}", fact.module, fact.name);
        if let Some(name) = self.functions.known(&key) {
            return Ok(name);
        }
        let name = self.functions.name("fact", &fact.name);
        self.functions.remember(&key, &name);
        let mut function = Function::new(&name);
        function.comment = self.comment("fact", &fact.name, fact.doc.as_deref(), fact.span);
        let mut scope = Scope::fresh(&fact.module);
        let names = self.parameters(&mut function, &mut scope, &fact.parameters);
        let (key, value) = (function.local("key"), function.local("value"));
        function.line("if (place == \"@\") place = \"\"");
        let given: String = names.iter().map(|(name, _)| format!(" SUBSEP {name}")).collect();
        function.line(format!("{key} = \"{name}\" SUBSEP place{given}"));
        function.line(format!("if ({key} in measured) return measured[{key}]"));
        for (name, kind) in &names {
            function.line(format!(
                "{name} = coerce({name}, {})",
                awk_string(&encode_type(kind))
            ));
            function.line(format!(
                "if (failed({name})) return measured_as({key}, {name}, \"\")"
            ));
        }
        let code = self.body_value(&mut function, &scope, &fact.body)?;
        function.line(format!("{value} = {code}"));
        let (conformed, masked) = match &fact.kind {
            Type::Table(columns) => (
                format!(
                    "conform({value}, {}, {})",
                    awk_string(&encode_columns(columns)),
                    awk_string(&fact.name)
                ),
                awk_string(&format!("{}.{}", fact.module, fact.name)),
            ),
            kind => (
                format!("conform_plain({value}, {})", awk_string(&encode_type(kind))),
                "\"\"".to_owned(),
            ),
        };
        function.line(format!("return measured_as({key}, {conformed}, {masked})"));
        self.functions.add(function);
        Ok(name)
    }

    /// Gives a function the parameters of a definition; their names in it, and their types.
    fn parameters(
        &mut self,
        function: &mut Function,
        scope: &mut Scope,
        parameters: &[ParameterDefinition],
    ) -> Vec<(String, Type)> {
        let mut names = Vec::new();
        for parameter in parameters {
            let name = self.functions.variable(&parameter.name);
            function.parameters.push(name.clone());
            *scope = scope.with(&parameter.name, &name);
            names.push((name, parameter.kind.clone()));
        }
        names
    }

    /// The function of a guard, which is written once.
    pub fn guard_function(&mut self, guard: &Arc<GuardDefinition>) -> Code {
        let key = format!("guard {}.{}", guard.module, guard.name);
        if let Some(name) = self.functions.known(&key) {
            return Ok(name);
        }
        let name = self.functions.name("guard", &guard.name);
        self.functions.remember(&key, &name);
        let mut function = Function::new(&name);
        function.comment = self.comment("guard", &guard.name, guard.doc.as_deref(), guard.span);
        let mut scope = Scope::fresh(&guard.module);
        let names = self.parameters(&mut function, &mut scope, &guard.parameters);
        let verdict = function.shared("verdict");
        function.line("if (place == \"@\") place = \"\"");
        for (name, _) in &names {
            function.line(format!("if (failed({name})) return {name}"));
        }
        function.line(format!("{verdict} = verdict_yes()"));
        self.judge_body(&mut function, &scope, &guard.body, &verdict)?;
        function.line(format!("return {verdict}"));
        self.functions.add(function);
        Ok(name)
    }

    fn judge_body(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        body: &Block,
        verdict: &str,
    ) -> Result<(), ExpandError> {
        let mut scope = scope.clone();
        for statement in body {
            match &statement.node {
                Statement::Let { name, value } => {
                    if let Some(known) = self.constant(&scope, value) {
                        scope.known = scope.known.with(&name.node, known);
                    }
                    let code = self.expression(function, &scope, value)?;
                    let wanted = self.functions.variable(&name.node);
                    let variable = function.local(&wanted);
                    function.line(format!("{variable} = {code}"));
                    function.line(format!("if (failed({variable})) return cannot({variable})"));
                    scope = scope.with(&name.node, &variable);
                    continue;
                }
                Statement::Check { condition, otherwise } => {
                    let found = function.shared("found");
                    match otherwise {
                        None => {
                            let code = self.verdict_of(&scope, condition)?;
                            function.line(format!("{found} = {code}"));
                        }
                        Some(message) => {
                            let truth = self.truth(function, &scope, condition)?;
                            function.line(format!("{found} = verdict_from({truth})"));
                            let message = self.message(function, &scope, message)?;
                            function.line(format!("if ({found} == \"bno\") {found} = verdict_no({message})"));
                        }
                    }
                    self.merge(function, verdict, &found);
                }
                Statement::Require { test, otherwise } => {
                    let found = function.shared("found");
                    let code = self.judge(function, &scope, test)?;
                    function.line(format!("{found} = {code}"));
                    if let Some(message) = otherwise {
                        let message = self.message(function, &scope, message)?;
                        function.line(format!(
                            "if (verdict_truth({found}) == \"n\") {found} = verdict_because({message}, {found})"
                        ));
                    }
                    self.merge(function, verdict, &found);
                }
                Statement::Steady(value) => {
                    let steady = function.shared("steady");
                    let code = self.expression(function, &scope, value)?;
                    function.line(format!("{steady} = {code}"));
                    function.line(format!("if (failed({steady})) return cannot({steady})"));
                    function.line(format!("{verdict} = verdict_steady({verdict}, {steady})"));
                }
                Statement::If {
                    condition,
                    body,
                    otherwise,
                } => {
                    let truth = function.local("truth_");
                    let code = self.truth(function, &scope, condition)?;
                    function.line(format!("{truth} = {code}"));
                    function.line(format!("if (failed({truth})) return cannot({truth})"));
                    function.line(format!("if ({truth} == \"byes\") {{"));
                    self.judge_body(function, &scope, body, verdict)?;
                    if let Some(otherwise) = otherwise {
                        function.line(format!("}} else if ({truth} == \"bno\") {{"));
                        self.judge_body(function, &scope, otherwise, verdict)?;
                    }
                    function.line(format!(
                        "}} else if (is_unknown({truth})) {verdict} = verdict_merge({verdict}, verdict_unknown({truth}))"
                    ));
                }
                Statement::For { name, list, body } => {
                    let (all, index) = (function.local("list"), function.local("turn"));
                    let code = self.expression(function, &scope, list)?;
                    function.line(format!("{all} = items({code})"));
                    function.line(format!("if (failed({all})) return cannot({all})"));
                    function.line(format!(
                        "for ({index} = 1; {index} <= item_count({all}); {index}++) {{"
                    ));
                    let wanted = self.functions.variable(&name.node);
                    let variable = function.local(&wanted);
                    function.line(format!("{variable} = item({all}, {index})"));
                    self.judge_body(function, &scope.with(&name.node, &variable), body, verdict)?;
                    function.line("}");
                }
                _ => return Err(no_place(statement.span)),
            }
            function.line(format!("if (verdict_truth({verdict}) == \"n\") return {verdict}"));
        }
        Ok(())
    }

    fn merge(&self, function: &mut Function, verdict: &str, found: &str) {
        function.line(format!("if (failed({found})) return cannot({found})"));
        function.line(format!("{verdict} = verdict_merge({verdict}, {found})"));
    }

    /// The values of a call's arguments, in the order of the parameters.
    pub fn bound(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        parameters: &[ParameterDefinition],
        arguments: &Arguments,
    ) -> Result<Vec<String>, ExpandError> {
        let mut codes = Vec::new();
        let mut words = arguments.positional.iter();
        for parameter in parameters {
            let named = arguments
                .named
                .iter()
                .find(|(name, _)| name.node == parameter.name);
            if parameter.kind == Type::Secret {
                // A secret stays in the shell.
                if named.is_none() {
                    words.next();
                }
                codes.push(awk_string("!fa secret cannot be computed with"));
                continue;
            }
            let given = match named {
                Some((_, written)) => Some(self.argument(function, scope, written, &parameter.kind)?),
                None if parameter.is_rest => {
                    let rest: Vec<&Spanned<Expression>> = words.by_ref().collect();
                    match rest.is_empty() {
                        true => None,
                        false => Some(self.rest(function, scope, &rest, &parameter.kind)?),
                    }
                }
                None => match words.next() {
                    Some(written) => Some(self.argument(function, scope, written, &parameter.kind)?),
                    None => None,
                },
            };
            codes.push(match (given, &parameter.default) {
                (Some(code), _) => code,
                (None, Some(default)) => self.default_code(default, &parameter.kind)?,
                (None, None) if parameter.is_rest => "\"L\"".to_owned(),
                (None, None) => awk_string(&format!("!f`{}` is missing", parameter.name)),
            });
        }
        Ok(codes)
    }

    fn default_code(&mut self, default: &Spanned<Expression>, kind: &Type) -> Code {
        let mut function = Function::new("");
        self.argument(&mut function, &Scope::fresh(""), default, kind)
    }

    fn rest(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        words: &[&Spanned<Expression>],
        kind: &Type,
    ) -> Code {
        let inner = if let Type::List(inner) = kind { inner } else { kind };
        let code = awk_string(&encode_type(inner));
        let mut list = "\"L\"".to_owned();
        for written in words {
            let value = self.loose_argument(function, scope, written, inner)?;
            list = format!("rest_add({list}, {value}, {code})");
        }
        Ok(list)
    }

    /// A call that yields what a body of `let`s, probes and one last value gives.
    pub fn body_call(&mut self, scope: &Scope, body: &Block, place: &str) -> Code {
        let mut helper = Function::new(&self.functions.name("body", ""));
        let code = self.body_value(&mut helper, scope, body)?;
        helper.line(format!("return {code}"));
        let call = self.close_helper(helper, scope, "");
        Ok(call.replacen("(place", &format!("({place}"), 1))
    }

    /// The value of a body; statements before it go into `function`.
    fn body_value(&mut self, function: &mut Function, scope: &Scope, body: &Block) -> Code {
        match body.as_slice() {
            [one] => match &one.node {
                Statement::Value(value) => return self.expression(function, scope, value),
                Statement::Command(call) => {
                    let written = Spanned::new(Expression::Command(call.clone()), one.span);
                    return self.expression(function, scope, &written);
                }
                Statement::On(on) => return self.probe_on(scope, on),
                _ => {}
            },
            [] => return Ok("\"t\"".to_owned()),
            _ => {}
        }
        let last = function.shared("last");
        function.line(format!("{last} = \"t\""));
        self.body_statements(function, scope, body, &last)?;
        Ok(last)
    }

    fn body_statements(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        body: &Block,
        last: &str,
    ) -> Result<(), ExpandError> {
        let mut scope = scope.clone();
        for statement in body {
            let code = match &statement.node {
                Statement::Let { name, value } => {
                    if let Some(known) = self.constant(&scope, value) {
                        scope.known = scope.known.with(&name.node, known);
                    }
                    let code = self.expression(function, &scope, value)?;
                    let wanted = self.functions.variable(&name.node);
                    let variable = function.local(&wanted);
                    function.line(format!("{variable} = {code}"));
                    function.line(format!(
                        "if (failed({variable})) return {}",
                        failing(function, &variable)
                    ));
                    scope = scope.with(&name.node, &variable);
                    continue;
                }
                Statement::Value(value) => self.expression(function, &scope, value)?,
                Statement::Command(call) => {
                    let written = Spanned::new(Expression::Command(call.clone()), statement.span);
                    self.expression(function, &scope, &written)?
                }
                Statement::On(on) => self.probe_on(&scope, on)?,
                Statement::If {
                    condition,
                    body,
                    otherwise,
                } => {
                    let truth = function.local("truth_");
                    let code = self.truth(function, &scope, condition)?;
                    function.line(format!("{truth} = must_be_sure({code}, \"this condition\")"));
                    function.line(format!(
                        "if (failed({truth})) return {}",
                        failing(function, &truth)
                    ));
                    function.line(format!("if ({truth} == \"byes\") {{"));
                    function.line(format!("{last} = \"t\""));
                    self.body_statements(function, &scope, body, last)?;
                    if let Some(otherwise) = otherwise {
                        function.line("} else {");
                        function.line(format!("{last} = \"t\""));
                        self.body_statements(function, &scope, otherwise, last)?;
                    }
                    function.line("}");
                    continue;
                }
                _ => return Err(no_place(statement.span)),
            };
            function.line(format!("{last} = {code}"));
            function.line(format!("if (failed({last})) return {}", failing(function, last)));
        }
        Ok(())
    }

    /// An `on` of probes: of the first node that answers, or a table with a row of each node.
    pub fn probe_on(&mut self, scope: &Scope, on: &On) -> Code {
        let mut helper = Function::new(&self.functions.name("on", ""));
        let nodes = self.nodes(&mut helper, scope, &on.nodes)?;
        let (all, names, count, index, value, made) = (
            helper.local("nodes"),
            helper.local("names"),
            helper.local("count_"),
            helper.local("index_"),
            helper.local("value"),
            helper.local("made"),
        );
        helper.line(format!("{all} = {nodes}"));
        helper.line(format!("if (failed({all})) return {all}"));
        if !on.or_none {
            helper.line(format!(
                "if ({all} == \"N\") return \"!fno node is left of these\""
            ));
        }
        helper.line(format!("{count} = split(substr({all}, 2), {names}, \" \")"));
        let node = helper.local("node");
        let inner = match &on.each {
            Some(name) => scope.with(&name.node, &node),
            None => scope.clone(),
        };
        let body = self.body_call(&inner, &on.body, &format!("{names}[{index}]"))?;
        helper.line(format!(
            "{made} = {}",
            if on.any { "\"\"" } else { "gather_start()" }
        ));
        helper.line(format!("for ({index} = 1; {index} <= {count}; {index}++) {{"));
        helper.line(format!("{node} = \"n\" {names}[{index}]"));
        helper.line(format!("{value} = {body}"));
        if on.any {
            helper.line(format!("if (!failed({value}) || needs({value})) return {value}"));
            helper.line(format!("{made} = {made} \"\\036\" esc(message({value}))"));
            helper.line("}");
            let what = awk_string(&describe_nodes(&on.nodes.node));
            helper.line(format!("return none_answers({what}, {made})"));
        } else {
            helper.line(format!("{made} = gather_add({made}, {names}[{index}], {value})"));
            helper.line("}");
            helper.line(format!("return gather_end({made})"));
        }
        helper.comment = crate::evaluate::describe(&Expression::On(Box::new(on.clone())))
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        Ok(self.close_helper(helper, scope, ""))
    }

    /// The comment over a definition: its words, and where it stands.
    pub fn comment(&self, what: &str, name: &str, doc: Option<&str>, at: Span) -> String {
        let place = self.place_of(at);
        match doc {
            Some(doc) => format!("{what} {name}  {place}\n{doc}"),
            None => format!("{what} {name}  {place}"),
        }
    }
}

/// What a function gives back for a value that failed: a fact keeps it as unknown.
fn failing(function: &Function, variable: &str) -> String {
    match function.name.starts_with("fact_") {
        true => format!("measured_as(key, {variable}, \"\")"),
        false => variable.to_owned(),
    }
}

fn describe_nodes(nodes: &NodeExpression) -> String {
    match nodes {
        NodeExpression::Name(name) | NodeExpression::Folded(name) | NodeExpression::Quoted(name) => {
            format!("`{name}`")
        }
        _ => "these nodes".to_owned(),
    }
}

fn no_place(at: Span) -> ExpandError {
    ExpandError::CannotBeSaid {
        what: "this statement in a body that is measured".to_owned(),
        help: "a body that is measured has only `let`, `if`, `probe`, `on` and a value".to_owned(),
        at,
    }
}
