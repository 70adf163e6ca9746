use super::here::{Halt, Here};
use super::walk::Walk;
use crate::journal::{Happening, Trouble, TroubleKind};
use crate::plan::Step;
use crate::transport::{Decision, Failure};

/// How a sequence goes on after a step that failed.
pub(super) enum Next {
    /// With the same step.
    Again,
    /// With the step after it.
    Further,
}

impl Walk<'_> {
    /// Has somebody decide what becomes of a step that failed.
    ///
    /// It is asked where the failure arose: what encloses that place hears what was decided.
    pub(super) async fn decide(&self, here: &Here, step: &Step, halt: Halt) -> Result<Next, Halt> {
        let Halt::Trouble(trouble) = &halt else {
            return Err(halt);
        };
        if !self.is_for_a_person(here, step, trouble) {
            return Err(halt);
        }
        let failure = Failure {
            message: trouble.message.clone(),
            node: here.node().cloned(),
            is_unknown: trouble.kind == TroubleKind::Unknown,
        };
        let Some(decision) = self.world.person.decide(&failure).await else {
            return Err(halt);
        };
        // A person may have started or stopped anything meanwhile.
        self.state.borrow_mut().epoch += 1;
        let answer = match decision {
            Decision::Retry => "retry",
            Decision::Skip => "skip",
            Decision::Undo => "undo",
            Decision::Stop => "stop",
        };
        self.record(Happening::Answered {
            place: self.place(step, here),
            name: "what-now".to_owned(),
            text: failure.message,
            answer: answer.to_owned(),
        });
        match decision {
            Decision::Retry => Ok(Next::Again),
            // Outside any node there is none to be passed over, but the step.
            Decision::Skip if here.node().is_none() => Ok(Next::Further),
            Decision::Skip => Err(Halt::GivenUp(trouble.message.clone())),
            Decision::Undo | Decision::Stop => {
                self.decided.set(Some(decision));
                Err(halt)
            }
        }
    }

    /// Whether a failure is one that nothing else takes care of, and arose at this very step.
    fn is_for_a_person(&self, here: &Here, step: &Step, trouble: &Trouble) -> bool {
        self.options.asks_on_failure
            && !self.options.dry_run
            && !here.is_caught
            && !self.is_stopping(here)
            && self.decided.get().is_none()
            && step.kind.bodies().is_empty()
            && matches!(
                trouble.kind,
                TroubleKind::Failed | TroubleKind::Refused | TroubleKind::Unreachable | TroubleKind::Unknown
            )
    }
}
