use std::time::Duration;

use super::cleanup::Cleanups;
use super::here::{Here, Walked, trouble};
use super::walk::Walk;
use crate::guard::{Holding, Look};
use crate::journal::{Happening, TroubleKind};
use crate::plan::{Step, StepKind, describe_test};
use crate::value::{Truth, Value};

/// How often a wait looks, unless told.
const EVERY: Duration = Duration::from_secs(5);
/// How long a wait puts up with a guard that cannot be measured at all.
const BLIND: Duration = Duration::from_secs(15 * 60);
/// How often a wait that sees no change says that it goes on.
const SAY_EVERY: Duration = Duration::from_secs(60);

impl Walk<'_> {
    /// `wait up to 2h until GUARD holding 5m every 30s else < … >`
    pub(super) async fn wait(&self, here: &Here, step: &Step, cleanups: &Cleanups) -> Walked {
        let StepKind::Wait {
            limit,
            test,
            holding,
            every,
            otherwise,
        } = &step.kind
        else {
            return Ok(Value::text(""));
        };
        let limit = self.duration(here, limit, step).await?;
        let needed = match holding {
            Some(holding) => self.duration(here, holding, step).await?,
            None => Duration::ZERO,
        };
        let every = match every {
            Some(every) => self
                .duration(here, every, step)
                .await?
                .max(Duration::from_millis(100)),
            None => EVERY,
        };
        let what = describe_test(&test.node);
        let began = self.now();
        let end = here
            .deadline
            .map_or(began + limit, |deadline| deadline.min(began + limit));
        let mut window = Holding::default();
        let (mut last_said, mut said_at) = (None, began);
        let mut blind_since = None;
        loop {
            let verdict = self.judge(here, test).await?;
            let now = self.now();
            let waited = now.saturating_sub(began);
            // A dry run looks once and waits for nothing.
            if self.options.dry_run {
                let (holds, reason) = (verdict.truth.known(), verdict.reason);
                self.record(Happening::Asked {
                    place: self.place(step, here),
                    what,
                    holds,
                    reason,
                    shown_only: true,
                });
                return Ok(Value::text(""));
            }
            let look = window.look(&verdict, now, needed);
            if look == Look::Enough {
                let (place, reason) = (self.place(step, here), verdict.reason);
                self.record(Happening::Waited {
                    place,
                    what,
                    came: true,
                    reason,
                    waited,
                });
                return Ok(Value::text(""));
            }
            match verdict.truth {
                Truth::Unknown(_) => {
                    blind_since.get_or_insert(now);
                }
                _ => blind_since = None,
            }
            let is_blind = blind_since.is_some_and(|since| now.saturating_sub(since) >= BLIND);
            let reason = match look {
                Look::HoldsFor(held) => format!(
                    "holds for {} of {}",
                    crate::value::write_duration(Duration::from_secs(held.as_secs())),
                    crate::value::write_duration(needed)
                ),
                _ => verdict.reason.clone(),
            };
            if now >= end || is_blind {
                self.record(Happening::Waited {
                    place: self.place(step, here),
                    what: what.clone(),
                    came: false,
                    reason: reason.clone(),
                    waited,
                });
                if let Some(body) = otherwise {
                    return self.sequence(here.clone(), body, cleanups).await;
                }
                let length = crate::value::write_duration(Duration::from_secs(waited.as_secs()));
                let message = if is_blind {
                    format!("waited {length} for `{what}`, which cannot be measured: {reason}")
                } else {
                    format!("waited {length} for `{what}`, and it did not come: {reason}")
                };
                return Err(trouble(TroubleKind::Failed, message, step, here));
            }
            let kind = std::mem::discriminant(&verdict.truth);
            if last_said != Some((kind, verdict.reason.clone())) || now.saturating_sub(said_at) >= SAY_EVERY {
                last_said = Some((kind, verdict.reason.clone()));
                said_at = now;
                let place = self.place(step, here);
                self.record(Happening::Waiting {
                    place,
                    what: what.clone(),
                    reason,
                    waited,
                    limit,
                });
            }
            let until_held = match look {
                Look::HoldsFor(held) => needed.saturating_sub(held),
                _ => every,
            };
            self.check_interrupt(here, step)?;
            self.world
                .clock
                .sleep(every.min(until_held).min(end.saturating_sub(now)))
                .await;
        }
    }
}
