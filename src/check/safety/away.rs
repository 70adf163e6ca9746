use std::collections::HashMap;
use std::rc::Rc;

use crate::check::collect::{Declared, Found};
use crate::diagnostic::{Span, Spanned};
use crate::guard::Budget;
use crate::inventory::{Inventory, NodeName, NodeSet};

/// A set of nodes by their place in the inventory: quick to copy, to join and to compare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bits(Rc<Vec<u64>>);

impl Bits {
    fn add(&mut self, place: usize) {
        let words = Rc::make_mut(&mut self.0);
        if words.len() <= place / 64 {
            words.resize(place / 64 + 1, 0);
        }
        words[place / 64] |= 1 << (place % 64);
    }

    fn word(&self, index: usize) -> u64 {
        self.0.get(index).copied().unwrap_or(0)
    }

    /// Joins two sets word by word; trailing empty words are dropped, so that equal sets are equal.
    fn zip(&self, other: &Bits, join: impl Fn(u64, u64) -> u64) -> Bits {
        let length = self.0.len().max(other.0.len());
        let mut words: Vec<u64> = (0..length)
            .map(|index| join(self.word(index), other.word(index)))
            .collect();
        while words.last() == Some(&0) {
            words.pop();
        }
        Bits(Rc::new(words))
    }

    pub(super) fn union(&self, other: &Bits) -> Bits {
        if other.is_empty() || Rc::ptr_eq(&self.0, &other.0) {
            return self.clone();
        }
        self.zip(other, |a, b| a | b)
    }

    pub(super) fn both(&self, other: &Bits) -> Bits {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn without(&self, other: &Bits) -> Bits {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        self.zip(other, |a, b| a & !b)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn is_within(&self, other: &Bits) -> bool {
        (0..self.0.len()).all(|index| self.word(index) & !other.word(index) == 0)
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| index * 64 + bit)
        })
    }

    /// The first `count` nodes.
    pub(super) fn first(&self, count: usize) -> Bits {
        let mut some = Bits::default();
        self.places().take(count).for_each(|place| some.add(place));
        some
    }
}

/// The nodes of an inventory by their places.
pub(super) struct Places<'a> {
    inventory: &'a Inventory,
    names: Vec<&'a NodeName>,
    place_of: HashMap<&'a str, usize>,
    groups: HashMap<String, Bits>,
}

impl<'a> Places<'a> {
    pub(super) fn new(inventory: &'a Inventory) -> Self {
        let names: Vec<&NodeName> = inventory.nodes().map(|node| &node.name).collect();
        let place_of = names
            .iter()
            .enumerate()
            .map(|(place, name)| (name.as_str(), place))
            .collect();
        Places {
            inventory,
            names,
            place_of,
            groups: HashMap::new(),
        }
    }

    pub(super) fn bits(&self, set: &NodeSet) -> Bits {
        let mut bits = Bits::default();
        for name in set {
            if let Some(place) = self.place_of.get(name.as_str()) {
                bits.add(*place);
            }
        }
        bits
    }

    pub(super) fn group(&mut self, name: &str) -> Option<Bits> {
        if let Some(bits) = self.groups.get(name) {
            return Some(bits.clone());
        }
        let bits = self.bits(self.inventory.group(name)?);
        self.groups.insert(name.to_owned(), bits.clone());
        Some(bits)
    }

    pub(super) fn node(&self, text: &str) -> Option<Bits> {
        let name = self.inventory.find(text)?;
        let mut bits = Bits::default();
        bits.add(*self.place_of.get(name.as_str())?);
        Some(bits)
    }

    /// The nodes that a written set such as `node[1-3]` means.
    pub(super) fn written(&mut self, text: &str) -> Option<Bits> {
        if let Some(bits) = self.groups.get(text) {
            return Some(bits.clone());
        }
        let groups = |name: &str| self.inventory.named_set(name);
        let set = NodeSet::expand_with(text, &groups).ok()?;
        let found: Option<NodeSet> = set
            .iter()
            .map(|name| self.inventory.find(name.as_str()))
            .collect();
        let bits = self.bits(&found?);
        self.groups.insert(text.to_owned(), bits.clone());
        Some(bits)
    }

    /// The nodes of which `keep` says yes; nobody knows when it cannot tell of one.
    pub(super) fn filter(&self, bits: &Bits, keep: impl Fn(&NodeName) -> Option<bool>) -> Option<Bits> {
        let mut kept = Bits::default();
        for place in bits.places() {
            if keep(self.names[place])? {
                kept.add(place);
            }
        }
        Some(kept)
    }

    /// Parts a set by what its nodes have as `variable`.
    pub(super) fn domains(&self, bits: &Bits, variable: &str) -> Vec<Bits> {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut domains: Vec<Bits> = Vec::new();
        for place in bits.places() {
            let name = self.names[place];
            let value = self.inventory.variable(name, variable).unwrap_or(name.as_str());
            let index = *known.entry(value).or_insert_with(|| {
                domains.push(Bits::default());
                domains.len() - 1
            });
            domains[index].add(place);
        }
        domains
    }

    /// As an operator reads it: `node[1-3]`.
    pub(super) fn fold(&self, bits: &Bits) -> String {
        let set: NodeSet = bits.places().map(|place| self.names[place].clone()).collect();
        set.to_string()
    }
}

