use std::cell::RefCell;
use std::sync::Arc;

use super::here::{Halt, Here, Walked};
use super::walk::Walk;
use crate::journal::{Happening, StepPlace, TroubleKind};
use crate::plan::{Step, describe_step};
use crate::transport::{Answer, Decision, Question, QuestionKind};

/// The undos and finallys of a body, oldest first.
pub(super) type Cleanups = RefCell<Vec<Cleanup>>;

/// One `undo` or `finally` that was reached.
pub(super) struct Cleanup {
    /// Where the walk stood.
    pub here: Here,
    /// What it does.
    pub steps: Arc<Vec<Step>>,
    /// Where it is written.
    pub place: StepPlace,
    /// Whether it runs however the block ends.
    pub is_finally: bool,
}

/// An undo in words: where, and what it does.
pub(super) fn describe_owed(place: &StepPlace, steps: &[Step]) -> String {
    let steps: Vec<String> = steps.iter().map(|step| describe_step(&step.kind)).collect();
    let node = place.node.as_ref();
    let place = node.map_or_else(String::new, |node| format!("on {node}: "));
    format!("{place}{}", steps.join("; "))
}

impl Walk<'_> {
    /// Runs what a body owes now that it has ended, newest first.
    ///
    /// One that fails is told, and the older ones still run; the worst trouble is what remains.
    /// A parked run owes everything still: it is to be resumed, not taken back.
    pub(super) async fn clean_up(&self, walked: Walked, cleanups: Cleanups) -> Walked {
        let mut walked = walked;
        for cleanup in cleanups.into_inner().into_iter().rev() {
            self.no_longer_owed(&cleanup);
            let why = match &walked {
                Err(Halt::Trouble(trouble)) if trouble.kind == TroubleKind::Parked => continue,
                Err(Halt::Trouble(trouble)) => trouble.message.clone(),
                Err(Halt::GivenUp(why)) => why.clone(),
                _ if cleanup.is_finally => "the block ended".to_owned(),
                // A block that ends well forgets its undos.
                _ => continue,
            };
            if !cleanup.is_finally && !self.may_undo(&cleanup, &why).await {
                self.leave_undone(&cleanup);
                continue;
            }
            let what = if cleanup.is_finally { "finally" } else { "undo" };
            let place = cleanup.place.clone();
            self.record(Happening::CleaningUp {
                place: place.clone(),
                what: what.to_owned(),
                why,
            });
            let mut here = cleanup.here.clone();
            here.is_kept = false;
            // What ran out of time is tidied up all the same; what an outage lifted is lifted no more.
            here.deadline = None;
            here.is_owed = true;
            here.outage = here.outage.filter(|outage| !outage.is_over.get());
            if let Err(Halt::Trouble(trouble)) = self.scoped(here, &cleanup.steps).await {
                self.leave_undone(&cleanup);
                let by = format!("{what}, which failed itself");
                self.record(Happening::Caught {
                    place,
                    by,
                    trouble: (*trouble).clone(),
                });
                walked = match walked {
                    Err(Halt::Trouble(first)) if first.kind >= trouble.kind => Err(Halt::Trouble(first)),
                    _ => Err(Halt::Trouble(trouble)),
                };
            }
        }
        walked
    }

    /// Forgets an undo that its block, which has ended, comes to now.
    fn no_longer_owed(&self, cleanup: &Cleanup) {
        let undo = describe_owed(&cleanup.place, &cleanup.steps);
        let mut state = self.state.borrow_mut();
        if let Some(at) = state.owed.iter().rposition(|owed| *owed == undo) {
            state.owed.remove(at);
        }
    }

    /// Remembers what was owed and has not been done.
    fn leave_undone(&self, cleanup: &Cleanup) {
        if self.options.dry_run {
            return;
        }
        let undo = describe_owed(&cleanup.place, &cleanup.steps);
        self.state.borrow_mut().undos_left.push(undo);
    }

    /// With a person present an undo is offered, not fired.
    async fn may_undo(&self, cleanup: &Cleanup, why: &str) -> bool {
        match self.decided.get() {
            _ if self.options.dry_run => return false,
            Some(Decision::Undo) => return true,
            Some(Decision::Stop) => return false,
            _ => {}
        }
        let question = Question {
            kind: QuestionKind::Confirm,
            name: format!("undo-{}", cleanup.place.step.0),
            text: format!("{why}. Take back what this block did?"),
            node: cleanup.place.node.clone(),
            rehearsed_as: None,
            path: cleanup.here.path.child("undo"),
        };
        matches!(
            self.world.person.ask(&question).await,
            Answer::Yes | Answer::Nobody
        )
    }
}
