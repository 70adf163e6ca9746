//! The report of a run, as it is printed.

use std::time::Duration;

use super::wording::MOST_LINES;
use super::{
    Detail, Event, Happening, LiveReport, Recorder, ReportStyle, StepPlace, StepResult, Trouble, TroubleKind,
};
use crate::diagnostic::{SourceMap, Span};
use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;
use crate::transport::StepPath;

const SCRIPT: &str = "on mds_nodes in parallel <\n  stop mdsd\n>\n";

fn place(step: u32, node: Option<&str>) -> StepPlace {
    let span = if step == 0 {
        Span::new(0, 38)
    } else {
        Span::new(29, 38)
    };
    StepPlace {
        step: StepId(step),
        span,
        node: node.map(NodeName::from),
        path: StepPath::default(),
    }
}

fn report(happenings: &[(u64, Happening)]) -> String {
    report_in(happenings, Detail::Usual, false)
}

fn report_in(happenings: &[(u64, Happening)], detail: Detail, with_differences: bool) -> String {
    let mut sources = SourceMap::default();
    sources.add("a.runbook", SCRIPT);
    let mut out = Vec::new();
    let style = ReportStyle {
        coloured: false,
        detail,
        with_differences,
        is_framed: true,
    };
    let mut live = LiveReport::new(&mut out, &sources, style, None);
    for (at_ms, what) in happenings {
        live.record(&Event {
            at: Duration::from_millis(*at_ms),
            what: what.clone(),
        });
    }
    String::from_utf8(out).expect("a report is text")
}

fn begun(mode: &str) -> Vec<(u64, Happening)> {
    let (cluster, runbook) = ("pcs1".to_owned(), "drill".to_owned());
    let nodes = NodeSet::expand("n[1-3]").expect("a set");
    vec![
        (
            0,
            Happening::RunStarted {
                cluster,
                simulated: true,
                dry_run: false,
                runbook,
                steps: 2,
            },
        ),
        (
            0,
            Happening::NodesChosen {
                place: place(0, None),
                nodes,
                mode: mode.to_owned(),
                left_out: NodeSet::default(),
            },
        ),
    ]
}

fn step(node: &str, at: u64, result: StepResult, output: &str) -> Vec<(u64, Happening)> {
    let what = "stop mdsd".to_owned();
    let command = Some("service mdsd stop".to_owned());
    let (took, output) = (Duration::from_millis(at), output.to_owned());
    vec![
        (
            0,
            Happening::NodeStarted {
                step: StepId(0),
                node: node.into(),
                path: StepPath::default(),
            },
        ),
        (
            0,
            Happening::StepStarted {
                place: place(1, Some(node)),
                what: what.clone(),
                command,
            },
        ),
        (
            at,
            Happening::StepEnded {
                place: place(1, Some(node)),
                what,
                result: result.clone(),
                output,
                errors: String::new(),
                took,
            },
        ),
        (
            at,
            Happening::NodeEnded {
                step: StepId(0),
                node: node.into(),
                path: StepPath::default(),
                result,
            },
        ),
    ]
}

fn failure(node: &str) -> StepResult {
    StepResult::Trouble(Trouble {
        kind: TroubleKind::Failed,
        message: "`service mdsd stop` exited with 1".to_owned(),
        help: None,
        at: Span::new(29, 38),
        node: Some(node.into()),
    })
}

