//! A simulated cluster behind the same three doors as a real one.
//!
//! It is a state machine and not canned text: commands change what is true, time changes
//! it further, and what the tools print is a view of it that lags. It answers the real
//! commands in the documented formats, takes virtual time for each, and says of a command
//! that it does not know that it is not modelled.

mod change;
mod command;
mod elsewhere;
mod executor;
mod fault;
mod format;
mod model;
mod shape;
mod shell;
mod sight;
mod tools;
mod virtual_clock;
mod world;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;

pub use change::Change;
pub use executor::WaitsForNothing;
pub use fault::{CommandFault, Fault};
pub use shape::{ClusterShape, NodeShape, Shape};
pub use sight::Sight;
pub use virtual_clock::VirtualClock;
pub use world::{ChunkServerInspection, ChunkState, Inspection, MetadataInspection, NodeInspection, Vitals};

use super::{
    Answer, Clock, Decision, Failure, Outcome, Person, Purpose, Question, QuestionKind, Request, Transport,
    TransportError,
};
use crate::inventory::{Inventory, NodeName};
use model::Models;
use shell::{Lost, Shell};
use world::World;

/// How long a connection is tried before a node counts as unreachable.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// How long a person takes for a manual step.
const MANUAL_TIME: Duration = Duration::from_secs(600);

/// A cluster that exists only in memory; clones are the same cluster.
#[derive(Debug, Clone)]
pub struct SimulatedCluster {
    shape: Rc<Shape>,
    world: Rc<RefCell<World>>,
    clock: VirtualClock,
    models: Rc<RefCell<Option<Rc<Models>>>>,
}

impl SimulatedCluster {
    /// Builds the cluster of a shape.
    pub fn new(shape: Shape) -> Self {
        let world = World::build(&shape);
        SimulatedCluster {
            shape: Rc::new(shape),
            world: Rc::new(RefCell::new(world)),
            clock: VirtualClock::default(),
            models: Rc::default(),
        }
    }

    /// Builds the default cluster.
    pub fn from_default() -> Self {
        SimulatedCluster::new(Shape::default())
    }

    /// A cluster of its own in exactly the same state, at the same time.
    pub fn fork(&self) -> Self {
        let clock = VirtualClock::default();
        clock.move_to(self.clock.now());
        SimulatedCluster {
            shape: Rc::clone(&self.shape),
            world: Rc::new(RefCell::new(self.world.borrow().clone())),
            clock,
            models: Rc::new(RefCell::new(self.models.borrow().clone())),
        }
    }

    /// Its inventory, with the groups `mds_nodes`, `cs_nodes` and those of the shape.
    ///
    /// # Panics
    ///
    /// When the shape was put together by hand and names a node or a group that cannot be.
    pub fn inventory(&self) -> Inventory {
        self.shape
            .inventory()
            .expect("a shape that was read has an inventory")
    }

    /// The door for commands.
    pub fn transport(&self) -> SimulatedTransport {
        SimulatedTransport {
            cluster: self.clone(),
        }
    }

    /// The door for time.
    pub fn clock(&self) -> VirtualClock {
        self.clock.clone()
    }

    /// The door for the person: asks `inner`, and after a yes carries out what the step is rehearsed as.
    pub fn person(&self, inner: Box<dyn Person>) -> SimulatedPerson {
        SimulatedPerson {
            cluster: self.clone(),
            inner,
        }
    }

