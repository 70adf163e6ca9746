use std::time::Duration;

use super::here::{Halt, Here, Walked, trouble};
use super::settle::Settles;
use super::walk::Walk;
use crate::evaluate::Place;
use crate::journal::{Happening, StepResult, TroubleKind};
use crate::plan::{Step, describe_step};
use crate::syntax::{CommandCall, Expression};
use crate::transport::{Outcome, Purpose, Question, QuestionKind, Request, TransportError};
use crate::value::{CommandLine, Secret, Type, Value};

/// How long `run` and service commands may take unless told.
pub(super) const ACT_LIMIT: Duration = Duration::from_secs(300);
/// How long a probe may take unless told.
pub(super) const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// A command about to be carried out.
pub(super) struct Act {
    /// The step in words.
    pub what: String,
    /// The command.
    pub command: CommandLine,
    /// What it reads.
    pub input: Option<Secret>,
    /// How long it may take, if it says.
    pub limit: Option<Duration>,
    /// Whether it changes something.
    pub purpose: Purpose,
    /// Which statuses are success.
    pub ok: Vec<i64>,
    /// What its output must match.
    pub expect: Option<regex::Regex>,
    /// Whether it may cut its own connection.
    pub may_disconnect: bool,
    /// What tells whether it was done, when nobody knows.
    pub settles: Settles,
}

impl Act {
    /// An act with the usual limit, of which status 0 is success.
    pub fn new(what: String, command: CommandLine) -> Act {
        Act {
            what,
            command,
            input: None,
            limit: None,
            purpose: Purpose::Act,
            ok: vec![0],
            expect: None,
            may_disconnect: false,
            settles: Settles::Nobody,
        }
    }
}

