//! What is told of a run while it goes on.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::inventory::NodeName;
use crate::journal::{Event, Happening, Recorder, StepResult};
use crate::transport::StepPath;

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Everything, in order.
    pub events: Vec<Event>,
    /// What comes of it.
    pub memory: Memory,
    /// How many of the events that a walk is going to tell are here already.
    pub known_count: usize,
}

/// What was told, as far as it decides what comes.
#[derive(Debug, Clone, Default, Hash)]
pub(super) struct Memory {
    /// The outages that are open; one that failed stays open, whoever goes on with the run.
    outages: BTreeSet<StepPath>,
    tokens: BTreeSet<(String, NodeName)>,
    groups: BTreeMap<String, String>,
    named: BTreeMap<(String, Option<NodeName>), String>,
    /// What went wrong on its way, by the path of what caught it or of the node's body.
    failed: BTreeSet<StepPath>,
}

impl Seen {
    fn take(&mut self, event: &Event) {
        match &event.what {
            Happening::Outage {
                place, opens: true, ..
            } => {
                self.memory.outages.insert(place.path.clone());
            }
            Happening::Outage {
                place, opens: false, ..
            } => {
                self.memory.outages.remove(&place.path);
            }
            Happening::TokenTaken { service, node, .. } => {
                self.memory.tokens.insert((service.clone(), node.clone()));
            }
            Happening::TokenReturned { service, node } => {
                self.memory.tokens.remove(&(service.clone(), node.clone()));
            }
            Happening::GroupChanged { group, now, .. } => {
                self.memory.groups.insert(group.clone(), now.to_string());
            }
            Happening::Named { place, name, value } => {
                self.memory
                    .named
                    .insert((name.clone(), place.node.clone()), value.clone());
            }
            Happening::Caught { place, .. } => {
                self.memory.failed.insert(place.path.clone());
            }
            Happening::NodeEnded {
                path,
                result: StepResult::Trouble(_),
                ..
            } => {
                self.memory.failed.insert(path.clone());
            }
            _ => {}
        }
        self.events.push(event.clone());
    }

    /// Whether an outage is open.
    pub fn is_outage(&self) -> bool {
        !self.memory.outages.is_empty()
    }

    /// Whether anything went wrong on its way.
    pub fn has_failed(&self) -> bool {
        !self.memory.failed.is_empty()
    }

    /// A walk begins anew, and tells everything once more.
    pub fn begin_anew(&mut self) {
        self.known_count = 0;
        self.memory = Memory {
            outages: std::mem::take(&mut self.memory.outages),
            ..Memory::default()
        };
    }
}

/// Takes in what is told of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Listener(pub Rc<RefCell<Seen>>);

impl Recorder for Listener {
    fn record(&mut self, event: &Event) {
        self.0.borrow_mut().take(event);
    }

    fn recall(&mut self, event: &Event) {
        let mut seen = self.0.borrow_mut();
        match seen.known_count.checked_sub(1) {
            Some(left) => seen.known_count = left,
            None => seen.take(event),
        }
    }
}
