use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::{Event, Happening, StepPlace, StepResult, Trouble, TroubleKind};
use crate::diagnostic::Span;
use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;

/// Where each body on a node ended last: of a run that was taken up again, a body may end twice.
fn last_ends(events: &[Event]) -> HashMap<&str, usize> {
    let ends = events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| match &event.what {
            Happening::NodeEnded { path, .. } => Some((path.as_str(), index)),
            _ => None,
        });
    ends.filter(|(path, _)| !path.is_empty()).collect()
}

/// Whether a body that ended here ended once more later.
fn is_superseded(index: usize, event: &Event, ends: &HashMap<&str, usize>) -> bool {
    match &event.what {
        Happening::NodeEnded { path, .. } => ends.get(path.as_str()).is_some_and(|last| *last > index),
        _ => false,
    }
}

/// What became of a node of an `on`: exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodeState {
    /// Its whole body ended well.
    Done,
    /// The script said `skip`.
    Skipped,
    /// A step or guard failed, was refused or declined.
    Failed,
    /// It cannot be told, or it was in hand when the run broke off.
    Unknown,
    /// It was in hand when the run broke off, and what became of each act on it was found out since.
    Begun,
    /// It was never begun.
    NotReached,
}

impl NodeState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            NodeState::Done => "done",
            NodeState::Skipped => "skipped",
            NodeState::Failed => "failed",
            NodeState::Unknown => "unknown",
            NodeState::Begun => "begun",
            NodeState::NotReached => "not reached",
        }
    }
}

/// The nodes of one `on`, by what became of them.
#[derive(Debug, Clone, PartialEq)]
pub struct SetLedger {
    /// The `on`.
    pub step: StepId,
    /// Where it is written.
    pub span: Span,
    /// All its nodes.
    pub nodes: NodeSet,
    /// `serially`, `in parallel`, …
    pub mode: String,
    /// Nodes that `--limit` left out.
    pub left_out: NodeSet,
    /// How often it was gone through with this very result, as in a loop.
    pub times: usize,
    states: BTreeMap<NodeName, NodeState>,
    started: NodeSet,
    /// Nodes of which a person has said since what became of the act in hand.
    told: NodeSet,
}

impl SetLedger {
    /// The state of each of its nodes, folded, in the order of [`NodeState`]; none is empty.
    pub fn by_state(&self) -> Vec<(NodeState, NodeSet)> {
        let mut folded: BTreeMap<NodeState, NodeSet> = BTreeMap::new();
        for node in &self.nodes.difference(&self.left_out) {
            folded.entry(self.state(node)).or_default().insert(node.clone());
        }
        folded.into_iter().collect()
    }

    /// What became of `node`.
    pub fn state(&self, node: &NodeName) -> NodeState {
        let begun = match (self.started.contains(node), self.told.contains(node)) {
            (true, true) => NodeState::Begun,
            (true, false) => NodeState::Unknown,
            (false, _) => NodeState::NotReached,
        };
        self.states.get(node).copied().unwrap_or(begun)
    }

    fn has_open(&self, node: &NodeName) -> bool {
        self.nodes.contains(node) && !self.states.contains_key(node)
    }
}

/// An `outage`, and whether it is still open.
#[derive(Debug, Clone, PartialEq)]
pub struct OutageLedger {
    /// Why.
    pub why: String,
    /// When it began.
    pub since: Duration,
    /// How long it lasted; `None`: it was never closed.
    pub lasted: Option<Duration>,
}

/// A failure of an `undo` or `finally`: it is owed.
#[derive(Debug, Clone, PartialEq)]
pub struct OwedLedger {
    /// `undo` or `finally`.
    pub what: String,
    /// Where it is written.
    pub span: Span,
    /// The node.
    pub node: Option<NodeName>,
    /// What went wrong with it; `None`: the run broke off in it.
    pub trouble: Option<Trouble>,
}

