use std::rc::Rc;

use futures_util::stream::{self, StreamExt};

use super::here::{Halt, Here, trouble};
use super::walk::Walk;
use crate::evaluate::{Ask, Context, EvaluateError, Frame, Measured, Reply, Stop};
use crate::journal::{Trouble, TroubleKind};
use crate::plan::{SHORTEST_SECRET, Step};
use crate::transport::{Purpose, Request, TransportError};
use crate::value::{Secret, Type, Value};

impl Walk<'_> {
    /// Evaluates, measuring what is needed, afresh for this call and once within it.
    pub(super) async fn measured<T>(
        &self,
        here: &Here,
        evaluate: impl Fn(&Context<'_>, &Frame) -> Result<T, Stop>,
    ) -> Result<T, Halt> {
        let mut measured = Measured::with(&self.memo);
        loop {
            let found = {
                let (groups, masks) = {
                    let state = self.state.borrow();
                    (state.groups.clone(), state.masks(here))
                };
                let context = Context {
                    program: &self.plan.program,
                    inventory: &self.plan.inventory,
                    groups: &groups,
                    masks: &masks,
                    measured: &measured,
                };
                evaluate(&context, &here.frame)
            };
            match found {
                Ok(value) => {
                    self.remember(&measured);
                    return Ok(value);
                }
                Err(Stop::Need(asks)) => {
                    for (ask, reply) in self.ask_all(here, asks).await {
                        measured.insert(&ask, reply);
                    }
                }
                Err(Stop::Fail(error)) => return Err(Halt::Trouble(Box::new(tell(*error, here)))),
            }
        }
    }

    /// Remembers what was measured last, in case something is refused for it.
    fn remember(&self, measured: &Measured) {
        if self.options.keeps_evidence {
            let facts = measured.facts();
            if !facts.is_empty() {
                self.state.borrow_mut().measured = facts;
            }
        }
    }

    /// The value of an expression.
    pub(super) async fn value(
        &self,
        here: &Here,
        written: &crate::diagnostic::Spanned<crate::syntax::Expression>,
    ) -> Result<Value, Halt> {
        self.measured(here, |context, frame| context.evaluate(frame, written))
            .await
    }

    /// The value of an expression as a certain type; it must be known.
    pub(super) async fn value_as(
        &self,
        here: &Here,
        written: &crate::diagnostic::Spanned<crate::syntax::Expression>,
        wanted: &Type,
    ) -> Result<Value, Halt> {
        self.measured(here, |context, frame| context.evaluate_as(frame, written, wanted))
            .await
    }

    /// A length of time; `step` is where trouble is told.
    pub(super) async fn duration(
        &self,
        here: &Here,
        written: &crate::diagnostic::Spanned<crate::syntax::Expression>,
        step: &Step,
    ) -> Result<std::time::Duration, Halt> {
        match self.value_as(here, written, &Type::Duration).await? {
            Value::Duration(length) => Ok(length),
            other => Err(trouble(
                TroubleKind::Failed,
                format!("{other} is not a duration"),
                step,
                here,
            )),
        }
    }

    /// A count.
    pub(super) async fn count(
        &self,
        here: &Here,
        written: &crate::diagnostic::Spanned<crate::syntax::Expression>,
        step: &Step,
    ) -> Result<usize, Halt> {
        match self.value_as(here, written, &Type::Int).await? {
            Value::Int(number) if number >= 0 => Ok(number as usize),
            other => Err(trouble(
                TroubleKind::Failed,
                format!("{other} is not a count"),
                step,
                here,
            )),
        }
    }

    /// Has probes answered, several at a time.
    async fn ask_all(&self, here: &Here, asks: Vec<Ask>) -> Vec<(Ask, Reply)> {
        let width = self.fan_out();
        stream::iter(asks)
            .map(|ask| async move {
                let reply = self.ask(here, &ask).await;
                (ask, reply)
            })
            .buffered(width)
            .collect()
            .await
    }

    /// Has one probe answered.
    pub(super) async fn ask(&self, here: &Here, ask: &Ask) -> Reply {
        let request = Request {
            node: ask.node.clone(),
            command: ask.command.clone(),
            input: ask.input.clone(),
            limit: ask.limit,
            purpose: Purpose::Probe,
            as_root: here.as_root,
            may_disconnect: false,
            path: here.path.clone(),
            is_kept: here.is_kept,
            secrets: self.secrets(),
        };
        match self.world.transport.carry_out(&request).await {
            Ok(outcome) => {
                let outcome = outcome.without(&request.secrets);
                Reply::Ran {
                    status: outcome.status,
                    output: outcome.output,
                    errors: outcome.errors,
                }
            }
            Err(TransportError::Unreachable { why, .. } | TransportError::Unknown { why, .. }) => {
                Reply::Silent(why)
            }
            Err(
                error @ (TransportError::Settled
                | TransportError::Unsettled { .. }
                | TransportError::NotWritten { .. }),
            ) => Reply::Silent(error.to_string()),
            Err(TransportError::Locked { why, .. }) => Reply::Silent(why),
            Err(TransportError::HeldBack) => Reply::Silent("held back".to_owned()),
        }
    }

    /// Remembers a secret that a verb was given.
    pub(super) fn keep_secret(&self, secret: &Secret) {
        let mut state = self.state.borrow_mut();
        if secret.reveal().len() >= SHORTEST_SECRET && !state.secrets.contains(secret) {
            state.secrets.push(secret.clone());
        }
    }

    /// The script's secrets, and those that verbs were given.
    pub(super) fn secrets(&self) -> Rc<[Secret]> {
        let state = self.state.borrow();
        self.plan.secrets().chain(&state.secrets).cloned().collect()
    }
}

/// An evaluation that failed, as trouble of the run.
fn tell(error: EvaluateError, here: &Here) -> Trouble {
    use miette::Diagnostic;
    let kind = match &error {
        EvaluateError::NoAnswer { .. } => TroubleKind::Unreachable,
        _ => TroubleKind::Failed,
    };
    let at = error.labels().and_then(|mut labels| labels.next());
    let at = at.map_or_else(Default::default, |label| {
        let start = label.offset() as u32;
        crate::diagnostic::Span::new(start, start + label.len() as u32)
    });
    let help = error.help().map(|help| help.to_string());
    Trouble {
        kind,
        message: error.to_string(),
        help,
        at,
        node: here.node().cloned(),
    }
}
