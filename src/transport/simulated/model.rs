//! What a module says that its commands print.

use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt;

use super::SimulatedCluster;
use super::shell::Shell;
use crate::check::{ModelDefinition, Program};
use crate::evaluate::{Ask, Context, Groups, Measured, Reply, Stop};
use crate::inventory::{Inventory, NodeName};
use crate::transport::Outcome;

/// The models of a program.
#[derive(Debug)]
pub(super) struct Models {
    program: Arc<Program>,
    inventory: Arc<Inventory>,
}

impl SimulatedCluster {
    /// Learns what a program says of it: the services that it declares, which run from now on where
    /// they are new here, and what its models let commands print.
    pub fn learn(&self, program: &Arc<Program>, inventory: &Arc<Inventory>) {
        for service in program.all_services() {
            let nodes = inventory.group(&service.group);
            let is_new = self.world.borrow_mut().add_declared(&service.name, nodes);
            if is_new {
                self.begin_as_told(&service.name);
            }
        }
        *self.models.borrow_mut() = Some(Rc::new(Models {
            program: Arc::clone(program),
            inventory: Arc::clone(inventory),
        }));
    }

    /// Lets a service begin as the shape says.
    fn begin_as_told(&self, service: &str) {
        let states = self.shape.state.iter();
        for change in states.filter(|change| change.service.as_deref() == Some(service)) {
            for fault in self.shape.faults(change).unwrap_or_default() {
                self.world.borrow_mut().apply_fault(&fault);
            }
        }
    }
}

/// A model, and what stands at the names of its pattern in a command.
pub(super) struct Asked<'m> {
    number: usize,
    model: &'m ModelDefinition,
    found: Vec<(&'m str, String)>,
}

impl Models {
    /// The model that is written for a command.
    pub fn find(&self, words: &[String]) -> Option<Asked<'_>> {
        let mut models = self.program.models.iter().enumerate();
        models.find_map(|(number, model)| {
            let found = model.pattern.find(words)?;
            Some(Asked { number, model, found })
        })
    }

    /// What a command prints by its model; one that cannot be told fails, and says why.
    pub fn answer(&self, shell: &Shell, asked: &Asked<'_>) -> Outcome {
        if shell.asked.contains(&asked.number) {
            return fail("the model of this command asks for itself");
        }
        let node = NodeName::from(shell.world.borrow().hosts[shell.host].name.as_str());
        let groups = Groups::default();
        let mut measured = Measured::default();
        loop {
            let context = Context {
                program: &self.program,
                inventory: &self.inventory,
                groups: &groups,
                masks: &[],
                measured: &measured,
            };
            match context.simulated(asked.model, &node, &asked.found) {
                Ok(text) if text.is_empty() => return Outcome::nothing(),
                Ok(text) => {
                    return Outcome {
                        output: format!("{text}\n"),
                        ..Outcome::nothing()
                    };
                }
                Err(Stop::Fail(error)) => return fail(&error.to_string()),
                Err(Stop::Need(asks)) => {
                    for ask in asks {
                        let reply = ask_at_once(shell, asked.number, &ask);
                        measured.insert(&ask, reply);
                    }
                }
            }
        }
    }
}

/// The truth about a node: the answer to a probe that takes no time.
fn ask_at_once(shell: &Shell, model: usize, ask: &Ask) -> Reply {
    let node = ask.node.as_ref().map_or("localhost", NodeName::as_str);
    let Some(there) = shell.inside(model, node) else {
        return Reply::Silent("the node does not answer".to_owned());
    };
    let ran = there.run(ask.command.as_str(), "").now_or_never();
    match ran {
        Some(Ok(outcome)) => Reply::Ran {
            status: outcome.status,
            output: outcome.output,
            errors: outcome.errors,
        },
        Some(Err(_)) | None => Reply::Silent("the node does not answer".to_owned()),
    }
}

fn fail(why: &str) -> Outcome {
    Outcome {
        status: 1,
        output: String::new(),
        errors: format!("{why}\n"),
    }
}
