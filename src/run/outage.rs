use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::cleanup::Cleanups;
use super::here::{Halt, Here, Outage, Walked, trouble};
use super::walk::Walk;
use crate::evaluate::Place;
use crate::journal::{Happening, TroubleKind};
use crate::plan::Step;
use crate::syntax::Written;
use crate::transport::{Question, QuestionKind};

impl Walk<'_> {
    /// `outage "why" < … >`: budgets and the hooks of stops are lifted inside.
    pub(super) async fn outage(
        &self,
        here: &Here,
        step: &Step,
        name: &str,
        why: &Written,
        body: &[Step],
        cleanups: &Cleanups,
    ) -> Walked {
        let why = self.shown(here, why).await?;
        let question = Question {
            kind: QuestionKind::Outage,
            name: name.to_owned(),
            text: format!("outage of {}: {why}", self.plan.inventory.name),
            node: here.node().cloned(),
            rehearsed_as: None,
            path: here.path.clone(),
        };
        self.question(here, step, question).await?;
        let place = self.place(step, here);
        self.record(Happening::Outage {
            place: place.clone(),
            why: why.clone(),
            opens: true,
        });
        let outage = Rc::new(Outage {
            why,
            since: self.now(),
            stopped: RefCell::default(),
            is_over: Cell::new(false),
        });
        let mut inner = here.clone();
        inner.outage = Some(outage.clone());
        let walked = self.sequence(inner, body, cleanups).await;
        if let Err(halt @ Halt::Trouble(_)) = walked {
            return Err(self.still_open(halt, &outage));
        }
        self.ask_stopped(here, step, &outage)
            .await
            .map_err(|halt| self.still_open(halt, &outage))?;
        outage.is_over.set(true);
        self.record(Happening::Outage {
            place,
            why: outage.why.clone(),
            opens: false,
        });
        walked
    }

    /// What was stopped inside must run again, by its own status, or be left by word.
    async fn ask_stopped(&self, here: &Here, step: &Step, outage: &Outage) -> Result<(), Halt> {
        if self.options.dry_run {
            return Ok(());
        }
        let mut left = Vec::new();
        let stopped = outage.stopped.borrow().clone();
        for (used, node) in stopped {
            let mut there = here.clone();
            there.frame.place = Place::Node(node.clone());
            if !matches!(self.status(&there, step, &node, &used).await, Ok(Some(true))) {
                left.push(format!("{} on {node}", used.name()));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        let message = format!(
            "at the end of the outage these are still stopped: {}",
            left.join(", ")
        );
        let help = "start them again inside the outage, or say `leave SERVICE stopped \"why\"`";
        Err(trouble(TroubleKind::Failed, message, step, here).with_help(help))
    }

    /// Says on a failure that the outage is still open.
    fn still_open(&self, halt: Halt, outage: &Outage) -> Halt {
        let Halt::Trouble(mut trouble) = halt else {
            return halt;
        };
        if self.options.dry_run {
            // It was only shown.
            return Halt::Trouble(trouble);
        }
        let open = crate::value::write_duration(std::time::Duration::from_secs(
            self.now().saturating_sub(outage.since).as_secs(),
        ));
        trouble.message = format!(
            "{} (the outage \"{}\" is still open, for {open} now)",
            trouble.message, outage.why
        );
        Halt::Trouble(trouble)
    }
}
