//! The door to a simulated cluster that both sides go through: it records, and it fails as told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use quorate::inventory::NodeName;
use quorate::plan::StepId;
use quorate::transport::simulated::{CommandFault, Fault, SimulatedCluster, SimulatedTransport};
use quorate::transport::{Clock, Outcome, Purpose, Request, Transport, TransportError};
use quorate::value::{quote, write_duration};

/// How a command for another user begins.
const AS_ROOT: &str = "sudo -n sh -c ";
/// How long a connection is tried.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// The node whose name stands for the machine that runs the script.
pub const HERE: &str = "localhost";

/// What goes wrong with one command, whatever it is for.
#[derive(Debug, Clone)]
pub struct PlannedFault {
    /// On this node.
    pub node: String,
    /// This command, as the runbook has it: without `sudo`.
    pub command: String,
    /// The how-manieth time that it is carried out there, from 1.
    pub occurrence: usize,
    /// What happens.
    pub what: Mishap,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// As the simulated cluster lets an act go wrong.
    Command(CommandFault),
    /// No connection, this once.
    Unreachable,
}

/// A command that was carried out.
#[derive(Debug, Clone)]
pub struct Carried {
    /// When it began.
    pub began: Duration,
    /// When it ended.
    pub ended: Duration,
    /// Where.
    pub node: String,
    /// What, as it goes out.
    pub command: String,
    /// How long it might take.
    pub limit: Duration,
    /// What for; a script does not tell.
    pub purpose: Purpose,
    /// The step it belongs to, if it is an act of the interpreter.
    pub step: Option<StepId>,
    /// How it ended; `broken off` when nobody waited for the end.
    pub result: String,
}

/// Carries commands out on a simulated cluster.
pub struct Door {
    cluster: SimulatedCluster,
    inner: SimulatedTransport,
    faults: Vec<PlannedFault>,
    counts: RefCell<BTreeMap<(String, String), usize>>,
    carried: RefCell<Vec<Carried>>,
    /// The step that the interpreter has just begun.
    pub step: Rc<Cell<Option<StepId>>>,
}

impl Door {
    /// A door to `cluster` behind which `faults` happen.
    pub fn new(cluster: &SimulatedCluster, faults: &[PlannedFault]) -> Self {
        Door {
            cluster: cluster.clone(),
            inner: cluster.transport(),
            faults: faults.to_vec(),
            counts: RefCell::default(),
            carried: RefCell::default(),
            step: Rc::default(),
        }
    }

    /// What was carried out, in the order in which it began.
    pub fn carried(&self) -> Vec<Carried> {
        self.carried.borrow().clone()
    }

    /// What is to go wrong with this command, which is counted.
    fn mishap(&self, node: &str, plain: &str) -> Option<Mishap> {
        let mut counts = self.counts.borrow_mut();
        let count = counts.entry((node.to_owned(), plain.to_owned())).or_default();
        *count += 1;
        let is_meant = |fault: &&PlannedFault| {
            fault.node == node && fault.command == plain && fault.occurrence == *count
        };
        self.faults.iter().find(is_meant).map(|fault| fault.what)
    }

    fn is_reachable(&self, node: &str) -> bool {
        let nodes = self.cluster.inspect().nodes;
        node == HERE || nodes.get(node).is_some_and(|it| it.is_reachable)
    }

    fn cut_power(&self, node: &str, after: Duration) {
        let fault = Fault::Power {
            node: node.to_owned(),
            on: false,
        };
        if after.is_zero() {
            self.cluster.inject(&fault);
        } else {
            self.cluster.inject_at(self.cluster.clock().now() + after, fault);
        }
    }