#[test]
fn nodes_that_say_the_same_are_one_line() {
    let mut happenings = begun("in parallel");
    for (node, at) in [("n1", 1_000), ("n3", 1_100), ("n2", 1_500)] {
        happenings.extend(step(node, at, StepResult::Done, "stopping\x1b[2J\n"));
    }
    happenings.push((
        2_000,
        Happening::RunEnded {
            trouble: None,
            exit_code: 0,
        },
    ));
    let wanted = "\
cluster pcs1  SIMULATED: no real node is touched  runbook drill  2 steps
[1/2] on n[1-3], in parallel
[2/2] n[1-3]  ✓ stop mdsd  1.5s
                $ service mdsd stop
                │ stopping␛[2J
[1/2] n[1-3]  ✓ done

pcs1 (SIMULATED), drill: done after 2.0s
on n[1-3], in parallel  a.runbook:1
  done          n[1-3]
";
    assert_eq!(report(&happenings), wanted);
}

#[test]
fn a_failure_is_told_once_and_folded_at_the_end() {
    let mut happenings = begun("serially");
    happenings.extend(step("n1", 1_000, StepResult::Done, ""));
    happenings.extend(step("n2", 2_000, failure("n2"), "no such service\n"));
    happenings.push((
        2_000,
        Happening::RunEnded {
            trouble: None,
            exit_code: 1,
        },
    ));
    let wanted = "\
cluster pcs1  SIMULATED: no real node is touched  runbook drill  2 steps
[1/2] on n[1-3], serially
[2/2] n1  ✓ stop mdsd  1.0s
            $ service mdsd stop
[1/2] n1  ✓ done (node 1 of 3)
[2/2] n2  ✗ stop mdsd: `service mdsd stop` exited with 1  2.0s
            $ service mdsd stop
            │ no such service
[1/2] n2  ✗ failed (node 2 of 3)

pcs1 (SIMULATED), drill: failed (exit code 1) after 2.0s
on n[1-3], serially  a.runbook:1
  done          n1
  failed        n2
  not reached   n3
  why           n2: `service mdsd stop` exited with 1  a.runbook:2
";
    assert_eq!(report(&happenings), wanted);
}

#[test]
fn a_long_output_is_capped_with_a_word_about_it() {
    let mut happenings = begun("serially");
    happenings.extend(step("n1", 1_000, StepResult::Done, &"line\n".repeat(50)));
    let shown = report(&happenings);
    assert_eq!(shown.matches("│ line").count(), MOST_LINES);
    assert!(shown.contains("… 30 more lines; -v shows all"), "{shown}");
}

#[test]
fn notes_and_reasons_stay_each_nodes_own() {
    let mut happenings = begun("in parallel");
    for node in ["n1", "n2", "n3"] {
        let asked = Happening::Asked {
            place: place(1, Some(node)),
            what: format!("quorum losing={node}"),
            holds: Some(true),
            reason: String::new(),
            shown_only: false,
        };
        let text = format!("I am {node}, not $node");
        let place = place(1, Some(node));
        happenings.extend([(0, asked), (0, Happening::Note { place, text })]);
    }
    let (trouble, exit_code) = (None, 0);
    happenings.push((1, Happening::RunEnded { trouble, exit_code }));
    let printed = report(&happenings);
    assert!(
        printed.contains("n[1-3]  ✓ quorum losing=$node holds"),
        "{printed}"
    );
    assert!(printed.contains("n2    note: I am n2, not $node"), "{printed}");
}

#[test]
fn the_time_of_a_wait_stands_before_its_rows() {
    let mut happenings = begun("serially");
    happenings.push((
        0,
        Happening::Waiting {
            place: place(1, Some("n1")),
            what: "(all of mds have up)".to_owned(),
            reason: "1 of 2 have up\n    row".to_owned(),
            waited: Duration::from_secs(1),
            limit: Duration::from_secs(30),
        },
    ));
    let printed = report(&happenings);
    let first = printed.lines().find(|line| line.contains("waiting for"));
    assert!(
        first.is_some_and(|line| line.ends_with("1 of 2 have up (1.0s of 30s)")),
        "{printed}"
    );
}

#[test]
fn quiet_tells_of_trouble_and_verbose_of_everything() {
    let output: String = (1..=30).map(|line| format!("line {line}\n")).collect();
    let failed = StepResult::Trouble(Trouble {
        kind: TroubleKind::Failed,
        message: "it broke".to_owned(),
        help: None,
        at: Span::new(29, 38),
        node: Some("n2".into()),
    });
    let mut happenings = begun("serially");
    happenings.extend(step("n1", 10, StepResult::Done, &output));
    happenings.extend(step("n2", 10, failed, ""));
    let quiet = report_in(&happenings, Detail::Quiet, false);
    assert!(!quiet.contains("n1") && !quiet.contains("on n[1-3]"), "{quiet}");
    assert!(quiet.contains("n2  ✗ stop mdsd: it broke"), "{quiet}");
    let usual = report_in(&happenings, Detail::Usual, false);
    assert!(
        usual.contains("line 20\n") && !usual.contains("line 21"),
        "{usual}"
    );
    assert!(usual.contains("… 10 more lines; -v shows all"), "{usual}");
    let verbose = report_in(&happenings, Detail::Verbose, false);
    assert!(verbose.contains("line 30\n"), "{verbose}");
}

#[test]
fn nodes_that_print_other_things_are_told_by_their_differences() {
    let mut happenings = begun("in parallel");
    let printed = [("n1", "a\nb\nc\n"), ("n2", "a\nb\nc\n"), ("n3", "a\nx\nc\n")];
    let nodes: Vec<_> = printed
        .iter()
        .map(|(node, output)| step(node, 10, StepResult::Done, output))
        .collect();
    // Side by side: each of them begins, then each of them ends.
    for stage in 0..nodes[0].len() {
        happenings.extend(nodes.iter().map(|happenings| happenings[stage].clone()));
    }
    let plain = report_in(&happenings, Detail::Usual, false);
    assert!(plain.contains("│ x\n") && !plain.contains("-b"), "{plain}");
    let differing = report_in(&happenings, Detail::Usual, true);
    let lines: Vec<&str> = differing.lines().map(str::trim).collect();
    let from = lines.iter().position(|line| line.contains("--- n[1-2]"));
    let from = from.unwrap_or_else(|| panic!("{differing}"));
    assert_eq!(
        lines[from..from + 7],
        [
            "│ --- n[1-2]",
            "│ +++ n3",
            "│ @@ -1,3 +1,3 @@",
            "│  a",
            "│ -b",
            "│ +x",
            "│  c"
        ],
    );
}
