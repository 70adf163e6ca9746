use std::sync::Arc;

use crate::check::{Program, ServiceDefinition};
use crate::inventory::{Inventory, NodeName, NodeSet};
use crate::syntax::ServiceAction;

/// Puts the services of one statement in order: by `needs`, then by `starts after` and
/// `stops after`, else as written.
///
/// What needs another is stopped before it and started after it.
pub fn order_services(
    program: &Program,
    action: ServiceAction,
    services: Vec<Arc<ServiceDefinition>>,
) -> Vec<Arc<ServiceDefinition>> {
    let is = |service: &ServiceDefinition, module: &str, name: &str| {
        program
            .service(module, name)
            .is_some_and(|known| known.name == service.name && known.module == service.module)
    };
    // Whether `one` has to come before `other`.
    let before = |one: &ServiceDefinition, other: &ServiceDefinition| {
        let needs = |who: &ServiceDefinition, what: &ServiceDefinition| {
            who.needs.iter().any(|need| is(what, &who.module, &need.service))
        };
        let after = |who: &ServiceDefinition, what: &ServiceDefinition, list: &[String]| {
            list.iter().any(|name| is(what, &who.module, name))
        };
        match action {
            ServiceAction::Stop => needs(one, other) || after(other, one, &other.stops_after),
            _ => needs(other, one) || after(other, one, &other.starts_after),
        }
    };
    let mut left = services;
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let free = |candidate: &Arc<ServiceDefinition>| {
            !left
                .iter()
                .any(|other| !Arc::ptr_eq(other, candidate) && before(other, candidate))
        };
        // The checker refuses rings; should one slip through, the order is as written.
        let index = left.iter().position(free).unwrap_or(0);
        ordered.push(left.remove(index));
    }
    ordered
}

/// Cuts a set of nodes into the batches in which an `on` takes them.
///
/// `sizes` are counts already: of the whole set, rounded down, at least 1; the last repeats.
pub fn batches(nodes: &NodeSet, sizes: &[usize]) -> Vec<Vec<NodeName>> {
    let mut left = nodes.iter().cloned().peekable();
    let mut cut = Vec::new();
    let mut sizes = sizes.iter().copied();
    let mut size = 1;
    while left.peek().is_some() {
        size = sizes.next().unwrap_or(size).max(1);
        cut.push(left.by_ref().take(size).collect());
    }
    cut
}

/// The groups in which a budget may lose members together, for messages: failure domains.
pub fn domain_of(inventory: &Inventory, node: &NodeName, variable: &str) -> String {
    let known = inventory
        .node(node.as_str())
        .and_then(|known| known.variables.get(variable));
    known.cloned().unwrap_or_else(|| node.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_repeat_their_last_size() {
        let nodes: NodeSet = (1..=10)
            .map(|number| NodeName::from(format!("n{number}")))
            .collect();
        let cases = [
            // sizes, what that cuts
            (vec![1], vec![1; 10]),
            (vec![1, 3], vec![1, 3, 3, 3]),
            (vec![1, 2, 5], vec![1, 2, 5, 2]),
            (vec![20], vec![10]),
            (vec![0], vec![1; 10]),
        ];
        for (sizes, cut) in cases {
            let lengths: Vec<usize> = batches(&nodes, &sizes).iter().map(Vec::len).collect();
            assert_eq!(lengths, cut, "{sizes:?}");
        }
    }
}
