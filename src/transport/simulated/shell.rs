//! Carries command texts out on simulated nodes, on virtual time.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::command::{Joint, Pipeline, Progress, Simple, Task, read_command};
use super::model::Models;
use super::virtual_clock::VirtualClock;
use super::world::World;
use crate::transport::{Clock, Outcome};

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// Its limit passed.
    TookTooLong,
    /// The node went away, or was cut off.
    ConnectionLost,
}

/// A shell on a node: where, until when, and whose hands.
#[derive(Debug, Clone)]
pub(super) struct Shell {
    pub world: Rc<RefCell<World>>,
    pub clock: VirtualClock,
    pub host: usize,
    pub deadline: Duration,
    /// Whether a person stands before the node: no connection can be lost.
    pub is_in_person: bool,
    /// The boot in which it began.
    pub boot_count: u32,
    /// What modules say that their commands print.
    pub models: Option<Rc<Models>>,
    /// The models that are being asked around it; within a model nothing takes time.
    pub asked: Vec<usize>,
}

/// How long a command takes that a model is written for.
const MODEL_TIME: Duration = Duration::from_millis(50);

impl Shell {
    /// A shell on a node for the model of that number: what it runs takes no time. None where the node does
    /// not answer.
    pub fn inside(&self, model: usize, node: &str) -> Option<Shell> {
        let world = self.world.borrow();
        let place = world.find_host(node)?;
        let host = &world.hosts[place];
        let boot_count = host.boot_count;
        let mut asked = self.asked.clone();
        asked.push(model);
        (host.is_on && host.is_reachable).then(|| Shell {
            host: place,
            boot_count,
            asked,
            ..self.clone()
        })
    }

    /// Carries out a whole text.
    pub async fn run(&self, text: &str, input: &str) -> Result<Outcome, Lost> {
        let mut all = Outcome {
            status: 0,
            output: String::new(),
            errors: String::new(),
        };
        let pipelines = match read_command(text) {
            Ok(pipelines) => pipelines,
            Err(why) => {
                let status = if why.ends_with("simulated cluster") {
                    127
                } else {
                    2
                };
                return Ok(Outcome {
                    status,
                    output: String::new(),
                    errors: format!("sh: {why}\n"),
                });
            }
        };
        for pipeline in pipelines.iter() {
            let is_wanted = match pipeline.joint {
                Joint::Always => true,
                Joint::IfGood => all.status == 0,
                Joint::IfBad => all.status != 0,
            };
            if is_wanted {
                let outcome = self.run_pipeline(pipeline, input).await?;
                all.status = outcome.status;
                all.output.push_str(&outcome.output);
                all.errors.push_str(&outcome.errors);
            }
        }
        Ok(all)
    }

    async fn run_pipeline(&self, pipeline: &Pipeline, input: &str) -> Result<Outcome, Lost> {
        let mut result = Outcome {
            status: 0,
            output: input.to_owned(),
            errors: String::new(),
        };
        for simple in &pipeline.commands {
            let outcome = self
                .run_simple(simple, std::mem::take(&mut result.output))
                .await?;
            let outcome = self.redirect(simple, outcome);
            result.status = outcome.status;
            result.output = outcome.output;
            result.errors.push_str(&outcome.errors);
        }
        if pipeline.is_negated {
            result.status = i32::from(result.status == 0);
        }
        Ok(result)
    }

    fn redirect(&self, simple: &Simple, mut outcome: Outcome) -> Outcome {
        if simple.drops_errors {
            outcome.errors.clear();
        }
        let errors_follow = simple.errors_to_output;
        if errors_follow {
            outcome.output.push_str(&std::mem::take(&mut outcome.errors));
        }
        match simple.output_to.as_deref() {
            None => {}
            Some("/dev/null") => outcome.output.clear(),
            Some("/dev/stderr") => outcome.errors.push_str(&std::mem::take(&mut outcome.output)),
            Some(path) => {
                let text = std::mem::take(&mut outcome.output);
                self.world.borrow_mut().hosts[self.host]
                    .files
                    .insert(path.to_owned(), text);
            }
        }
        outcome
    }

    async fn run_simple(&self, simple: &Simple, input: String) -> Result<Outcome, Lost> {
        let words: Vec<&str> = simple.words.iter().map(String::as_str).collect();
        if let ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c", text, ..] = words[..] {
            return Box::pin(self.run(text, &input)).await;
        }
        if let Some(models) = &self.models
            && let Some(asked) = models.find(&simple.words)
        {
            self.wait(MODEL_TIME).await?;
            return Ok(models.answer(self, &asked));
        }
        let began = self.clock.now();
        let mut task = Task {
            host: self.host,
            words: simple.words.clone(),
            input,
            stage: 0,
            began,
        };
        loop {
            let progress = self.world.borrow_mut().ask_program(&task);
            if !self.is_connected() {
                return Err(Lost::ConnectionLost);
            }
            match progress {
                Progress::Done(outcome) => return Ok(outcome),
                Progress::Wait(length) => self.wait(length).await?,
            }
            task.stage += 1;
        }
    }

    async fn wait(&self, length: Duration) -> Result<(), Lost> {
        if !self.asked.is_empty() {
            return Ok(());
        }
        let until = self.clock.now() + length;
        self.clock.wait_until(until.min(self.deadline)).await;
        if !self.is_connected() {
            return Err(Lost::ConnectionLost);
        }
        if until > self.deadline {
            Err(Lost::TookTooLong)
        } else {
            Ok(())
        }
    }

    fn is_connected(&self) -> bool {
        let world = self.world.borrow();
        let host = &world.hosts[self.host];
        self.is_in_person || (host.is_on && host.is_reachable && host.boot_count == self.boot_count)
    }
}
