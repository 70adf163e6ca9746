use super::encode::awk_string;
use super::expander::Expander;
use super::expression::{Code, Scope, compare_function, measures};
use super::function::Function;
use crate::diagnostic::Spanned;
use crate::evaluate::{describe, describe_quantifier};
use crate::syntax::{Arguments, Expression, GuardCall, Quantifier, Test, Written};

impl Expander<'_> {
    /// Code that yields what a condition says: yes, no or unknown.
    pub fn truth(&mut self, function: &mut Function, scope: &Scope, written: &Spanned<Expression>) -> Code {
        match &written.node {
            Expression::Group(inner) => self.truth(function, scope, inner),
            Expression::Not(_)
            | Expression::And(..)
            | Expression::Or(..)
            | Expression::Compare { .. }
            | Expression::Quantified { .. }
            | Expression::Holds(_)
            | Expression::Succeeds(_) => self.condition(function, scope, written),
            _ => {
                let code = self.expression(function, scope, written)?;
                Ok(format!("truth({code})"))
            }
        }
    }

    /// The same for what is a condition by its form.
    pub fn condition(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        written: &Spanned<Expression>,
    ) -> Code {
        match &written.node {
            Expression::Not(inner) => {
                let inner = self.truth(function, scope, inner)?;
                Ok(format!("negate({inner})"))
            }
            Expression::And(left, right) => self.joined(function, scope, ("both", "bno"), left, right),
            Expression::Or(left, right) => self.joined(function, scope, ("either", "byes"), left, right),
            Expression::Compare {
                left,
                operator,
                right,
            } => self.two(function, scope, compare_function(operator.node), left, right),
            Expression::Quantified {
                quantifier,
                table,
                condition,
                or_none,
            } => {
                let counted = self.counted(function, scope, table, condition)?;
                let (kind, wanted) = self.quantifier(function, scope, &quantifier.node)?;
                Ok(format!(
                    "quantify({}, {counted}, {wanted}, {})",
                    awk_string(kind),
                    u8::from(*or_none)
                ))
            }
            Expression::Holds(call) => {
                let guard = self.guard_call(function, scope, call)?;
                Ok(format!("verdict_value({guard})"))
            }
            Expression::Succeeds(arguments) => {
                let (command, limit) = self.asked_command(function, scope, arguments)?;
                let no = self.statuses(function, scope, &arguments.named, "no", "1")?;
                Ok(format!("succeeds(place, {command}, {limit}, {no})"))
            }
            _ => self.truth(function, scope, written),
        }
    }

    /// `and` and `or`: what decides alone spares the other side.
    fn joined(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        (name, decides): (&str, &str),
        left: &Written,
        right: &Written,
    ) -> Code {
        let left = self.truth(function, scope, left)?;
        let right = self.truth(function, scope, right)?;
        let first = function.temporary();
        Ok(format!(
            "(failed({first} = {left}) || {first} == \"{decides}\" ? {first} : {name}({first}, {right}))"
        ))
    }

    fn asked_command(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        arguments: &Arguments,
    ) -> Result<(String, String), super::ExpandError> {
        let command = match arguments.positional.first() {
            Some(written) => self.command(function, scope, written)?,
            None => "\"!f`succeeds` needs a command\"".to_owned(),
        };
        let limit = self.probe_limit(function, scope, &arguments.named)?;
        Ok((command, limit))
    }

    fn quantifier(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        quantifier: &Quantifier,
    ) -> Result<(&'static str, String), super::ExpandError> {
        let (kind, number) = match quantifier {
            Quantifier::All => ("all", None),
            Quantifier::None => ("none", None),
            Quantifier::Some => ("some", None),
            Quantifier::Exactly(number) => ("exactly", Some(number)),
            Quantifier::AtLeast(number) => ("at-least", Some(number)),
            Quantifier::AtMost(number) => ("at-most", Some(number)),
        };
        let wanted = match number {
            None => "\"i0\"".to_owned(),
            Some(number) => {
                let code = self.argument(function, scope, number, &crate::value::Type::Int)?;
                match self.constant(scope, number) {
                    Some(_) => code,
                    None => format!("unknown_value({code}, {})", awk_string(&describe(&number.node))),
                }
            }
        };
        Ok((kind, wanted))
    }

    /// A call that sorts the rows of a table by what a condition says of them.
    fn counted(
        &mut self,
        function: &mut Function,
        scope: &Scope,
        table: &Written,
        condition: &Written,
    ) -> Code {
        let source = self.expression(function, scope, table)?;
        let mut helper = Function::new(&self.functions.name("counted", ""));
        helper.parameters.push("table".to_owned());
        let (counted, index, row, it, truth) = (
            helper.local("counted"),
            helper.local("index_"),
            helper.local("row"),
            helper.local("it"),
            helper.local("truth_"),
        );
        let mut inner = scope.with("it", &it);
        inner.looks_at_rows = true;
        helper.line(format!("{counted} = counted_start(table)"));
        helper.line(format!("if (failed({counted})) return {counted}"));
        helper.line(format!(
            "for ({index} = 1; {index} <= row_count(table); {index}++) {{"
        ));
        helper.line(format!("{it} = {row} = table_row(table, {index})"));
        let code = self.truth(&mut helper, &inner, condition)?;
        helper.line(format!("{truth} = {code}"));
        helper.line(format!("if (failed({truth})) return {truth}"));
        helper.line(format!("{counted} = counted_add({counted}, {row}, {truth})"));
        helper.line("}");
        helper.line(format!("return {counted}"));
        helper.comment = format!("have {}", describe(&condition.node));
        Ok(self.close_helper(helper, scope, &source))
    }

    /// Code that says why a condition does not hold: what was measured, and the rows that break the rule.
    pub fn explain(&mut self, function: &mut Function, scope: &Scope, written: &Spanned<Expression>) -> Code {
        Ok(match &written.node {
            Expression::Group(inner) => self.explain(function, scope, inner)?,
            Expression::And(left, right) => {
                let truth = self.truth(function, scope, left)?;
                let (left, right) = (
                    self.explain(function, scope, left)?,
                    self.explain(function, scope, right)?,
                );
                format!("({truth} == \"bno\" ? {left} : {right})")
            }
            Expression::Or(left, right) => {
                let (left, right) = (
                    self.explain(function, scope, left)?,
                    self.explain(function, scope, right)?,
                );
                format!("say_add(say_add({left}, \"t, and \"), {right})")
            }
            Expression::Compare {
                left,
                operator,
                right,
            } => {
                let what = awk_string(&format!("t{} is ", describe(&left.node)));
                let words = awk_string(&format!("t; wanted: {} ", operator.node.words()));
                let shown = self.expression(function, scope, right)?;
                let left = self.expression(function, scope, left)?;
                format!("say_add(say_add(say_add({what}, {left}), {words}), {shown})")
            }
            Expression::Quantified {
                quantifier,
                table,
                condition,
                ..
            } => {
                let counted = self.counted(function, scope, table, condition)?;
                let (kind, _) = self.quantifier(function, scope, &quantifier.node)?;
                format!(
                    "explain_rows({}, {}, {counted}, {}, {})",
                    awk_string(kind),
                    awk_string(&describe_quantifier(&quantifier.node)),
                    awk_string(&describe(&table.node)),
                    awk_string(&describe(&condition.node))
                )
            }
            Expression::Holds(call) => {
                let guard = self.guard_call(function, scope, call)?;
                format!("reason_of({guard})")
            }
            Expression::Succeeds(arguments) => self.explain_status(function, scope, arguments)?,
            Expression::Not(inner) => self.explain_not(function, scope, inner)?,
            other => awk_string(&format!("t{} does not hold", describe(other))),
        })
    }

    fn explain_not(&mut self, function: &mut Function, scope: &Scope, written: &Spanned<Expression>) -> Code {
        match &written.node {
            Expression::Group(inner) => self.explain_not(function, scope, inner),
            Expression::Not(inner) => self.explain(function, scope, inner),
            Expression::Succeeds(arguments) => self.explain_status(function, scope, arguments),
            other => Ok(awk_string(&format!("t{} holds, and must not", describe(other)))),
        }
    }

    fn explain_status(&mut self, function: &mut Function, scope: &Scope, arguments: &Arguments) -> Code {
        let (command, limit) = self.asked_command(function, scope, arguments)?;
        Ok(format!("explain_status(place, {command}, {limit})"))
    }

    /// A function of its own that judges a condition, or a guard: what stands where a guard may.
    pub fn judge(&mut self, function: &mut Function, scope: &Scope, test: &Spanned<Test>) -> Code {
        match &test.node {
            Test::Guard(call) => {
                let code = self.guard_call(function, scope, call)?;
                Ok(format!("judged({code})"))
            }
            Test::Condition(condition) => {
                let code = self.verdict_of(scope, condition)?;
                Ok(format!("judged({code})"))
            }
        }
    }

    /// A call that yields a condition's verdict, with the measured reason when it does not hold.
    pub fn verdict_of(&mut self, scope: &Scope, condition: &Spanned<Expression>) -> Code {
        let mut helper = Function::new(&self.functions.name("check", ""));
        let (found, why) = (helper.local("found"), helper.local("why_"));
        let truth = self.truth(&mut helper, scope, condition)?;
        helper.line(format!("{found} = {truth}"));
        helper.line(format!("if ({found} != \"bno\") return verdict_from({found})"));
        let explained = self.explain(&mut helper, scope, condition)?;
        helper.line(format!("{why} = {explained}"));
        helper.line(format!("if (failed({why})) return {why}"));
        helper.line(format!("return verdict_no({why})"));
        helper.comment = format!("check {}", describe(&condition.node));
        Ok(self.close_helper(helper, scope, ""))
    }

    /// A call of a guard with its arguments.
    pub fn guard_call(&mut self, function: &mut Function, scope: &Scope, call: &GuardCall) -> Code {
        let Some(guard) = self.plan.program.guard(&scope.module, &call.name.node).cloned() else {
            return Err(super::ExpandError::CannotBeSaid {
                what: format!("the guard `{}`", call.name.node),
                help: "name a guard of the script or its modules".to_owned(),
                at: call.name.span,
            });
        };
        let mut codes = self.bound(function, scope, &guard.parameters, &call.arguments)?;
        let name = self.guard_function(&guard)?;
        // A guard is not asked when what it is given already fails.
        for code in &mut codes {
            if measures(code) {
                *code = format!("({code})");
            }
        }
        let arguments: String = codes.iter().map(|code| format!(", {code}")).collect();
        Ok(format!("{name}(place{arguments})"))
    }
}