/// What a run comes to, computed from its events alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger {
    /// The cluster's name.
    pub cluster: String,
    /// Whether it is the simulated one.
    pub simulated: bool,
    /// Whether acts were held back.
    pub dry_run: bool,
    /// The runbook's name.
    pub runbook: String,
    /// How many acts were held back.
    pub held_back: usize,
    /// Each `on`, in order.
    pub sets: Vec<SetLedger>,
    /// What failed on which nodes, folded by what is wrong.
    pub troubles: Vec<(Trouble, NodeSet)>,
    /// What was caught by `try` or `retry`, or tolerated: by what, and what.
    pub caught: Vec<(String, Trouble)>,
    /// Overrides that were used: what, what it had said, why, where.
    pub overridden: Vec<(String, String, String, Option<NodeName>)>,
    /// Outages, in order.
    pub outages: Vec<OutageLedger>,
    /// Services left stopped on purpose: which, where, why.
    pub left_stopped: Vec<(String, NodeSet, String)>,
    /// Services with members that were taken away and have not come back.
    pub still_away: BTreeMap<String, NodeSet>,
    /// Groups that changed, as they are now: the inventory is to be edited.
    pub groups: BTreeMap<String, NodeSet>,
    /// What was to be cleaned up and was not.
    pub owed: Vec<OwedLedger>,
    /// What went wrong worst.
    pub trouble: Option<Trouble>,
    /// The exit code; `None`: the run broke off.
    pub exit_code: Option<u8>,
    /// How long it took.
    pub took: Duration,
}

impl Ledger {
    /// Computes the ledger of a run from its events.
    pub fn of(events: &[Event]) -> Ledger {
        let mut ledger = Ledger::default();
        let mut cleaning = Vec::new();
        let ends = last_ends(events);
        for (index, event) in events.iter().enumerate() {
            ledger.took = event.at;
            if !is_superseded(index, event, &ends) {
                ledger.enter_nodes(&event.what);
            }
            ledger.enter_cluster(event);
            enter_cleaning(&mut cleaning, &event.what, &mut ledger.owed);
        }
        ledger.fold_repeated_sets();
        ledger
    }

    /// Takes in that a person has said what became of the acts in hand on `node`.
    pub fn note_told(&mut self, node: &NodeName) {
        for set in &mut self.sets {
            set.told.insert(node.clone());
        }
    }

    /// How many nodes of all sets are in `state`.
    pub fn count(&self, state: NodeState) -> usize {
        let sets = self.sets.iter().flat_map(SetLedger::by_state);
        sets.filter(|(known, _)| *known == state)
            .map(|(_, nodes)| nodes.len())
            .sum()
    }

    /// The lines to write under `[groups]` of the inventory, ready to be pasted.
    pub fn inventory_edit(&self) -> Vec<String> {
        let line = |(group, nodes): (&String, &NodeSet)| {
            let bare = group
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
            if bare {
                format!("{group} = \"{nodes}\"")
            } else {
                format!("\"{group}\" = \"{nodes}\"")
            }
        };
        self.groups.iter().map(line).collect()
    }

    fn enter_nodes(&mut self, what: &Happening) {
        match what {
            Happening::NodesChosen {
                place,
                nodes,
                mode,
                left_out,
            } => self.sets.push(SetLedger {
                step: place.step,
                span: place.span,
                nodes: nodes.union(left_out),
                mode: mode.clone(),
                left_out: left_out.clone(),
                times: 1,
                states: BTreeMap::new(),
                started: NodeSet::default(),
                told: NodeSet::default(),
            }),
            Happening::NodeStarted { step, node, .. } => {
                if let Some(set) = self.open_set(*step, node) {
                    set.started.insert(node.clone());
                }
            }
            Happening::NodeEnded {
                step, node, result, ..
            } => {
                if let Some(set) = self.open_set(*step, node) {
                    set.states.insert(node.clone(), state_of(result));
                }
                if let StepResult::Trouble(trouble) = result {
                    self.enter_trouble(trouble, node);
                }
            }
            _ => {}
        }
    }

    /// The last set of the `on` in which the node has not ended yet.
    fn open_set(&mut self, step: StepId, node: &NodeName) -> Option<&mut SetLedger> {
        self.sets
            .iter_mut()
            .rev()
            .find(|set| set.step == step && set.has_open(node))
    }

    fn enter_trouble(&mut self, trouble: &Trouble, node: &NodeName) {
        let is_same = |known: &Trouble| {
            (known.kind, &known.message, known.at) == (trouble.kind, &trouble.message, trouble.at)
        };
        match self.troubles.iter_mut().find(|(known, _)| is_same(known)) {
            Some((_, nodes)) => nodes.insert(node.clone()),
            None => self
                .troubles
                .push((trouble.clone(), std::iter::once(node.clone()).collect())),
        }
    }

