use super::{Context, EvaluateError, Frame, Place, Stop};
use crate::guard::Verdict;
use crate::syntax::{Block, GuardCall, Statement};
use crate::value::{Truth, Value};

impl Context<'_> {
    /// What a guard answers.
    ///
    /// The first check that surely does not hold decides; otherwise one that cannot be measured.
    ///
    /// # Errors
    ///
    /// [`Stop::Need`] when probes must be answered first. What fails inside cannot be measured.
    pub fn guard(&self, frame: &Frame, call: &GuardCall) -> Result<Verdict, Stop> {
        let name = &call.name;
        let Some(guard) = self.program.guard(&frame.module, &name.node) else {
            let kind = "guard".to_owned();
            return Err(EvaluateError::NoSuchName {
                kind,
                name: name.node.clone(),
                at: name.span,
            }
            .into());
        };
        let mut inner = Frame::fresh(&guard.module, frame.place.clone());
        if inner.place == Place::Local {
            inner.place = Place::Nowhere;
        }
        for (parameter, value) in self.bind(frame, &guard.parameters, &call.arguments, name.span)? {
            inner = inner.with(&parameter, value);
        }
        let mut verdict = Verdict::yes();
        match self.judge_body(inner, &guard.body, &mut verdict) {
            Err(Stop::Fail(error)) => Ok(Verdict::unknown(error.to_string())),
            Err(need) => Err(need),
            Ok(()) => Ok(verdict),
        }
    }

    fn judge_body(&self, mut frame: Frame, body: &Block, verdict: &mut Verdict) -> Result<(), Stop> {
        for statement in body {
            match &statement.node {
                Statement::Let { name, value } => {
                    let value = self.evaluate(&frame, value)?;
                    frame = frame.with(&name.node, value);
                }
                Statement::Check { condition, otherwise } => {
                    let mut found = self.verdict_of(&frame, condition)?;
                    if let (Truth::No, Some(message)) = (&found.truth, otherwise) {
                        found.reason = self.message(&frame, message)?;
                    }
                    merge(verdict, found);
                }
                Statement::Require { test, otherwise } => {
                    let mut found = self.judge(&frame, test)?;
                    if let (Truth::No, Some(message)) = (&found.truth, otherwise) {
                        found.reason = format!("{}: {}", self.message(&frame, message)?, found.reason);
                    }
                    merge(verdict, found);
                }
                Statement::Steady(value) => {
                    let value = self.evaluate(&frame, value)?;
                    if let Some(why) = value.unsure() {
                        merge(verdict, Verdict::unknown(why.to_string()));
                    }
                    verdict.steady.push(value.to_string());
                }
                Statement::If {
                    condition,
                    body,
                    otherwise,
                } => match self.truth(&frame, condition)? {
                    Truth::Yes => self.judge_body(frame.clone(), body, verdict)?,
                    Truth::No => {
                        if let Some(otherwise) = otherwise {
                            self.judge_body(frame.clone(), otherwise, verdict)?;
                        }
                    }
                    Truth::Unknown(why) => merge(verdict, Verdict::unknown(why.to_string())),
                },
                Statement::For { name, list, body } => {
                    let list_value = self.evaluate(&frame, list)?;
                    for item in self.items(list_value, list.span)? {
                        self.judge_body(frame.with(&name.node, item), body, verdict)?;
                    }
                }
                _ => {
                    let what =
                        "a guard has only `let`, `check`, `require`, `steady`, `if` and `for`".to_owned();
                    return Err(EvaluateError::Arguments {
                        what,
                        at: statement.span,
                    }
                    .into());
                }
            }
            if verdict.truth == Truth::No {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The items that a `for` goes through.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Unknown`] when the list, or how long it is, cannot be measured.
    pub fn items(&self, list: Value, at: crate::diagnostic::Span) -> Result<Vec<Value>, Stop> {
        Ok(match self.known(list, "this list", at)? {
            Value::List(values) => values.to_vec(),
            Value::Nodes(nodes) => nodes.iter().cloned().map(Value::Node).collect(),
            Value::Table(table) => {
                if let Some(why) = &table.or_more {
                    let what = "how many rows there are".to_owned();
                    return Err(EvaluateError::Unknown {
                        what,
                        why: why.to_string(),
                        at,
                    }
                    .into());
                }
                table
                    .rows
                    .iter()
                    .map(|row| Value::Row(std::sync::Arc::new(row.clone())))
                    .collect()
            }
            single => vec![single],
        })
    }
}

/// No wins over unknown, unknown over yes; the first of each keeps its reason.
fn merge(verdict: &mut Verdict, found: Verdict) {
    verdict.steady.extend(found.steady);
    let worse = match (&verdict.truth, &found.truth) {
        (Truth::No, _) | (_, Truth::Yes) => false,
        (already, found) => std::mem::discriminant(already) != std::mem::discriminant(found),
    };
    if worse {
        verdict.truth = found.truth;
        verdict.reason = found.reason;
    }
}
