use super::Walk;
use super::away::{Bits, State};
use crate::syntax::{Expression, Literal, Mode, On, OnOption};

/// Most batches of one `on` that are followed one by one.
const MOST_BATCHES: usize = 32;

/// Nodes that are taken at once, and others that are like them and come after.
pub(super) struct Batch {
    pub(super) first: Bits,
    pub(super) rest: Bits,
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
                return many(self.places.domains(set, variable).into_iter(), set);
            }
        };
        if size >= all {
            return vec![Batch {
                first: set.clone(),
                rest: Bits::default(),
            }];
        }
        if size > 1 {
            let mut left = set.clone();
            let chunks = std::iter::from_fn(|| {
                let chunk = left.first(size);
                left = left.without(&chunk);
                (!chunk.is_empty()).then_some(chunk)
            });
            return many(chunks, set);
        }
        let alike = self.part_alike(set, state).into_iter();
        let split = |alike: Bits| {
            let first = alike.first(1);
            let rest = alike.without(&first);
            Batch { first, rest }
        };
        alike.map(split).collect()
    }

    /// Parts a set into nodes that have the same services in the same state.
    pub(super) fn part_alike(&self, set: &Bits, state: &State) -> Vec<Bits> {
        let mut parts = vec![set.clone()];
        for (role, standing) in self.roles.iter().zip(&state.services) {
            for mark in [&role.members, &standing.surely, &standing.maybe] {
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

/// Batches of several nodes: the first ones each by itself, all further ones as one.
fn many(chunks: impl Iterator<Item = Bits>, set: &Bits) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut left = set.clone();
    for first in chunks.take(MOST_BATCHES) {
        left = left.without(&first);
        batches.push(Batch {
            first,
            rest: Bits::default(),
        });
    }
    if let Some(last) = batches.last_mut() {
        last.rest = left;
    }
    batches
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