    fn enter_cluster(&mut self, event: &Event) {
        match &event.what {
            Happening::RunStarted {
                cluster,
                simulated,
                dry_run,
                runbook,
                ..
            } => {
                self.cluster.clone_from(cluster);
                self.runbook.clone_from(runbook);
                (self.simulated, self.dry_run) = (*simulated, *dry_run);
            }
            Happening::HeldBack { .. } => self.held_back += 1,
            Happening::Caught { by, trouble, .. } => self.caught.push((by.clone(), trouble.clone())),
            Happening::Overridden {
                place,
                what,
                reason,
                why,
            } => {
                self.overridden
                    .push((what.clone(), reason.clone(), why.clone(), place.node.clone()));
            }
            Happening::TokenTaken { service, node, .. } => {
                self.still_away
                    .entry(service.clone())
                    .or_default()
                    .insert(node.clone());
            }
            Happening::TokenReturned { service, node } => {
                if let Some(away) = self.still_away.get_mut(service) {
                    away.remove(node);
                }
                self.still_away.retain(|_, away| !away.is_empty());
            }
            Happening::GroupChanged { group, now, .. } => {
                self.groups.insert(group.clone(), now.clone());
            }
            Happening::Outage { why, opens: true, .. } => {
                self.outages.push(OutageLedger {
                    why: why.clone(),
                    since: event.at,
                    lasted: None,
                });
            }
            Happening::Outage { opens: false, .. } => {
                if let Some(open) = self
                    .outages
                    .iter_mut()
                    .rev()
                    .find(|outage| outage.lasted.is_none())
                {
                    open.lasted = Some(event.at.saturating_sub(open.since));
                }
            }
            Happening::LeftStopped { place, service, why } => self.enter_left_stopped(place, service, why),
            Happening::RunEnded { trouble, exit_code } => {
                self.trouble.clone_from(trouble);
                self.exit_code = Some(*exit_code);
            }
            _ => {}
        }
    }

    fn enter_left_stopped(&mut self, place: &StepPlace, service: &str, why: &str) {
        let nodes: NodeSet = place.node.iter().cloned().collect();
        match self
            .left_stopped
            .iter_mut()
            .find(|(known, _, reason)| known == service && reason == why)
        {
            Some((_, known, _)) => *known = known.union(&nodes),
            None => self
                .left_stopped
                .push((service.to_owned(), nodes, why.to_owned())),
        }
    }

    /// An `on` in a loop makes many sets; those that came to the same stand in one line.
    fn fold_repeated_sets(&mut self) {
        let mut folded: Vec<SetLedger> = Vec::new();
        for set in std::mem::take(&mut self.sets) {
            let is_same = |known: &SetLedger| {
                known.step == set.step && known.nodes == set.nodes && known.by_state() == set.by_state()
            };
            match folded.iter_mut().find(|known| is_same(known)) {
                Some(known) => known.times += 1,
                None => folded.push(set),
            }
        }
        self.sets = folded;
    }
}

fn state_of(result: &StepResult) -> NodeState {
    match result {
        StepResult::Done => NodeState::Done,
        StepResult::Skipped(_) => NodeState::Skipped,
        StepResult::Trouble(Trouble {
            kind: TroubleKind::Unknown,
            ..
        }) => NodeState::Unknown,
        StepResult::Trouble(_) => NodeState::Failed,
        StepResult::NotReached => NodeState::NotReached,
    }
}