    /// Polls a future to its end and moves virtual time on whenever it waits.
    ///
    /// # Panics
    ///
    /// When the future waits for nothing in the simulated world; see [`Self::try_block_on`].
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.try_block_on(future) {
            Ok(output) => output,
            Err(error) => panic!("{error}"),
        }
    }

    /// Polls a future to its end and moves virtual time on whenever it waits.
    ///
    /// # Errors
    ///
    /// [`WaitsForNothing`] when it waits for something that cannot happen in the simulated world.
    pub fn try_block_on<F: Future>(&self, future: F) -> Result<F::Output, WaitsForNothing> {
        executor::drive(&self.clock, future, |now| self.world.borrow_mut().advance(now))
    }

    /// The truth about it, for tests and invariants.
    pub fn inspect(&self) -> Inspection {
        self.world.borrow().inspect()
    }

    /// How often each node has booted.
    pub fn boot_counts(&self) -> BTreeMap<String, u32> {
        let world = self.world.borrow();
        let hosts = world.hosts.iter();
        hosts.map(|host| (host.name.clone(), host.boot_count)).collect()
    }

    /// What is well with it, and what is not: the part of the truth that is asked for often.
    pub fn vitals(&self) -> Vitals {
        self.world.borrow().vitals()
    }

    /// Whether nothing is due in it: left alone, it stays as it is for good.
    pub fn is_at_rest(&self) -> bool {
        self.world.borrow().is_at_rest()
    }

    /// A number that two states of it share when all that can come of them is the same, whatever
    /// the time is. `is_coarse`: chunks count by their states alone, and what is due by its kind.
    pub fn fingerprint(&self, is_coarse: bool) -> u64 {
        self.world.borrow().fingerprint(is_coarse)
    }

    /// Lets a fault happen now.
    pub fn inject(&self, fault: &Fault) {
        self.world.borrow_mut().apply_fault(fault);
    }

    /// Lets a fault happen at a time to come.
    pub fn inject_at(&self, at: Duration, fault: Fault) {
        self.world.borrow_mut().plan_fault(at, fault);
    }

    /// Lets something go wrong with the act of that number, counted from 1.
    pub fn inject_into_act(&self, number: usize, fault: CommandFault) {
        self.world.borrow_mut().command_faults.push((number, fault));
    }

    /// Lets a fault happen just before the act of that number, counted from 1.
    pub fn inject_before_act(&self, number: usize, fault: Fault) {
        self.world.borrow_mut().act_faults.push((number, fault));
    }

    /// Carries a command out as a real node would, unless something goes wrong with it.
    ///
    /// # Errors
    ///
    /// As [`Transport::carry_out`].
    pub async fn carry_out(
        &self,
        request: &Request,
        fault: Option<CommandFault>,
    ) -> Result<Outcome, TransportError> {
        let node = request
            .node
            .as_ref()
            .map_or("localhost", NodeName::as_str)
            .to_owned();
        let Some(host) = self.world.borrow().find_host(&node) else {
            return Err(TransportError::Unreachable {
                node,
                why: "no such host".to_owned(),
            });
        };
        if fault == Some(CommandFault::NodeDiesBefore) {
            self.world.borrow_mut().power_off(host);
        }
        let deadline = self.clock.now() + request.limit;
        let (is_there, boot_count) = {
            let world = self.world.borrow();
            let host = &world.hosts[host];
            (host.is_on && host.is_reachable, host.boot_count)
        };
        if !is_there {
            self.clock.sleep(CONNECT_TIME.min(request.limit)).await;
            return Err(TransportError::Unreachable {
                node,
                why: "connection timed out".to_owned(),
            });
        }
        match fault {
            Some(CommandFault::Fails) => return Ok(failed()),
            Some(CommandFault::Hangs) => {
                self.clock.sleep(request.limit).await;
                return Err(lose(node, Lost::TookTooLong, request.limit));
            }
            Some(CommandFault::ConnectionLostBefore) => {
                return Err(lose(node, Lost::ConnectionLost, request.limit));
            }
            Some(CommandFault::NodeDiesDuring) => self.kill_soon(&node),
            _ => {}
        }
        let shell = self.shell(host, deadline, false, boot_count);
        let input = request.input.as_ref().map_or("", |secret| secret.reveal());
        let outcome = shell.run(request.command.as_str(), input).await;
        match fault {
            Some(CommandFault::NodeDiesAfter) => self.world.borrow_mut().power_off(host),
            Some(CommandFault::FailsAfter) => {
                return outcome
                    .map(|_| failed())
                    .map_err(|lost| lose(node, lost, request.limit));
            }
            Some(CommandFault::ConnectionLostAfter) => {
                return Err(lose(node, Lost::ConnectionLost, request.limit));
            }
            _ => {}
        }
        outcome.map_err(|lost| lose(node, lost, request.limit))
    }

    /// Counts an act, lets happen what is planned just before it, and gives what is to go wrong with it.
    fn count_act(&self, purpose: Purpose) -> Option<CommandFault> {
        if purpose == Purpose::Probe {
            return None;
        }
        let mut world = self.world.borrow_mut();
        world.act_count += 1;
        let number = world.act_count;
        let due = world.act_faults.iter().filter(|(act, _)| *act == number);
        let due: Vec<Fault> = due.map(|(_, fault)| fault.clone()).collect();
        for fault in &due {
            world.apply_fault(fault);
        }
        world
            .command_faults
            .iter()
            .find(|(act, _)| *act == number)
            .map(|(_, fault)| *fault)
    }

    /// Cuts a node's power while its next command is under way.
    fn kill_soon(&self, node: &str) {
        let at = self.clock.now() + Duration::from_millis(25);
        self.inject_at(
            at,
            Fault::Power {
                node: node.to_owned(),
                on: false,
            },
        );
    }

    fn shell(&self, host: usize, deadline: Duration, is_in_person: bool, boot_count: u32) -> Shell {
        Shell {
            world: Rc::clone(&self.world),
            clock: self.clock.clone(),
            host,
            deadline,
            is_in_person,
            boot_count,
            models: self.models.borrow().clone(),
            asked: Vec::new(),
        }
    }

    /// Does what a person does at a node, whatever state the node is in.
    async fn do_in_person(&self, question: &Question) -> Result<(), String> {
        let Some(command) = &question.rehearsed_as else {
            return Ok(());
        };
        let node = question.node.as_ref().map_or("localhost", NodeName::as_str);
        let Some(host) = self.world.borrow().find_host(node) else {
            return Err(format!(
                "`{command}` is to be done on a node, and there is none in hand"
            ));
        };
        let shell = self.shell(host, Duration::MAX, true, 0);
        match shell.run(command.as_str(), "").await {
            Ok(outcome) if outcome.status == 0 => Ok(()),
            Ok(outcome) => Err(format!("`{command}` on {node}: {}", outcome.errors.trim())),
            Err(_) => Err(format!("`{command}` on {node} did not end")),
        }
    }
}

