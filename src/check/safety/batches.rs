use std::collections::HashSet;

use super::Walk;
use super::away::{Bits, State};
use crate::syntax::{Expression, Literal, Mode, On, OnOption};

/// Most turns of one `on` that are followed one by one.
const MOST_TURNS: usize = 64;

/// Nodes that are taken one turn after another.
pub(super) struct Batch {
    /// Each turn's nodes, the first ones.
    pub(super) turns: Vec<Bits>,
    /// The nodes of all turns.
    pub(super) all: Bits,
    /// Whether all nodes have the same services in the same state, so that one tells of all.
    pub(super) are_alike: bool,
}

/// What a turn did to the services.
pub(super) enum Change {
    Nothing,
    /// To these services, on the turn's own nodes and surely: the next turns will do the same.
    Own(HashSet<usize>),
    /// To other nodes as well, or not surely.
    Wider,
}

impl Walk<'_, '_> {
    pub(super) fn batches(&mut self, on: &On, set: &Bits, state: &State) -> Vec<Batch> {
        let all = set.count();
        let at_once = on.options.iter().find_map(|option| match &option.node {
            OnOption::AtMost(number) => whole_number(&number.node),
            _ => None,
        });
        let size = match on.mode.as_ref().map(|mode| &mode.node) {
            None | Some(Mode::Serially) => 1,
            Some(Mode::InParallel) => at_once.unwrap_or(all),
            Some(Mode::InBatches(sizes)) => {
                let sizes = sizes.iter().filter_map(|size| match &size.node {
                    Expression::Literal(Literal::Percent(hundredths)) => {
                        Some((all * usize::try_from(*hundredths).ok()? / 10_000).max(1))
                    }
                    other => whole_number(other),
                });
                sizes.max().unwrap_or(1)
            }
            Some(Mode::By(variable)) => {
                let turns = self.places.domains(set, variable);
                return vec![Batch::of(turns.into_iter(), set, false)];
            }
        };
        if size >= all {
            return vec![Batch::of(std::iter::once(set.clone()), set, true)];
        }
        if size > 1 {
            return vec![Batch::of(turns_of(set, size), set, false)];
        }
        let alike = self.part_alike(set, state).into_iter();
        alike
            .map(|part| Batch::of(turns_of(&part, 1), &part, true))
            .collect()
    }

    /// What happened to the services during a turn on `turn`.
    pub(super) fn change_of(&self, then: &State, now: &State, turn: &Bits) -> Change {
        let mut changed = HashSet::new();
        for index in 0..self.roles.len() {
            let (now, then) = (&now.services[index], &then.services[index]);
            let surely = differ(&now.surely, &then.surely);
            let maybe = differ(&now.maybe, &then.maybe);
            let members = differ(&now.members, &then.members);
            let is_own = maybe.is_within(turn) && members.is_within(turn) && now.has_moved == then.has_moved;
            if !is_own || surely != maybe || now.freed != then.freed {
                return Change::Wider;
            }
            if !(maybe.is_empty() && members.is_empty()) || now.left != then.left {
                changed.insert(index);
            }
        }
        match changed.is_empty() {
            true => Change::Nothing,
            false => Change::Own(changed),
        }
    }

    /// Nothing is sure any more of `nodes`, as far as services were touched since `then`.
    pub(super) fn blur(&self, nodes: &Bits, then: &State, state: &mut State) {
        let standings = state.services.iter_mut().zip(&then.services);
        for (now, then) in standings {
            if now.surely != then.surely || now.maybe != then.maybe || now.freed != then.freed {
                now.surely = now.surely.without(nodes);
                now.halted = now.halted.without(nodes);
                now.maybe = now.maybe.union(&nodes.both(&now.members));
            }
        }
    }

    /// Parts a set into nodes that have the same services in the same state.
    pub(super) fn part_alike(&self, set: &Bits, state: &State) -> Vec<Bits> {
        let mut parts = vec![set.clone()];
        for standing in &state.services {
            for mark in [&standing.members, &standing.surely, &standing.maybe] {
                if mark.is_empty() || set.is_within(mark) {
                    continue;
                }
                parts = parts
                    .into_iter()
                    .flat_map(|part| [part.both(mark), part.without(mark)])
                    .filter(|part| !part.is_empty())
                    .collect();
            }
        }
        parts
    }
}

impl Batch {
    fn of(turns: impl Iterator<Item = Bits>, all: &Bits, are_alike: bool) -> Batch {
        Batch {
            turns: turns.take(MOST_TURNS).collect(),
            all: all.clone(),
            are_alike,
        }
    }
}

/// Takes `size` nodes at a time.
fn turns_of(set: &Bits, size: usize) -> impl Iterator<Item = Bits> {
    let mut left = set.clone();
    std::iter::from_fn(move || {
        let turn = left.first(size);
        left = left.without(&turn);
        (!turn.is_empty()).then_some(turn)
    })
}

fn differ(one: &Bits, two: &Bits) -> Bits {
    one.without(two).union(&two.without(one))
}

fn whole_number(expression: &Expression) -> Option<usize> {
    match expression {
        Expression::Literal(Literal::Int(number)) => {
            usize::try_from(*number).ok().filter(|number| *number > 0)
        }
        Expression::Word(word) => word.parse().ok().filter(|number| *number > 0),
        Expression::Group(inner) => whole_number(&inner.node),
        _ => None,
    }
}