impl Walk<'_> {
    /// `run "…"` or `probe "…"` as a statement.
    pub(super) async fn command(&self, here: &Here, step: &Step, call: &CommandCall) -> Walked {
        let act = match self.prepare(here, step, call).await {
            Err(halt) if call.acts && self.options.dry_run && self.is_past_acts() => {
                // A value in it is not known yet: shown as such.
                let command = match &call.command.node {
                    Expression::Text(template) => self
                        .measured(here, |context, frame| context.text_with_gaps(frame, template))
                        .await
                        .ok(),
                    _ => None,
                };
                if command.is_none() {
                    return Err(halt);
                }
                self.record(Happening::HeldBack {
                    place: self.place(step, here),
                    what: describe_step(&step.kind),
                    command,
                });
                return Ok(Value::unknown("held back by the dry run"));
            }
            prepared => prepared?,
        };
        let carried_out = self.carry_out(here, step, &act).await;
        // Nobody knows what a raw command has started or stopped.
        self.state.borrow_mut().epoch += 1;
        match carried_out {
            Ok(Some(outcome)) => Ok(Value::text(
                outcome.output.strip_suffix('\n').unwrap_or(&outcome.output),
            )),
            Ok(None) => Ok(Value::unknown("held back by the dry run")),
            Err(Halt::Trouble(trouble)) if trouble.kind == TroubleKind::Unknown => {
                if let Some(test) = &call.done_when {
                    let verdict = self
                        .measured(here, |context, frame| context.judge(frame, test))
                        .await?;
                    if verdict.holds() {
                        let (place, by) = (self.place(step, here), "`done when`: it is done".to_owned());
                        self.record(Happening::Caught {
                            place,
                            by,
                            trouble: *trouble,
                        });
                        return Ok(Value::text(""));
                    }
                }
                Err(Halt::Trouble(trouble))
            }
            Err(halt) => Err(halt),
        }
    }

    async fn prepare(&self, here: &Here, step: &Step, call: &CommandCall) -> Result<Act, Halt> {
        let command = self
            .measured(here, |context, frame| context.command(frame, &call.command))
            .await?;
        let mut act = Act::new(describe_step(&step.kind), command);
        act.may_disconnect = call.may_disconnect;
        if let Some(test) = &call.done_when {
            act.settles = Settles::Guard(test.clone());
        }
        if !call.acts {
            act.purpose = Purpose::Probe;
            act.limit = Some(PROBE_LIMIT);
        }
        let named = |name: &'static str, kind: Type| async move {
            self.measured(here, |context, frame| {
                context.named(frame, &call.named, name, &kind)
            })
            .await
        };
        if let Some(Value::Duration(limit)) = named("limit", Type::Duration).await? {
            act.limit = Some(limit);
        }
        if let Some(Value::Secret(secret)) = named("input", Type::Secret).await? {
            act.input = Some(secret);
        }
        if let Some(Value::Regex(text)) = named("expect", Type::Regex).await? {
            let wrong = |error: regex::Error| trouble(TroubleKind::Failed, error.to_string(), step, here);
            act.expect = Some(regex::Regex::new(&text).map_err(wrong)?);
        }
        act.ok = self
            .measured(here, |context, frame| context.accepted(frame, &call.named))
            .await?;
        Ok(act)
    }

    /// Carries a command out on the node in hand; `None` when a dry run held it back.
    pub(super) async fn carry_out(
        &self,
        here: &Here,
        step: &Step,
        act: &Act,
    ) -> Result<Option<Outcome>, Halt> {
        let place = self.place(step, here);
        let node = match &here.frame.place {
            Place::Node(node) => Some(node.clone()),
            Place::Local => None,
            Place::Nowhere => {
                let message = format!("`{}` needs a node", act.what);
                return Err(trouble(TroubleKind::Failed, message, step, here));
            }
        };
        let command = Some(act.command.to_string());
        if act.purpose == Purpose::Act {
            self.check_deadline(here, step)?;
            if self.options.dry_run {
                self.state.borrow_mut().held_back = true;
                self.record(Happening::HeldBack {
                    place,
                    what: act.what.clone(),
                    command,
                });
                return Ok(None);
            }
            if self.options.step {
                self.ask_first(here, step, act).await?;
            }
        }
        self.record(Happening::StepStarted {
            place: place.clone(),
            what: act.what.clone(),
            command,
        });
        let began = self.now();
        let request = Request {
            node,
            command: act.command.clone(),
            input: act.input.clone(),
            limit: act.limit.or(self.options.timeout).unwrap_or(ACT_LIMIT),
            purpose: act.purpose,
            as_root: here.as_root,
            may_disconnect: act.may_disconnect,
            path: here.path.clone(),
            is_kept: here.is_kept,
            secrets: self.secrets(),
        };
        let mut replied = self.world.transport.carry_out(&request).await;
        if let Err(TransportError::Unsettled { may_run, .. }) = replied {
            let settlement = self.settle(here, step, act, may_run).await;
            replied = self.world.transport.settle(&request, &settlement).await;
        }
        let replied = replied.map(|outcome| outcome.without(&request.secrets));
        let took = self.now().saturating_sub(began);
        let (output, errors) = match &replied {
            Ok(outcome) => (outcome.output.clone(), outcome.errors.clone()),
            Err(_) => Default::default(),
        };
        let judged = self.judge_reply(here, step, act, replied);
        let result = match &judged {
            Ok(_) | Err(Halt::Skipped(_) | Halt::GivenUp(_)) => StepResult::Done,
            Err(Halt::Trouble(trouble)) => StepResult::Trouble((**trouble).clone()),
        };
        self.record(Happening::StepEnded {
            place,
            what: act.what.clone(),
            result,
            output,
            errors,
            took,
        });
        judged.map(Some)
    }

    /// `--step`: asks before each act.
    async fn ask_first(&self, here: &Here, step: &Step, act: &Act) -> Result<(), Halt> {
        let question = Question {
            kind: QuestionKind::Confirm,
            name: format!("step-{}", step.id.0 + 1),
            text: format!("{}: `{}`?", act.what, act.command),
            node: here.node().cloned(),
            rehearsed_as: None,
            path: here.path.clone(),
        };
        self.question(here, step, question).await
    }

    fn judge_reply(
        &self,
        here: &Here,
        step: &Step,
        act: &Act,
        replied: Result<Outcome, TransportError>,
    ) -> Result<Outcome, Halt> {
        match replied {
            Ok(outcome) if !act.ok.contains(&i64::from(outcome.status)) => {
                let said = if outcome.errors.trim().is_empty() {
                    &outcome.output
                } else {
                    &outcome.errors
                };
                let said = said
                    .trim()
                    .lines()
                    .last()
                    .map_or(String::new(), |line| format!(": {line}"));
                let message = format!("`{}` ended with status {}{said}", act.command, outcome.status);
                Err(trouble(TroubleKind::Failed, message, step, here))
            }
            Ok(outcome) => match &act.expect {
                Some(expected) if !expected.is_match(&outcome.output) => {
                    let message = format!("the output of `{}` does not match /{expected}/", act.command);
                    Err(trouble(TroubleKind::Failed, message, step, here))
                }
                _ => Ok(outcome),
            },
            Err(TransportError::HeldBack | TransportError::Settled) => Ok(Outcome::nothing()),
            Err(TransportError::Unknown { is_late: false, .. }) if act.may_disconnect => {
                Ok(Outcome::nothing())
            }
            // A probe changes nothing, so one without an answer has failed and no more.
            Err(TransportError::Unknown { node, why, .. }) if act.purpose == Purpose::Probe => {
                let message = format!("{node} did not answer `{}`: {why}", act.command);
                Err(trouble(TroubleKind::Failed, message, step, here))
            }
            Err(TransportError::Locked { why, help }) => {
                let halt = trouble(TroubleKind::Locked, why, step, here);
                Err(match help {
                    Some(help) => halt.with_help(help),
                    None => halt,
                })
            }
            Err(error @ TransportError::Unreachable { .. }) => {
                let message = format!("`{}` was not started: {error}", act.command);
                Err(trouble(TroubleKind::Unreachable, message, step, here))
            }
            Err(TransportError::NotWritten { why }) => {
                let message = format!(
                    "`{}` was not started: the journal cannot take it down: {why}",
                    act.command
                );
                let help = "make room for the journal, or let it be written, then resume the run";
                Err(trouble(TroubleKind::Failed, message, step, here).with_help(help))
            }
            Err(error @ TransportError::Unsettled { .. }) => {
                Err(trouble(TroubleKind::Unknown, error.to_string(), step, here))
            }
            Err(TransportError::Unknown { node, why, .. }) => {
                let message = format!("`{}` may or may not have happened on {node}: {why}", act.command);
                let help = format!("look on {node} whether it has, before anything else is done");
                Err(trouble(TroubleKind::Unknown, message, step, here).with_help(help))
            }
        }
    }

    /// `within` is asked before each act; it never kills one in flight.
    pub(super) fn check_deadline(&self, here: &Here, step: &Step) -> Result<(), Halt> {
        match here.deadline {
            Some(deadline) if self.now() >= deadline => {
                let message = "the time of `within` is over, so nothing more is begun";
                Err(trouble(TroubleKind::Failed, message, step, here))
            }
            _ => Ok(()),
        }
    }
}
