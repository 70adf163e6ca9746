use std::collections::BTreeSet;
use std::fmt;

use crate::inventory::{NodeName, NodeSet};

/// How many members a role may lose at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Budget {
    /// Less than half of its members.
    Minority,
    /// So many nodes, each with all its instances.
    Nodes(u32),
    /// So many failure domains, told apart by this inventory variable.
    Domains(u32, String),
    /// Not one.
    None,
}

/// What a loss would come to, counted in the budget's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// All members.
    pub members: usize,
    /// How many would be away.
    pub away: usize,
    /// How many may be away.
    pub may_be_away: usize,
    /// The nodes that would be away.
    pub nodes: NodeSet,
}

impl Loss {
    /// Whether the role survives it.
    pub fn is_allowed(&self) -> bool {
        self.away <= self.may_be_away
    }

    /// How many must stay.
    pub fn must_stay(&self) -> usize {
        self.members.saturating_sub(self.may_be_away)
    }
}

impl Budget {
    /// How many of `members` may be away, in the budget's own unit.
    ///
    /// # Source
    ///
    /// A cluster works while a majority of its configured members runs: n/2 + 1, rounded down.
    pub fn of(&self, members: usize) -> usize {
        match self {
            Budget::Minority => members.saturating_sub(1) / 2,
            Budget::Nodes(count) | Budget::Domains(count, _) => *count as usize,
            Budget::None => 0,
        }
    }

    /// What it would come to if the members in `away` were away, and `strangers` more of which
    /// nobody knows where they are; `domain` names a node's failure domain. A member counts once,
    /// and a node that is no member does not count.
    pub fn count(
        &self,
        members: &NodeSet,
        away: &NodeSet,
        strangers: usize,
        domain: &dyn Fn(&NodeName) -> String,
    ) -> Loss {
        let nodes = away.intersection(members);
        let count = match self {
            Budget::Domains(..) => nodes.iter().map(domain).collect::<BTreeSet<String>>().len(),
            _ => nodes.len(),
        };
        let all = members.len() + strangers;
        Loss {
            members: all,
            away: count + strangers,
            may_be_away: self.of(all),
            nodes,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u32| if count == 1 { "" } else { "s" };
        match self {
            Budget::Minority => write!(out, "a minority"),
            Budget::Nodes(count) => write!(out, "{count} node{}", plural(*count)),
            Budget::Domains(count, domain) => write!(out, "{count} {domain}{}", plural(*count)),
            Budget::None => write!(out, "none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minority_can_be_lost() {
        let cases = [
            // what is asked, members, may be lost
            ("none can lose nothing", 0, 0),
            ("one alone can lose nothing", 1, 0),
            ("two need both", 2, 0),
            ("four lose one, like three", 4, 1),
            ("five lose two", 5, 2),
        ];
        for (what, members, lost) in cases {
            assert_eq!(Budget::Minority.of(members), lost, "{what}");
        }
    }

    #[test]
    fn a_member_counts_once_and_a_domain_once() {
        let set = |names: &[&str]| {
            names
                .iter()
                .map(|name| NodeName::from(*name))
                .collect::<NodeSet>()
        };
        let members = set(&["a1", "a2", "b1", "b2"]);
        let domain = |node: &NodeName| node.as_str()[..1].to_owned();
        let cases = [
            (
                "two nodes of one rack",
                Budget::Domains(1, "rack".into()),
                vec!["a1", "a2"],
                true,
            ),
            (
                "two nodes of two racks",
                Budget::Domains(1, "rack".into()),
                vec!["a1", "b1"],
                false,
            ),
            ("one node", Budget::Nodes(1), vec!["a1"], true),
            ("two nodes", Budget::Nodes(1), vec!["a1", "a2"], false),
            ("a stranger", Budget::None, vec!["c1"], true),
        ];
        for (what, budget, away, allowed) in cases {
            assert_eq!(
                budget.count(&members, &set(&away), 0, &domain).is_allowed(),
                allowed,
                "{what}"
            );
        }
    }
}