fn failed() -> Outcome {
    Outcome {
        status: 1,
        output: String::new(),
        errors: "the command failed\n".to_owned(),
    }
}

fn lose(node: String, lost: Lost, limit: Duration) -> TransportError {
    let is_late = matches!(lost, Lost::TookTooLong);
    let why = match lost {
        Lost::TookTooLong => format!("it took longer than {}", crate::value::write_duration(limit)),
        Lost::ConnectionLost => "the connection was lost".to_owned(),
    };
    TransportError::Unknown { node, why, is_late }
}

/// Carries commands out on the nodes of a simulated cluster.
#[derive(Debug, Clone)]
pub struct SimulatedTransport {
    cluster: SimulatedCluster,
}

#[async_trait(?Send)]
impl Transport for SimulatedTransport {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        let fault = self.cluster.count_act(request.purpose);
        self.cluster.carry_out(request, fault).await
    }
}

/// A person at a simulated cluster.
pub struct SimulatedPerson {
    cluster: SimulatedCluster,
    inner: Box<dyn Person>,
}

#[async_trait(?Send)]
impl Person for SimulatedPerson {
    async fn ask(&self, question: &Question) -> Answer {
        let answer = self.inner.ask(question).await;
        if answer != Answer::Yes {
            return answer;
        }
        if question.kind == QuestionKind::Manual {
            self.cluster.clock.sleep(MANUAL_TIME).await;
        }
        match self.cluster.do_in_person(question).await {
            Ok(()) => Answer::Yes,
            Err(why) => Answer::CouldNot(why),
        }
    }

    async fn decide(&self, failure: &Failure) -> Option<Decision> {
        self.inner.decide(failure).await
    }
}