/// A service, as far as losing it matters.
pub(super) struct Role {
    pub(super) name: String,
    pub(super) group: String,
    pub(super) is_optional: bool,
    pub(super) members: Bits,
    pub(super) budget: Option<Spanned<Budget>>,
    /// The guard that gives a token back while the member is away.
    pub(super) until: Option<String>,
    /// What it needs: the service, whether on the same node, where that is written.
    pub(super) needs: Vec<(usize, bool, Span)>,
    /// The services that need it.
    pub(super) needed_by: Vec<usize>,
    /// What its members are called: `metadata servers`.
    pub(super) words: Option<String>,
}

/// All services, in the order of their declarations.
pub(super) fn collect_roles(declared: &Declared, places: &mut Places<'_>) -> Vec<Role> {
    let entries = &declared.services.entries;
    let mut roles: Vec<Role> = Vec::with_capacity(entries.len());
    for (entry, notes) in entries.iter().zip(&declared.service_notes) {
        let service = &entry.item;
        let needs = service.needs.iter().zip(&notes.needs).filter_map(|(need, span)| {
            match declared.services.find(&entry.module, &need.service) {
                Found::One(index) => Some((index, need.here, *span)),
                _ => None,
            }
        });
        let words = notes
            .group
            .as_ref()
            .and_then(|group| {
                declared
                    .group_words
                    .get(&(entry.module.clone(), group.node.clone()))
            })
            .and_then(|says| name_members(says));
        roles.push(Role {
            name: entry.name.clone(),
            group: service.group.clone(),
            is_optional: service.optional.is_some(),
            members: places.group(&service.group).unwrap_or_default(),
            budget: service.budget.clone(),
            until: service.until.as_ref().map(|until| until.name.node.clone()),
            needs: needs.collect(),
            needed_by: Vec::new(),
            words,
        });
    }
    for index in 0..roles.len() {
        for (needed, _, _) in roles[index].needs.clone() {
            roles[needed].needed_by.push(index);
        }
    }
    roles
}

/// `hosts that hold a metadata server` → `metadata servers`.
fn name_members(says: &str) -> Option<String> {
    let (_, held) = says.split_once(" hold ")?;
    match held.strip_prefix("a ").or_else(|| held.strip_prefix("an ")) {
        Some(one) => Some(format!("{one}s")),
        None => Some(held.to_owned()),
    }
}

/// What is known of a service at a place of the script.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// Who has the role: the group's nodes, and who joined or left it.
    pub(super) members: Bits,
    /// Where it is surely away.
    pub(super) surely: Bits,
    /// Where it may be away.
    pub(super) maybe: Bits,
    /// Where a stop, and not only `losing`, surely took it away.
    pub(super) halted: Bits,
    /// Where its token came back although it is away.
    pub(super) freed: Bits,
    /// Where it was left stopped by word.
    pub(super) left: Bits,
    /// The last stop.
    pub(super) stop: Option<Span>,
    /// A stop on nodes that are known only when run.
    pub(super) somewhere: Option<Span>,
    /// Whether its role's members are not known any more, so that nothing is counted.
    pub(super) has_moved: bool,
}

impl Standing {
    /// Where it surely is away and holds a token.
    pub(super) fn taken(&self) -> Bits {
        self.surely.without(&self.freed)
    }
}

/// What is known at a place of the script.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) services: Vec<Standing>,
    /// Whether a guard or a person was asked on every way here.
    pub(super) is_confirmed: bool,
    /// Whether nobody comes here.
    pub(super) is_over: bool,
}

impl State {
    /// What is sure after either of two ways.
    pub(super) fn join(self, other: State) -> State {
        if self.is_over {
            return other;
        }
        if other.is_over {
            return self;
        }
        let join = |(one, two): (Standing, Standing)| Standing {
            surely: one.surely.both(&two.surely),
            maybe: one.maybe.union(&two.maybe),
            halted: one.halted.both(&two.halted),
            freed: one.freed.union(&two.freed),
            left: one.left.union(&two.left),
            stop: one.stop.or(two.stop),
            somewhere: one.somewhere.and(two.somewhere),
            has_moved: one.has_moved || two.has_moved || one.members != two.members,
            members: one.members.union(&two.members),
        };
        State {
            services: self.services.into_iter().zip(other.services).map(join).collect(),
            is_confirmed: self.is_confirmed && other.is_confirmed,
            is_over: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sets() {
        let set = |places: &[usize]| {
            let mut bits = Bits::default();
            places.iter().for_each(|place| bits.add(*place));
            bits
        };
        let (one, two) = (set(&[1, 2, 200]), set(&[2, 3]));
        assert_eq!(one.union(&two), set(&[1, 2, 3, 200]));
        assert_eq!(one.both(&two), set(&[2]));
        assert_eq!(one.without(&set(&[200])), set(&[1, 2]));
        assert!(set(&[2]).is_within(&two) && !one.is_within(&two));
        assert_eq!(one.first(2), set(&[1, 2]));
        assert_eq!(one.count(), 3);
    }

    #[test]
    fn members_are_called_as_the_group_says() {
        let cases = [
            ("hosts that hold a metadata server", Some("metadata servers")),
            ("hosts that hold chunk servers", Some("chunk servers")),
            ("the gateways", None),
        ];
        for (says, words) in cases {
            assert_eq!(name_members(says).as_deref(), words, "{says}");
        }
    }
}
