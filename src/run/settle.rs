use std::time::Duration;

use super::act::Act;
use super::here::{Halt, Here, Used};
use super::losing::{REBOOT_EVERY, REBOOT_LIMIT};
use super::walk::Walk;
use crate::diagnostic::Spanned;
use crate::plan::{Step, describe_test};
use crate::syntax::Test;
use crate::transport::{Answer, Question, QuestionKind, Settlement};
use crate::value::{Truth, write_duration};

/// The pause between two looks whether an act that may still be running is done.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What tells whether an act was done, when the run was broken off before that was known.
#[derive(Debug, Clone)]
pub(super) enum Settles {
    /// The state of the service: whether it ought to run now.
    Service(Used, bool),
    /// `done when GUARD`
    Guard(Spanned<Test>),
    /// The node has another boot id than this.
    NewBoot(String),
    /// Nothing but a person.
    Nobody,
}

impl Walk<'_> {
    /// Finds out whether an act was done: by its own probe, or from a person.
    pub(super) async fn settle(&self, here: &Here, step: &Step, act: &Act, may_run: Duration) -> Settlement {
        let mut there = here.clone();
        there.path = here.path.settling();
        let end = self.now() + may_run;
        let (is_done, by) = match &act.settles {
            Settles::Service(used, should_run) => {
                self.settle_by_service(&there, step, (used, *should_run), end)
                    .await
            }
            Settles::Guard(test) => self.settle_by_guard(&there, test, end).await,
            Settles::NewBoot(before) => self.settle_by_boot(&there, before, end).await,
            Settles::Nobody => (None, String::new()),
        };
        if is_done.is_some() {
            return without_output(here, Settlement { is_done, by });
        }
        let settlement = self.settle_by_person(&there, step, act, (&by, end)).await;
        without_output(here, settlement)
    }

    /// What may still be running may still be done: a no is believed once its time is over.
    async fn settle_by_service(
        &self,
        here: &Here,
        step: &Step,
        (used, should_run): (&Used, bool),
        end: Duration,
    ) -> (Option<bool>, String) {
        let Some(node) = here.node().cloned() else {
            return (None, String::new());
        };
        let name = used.name();
        loop {
            let found = match self.status(here, step, &node, used).await {
                Ok(Some(true)) => (Some(should_run), format!("{name} runs on {node}")),
                Ok(Some(false)) => (Some(!should_run), format!("{name} is stopped on {node}")),
                Ok(None) => (
                    None,
                    format!("the status of {name} on {node} does not say whether it runs"),
                ),
                Err(halt) => (None, describe_halt(&halt)),
            };
            if found.0 == Some(true) || self.now() >= end {
                return found;
            }
            let left = end.saturating_sub(self.now());
            self.world.clock.sleep(LOOK_EVERY.min(left)).await;
        }
    }

    /// The same of a guard.
    async fn settle_by_guard(
        &self,
        here: &Here,
        test: &Spanned<Test>,
        end: Duration,
    ) -> (Option<bool>, String) {
        loop {
            let asked = self.ask_guard(here, test).await;
            if asked.0 == Some(true) || self.now() >= end {
                return asked;
            }
            let left = end.saturating_sub(self.now());
            self.world.clock.sleep(LOOK_EVERY.min(left)).await;
        }
    }

    async fn ask_guard(&self, here: &Here, test: &Spanned<Test>) -> (Option<bool>, String) {
        match self
            .measured(here, |context, frame| context.judge(frame, test))
            .await
        {
            Ok(verdict) => {
                let is_done = match verdict.truth {
                    Truth::Yes => Some(true),
                    Truth::No => Some(false),
                    Truth::Unknown(_) => None,
                };
                // A bare condition gives no reason.
                let by = match verdict.reason.is_empty() {
                    true => format!("as `{}` says", describe_test(&test.node)),
                    false => verdict.reason,
                };
                (is_done, by)
            }
            Err(halt) => (None, describe_halt(&halt)),
        }
    }

    /// A node that does not answer may be on its way down or up, so it is given time; so is one that has
    /// been told to go down and has not yet.
    async fn settle_by_boot(&self, here: &Here, before: &str, end: Duration) -> (Option<bool>, String) {
        let Some(node) = here.node().cloned() else {
            return (None, String::new());
        };
        let last_look = self.now() + REBOOT_LIMIT;
        loop {
            match self.boot_id(here, &node).await {
                Ok(now) if now != before => return (Some(true), format!("{node} has another boot id")),
                Ok(_) if self.now() >= end => {
                    return (Some(false), format!("{node} still has the boot id it had"));
                }
                Err(why) if self.now() >= last_look => {
                    return (None, format!("the boot id of {node} cannot be read: {why}"));
                }
                Ok(_) | Err(_) => self.world.clock.sleep(REBOOT_EVERY).await,
            }
        }
    }

    /// Nobody can know that what may still be running will not be done: who says so meanwhile is asked once
    /// more when its time is over.
    async fn settle_by_person(
        &self,
        here: &Here,
        step: &Step,
        act: &Act,
        (why, end): (&str, Duration),
    ) -> Settlement {
        let (is_done, by) = loop {
            let left = end.saturating_sub(self.now());
            let question = Question {
                kind: QuestionKind::Unsettled,
                name: format!("done-{}", step.id.0 + 1),
                text: describe_unsettled(act, why, left),
                node: here.node().cloned(),
                rehearsed_as: None,
                path: here.path.clone(),
            };
            match self.world.person.ask(&question).await {
                Answer::Yes => break (Some(true), "a person says that it was done"),
                Answer::No if left.is_zero() => break (Some(false), "a person says that it was not done"),
                Answer::No if self.wait_until(end).await => {}
                _ if why.is_empty() => {
                    break (None, "nothing that it says of itself tells, and no person did");
                }
                _ => break (None, why),
            }
        };
        Settlement {
            is_done,
            by: by.to_owned(),
        }
    }

    /// Waits for a time of the run; whether it has come before somebody wanted the run to stop.
    async fn wait_until(&self, end: Duration) -> bool {
        while self.now() < end && !self.options.stop_requested.get() {
            let left = end.saturating_sub(self.now());
            self.world.clock.sleep(LOOK_EVERY.min(left)).await;
        }
        self.now() >= end
    }
}

/// What a person is asked of an act that may still be running for `left`.
fn describe_unsettled(act: &Act, why: &str, left: Duration) -> String {
    let measured = match why.is_empty() {
        true => String::new(),
        false => format!(" ({why})"),
    };
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let still = match seconds {
        0 => String::new(),
        seconds => format!(
            "; it may still be running, for {} at the longest: after a `not` that time is waited for, and then \
             you are asked once more",
            write_duration(Duration::from_secs(seconds))
        ),
    };
    format!(
        "the run was broken off while `{}` was under way, and nobody knows whether it was done{measured}{still}",
        act.command
    )
}

/// Of a command whose output is named, it is not enough to know that it was done.
fn without_output(here: &Here, settlement: Settlement) -> Settlement {
    if !here.is_kept || settlement.is_done != Some(true) {
        return settlement;
    }
    Settlement {
        is_done: None,
        by: format!(
            "{}, and what it printed, which the runbook names, is lost; it can only be done again",
            settlement.by
        ),
    }
}

fn describe_halt(halt: &Halt) -> String {
    match halt {
        Halt::Trouble(trouble) => trouble.message.clone(),
        Halt::Skipped(why) | Halt::GivenUp(why) => why.clone(),
    }
}
