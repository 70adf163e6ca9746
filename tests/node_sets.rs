//! Sets of nodes beside what ClusterShell makes of them.
//!
//! Each line of `tests/node_sets/clustershell.tsv` holds an expression, how many nodes ClusterShell
//! 1.10 reads in it, and how it folds them. quorate must read the same nodes, and fold them to a
//! word that is no longer.

use std::path::Path;

use quorate::inventory::NodeSet;

/// Sets that ClusterShell folds to a shorter word, by one letter: to find the shortest of all is a covering
/// problem, and only the orders of the places are tried.
const LONGER: [&str; 1] = ["a[7-8]b[9-10]!a[3-7]b[5-9],a[2-6]b[3-10]"];

#[test]
fn sets_are_those_of_clustershell() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node_sets/clustershell.tsv");
    let text = std::fs::read_to_string(path).expect("the file is in the repository");
    let mut breaches = Vec::new();
    let (mut count, mut shorter) = (0, 0);
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [written, size, folded] = fields.as_slice() else {
            panic!("{line}: three fields are needed");
        };
        count += 1;
        let ours = match NodeSet::expand(written) {
            Ok(set) => set,
            Err(error) => {
                breaches.push(format!("{written}: {error}"));
                continue;
            }
        };
        let theirs = NodeSet::expand(folded).expect("ClusterShell folds to what can be read");
        if ours.len().to_string() != *size || ours != theirs {
            breaches.push(format!("{written}: {ours}, and not {theirs}"));
        }
        let own = ours.to_string();
        assert_eq!(NodeSet::expand(&own).as_ref(), Ok(&ours), "{own}");
        if own.len() > folded.len() + usize::from(LONGER.contains(written)) {
            breaches.push(format!("{written}: {own} is longer than {folded}"));
        }
        shorter += usize::from(own.len() < folded.len());
    }
    println!("{count} sets, {shorter} of them folded shorter");
    assert!(
        breaches.is_empty(),
        "{} of {count}:\n{}",
        breaches.len(),
        breaches.join("\n")
    );
}
