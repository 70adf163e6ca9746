//! The most memory held while an inventory of 10,000 nodes is checked and run with.
//!
//! Not a matter of time, so the figures are printed and not sampled: in MiB, of the whole
//! process, with how long it took, and beside the same with the built-in six nodes.

mod support;

use std::time::Instant;

/// Ten steps, on all nodes at once, on five in turn, and a guard over the whole cluster.
const SCRIPT: &str = "runbook ten-steps

use pstorage

require quorum
on all_nodes in parallel <
  run \"true\"
  let kernel = probe \"uname -r\"
  note \"$kernel\"
>
require healthy
on mds_nodes serially <
  restart pstorage-mdsd
  run \"true\"
>
let servers = chunk-servers | count
require ($servers more than 5)
";

/// One step on each node, one node after another.
const SERIALLY: &str = "runbook one-by-one
on all_nodes serially < run \"true\" >
";

fn main() {
    let folder = support::Folder::new();
    let script = folder.write("ten.runbook", SCRIPT);
    let serially = folder.write("serially.runbook", SERIALLY);
    let inventory = folder.write("cluster.toml", &support::write_inventory(10_000));
    let shape = folder.write("shape.toml", &support::write_shape(10_000));
    let with = format!("--inventory={}", inventory.display());
    let on = format!("--sim={}", shape.display());
    let cases = [
        // what is measured, words, script
        ("check, 6 nodes", vec!["check", "--sim"], &script),
        ("check, 10,000 nodes", vec!["check", &with], &script),
        ("run, 6 nodes", vec!["run", "--yes", "--sim"], &script),
        ("run ten steps, 10,000 nodes", vec!["run", "--yes", &on], &script),
        (
            "run one by one, 10,000 nodes",
            vec!["run", "--yes", &on],
            &serially,
        ),
    ];
    println!("{:32} {:>10} {:>10}", "most memory of the process", "MiB", "took");
    for (what, words, script) in cases {
        let began = Instant::now();
        let most = support::watch_memory(support::quorate(&words, &[script]));
        let took = began.elapsed();
        println!(
            "{what:32} {:>10.1} {:>7} ms",
            most as f64 / 1024.0,
            took.as_millis()
        );
    }
}