    async fn carry_out_with(
        &self,
        request: &Request,
        node: &str,
        mishap: Option<Mishap>,
    ) -> Result<Outcome, TransportError> {
        let lose = |why: String, is_late: bool| TransportError::Unknown {
            node: node.to_owned(),
            why,
            is_late,
        };
        let lost = || Err(lose("the connection was lost".to_owned(), false));
        let clock = self.cluster.clock();
        match mishap {
            Some(Mishap::Command(CommandFault::NodeDiesBefore)) => self.cut_power(node, Duration::ZERO),
            Some(Mishap::Unreachable) => {
                clock.sleep(CONNECT_TIME.min(request.limit)).await;
                return Err(TransportError::Unreachable {
                    node: node.to_owned(),
                    why: "connection timed out".to_owned(),
                });
            }
            // Nothing goes wrong on a node that is not there.
            Some(_) if !self.is_reachable(node) => {}
            Some(Mishap::Command(CommandFault::Fails)) => {
                return Ok(Outcome {
                    status: 1,
                    output: String::new(),
                    errors: "the command failed\n".to_owned(),
                });
            }
            Some(Mishap::Command(CommandFault::Hangs)) => {
                clock.sleep(request.limit).await;
                let limit = write_duration(request.limit);
                return Err(lose(format!("it took longer than {limit}"), true));
            }
            Some(Mishap::Command(CommandFault::ConnectionLostBefore)) => return lost(),
            Some(Mishap::Command(CommandFault::FailsAfter)) => {
                return self.inner.carry_out(request).await.map(|_| Outcome {
                    status: 1,
                    output: String::new(),
                    errors: "the command failed\n".to_owned(),
                });
            }
            Some(Mishap::Command(CommandFault::NodeDiesDuring)) => {
                self.cut_power(node, Duration::from_millis(25));
            }
            Some(Mishap::Command(CommandFault::NodeDiesAfter)) => {
                let outcome = self.inner.carry_out(request).await;
                self.cut_power(node, Duration::ZERO);
                return outcome;
            }
            Some(Mishap::Command(CommandFault::ConnectionLostAfter)) => {
                // What it ended with never arrives.
                return match self.inner.carry_out(request).await {
                    Ok(_) => lost(),
                    error => error,
                };
            }
            None => {}
        }
        self.inner.carry_out(request).await
    }
}

#[async_trait(?Send)]
impl Transport for Door {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        let node = request.node.as_ref().map_or(HERE, NodeName::as_str).to_owned();
        let text = request.command.as_str();
        // Whoever runs the script is root already.
        let command = match request.as_root && request.node.is_some() {
            true => format!("{AS_ROOT}{}", quote(text)),
            false => text.to_owned(),
        };
        let mishap = self.mishap(&node, &without_sudo(&command));
        let step = match request.purpose {
            Purpose::Act => self.step.take(),
            Purpose::Probe => None,
        };
        let clock = self.cluster.clock();
        let place = self.carried.borrow().len();
        self.carried.borrow_mut().push(Carried {
            began: clock.now(),
            ended: clock.now(),
            node: node.clone(),
            command,
            limit: request.limit,
            purpose: request.purpose,
            step,
            result: "broken off".to_owned(),
        });
        let mut outcome = self.carry_out_with(request, &node, mishap).await;
        if let Err(TransportError::Unreachable { node, .. } | TransportError::Unknown { node, .. }) =
            &mut outcome
            && node == HERE
        {
            // As the real transports name it.
            *node = "this machine".to_owned();
        }
        let carried = &mut self.carried.borrow_mut()[place];
        carried.ended = clock.now();
        carried.result = match &outcome {
            Ok(outcome) => format!("status {}", outcome.status),
            Err(TransportError::Unreachable { .. }) => "unreachable".to_owned(),
            Err(TransportError::Unknown { is_late: true, .. }) => "too late".to_owned(),
            Err(TransportError::Unknown { .. }) => "connection lost".to_owned(),
            Err(other) => other.to_string(),
        };
        outcome
    }
}

/// The command that `sudo` carries out, or the command itself.
pub fn without_sudo(command: &str) -> String {
    let Some(word) = command.strip_prefix(AS_ROOT) else {
        return command.to_owned();
    };
    match word.strip_prefix('\'').and_then(|word| word.strip_suffix('\'')) {
        Some(quoted) => quoted.replace(r"'\''", "'"),
        None => word.to_owned(),
    }
}
