//! How long 100,000 nodes take to be folded and read, beside ClusterShell where it is installed.

use std::process::Command;
use std::time::{Duration, Instant};

use quorate::inventory::NodeSet;

/// How often each is done; the median counts.
const TIMES: usize = 9;

fn median(mut act: impl FnMut()) -> Duration {
    let mut took: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let began = Instant::now();
            act();
            began.elapsed()
        })
        .collect();
    took.sort();
    took[TIMES / 2]
}

/// What ClusterShell takes for the same, its start included; none where it is not installed.
fn ask_cluster_shell(folded: &str) -> Option<Duration> {
    let program = std::env::var("NODESET").unwrap_or_else(|_| "nodeset".to_owned());
    let ask = || Command::new(&program).args(["-f", folded]).output();
    ask().ok().filter(|output| output.status.success())?;
    Some(median(|| drop(ask())))
}

fn main() {
    let cases = [
        // what they are, the set
        ("one row of numbers", "node[000001-100000]".to_owned()),
        (
            "racks and their nodes",
            "rack[1-1000]node[01-99],rack[1001-1100]node[01-10]".to_owned(),
        ),
        ("every third one gone", "n[1-150000]!n[3-150000/3]".to_owned()),
        (
            "three places, with holes",
            "r[1-50]c[1-40]n[1-50]!r7c[3-5]n[10-20]!r[9-12]c1n[1-9]".to_owned(),
        ),
    ];
    println!(
        "{:28} {:>8} {:>10} {:>10}   ClusterShell, whole process",
        "", "nodes", "fold", "read"
    );
    for (what, written) in cases {
        let set = NodeSet::expand(&written).expect("it is well written");
        let folded = set.to_string();
        assert_eq!(NodeSet::expand(&folded).expect("what is folded reads"), set);
        let fold = median(|| drop(std::hint::black_box(set.to_string())));
        let read = median(|| drop(std::hint::black_box(NodeSet::expand(&written))));
        let peer =
            ask_cluster_shell(&written).map_or("not installed".to_owned(), |took| format!("{took:.0?}"));
        println!("{what:28} {:>8} {fold:>10.1?} {read:>10.1?}   {peer}", set.len());
    }
}
