//! What goes wrong elsewhere, and whether a probe would have told of it.

use std::time::Duration;

use super::fault_plan::{Mishap, Point};
use crate::inventory::NodeName;
use crate::transport::simulated::{Fault, SimulatedCluster};
use crate::transport::{Clock, Outcome, Request, TransportError};

/// How long the network of a rack is cut.
const CUT: Duration = Duration::from_secs(120);
/// How soon after one another two points come that nothing lies between but a probe.
const SOON: Duration = Duration::from_secs(1);

/// What a probe would say after something went wrong elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Foreseen {
    mishap: Mishap,
    struck: Vec<String>,
    said: String,
}

/// Lets it go wrong; the nodes that it strikes.
pub(super) fn strike(cluster: &SimulatedCluster, mishap: Mishap, here: &str) -> Vec<String> {
    let struck = struck_by(cluster, mishap, here);
    let now = cluster.clock().now();
    for node in struck.iter().cloned() {
        match mishap {
            Mishap::MasterMoves => cluster.inject(&Fault::Master { node }),
            Mishap::DiskFails => {
                if let Some((node, repository)) = cluster.disk_elsewhere(here) {
                    cluster.inject(&Fault::DiskFails { node, repository });
                }
            }
            Mishap::HostFails => cluster.inject(&Fault::Power { node, on: false }),
            Mishap::RackCut => {
                cluster.inject(&Fault::Network {
                    node: node.clone(),
                    up: false,
                });
                cluster.inject_at(now + CUT, Fault::Network { node, up: true });
            }
            _ => {}
        }
    }
    struck
}

/// What would strike nobody if it went wrong elsewhere now.
pub(super) fn find_idle(cluster: &SimulatedCluster, here: &str) -> Vec<Mishap> {
    let all = Mishap::ALL.into_iter().filter(|mishap| mishap.is_elsewhere());
    all.filter(|mishap| struck_by(cluster, *mishap, here).is_empty())
        .collect()
}

fn struck_by(cluster: &SimulatedCluster, mishap: Mishap, here: &str) -> Vec<String> {
    match mishap {
        Mishap::MasterMoves => cluster.other_master().into_iter().collect(),
        Mishap::DiskFails => cluster
            .disk_elsewhere(here)
            .map(|(node, _)| node)
            .into_iter()
            .collect(),
        Mishap::HostFails => cluster.host_elsewhere(here).into_iter().collect(),
        Mishap::RackCut => cluster.rack_elsewhere(here),
        _ => Vec::new(),
    }
}

/// What a probe would say after each thing that can go wrong elsewhere.
pub(super) fn foresee(cluster: &SimulatedCluster, request: &Request) -> Vec<Foreseen> {
    let here = request.node.as_ref().map(NodeName::as_str).unwrap_or_default();
    let all = Mishap::ALL.into_iter().filter(|mishap| mishap.is_elsewhere());
    all.map(|mishap| {
        let other = cluster.fork();
        let struck = strike(&other, mishap, here);
        let said = describe(&other.block_on(other.carry_out(request, None)));
        Foreseen { mishap, struck, said }
    })
    .collect()
}

/// Whether a probe that said this would have said something else.
pub(super) fn is_felt(foreseen: &Foreseen, said: &Result<Outcome, TransportError>) -> bool {
    foreseen.said != describe(said)
}

fn describe(said: &Result<Outcome, TransportError>) -> String {
    match said {
        Ok(outcome) => format!("{} {:?} {:?}", outcome.status, outcome.output, outcome.errors),
        Err(why) => why.to_string(),
    }
}

/// Whether what goes wrong elsewhere at a point is the same as if it did so at the next one: they
/// come right after one another, it strikes the same nodes, and the probe between them says the same.
pub(super) fn is_same_at_next(point: &Point, next: Option<&Point>, mishap: Mishap) -> bool {
    let struck_at = |point: &Point| {
        let mut foreseen = point.foreseen.iter();
        let one = foreseen.find(|one| one.mishap == mishap);
        one.map(|one| one.struck.clone())
    };
    let (Some(next), Some(struck)) = (next, struck_at(point)) else {
        return false;
    };
    next.at.saturating_sub(point.at) <= SOON && struck_at(next) == Some(struck)
}
