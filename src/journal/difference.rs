use similar::TextDiff;

use super::gather::Gathered;
use crate::inventory::NodeSet;

/// How many equal lines stand around a difference.
const CONTEXT: usize = 2;

/// In what a text has changed, as a difference that tools can read; `name` is what it is called.
pub fn describe_change(name: &str, old: &str, new: &str) -> String {
    let difference = TextDiff::from_lines(old, new);
    let mut unified = difference.unified_diff();
    unified
        .context_radius(CONTEXT)
        .missing_newline_hint(false)
        .header(&format!("{name} (when the run began)"), &format!("{name} (now)"));
    unified.to_string()
}

/// Takes out the first line and those that tell of the same step, with what it printed the same or
/// not; what a node says stays in its order.
pub(super) fn take_alike(lines: &mut Vec<Gathered>) -> Vec<Gathered> {
    let mut alike: Vec<Gathered> = Vec::new();
    let mut left: Vec<Gathered> = Vec::new();
    let mut passed = NodeSet::default();
    for line in lines.drain(..) {
        let is_alike = alike
            .first()
            .is_none_or(|first| first.line.is_of_the_same(&line.line));
        if is_alike && !line.nodes.iter().any(|node| passed.contains(node)) {
            alike.push(line);
        } else {
            line.nodes.iter().for_each(|node| passed.insert(node.clone()));
            left.push(line);
        }
    }
    *lines = left;
    alike
}

/// Puts differences in the place of outputs: what most nodes have printed comes first and stays as
/// it is, and of the others it is told in what they differ from it.
pub(super) fn show_differences(alike: &mut [Gathered]) {
    if alike.iter().filter(|it| !it.line.output.is_empty()).count() < 2 {
        return;
    }
    // The sort is stable: of equally many the first one that was told stays first.
    alike.sort_by_key(|it| std::cmp::Reverse(it.nodes.len()));
    let Some((usual, others)) = alike.split_first_mut() else {
        return;
    };
    let from = usual.nodes.to_string();
    for other in others {
        let difference = TextDiff::from_lines(&usual.line.output, &other.line.output);
        let mut unified = difference.unified_diff();
        unified
            .context_radius(CONTEXT)
            .missing_newline_hint(false)
            .header(&from, &other.nodes.to_string());
        other.line.output = unified.to_string();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inventory::NodeName;
    use crate::journal::gather::{Gather, Line, Mark};
    use crate::plan::StepId;

    fn gathered(told: &[(&str, &str, &str)]) -> Vec<Gathered> {
        let mut gather = Gather::default();
        for (node, words, output) in told {
            let line = Line {
                output: (*output).to_owned(),
                ..Line::of(StepId(1), Mark::Good, (*words).to_owned())
            };
            gather.add(Duration::ZERO, &NodeName::from(*node), line, None);
        }
        gather.take_all()
    }

    #[test]
    fn what_most_nodes_print_is_what_the_others_differ_from() {
        let mut lines = gathered(&[
            ("n1", "run a", "one\ntwo\nthree\nfour\nfive\n"),
            ("n2", "run a", "one\ntwo\nthree\nfour\n5\n"),
            ("n3", "run a", "one\ntwo\nthree\nfour\n5\n"),
            ("n4", "run b", "other\n"),
        ]);
        let mut alike = take_alike(&mut lines);
        show_differences(&mut alike);
        let shown: Vec<(String, &str)> = alike
            .iter()
            .map(|it| (it.nodes.to_string(), it.line.output.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("n[2-3]".to_owned(), "one\ntwo\nthree\nfour\n5\n"),
                (
                    "n1".to_owned(),
                    "--- n[2-3]\n+++ n1\n@@ -3,3 +3,3 @@\n three\n four\n-5\n+five\n"
                ),
            ]
        );
        assert_eq!(lines.len(), 1);
    }

    #[test]
    fn nothing_is_a_difference_to_nothing() {
        let mut lines = gathered(&[("n1", "run a", ""), ("n2", "run a", "one\n")]);
        let mut alike = take_alike(&mut lines);
        show_differences(&mut alike);
        assert_eq!(alike[1].line.output, "one\n");
    }
}
