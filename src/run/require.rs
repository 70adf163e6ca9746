use super::here::{Halt, Here, Walked, trouble};
use super::walk::Walk;
use crate::diagnostic::Spanned;
use crate::guard::Verdict;
use crate::journal::{Happening, TroubleKind};
use crate::plan::{Step, describe_test};
use crate::syntax::{Test, Written};
use crate::value::{Truth, Value};

impl Walk<'_> {
    /// `require GUARD`: measures, judges, and refuses what does not surely hold.
    pub(super) async fn require(
        &self,
        here: &Here,
        step: &Step,
        test: &Spanned<Test>,
        otherwise: Option<&Written>,
    ) -> Walked {
        let verdict = self.judge(here, test).await?;
        let shown_only = self.options.dry_run && self.is_past_acts();
        let what = describe_test(&test.node);
        self.record(Happening::Asked {
            place: self.place(step, here),
            what: what.clone(),
            holds: verdict.truth.known(),
            reason: verdict.reason.clone(),
            shown_only,
        });
        if verdict.holds() || shown_only {
            return Ok(Value::Bool(verdict.holds()));
        }
        let name = match &test.node {
            Test::Guard(call) => call.name.node.clone(),
            Test::Condition(_) => "condition".to_owned(),
        };
        let message = match (otherwise, &test.node) {
            (None, _) => refusal(&what, &verdict),
            (Some(why), Test::Guard(_)) => {
                format!("{}: {}", self.shown(here, why).await?, refusal(&what, &verdict))
            }
            // The script's own words say it; what was measured stands behind them.
            (Some(why), Test::Condition(_)) => {
                format!("{} ({})", self.shown(here, why).await?, verdict.reason)
            }
        };
        self.refuse(here, step, &name, message, None)
            .map(|()| Value::Bool(false))
    }

    /// Judges a guard or condition; past an act that a dry run held back, one that is given a value
    /// which is not known yet cannot be judged at all.
    pub(super) async fn judge(&self, here: &Here, test: &Spanned<Test>) -> Result<Verdict, Halt> {
        if let (true, Test::Guard(call)) = (self.is_past_acts(), &test.node) {
            let given = call
                .arguments
                .positional
                .iter()
                .chain(call.arguments.named.iter().map(|(_, value)| value));
            for written in given {
                if self.value(here, written).await?.unsure().is_some() {
                    return Ok(Verdict::unknown(
                        "it is asked of a value that a dry run cannot know",
                    ));
                }
            }
        }
        self.measured(here, |context, frame| context.judge(frame, test))
            .await
    }

    /// Refuses, unless the refusal is overridden.
    pub(super) fn refuse(
        &self,
        here: &Here,
        step: &Step,
        name: &str,
        message: String,
        help: Option<String>,
    ) -> Result<(), Halt> {
        let overridden = self.options.overrides.iter().find(|allowed| {
            allowed.name == name && allowed.node.as_ref().is_none_or(|node| Some(node) == here.node())
        });
        if let Some(allowed) = overridden {
            self.record(Happening::Overridden {
                place: self.place(step, here),
                what: name.to_owned(),
                reason: message,
                why: allowed.why.clone(),
            });
            return Ok(());
        }
        {
            let mut state = self.state.borrow_mut();
            state.evidence = state.measured.clone();
        }
        let halt = trouble(TroubleKind::Refused, message, step, here);
        Err(match help {
            Some(help) => halt.with_help(help),
            None => halt,
        })
    }
}

/// A refusal in words: the guard and what was measured.
fn refusal(what: &str, verdict: &Verdict) -> String {
    match &verdict.truth {
        Truth::Unknown(_) => format!(
            "`{what}` cannot be measured, so it does not hold: {}",
            verdict.reason
        ),
        _ => format!("`{what}` does not hold: {}", verdict.reason),
    }
}
