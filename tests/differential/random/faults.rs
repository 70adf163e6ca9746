//! What goes wrong in a run.

use quorate::transport::Purpose;
use quorate::transport::simulated::CommandFault;

use super::dice::Dice;
use crate::door::{Carried, HERE, Mishap, PlannedFault, without_sudo};

/// What can go wrong with a command on a node, and how often.
const MISHAPS: [(usize, Mishap); 8] = [
    (5, Mishap::Command(CommandFault::Fails)),
    (2, Mishap::Command(CommandFault::Hangs)),
    (2, Mishap::Command(CommandFault::ConnectionLostBefore)),
    (2, Mishap::Command(CommandFault::ConnectionLostAfter)),
    (1, Mishap::Command(CommandFault::NodeDiesBefore)),
    (1, Mishap::Command(CommandFault::NodeDiesDuring)),
    (1, Mishap::Command(CommandFault::NodeDiesAfter)),
    (2, Mishap::Unreachable),
];

/// Whether several branches carry the command out on its node at once: then it is an accident which of
/// them comes first.
fn is_ambiguous(chosen: &Carried, carried: &[Carried]) -> bool {
    let is_twin = |other: &&Carried| {
        other.node == chosen.node
            && other.command == chosen.command
            && (other.began == chosen.began || (other.began < chosen.ended && chosen.began < other.ended))
    };
    carried.iter().filter(is_twin).count() > 1
}

/// Up to two faults for commands that were carried out without any.
pub fn random_faults(seed: u64, carried: &[Carried]) -> Vec<PlannedFault> {
    let mut dice = Dice::new(seed ^ 0xfa17);
    let acts: Vec<usize> = (0..carried.len())
        .filter(|place| carried[*place].purpose == Purpose::Act)
        .collect();
    if carried.is_empty() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for _ in 0..dice.between(1, 2) {
        let place = match !acts.is_empty() && dice.hits(70) {
            true => dice.one_of(&acts),
            false => dice.below(carried.len()),
        };
        let chosen = &carried[place];
        if is_ambiguous(chosen, carried) {
            continue;
        }
        let before = carried[..=place].iter();
        let occurrence = before
            .filter(|it| it.node == chosen.node && it.command == chosen.command)
            .count();
        let what = match chosen.node == HERE {
            true => Mishap::Command(dice.one_of(&[CommandFault::Fails, CommandFault::Hangs])),
            false => dice.weighted(&MISHAPS),
        };
        faults.push(PlannedFault {
            node: chosen.node.clone(),
            command: without_sudo(&chosen.command),
            occurrence,
            what,
        });
    }
    faults
}
