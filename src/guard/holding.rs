use std::time::Duration;

use super::Verdict;
use crate::value::Truth;

/// How long a guard has held without a break: servers blink.
#[derive(Debug, Clone, Default)]
pub struct Holding {
    since: Option<Duration>,
    steady: Vec<String>,
}

/// What one look at a waited-for guard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It has held long enough.
    Enough,
    /// It holds, for this long by now.
    HoldsFor(Duration),
    /// It does not hold, or cannot be measured, or something restarted.
    NotYet,
}

impl Holding {
    /// Takes in a verdict given at `now`; `needed` is how long it must stay true.
    ///
    /// A verdict that is not a sure yes starts the window anew, and so does a changed `steady`
    /// value: a service that was restarted in between was not stable.
    pub fn look(&mut self, verdict: &Verdict, now: Duration, needed: Duration) -> Look {
        if verdict.truth != Truth::Yes {
            self.since = None;
            return Look::NotYet;
        }
        if self.steady != verdict.steady {
            self.steady = verdict.steady.clone();
            self.since = None;
        }
        let held = now.saturating_sub(*self.since.get_or_insert(now));
        if held >= needed {
            Look::Enough
        } else {
            Look::HoldsFor(held)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blink_starts_the_window_anew() {
        let seconds = Duration::from_secs;
        let mut holding = Holding::default();
        let restarted = Verdict {
            steady: vec!["pid 7".into()],
            ..Verdict::yes()
        };
        let looks = [
            // at, what is measured, what that says
            (0, Verdict::yes(), Look::HoldsFor(seconds(0))),
            (20, Verdict::yes(), Look::HoldsFor(seconds(20))),
            (25, Verdict::unknown("no answer"), Look::NotYet),
            (30, Verdict::yes(), Look::HoldsFor(seconds(0))),
            (50, restarted.clone(), Look::HoldsFor(seconds(0))),
            (80, restarted, Look::Enough),
        ];
        for (at, verdict, said) in looks {
            assert_eq!(
                holding.look(&verdict, seconds(at), seconds(30)),
                said,
                "at {at} s"
            );
        }
    }
}
