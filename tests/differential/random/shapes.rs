//! Shapes of small clusters, some of which do not begin well.

use super::dice::Dice;

/// A simulated cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its shape.
    pub shape: String,
    /// Its nodes.
    pub nodes: Vec<String>,
    /// How many of them, from the first, hold a metadata server.
    pub mds_count: usize,
    /// The names of its groups.
    pub groups: Vec<&'static str>,
    /// Whether it is so small that much can be done on it.
    pub is_small: bool,
}

impl Cluster {
    /// A random one.
    pub fn random(dice: &mut Dice) -> Cluster {
        let node_count = dice.weighted(&[(5, 3), (3, 4), (2, 6)]);
        let mds_count = match node_count {
            6 => 5,
            _ => 3,
        };
        let nodes: Vec<String> = (1..=node_count).map(|number| format!("node{number}")).collect();
        let mut groups = vec!["mds_nodes", "cs_nodes", "all_nodes"];
        let mut shape = String::new();
        let has_clients = dice.hits(50);
        for (place, node) in nodes.iter().enumerate() {
            let (rack, mds) = (1 + place % 3, place < mds_count);
            let (disks, vms) = (dice.weighted(&[(4, 1), (1, 2)]), usize::from(has_clients));
            shape.push_str(&format!(
                "[nodes.{node}]\nrack = \"rack{rack}\"\nmds = {mds}\ndisks = {disks}\nclients = {has_clients}\nvms = {vms}\n\n"
            ));
        }
        if dice.hits(60) {
            groups.push("spare");
            shape.push_str(&format!("[groups]\nspare = \"node{node_count}\"\n\n"));
        }
        if dice.hits(35) {
            let node = dice.one_of(&nodes);
            let what = dice.weighted(&[
                (4, "service = \"pstorage-mdsd\"\nis = \"stopped\""),
                (2, "service = \"pstorage-csd\"\nis = \"stopped\""),
                (2, "power = \"off\""),
                (1, "master = true"),
                (1, "service = \"pvapp\"\nis = \"stopped\""),
                (1, "service = \"pvapp\"\nis = \"absent\""),
                (1, "service = \"pvapp\"\nis = \"broken\""),
            ]);
            match what {
                "master = true" => shape.push_str(&format!("[[state]]\nmaster = \"{}\"\n\n", nodes[1])),
                _ => shape.push_str(&format!("[[state]]\nnode = \"{node}\"\n{what}\n\n")),
            }
        }
        if dice.hits(12) {
            let (node, seconds) = (dice.one_of(&nodes), dice.one_of(&[3, 20, 40, 90]));
            let what = dice.weighted(&[
                (3, "service = \"pstorage-mdsd\"\nis = \"stopped\""),
                (2, "power = \"off\""),
                (1, "service = \"pstorage-csd\"\nis = \"stopped\""),
            ]);
            shape.push_str(&format!(
                "[[event]]\nat = \"{seconds}s\"\nnode = \"{node}\"\n{what}\n\n"
            ));
        }
        Cluster {
            shape,
            nodes,
            mds_count,
            groups,
            is_small: node_count == 3,
        }
    }
}
