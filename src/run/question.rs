use super::here::{Halt, Here, Walked, trouble};
use super::walk::Walk;
use crate::journal::{Happening, TroubleKind};
use crate::plan::Step;
use crate::syntax::Written;
use crate::transport::{Answer, Question, QuestionKind};
use crate::value::Value;

impl Walk<'_> {
    /// Asks the person; anything but yes halts.
    pub(super) async fn question(&self, here: &Here, step: &Step, question: Question) -> Result<(), Halt> {
        let place = self.place(step, here);
        if self.options.dry_run {
            let what = format!("{}: {}", question.name, question.text);
            if question.kind == QuestionKind::Manual {
                self.state.borrow_mut().held_back = true;
            }
            self.record(Happening::HeldBack {
                place,
                what,
                command: None,
            });
            return Ok(());
        }
        let answer = self.world.person.ask(&question).await;
        // A person may have started or stopped anything meanwhile.
        self.state.borrow_mut().epoch += 1;
        let said = match &answer {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Park => "later",
            Answer::CouldNot(_) => "it could not be done",
            Answer::Nobody => "nobody was there",
        };
        let (name, text) = (question.name.clone(), question.text.clone());
        self.record(Happening::Answered {
            place,
            name,
            text,
            answer: said.to_owned(),
        });
        let halt = |kind, message: String| Err(trouble(kind, message, step, here));
        match answer {
            Answer::Yes => Ok(()),
            Answer::No => halt(TroubleKind::Declined, format!("declined: {}", question.text)),
            Answer::Park => {
                let help = "what comes after it has not been done, and undo and finally are still owed";
                halt(TroubleKind::Parked, format!("parked: {}", question.text))
                    .map_err(|halt| halt.with_help(help))
            }
            Answer::CouldNot(why) => halt(
                TroubleKind::Failed,
                format!("a person could not do it: {}: {why}", question.text),
            ),
            Answer::Nobody => {
                let help = match question.kind {
                    QuestionKind::Confirm => {
                        format!("answer it with --answer {}=yes, or with --yes", question.name)
                    }
                    _ => format!(
                        "run it at a terminal, or answer it with --answer {}=yes",
                        question.name
                    ),
                };
                let message = format!("nobody was there to answer: {}", question.text);
                halt(TroubleKind::Declined, message).map_err(|halt| halt.with_help(help))
            }
        }
    }

    pub(super) async fn confirm(
        &self,
        here: &Here,
        step: &Step,
        name: &str,
        text: &Written,
        before_irreversible: bool,
    ) -> Walked {
        let kind = if before_irreversible {
            QuestionKind::Irreversible
        } else {
            QuestionKind::Confirm
        };
        let text = self.shown(here, text).await?;
        let node = here.node().cloned();
        self.question(
            here,
            step,
            Question {
                kind,
                name: name.to_owned(),
                text,
                node,
                rehearsed_as: None,
                path: here.path.clone(),
            },
        )
        .await?;
        Ok(Value::text(""))
    }

    pub(super) async fn manual(
        &self,
        here: &Here,
        step: &Step,
        name: &str,
        text: &Written,
        rehearsed_as: Option<&Written>,
    ) -> Walked {
        let text = self.shown(here, text).await?;
        let rehearsed_as = match rehearsed_as {
            Some(written) => Some(
                self.measured(here, |context, frame| context.command(frame, written))
                    .await?,
            ),
            None => None,
        };
        let (name, node) = (name.to_owned(), here.node().cloned());
        self.question(
            here,
            step,
            Question {
                kind: QuestionKind::Manual,
                name,
                text,
                node,
                rehearsed_as,
                path: here.path.clone(),
            },
        )
        .await?;
        Ok(Value::text(""))
    }
}
