use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::here::{BodyId, Here, Used};
use crate::evaluate::{Groups, Mask};
use crate::inventory::NodeName;
use crate::value::{Secret, Value};

/// What the walk remembers beside the events.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Who is in which group now.
    pub groups: Rc<Groups>,
    /// Members that this run has out: the pools.
    pub tokens: Vec<Token>,
    /// The number of the next body.
    pub next_body: BodyId,
    /// Whether a dry run has held an act back: from then on facts are not what they would be.
    pub held_back: bool,
    /// What each service on each node was last known to be doing, by its own `status` or this run's acts.
    /// With the time at which that was: see [`State::epoch`].
    pub running: BTreeMap<(String, NodeName), (bool, u64)>,
    /// Counts what may change services without this run's doing: each `on`, person and raw command.
    pub epoch: u64,
    /// Members that were given back by `until` and are still away: they are not missed.
    pub replaced: BTreeSet<(String, NodeName)>,
    /// What this run has stopped and not started again, in that order.
    pub stopped: Vec<StoppedService>,
    /// The facts that were measured last.
    pub measured: Vec<(String, Value)>,
    /// The facts that were measured when something was refused last.
    pub evidence: Vec<(String, Value)>,
    /// Secrets that verbs were given: they are blotted out of what hosts print.
    pub secrets: Vec<Secret>,
    /// Undos of blocks that have not ended.
    pub owed: Vec<String>,
    /// Undos that somebody did not want, or that failed.
    pub undos_left: Vec<String>,
}

/// A service that a run has stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedService {
    /// Its name, and after it which instances.
    pub name: String,
    /// Where.
    pub node: NodeName,
    /// `module.name`, and which instances.
    pub(super) key: String,
}

/// A member that this run has taken away, or let join and not seen up yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// The service, by `module.name`.
    pub service: String,
    /// The member.
    pub node: NodeName,
    /// The body that holds it; everybody else sees the member masked.
    pub holder: BodyId,
    /// The fact whose rows speak of it, as `module.fact`.
    pub fact: Option<Rc<str>>,
    /// Whether its `after stop` has held, so that `until` may give it back.
    pub is_noticed: bool,
}

impl State {
    /// The token of a member, if it has one.
    pub fn token(&mut self, service: &str, node: &NodeName) -> Option<&mut Token> {
        self.tokens
            .iter_mut()
            .find(|token| token.service == service && token.node == *node)
    }

    /// Takes the token of a member, or hands it over to this body.
    pub fn take(&mut self, service: &str, node: &NodeName, holder: BodyId, fact: Option<String>) -> bool {
        if let Some(token) = self.token(service, node) {
            token.holder = holder;
            return false;
        }
        let (service, node) = (service.to_owned(), node.clone());
        self.replaced.remove(&(service.clone(), node.clone()));
        self.tokens.push(Token {
            service,
            node,
            holder,
            fact: fact.map(Rc::from),
            is_noticed: false,
        });
        true
    }

    /// Remembers that a service was stopped, or that it, or all of its kind on the node, run again.
    pub fn note_stopped(&mut self, used: &Used, node: &NodeName, is_stopped: bool) {
        for one in used.one_by_one() {
            let (key, kind) = (one.full_key(), one.key());
            let is_it = |stopped: &StoppedService| {
                stopped.node == *node
                    && (stopped.key == key
                        || (one.names_all() && stopped.key.split(' ').next() == Some(&kind)))
            };
            self.stopped.retain(|stopped| !is_it(stopped));
            if is_stopped {
                let (name, node) = (one.name(), node.clone());
                self.stopped.push(StoppedService { name, node, key });
            }
        }
    }

    /// Whether a service was seen to run, however long ago.
    pub fn last_seen(&self, service: &str, node: &NodeName) -> Option<bool> {
        self.running
            .get(&(service.to_owned(), node.clone()))
            .map(|(runs, _)| *runs)
    }

    /// Whether a service runs, as far as that is still sure.
    pub fn known_to_run(&self, service: &str, node: &NodeName) -> Option<bool> {
        let (runs, epoch) = self.running.get(&(service.to_owned(), node.clone()))?;
        (*epoch == self.epoch).then_some(*runs)
    }

    /// Gives a token back; whether there was one.
    pub fn give_back(&mut self, service: &str, node: &NodeName) -> bool {
        let before = self.tokens.len();
        self.tokens
            .retain(|token| token.service != service || token.node != *node);
        self.tokens.len() < before
    }

    /// The members whose view somebody at `here` must not believe.
    pub fn masks(&self, here: &Here) -> Vec<Mask> {
        self.tokens
            .iter()
            .filter(|token| !here.bodies.contains(&token.holder))
            .filter_map(|token| {
                Some(Mask {
                    fact: token.fact.clone()?,
                    node: token.node.clone(),
                })
            })
            .collect()
    }
}
