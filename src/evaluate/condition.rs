use std::sync::Arc;

use super::describe::{describe, describe_quantifier};
use super::{Ask, Context, EvaluateError, Frame, Reply, Stop};
use crate::diagnostic::Spanned;
use crate::guard::Verdict;
use crate::syntax::{Arguments, Expression, Quantifier, Test};
use crate::value::{Table, Truth, Type, Value};

/// How many rows that break a rule are shown.
const ROWS_SHOWN: usize = 5;

impl Context<'_> {
    /// What a condition yields: yes, no, or unknown.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`].
    pub fn truth(&self, frame: &Frame, written: &Spanned<Expression>) -> Result<Truth, Stop> {
        match &written.node {
            Expression::Group(inner) => self.truth(frame, inner),
            Expression::Not(inner) => Ok(self.truth(frame, inner)?.not()),
            Expression::And(left, right) => match self.truth(frame, left)? {
                Truth::No => Ok(Truth::No),
                left => Ok(left.and(self.truth(frame, right)?)),
            },
            Expression::Or(left, right) => match self.truth(frame, left)? {
                Truth::Yes => Ok(Truth::Yes),
                left => Ok(left.or(self.truth(frame, right)?)),
            },
            Expression::Compare {
                left,
                operator,
                right,
            } => {
                let (left, right) = (self.evaluate(frame, left)?, self.evaluate(frame, right)?);
                self.compare(left, operator.node, right, written.span)
            }
            Expression::Quantified {
                quantifier,
                table,
                condition,
                or_none,
            } => {
                let counted = self.count_rows(frame, table, condition)?;
                self.quantify(frame, &quantifier.node, &counted, *or_none)
            }
            Expression::Holds(call) => Ok(self.guard(frame, call)?.truth),
            Expression::Succeeds(arguments) => self.succeeds(frame, arguments, written),
            _ => match self.evaluate(frame, written)? {
                Value::Bool(yes) => Ok(Truth::from(yes)),
                Value::Truth(truth) => Ok(truth),
                Value::Unknown(why) => Ok(Truth::Unknown(why)),
                other => {
                    let found = other.to_string();
                    let wanted = "a condition".to_owned();
                    Err(EvaluateError::WrongKind {
                        found,
                        wanted,
                        at: written.span,
                    }
                    .into())
                }
            },
        }
    }

    /// A condition that must be sure, as of `if`.
    ///
    /// # Errors
    ///
    /// As [`Context::evaluate`]; also when it is unknown.
    pub fn sure(&self, frame: &Frame, written: &Spanned<Expression>, what: &str) -> Result<bool, Stop> {
        match self.truth(frame, written)? {
            Truth::Yes => Ok(true),
            Truth::No => Ok(false),
            Truth::Unknown(why) => Err(EvaluateError::Unknown {
                what: what.to_owned(),
                why: why.to_string(),
                at: written.span,
            }
            .into()),
        }
    }

    /// Judges a guard or a condition where either may stand.
    ///
    /// # Errors
    ///
    /// [`Stop::Need`] only: what cannot be evaluated cannot be measured, and so does not hold.
    pub fn judge(&self, frame: &Frame, test: &Spanned<Test>) -> Result<Verdict, Stop> {
        let judged = match &test.node {
            Test::Guard(call) => self.guard(frame, call),
            Test::Condition(condition) => self.verdict_of(frame, condition),
        };
        match judged {
            Err(Stop::Fail(error)) => Ok(Verdict::unknown(error.to_string())),
            judged => judged,
        }
    }

    /// A condition's truth with the measured reason when it does not surely hold.
    pub(super) fn verdict_of(&self, frame: &Frame, condition: &Spanned<Expression>) -> Result<Verdict, Stop> {
        Ok(match self.truth(frame, condition)? {
            Truth::Yes => Verdict::yes(),
            Truth::No => Verdict::no(self.explain(frame, condition)?),
            Truth::Unknown(why) => Verdict::unknown(why.to_string()),
        })
    }

    /// Why a condition does not hold: what was measured, and the rows that break the rule.
    pub(super) fn explain(&self, frame: &Frame, condition: &Spanned<Expression>) -> Result<String, Stop> {
        Ok(match &condition.node {
            Expression::Group(inner) => self.explain(frame, inner)?,
            Expression::And(left, right) => match self.truth(frame, left)? {
                Truth::No => self.explain(frame, left)?,
                _ => self.explain(frame, right)?,
            },
            Expression::Or(left, right) => {
                format!(
                    "{}, and {}",
                    self.explain(frame, left)?,
                    self.explain(frame, right)?
                )
            }
            Expression::Compare {
                left,
                operator,
                right,
            } => {
                let (found, wanted) = (self.evaluate(frame, left)?, self.evaluate(frame, right)?);
                let words = operator.node.words();
                format!("{} is {found}; wanted: {words} {wanted}", describe(&left.node))
            }
            Expression::Quantified {
                quantifier,
                table,
                condition,
                ..
            } => self.explain_rows(frame, &quantifier.node, table, condition)?,
            Expression::Holds(call) => self.guard(frame, call)?.reason,
            Expression::Succeeds(arguments) => self.explain_status(frame, arguments, condition)?,
            Expression::Not(inner) => self.explain_not(frame, inner)?,
            other => format!("{} does not hold", describe(other)),
        })
    }

    /// Why `not CONDITION` does not hold: the condition does.
    fn explain_not(&self, frame: &Frame, condition: &Spanned<Expression>) -> Result<String, Stop> {
        Ok(match &condition.node {
            Expression::Group(inner) => self.explain_not(frame, inner)?,
            Expression::Not(inner) => self.explain(frame, inner)?,
            Expression::Succeeds(arguments) => self.explain_status(frame, arguments, condition)?,
            other => format!("{} holds, and must not", describe(other)),
        })
    }

    /// The command that was asked for its status, its node and the status.
    fn explain_status(
        &self,
        frame: &Frame,
        arguments: &Arguments,
        written: &Spanned<Expression>,
    ) -> Result<String, Stop> {
        let Some(command) = arguments.positional.first() else {
            return Ok(format!("{} does not hold", describe(&written.node)));
        };
        let (ask, reply) = self.answered(frame, command, &arguments.named, written.span)?;
        let node = name_place(&ask);
        Ok(match reply {
            Reply::Ran { status, .. } => format!("`{}` on {node} ended with status {status}", ask.command),
            Reply::Silent(why) => format!("{node} did not answer `{}`: {why}", ask.command),
        })
    }

    fn explain_rows(
        &self,
        frame: &Frame,
        quantifier: &Quantifier,
        table: &Spanned<Expression>,
        condition: &Spanned<Expression>,
    ) -> Result<String, Stop> {
        let counted = self.count_rows(frame, table, condition)?;
        let (what, rule) = (describe(&table.node), describe(&condition.node));
        if counted.total == 0 {
            return Ok(format!("{what} has no rows, so nothing was checked"));
        }
        let words = describe_quantifier(quantifier);
        let mut text = format!(
            "{} of {} of {what} have {rule}; wanted: {words}",
            counted.yes.len(),
            counted.total
        );
        let breaking = match quantifier {
            Quantifier::None | Quantifier::AtMost(_) => &counted.yes,
            _ => &counted.no,
        };
        for row in breaking.iter().take(ROWS_SHOWN) {
            text.push_str(&format!("\n    {row}"));
        }
        if breaking.len() > ROWS_SHOWN {
            text.push_str(&format!("\n    and {} more", breaking.len() - ROWS_SHOWN));
        }
        Ok(text)
    }

    fn count_rows(
        &self,
        frame: &Frame,
        table: &Spanned<Expression>,
        condition: &Spanned<Expression>,
    ) -> Result<Counted, Stop> {
        let rows = match self.evaluate(frame, table)? {
            Value::Table(table) => table,
            Value::Row(row) => Arc::new(Table {
                columns: row.columns.clone(),
                rows: vec![(*row).clone()],
                or_more: None,
            }),
            Value::Unknown(why) => {
                return Ok(Counted {
                    unknown: Some(why),
                    ..Counted::default()
                });
            }
            other => {
                let found = other.to_string();
                return Err(EvaluateError::WrongKind {
                    found,
                    wanted: "a table".into(),
                    at: table.span,
                }
                .into());
            }
        };
        let mut counted = Counted {
            total: rows.rows.len(),
            or_more: rows.or_more.clone(),
            ..Counted::default()
        };
        for row in &rows.rows {
            let row = Arc::new(row.clone());
            match self.truth(&frame.looking_at(Arc::clone(&row)), condition)? {
                Truth::Yes => counted.yes.push(Value::Row(row)),
                Truth::No => counted.no.push(Value::Row(row)),
                Truth::Unknown(why) => {
                    counted.unsure += 1;
                    counted.unknown.get_or_insert(why);
                }
            }
        }
        Ok(counted)
    }

    fn quantify(
        &self,
        frame: &Frame,
        quantifier: &Quantifier,
        counted: &Counted,
        or_none: bool,
    ) -> Result<Truth, Stop> {
        if counted.total == 0 && counted.or_more.is_none() && counted.unknown.is_none() {
            // A parser that matched nothing must not pass for a cluster where nothing is wrong.
            return Ok(match quantifier {
                Quantifier::All | Quantifier::None | Quantifier::AtMost(_) => Truth::from(or_none),
                Quantifier::Some => Truth::No,
                Quantifier::AtLeast(number) => Truth::from(self.count_wanted(frame, number)? == 0),
                Quantifier::Exactly(number) => Truth::from(or_none && self.count_wanted(frame, number)? == 0),
            });
        }
        let least = counted.yes.len();
        let unsure = counted.or_more.clone().or_else(|| counted.unknown.clone());
        let more_rows = counted.or_more.is_some() || counted.total == 0;
        let most = if more_rows {
            usize::MAX
        } else {
            least + counted.unsure
        };
        let unknown = || {
            Truth::Unknown(
                unsure
                    .clone()
                    .unwrap_or_else(|| "a row could not be measured".into()),
            )
        };
        let between = |sure_yes: bool, sure_no: bool| match (sure_yes, sure_no) {
            (true, _) => Truth::Yes,
            (_, true) => Truth::No,
            _ => unknown(),
        };
        Ok(match quantifier {
            Quantifier::All => between(unsure.is_none() && least == counted.total, !counted.no.is_empty()),
            Quantifier::None => between(most == 0, least > 0),
            Quantifier::Some => between(least > 0, most == 0),
            Quantifier::AtLeast(number) => {
                let wanted = self.count_wanted(frame, number)?;
                between(least >= wanted, most < wanted)
            }
            Quantifier::AtMost(number) => {
                let wanted = self.count_wanted(frame, number)?;
                between(most <= wanted, least > wanted)
            }
            Quantifier::Exactly(number) => {
                let wanted = self.count_wanted(frame, number)?;
                between(least == wanted && most == wanted, least > wanted || most < wanted)
            }
        })
    }

    fn count_wanted(&self, frame: &Frame, number: &Spanned<Expression>) -> Result<usize, Stop> {
        match self.evaluate_as(frame, number, &Type::Int)? {
            Value::Int(number) => Ok(usize::try_from(number).unwrap_or(0)),
            other => {
                let found = other.to_string();
                Err(EvaluateError::WrongKind {
                    found,
                    wanted: "a whole number".into(),
                    at: number.span,
                }
                .into())
            }
        }
    }

    fn succeeds(
        &self,
        frame: &Frame,
        arguments: &Arguments,
        written: &Spanned<Expression>,
    ) -> Result<Truth, Stop> {
        let Some(command) = arguments.positional.first() else {
            return Err(EvaluateError::Arguments {
                what: "`succeeds` needs a command".into(),
                at: written.span,
            }
            .into());
        };
        let (ask, reply) = self.answered(frame, command, &arguments.named, written.span)?;
        let no = match self.named(frame, &arguments.named, "no", &Type::List(Box::new(Type::Int)))? {
            Some(Value::List(values)) => values.to_vec(),
            Some(value) => vec![value],
            None => vec![Value::Int(1)],
        };
        let node = name_place(&ask);
        Ok(match reply {
            Reply::Ran { status: 0, .. } => Truth::Yes,
            Reply::Ran { status, .. } if no.contains(&Value::Int(i64::from(status))) => Truth::No,
            Reply::Ran { status, errors, .. } => {
                let said = errors
                    .trim()
                    .lines()
                    .last()
                    .map_or(String::new(), |line| format!(": {line}"));
                Truth::Unknown(format!("`{}` on {node} ended with status {status}{said}", ask.command).into())
            }
            Reply::Silent(why) => {
                Truth::Unknown(format!("{node} did not answer `{}`: {why}", ask.command).into())
            }
        })
    }
}

/// Where a command was asked, in words.
fn name_place(ask: &Ask) -> String {
    ask.node
        .as_ref()
        .map_or("this machine".to_owned(), ToString::to_string)
}

/// The rows of a table, sorted by what a condition says of them.
#[derive(Default)]
struct Counted {
    total: usize,
    yes: Vec<Value>,
    no: Vec<Value>,
    unsure: usize,
    unknown: Option<Arc<str>>,
    or_more: Option<Arc<str>>,
}
