//! The three doors of a rehearsed run: its clock, its transport and its person.

use std::time::Duration;

use async_trait::async_trait;

use super::super::elsewhere::is_felt;
use super::super::fault_plan::{Crossing, Mishap};
use super::{Cut, Stage};
use crate::transport::{
    Answer, Clock, Outcome, Person, Purpose, Question, QuestionKind, Request, Transport, TransportError,
};

/// By how much a look at a cluster in which nothing is due is put off at most, and until when.
const MOST_STRETCH: u32 = 1024;
const LONGEST_LOOK: Duration = Duration::from_secs(3600);

#[async_trait(?Send)]
impl Clock for Stage<'_> {
    fn now(&self) -> Duration {
        self.cluster.clock().now()
    }

    /// Whoever looks again and again at a cluster in which nothing is due looks less and less often.
    async fn sleep(&self, length: Duration) {
        let is_still = self.going.borrow().is_empty() && self.cluster.is_at_rest();
        let stretch = match is_still {
            true => self.stretch.get().saturating_mul(2).min(MOST_STRETCH),
            false => 1,
        };
        self.stretch.set(stretch);
        let length = match length < LONGEST_LOOK {
            true => length.saturating_mul(stretch).min(LONGEST_LOOK),
            false => length,
        };
        self.cluster.clock().sleep(length).await;
    }
}

#[async_trait(?Send)]
impl Transport for Stage<'_> {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        let crossing = match request.purpose {
            Purpose::Act => Crossing::Act,
            Purpose::Probe => Crossing::Probe,
        };
        let words = request.command.as_str();
        let arrival = self
            .come_to(crossing, &request.path, request.node.as_ref(), words)
            .await;
        let mut foreseen = self.foresee(&arrival, request);
        let replied = self.carry_out_here(request, &arrival).await;
        foreseen.retain(|one| !is_felt(one, &replied));
        if let Some(point) = self.points.borrow_mut().get_mut(arrival.number.wrapping_sub(1)) {
            point.foreseen = foreseen;
        }
        if arrival.mishaps.contains(&Mishap::KilledAfter) {
            return self.leave(Cut::Killed).await;
        }
        replied
    }
}

#[async_trait(?Send)]
impl Person for Stage<'_> {
    async fn ask(&self, question: &Question) -> Answer {
        if question.kind == QuestionKind::Unsettled {
            return match self.was_done(question) {
                true => Answer::Yes,
                false => Answer::No,
            };
        }
        let node = question.node.as_ref();
        let crossing = match &question.rehearsed_as {
            Some(_) => Crossing::Work,
            None => Crossing::Question,
        };
        let arrival = self.come_to(crossing, &question.path, node, &question.name).await;
        if arrival.mishaps.contains(&Mishap::Declines) {
            // Who does not want an undo wants what is stopped to stay so.
            let is_undo = question.path.parts().next_back() == Some("undo");
            let is_free = question.kind != QuestionKind::Manual && !is_undo;
            self.was_refused.set(self.was_refused.get() || is_free);
            return Answer::No;
        }
        if arrival.mishaps.contains(&Mishap::NotDone) {
            // Nothing has happened to the cluster: what comes of it comes of the run's trust.
            self.written.set(self.written.get() + 1);
            return Answer::Yes;
        }
        let which = (question.path.clone(), question.name.clone());
        let sent = self.cluster.clock().now();
        // What was done by hand is not done again when it is asked for once more.
        let is_done = self.by_hand.borrow().contains(&which);
        let answer = match is_done {
            true => Answer::Yes,
            false => self.cluster.person(Box::new(Obedient)).ask(question).await,
        };
        self.prove_checkpoint();
        if answer == Answer::Yes && question.kind == QuestionKind::Manual {
            self.by_hand.borrow_mut().insert(which);
        }
        self.written.set(self.written.get() + 1);
        self.look_after(sent);
        if arrival.mishaps.contains(&Mishap::KilledAfter) {
            return self.leave(Cut::Killed).await;
        }
        answer
    }
}

/// A person who says yes to everything, and does what is asked for.
struct Obedient;

#[async_trait(?Send)]
impl Person for Obedient {
    async fn ask(&self, _question: &Question) -> Answer {
        Answer::Yes
    }
}