/// Notes what went wrong while cleaning up: each step that is written inside the `undo` or
/// `finally` in hand, on its node.
fn enter_cleaning(cleaning: &mut Vec<OwedLedger>, what: &Happening, owed: &mut Vec<OwedLedger>) {
    match what {
        Happening::CleaningUp { place, what, .. } => cleaning.push(OwedLedger {
            what: what.clone(),
            span: place.span,
            node: place.node.clone(),
            trouble: None,
        }),
        Happening::StepEnded {
            place,
            result: StepResult::Trouble(trouble),
            ..
        } => {
            let inside = |known: &OwedLedger| {
                known.span.holds(place.span) && (known.node.is_none() || known.node == place.node)
            };
            if let Some(known) = cleaning.iter().rev().find(|known| inside(known)) {
                owed.push(OwedLedger {
                    trouble: Some(trouble.clone()),
                    ..known.clone()
                });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::StepPath;

    fn place(step: u32, node: Option<&str>) -> StepPlace {
        StepPlace {
            step: StepId(step),
            span: Span::new(step, step + 1),
            node: node.map(NodeName::from),
            path: StepPath::default(),
        }
    }

    fn trouble(kind: TroubleKind) -> Trouble {
        Trouble {
            kind,
            message: "it broke".to_owned(),
            help: None,
            at: Span::default(),
            node: None,
        }
    }

    fn chosen(step: u32, nodes: &str, left_out: &str) -> Happening {
        Happening::NodesChosen {
            place: place(step, None),
            nodes: NodeSet::expand(nodes).expect(nodes),
            mode: "serially".to_owned(),
            left_out: NodeSet::expand(left_out).expect(left_out),
        }
    }

    fn started(step: u32, node: &str) -> Happening {
        Happening::NodeStarted {
            step: StepId(step),
            node: node.into(),
            path: StepPath::default(),
        }
    }

    fn ended(step: u32, node: &str, result: StepResult) -> Happening {
        Happening::NodeEnded {
            step: StepId(step),
            node: node.into(),
            path: StepPath::default(),
            result,
        }
    }

    fn ledger(happenings: Vec<Happening>) -> Ledger {
        let event = |(second, what): (usize, Happening)| Event {
            at: Duration::from_secs(second as u64),
            what,
        };
        Ledger::of(
            &happenings
                .into_iter()
                .enumerate()
                .map(event)
                .collect::<Vec<Event>>(),
        )
    }

    #[test]
    fn each_node_is_in_one_state() {
        let ledger = ledger(vec![
            chosen(1, "n[1-8]", "n8"),
            started(1, "n1"),
            ended(1, "n1", StepResult::Done),
            started(1, "n2"),
            ended(1, "n2", StepResult::Skipped("not wanted".to_owned())),
            started(1, "n3"),
            ended(1, "n3", StepResult::Trouble(trouble(TroubleKind::Refused))),
            started(1, "n4"),
            ended(1, "n4", StepResult::Trouble(trouble(TroubleKind::Unknown))),
            started(1, "n5"),
            ended(1, "n6", StepResult::NotReached),
        ]);
        let states: Vec<String> = ledger.sets[0]
            .by_state()
            .iter()
            .map(|(state, nodes)| format!("{} {nodes}", state.word()))
            .collect();
        assert_eq!(
            states,
            [
                "done n1",
                "skipped n2",
                "failed n3",
                "unknown n[4-5]",
                "not reached n[6-7]"
            ]
        );
        assert_eq!(ledger.count(NodeState::Unknown), 2);
        assert_eq!(ledger.exit_code, None);
    }

    #[test]
    fn turns_of_a_loop_are_told_apart() {
        let turn = |result: StepResult| vec![chosen(1, "n1", ""), started(1, "n1"), ended(1, "n1", result)];
        let ledger = ledger(
            [
                turn(StepResult::Done),
                turn(StepResult::Done),
                turn(StepResult::NotReached),
            ]
            .concat(),
        );
        let times: Vec<usize> = ledger.sets.iter().map(|set| set.times).collect();
        assert_eq!(times, [2, 1]);
    }

    #[test]
    fn what_is_away_and_what_changed_is_kept() {
        let service = || "mdsd".to_owned();
        let taken = |node: &str| Happening::TokenTaken {
            service: service(),
            node: node.into(),
            sum: String::new(),
        };
        let ledger = ledger(vec![
            Happening::Outage {
                place: place(1, None),
                why: "switch".to_owned(),
                opens: true,
            },
            taken("n1"),
            taken("n2"),
            Happening::TokenReturned {
                service: service(),
                node: "n1".into(),
            },
            Happening::GroupChanged {
                group: "mds_nodes".to_owned(),
                node: "n9".into(),
                joined: true,
                now: NodeSet::expand("n[2,9]").expect("a set"),
            },
        ]);
        assert_eq!(ledger.still_away["mdsd"].to_string(), "n2");
        assert_eq!(ledger.inventory_edit(), ["mds_nodes = \"n[2,9]\""]);
        assert_eq!(ledger.outages[0].lasted, None);
    }
}
