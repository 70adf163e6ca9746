use std::collections::BTreeMap;
use std::time::Duration;

use console::{measure_text_width, truncate_str};

use super::screen::{neutralise_text, write_length};
use super::wording::{forget_node, name_node};
use super::{Event, Happening, StepPlace, StepResult, TroubleKind};
use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;

/// Most rows of what is in hand.
const MOST_ROWS: usize = 8;

/// What is going on at this moment of a run: told by its events, drawn as a few rows.
#[derive(Debug, Default)]
pub(super) struct Present {
    step_count: u32,
    step: Option<StepId>,
    /// The `on` blocks that have not ended, the outermost first.
    sets: Vec<Progress>,
    in_hand: BTreeMap<(StepId, Option<NodeName>), Doing>,
    heard: BTreeMap<Option<NodeName>, Heard>,
    heard_count: u64,
}

/// How far an `on` has come.
#[derive(Debug)]
struct Progress {
    step: StepId,
    nodes: NodeSet,
    in_hand: usize,
    done: usize,
    skipped: usize,
    failed: usize,
    unknown: usize,
}

/// Something that has begun and not ended.
#[derive(Debug, PartialEq, Eq)]
struct Doing {
    words: String,
    since: Duration,
    wait: Option<Wait>,
}

/// What is waited for.
#[derive(Debug, PartialEq, Eq)]
struct Wait {
    limit: Duration,
    measured: String,
}

/// The last line that a command has printed so far.
#[derive(Debug)]
struct Heard {
    line: String,
    number: u64,
}

impl Present {
    /// Takes in what happened.
    pub fn take(&mut self, event: &Event) {
        match &event.what {
            Happening::RunStarted { steps, .. } => self.step_count = *steps,
            Happening::NodesChosen {
                place,
                nodes,
                left_out,
                ..
            } => {
                self.come_to(place);
                self.sets.push(Progress {
                    step: place.step,
                    nodes: nodes.difference(left_out),
                    in_hand: 0,
                    done: 0,
                    skipped: 0,
                    failed: 0,
                    unknown: 0,
                });
            }
            Happening::NodeStarted { step, .. } => {
                if let Some(set) = self.sets.iter_mut().rev().find(|set| set.step == *step) {
                    set.in_hand += 1;
                }
            }
            Happening::NodeEnded {
                step, node, result, ..
            } => self.end_node(*step, node, result),
            Happening::StepStarted { place, what, .. } => self.begin(event.at, place, what, None),
            Happening::StepEnded { place, .. } | Happening::Waited { place, .. } => self.end(place),
            Happening::Waiting {
                place,
                what,
                reason,
                waited,
                limit,
            } => {
                let wait = Wait {
                    limit: *limit,
                    measured: one_line(reason),
                };
                let since = event.at.saturating_sub(*waited);
                self.begin(since, place, &format!("waiting for {what}"), Some(wait));
            }
            Happening::RunEnded { .. } => *self = Present::default(),
            _ => {}
        }
    }

    /// Takes in the last line that a command on a node has printed so far.
    pub fn hear(&mut self, node: Option<&NodeName>, line: &str) {
        self.heard_count += 1;
        let heard = Heard {
            line: one_line(line),
            number: self.heard_count,
        };
        self.heard.insert(node.cloned(), heard);
    }

    /// Draws it in so many columns; `now` is the time since the run began.
    pub fn draw(&self, now: Duration, columns: usize) -> Vec<String> {
        let mut rows = self.draw_head(now, columns);
        let groups = self.gather();
        for group in groups.iter().take(MOST_ROWS) {
            self.draw_group(group, now, columns, &mut rows);
        }
        if groups.len() > MOST_ROWS {
            rows.push(format!("  … and {} more", groups.len() - MOST_ROWS));
        }
        rows.iter()
            .map(|row| truncate_str(row, columns, "…").into_owned())
            .collect()
    }

    fn come_to(&mut self, place: &StepPlace) {
        // What is written in a module has a number beyond those of the script.
        if place.step.0 < self.step_count {
            self.step = Some(place.step);
        }
    }

    fn begin(&mut self, since: Duration, place: &StepPlace, what: &str, wait: Option<Wait>) {
        self.come_to(place);
        if wait.is_none() {
            self.heard.remove(&place.node);
        }
        let words = one_line(what);
        let words = match &place.node {
            Some(node) => forget_node(&words, node),
            None => words,
        };
        let doing = Doing { words, since, wait };
        self.in_hand.insert((place.step, place.node.clone()), doing);
    }

    fn end(&mut self, place: &StepPlace) {
        self.in_hand.remove(&(place.step, place.node.clone()));
        self.heard.remove(&place.node);
    }

    fn end_node(&mut self, step: StepId, node: &NodeName, result: &StepResult) {
        self.in_hand.retain(|(_, known), _| known.as_ref() != Some(node));
        let Some(index) = self
            .sets
            .iter()
            .rposition(|set| set.step == step && set.nodes.contains(node))
        else {
            return;
        };
        let set = &mut self.sets[index];
        let count = match result {
            StepResult::Done => &mut set.done,
            StepResult::Skipped(_) | StepResult::NotReached => &mut set.skipped,
            StepResult::Trouble(trouble) if trouble.kind == TroubleKind::Unknown => &mut set.unknown,
            StepResult::Trouble(_) => &mut set.failed,
        };
        *count += 1;
        if !matches!(result, StepResult::NotReached) {
            set.in_hand = set.in_hand.saturating_sub(1);
        }
        if set.ended() >= set.nodes.len() {
            self.sets.remove(index);
        }
    }

    /// `[3/12] 2m05s on n[1-5]: 2 done, 1 in hand, 2 to come`, on as many rows as it takes.
    fn draw_head(&self, now: Duration, columns: usize) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(step) = self.step {
            parts.push(format!("[{}/{}]", step.0 + 1, self.step_count));
        }
        parts.push(write_length(now));
        if let Some(set) = self.sets.first() {
            parts.extend(set.describe());
        }
        let mut rows = vec![String::new()];
        for part in parts {
            let row = rows.last_mut().expect("there is always a row");
            if row.is_empty() {
                *row = part;
            } else if measure_text_width(row) + 1 + measure_text_width(&part) <= columns {
                row.push_str(&format!(" {part}"));
            } else {
                rows.push(part);
            }
        }
        rows
    }

    /// What is in hand, those nodes together that do the same.
    fn gather(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group> = Vec::new();
        for ((step, node), doing) in &self.in_hand {
            let known = groups
                .iter_mut()
                .find(|group| group.step == *step && group.doing.words == doing.words && node.is_some());
            match (known, node) {
                (Some(group), Some(node)) => {
                    group.nodes.insert(node.clone());
                    // The one that has taken longest is the one to look at.
                    if doing.since < group.doing.since {
                        group.doing = doing;
                    }
                }
                _ => groups.push(Group {
                    step: *step,
                    doing,
                    nodes: node.iter().cloned().collect(),
                }),
            }
        }
        groups
    }

    fn draw_group(&self, group: &Group, now: Duration, columns: usize, rows: &mut Vec<String>) {
        let nodes = group.nodes.to_string();
        let column = match nodes.is_empty() {
            true => String::new(),
            false => format!("{nodes}  "),
        };
        let took = write_length(now.saturating_sub(group.doing.since));
        let took = match &group.doing.wait {
            Some(wait) => format!("{took} of {}", write_length(wait.limit)),
            None => took,
        };
        let words = name_node(&group.doing.words, &nodes);
        let whole = format!("  {took:>5}  {column}{words}");
        if measure_text_width(&whole) <= columns {
            rows.push(whole);
        } else {
            // What is done is worth a row of its own where one row is too short for both.
            rows.push(format!("  {took:>5}  {nodes}"));
            rows.push(format!("  {words}"));
        }
        if let Some(wait) = &group.doing.wait
            && !wait.measured.is_empty()
        {
            rows.push(format!("         {}", wait.measured));
        }
        let heard = self.heard.iter().filter(|(node, _)| match node {
            Some(node) => group.nodes.contains(node),
            None => group.nodes.is_empty(),
        });
        if let Some((node, heard)) = heard.max_by_key(|(_, heard)| heard.number) {
            let name = match node {
                Some(node) if group.nodes.len() > 1 => format!("{node}: "),
                _ => String::new(),
            };
            rows.push(format!("         │ {name}{}", heard.line));
        }
    }
}

impl Progress {
    fn ended(&self) -> usize {
        self.done + self.skipped + self.failed + self.unknown
    }

    fn describe(&self) -> Vec<String> {
        let to_come = self.nodes.len().saturating_sub(self.ended() + self.in_hand);
        let counts = [
            (self.unknown, "unknown"),
            (self.failed, "failed"),
            (self.done, "done"),
            (self.skipped, "skipped"),
            (self.in_hand, "in hand"),
            (to_come, "to come"),
        ];
        let mut parts = vec![format!("on {}:", self.nodes)];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        parts.extend(counts.map(|(count, word)| format!("{count} {word},")));
        if let Some(last) = parts.last_mut() {
            last.pop();
        }
        parts
    }
}

/// Nodes that do the same at this moment.
struct Group<'a> {
    step: StepId,
    doing: &'a Doing,
    nodes: NodeSet,
}

/// A text on one line, and harmless there.
fn one_line(text: &str) -> String {
    neutralise_text(text.trim()).replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::journal::Trouble;
    use crate::transport::StepPath;

    fn place(step: u32, node: Option<&str>) -> StepPlace {
        StepPlace {
            step: StepId(step),
            span: Span::default(),
            node: node.map(NodeName::from),
            path: StepPath::default(),
        }
    }

    fn present(happenings: Vec<(u64, Happening)>) -> Present {
        let mut present = Present::default();
        for (at, what) in happenings {
            let at = Duration::from_secs(at);
            present.take(&Event { at, what });
        }
        present
    }

    fn chosen(nodes: &str) -> Vec<(u64, Happening)> {
        vec![
            (
                0,
                Happening::RunStarted {
                    cluster: "pcs1".to_owned(),
                    simulated: false,
                    dry_run: false,
                    runbook: String::new(),
                    steps: 12,
                },
            ),
            (
                0,
                Happening::NodesChosen {
                    place: place(2, None),
                    nodes: NodeSet::expand(nodes).expect("a set"),
                    mode: "in parallel".to_owned(),
                    left_out: NodeSet::default(),
                },
            ),
        ]
    }

    fn node_started(node: &str) -> Happening {
        Happening::NodeStarted {
            step: StepId(2),
            node: node.into(),
            path: StepPath::default(),
        }
    }

    fn node_ended(node: &str, result: StepResult) -> Happening {
        Happening::NodeEnded {
            step: StepId(2),
            node: node.into(),
            path: StepPath::default(),
            result,
        }
    }

    fn step_started(node: &str, what: &str) -> Happening {
        Happening::StepStarted {
            place: place(3, Some(node)),
            what: what.to_owned(),
            command: None,
        }
    }

    fn waiting(reason: &str, waited: u64) -> Happening {
        Happening::Waiting {
            place: place(4, Some("n1")),
            what: "quorum losing=n1".to_owned(),
            reason: reason.to_owned(),
            waited: Duration::from_secs(waited),
            limit: Duration::from_secs(600),
        }
    }

    fn trouble(kind: TroubleKind) -> StepResult {
        StepResult::Trouble(Trouble {
            kind,
            message: String::new(),
            help: None,
            at: Span::default(),
            node: None,
        })
    }

    #[test]
    fn nodes_are_counted_by_what_became_of_them() {
        let mut happenings = chosen("n[1-6]");
        for node in ["n1", "n2", "n3", "n4", "n5"] {
            happenings.push((1, node_started(node)));
        }
        happenings.push((2, node_ended("n1", StepResult::Done)));
        happenings.push((2, node_ended("n2", trouble(TroubleKind::Failed))));
        happenings.push((2, node_ended("n3", trouble(TroubleKind::Unknown))));
        happenings.push((2, node_ended("n4", StepResult::Skipped("off".to_owned()))));
        let rows = present(happenings).draw(Duration::from_secs(125), 120);
        assert_eq!(
            rows,
            ["[3/12] 2m05s on n[1-6]: 1 unknown, 1 failed, 1 done, 1 skipped, 1 in hand, 1 to come"]
        );
    }

    #[test]
    fn nodes_that_do_the_same_share_a_row() {
        let mut happenings = chosen("n[1-3]");
        for (at, node) in [(1, "n1"), (3, "n2"), (3, "n3")] {
            happenings.push((at, node_started(node)));
            let what = if node == "n3" {
                "start b"
            } else {
                "run touch /$node"
            };
            happenings.push((at, step_started(node, &what.replace("$node", node))));
        }
        let mut present = present(happenings);
        present.hear(Some(&"n1".into()), "first");
        present.hear(Some(&"n2".into()), "\u{1b}[2J50%\tdone");
        let rows = present.draw(Duration::from_secs(10), 80);
        assert_eq!(
            rows,
            [
                "[4/12] 10s on n[1-3]: 3 in hand",
                "   9.0s  n[1-2]  run touch /$node",
                "         │ n2: ␛[2J50% done",
                "   7.0s  n3  start b",
            ]
        );
    }

    #[test]
    fn a_wait_shows_its_limit_and_what_was_measured_last() {
        let mut happenings = chosen("n1");
        happenings.push((1, node_started("n1")));
        happenings.push((10, waiting("3 of 5 answer", 8)));
        happenings.push((20, waiting("4 of 5 answer", 18)));
        let waited = Happening::Waited {
            place: place(4, Some("n1")),
            what: String::new(),
            came: true,
            reason: String::new(),
            waited: Duration::ZERO,
        };
        let mut present = present(happenings);
        let rows = present.draw(Duration::from_secs(32), 80);
        assert_eq!(
            rows[1..],
            [
                "  30s of 10m00s  n1  waiting for quorum losing=n1",
                "         4 of 5 answer"
            ]
        );
        let at = Duration::from_secs(33);
        present.take(&Event { at, what: waited });
        assert_eq!(present.draw(at, 80).len(), 1);
    }

    #[test]
    fn a_narrow_terminal_has_more_rows_and_none_too_long() {
        let mut happenings = chosen("node[01-16]");
        happenings.push((1, node_started("node01")));
        happenings.push((1, step_started("node01", "stop a-service-with-a-long-name")));
        let present = present(happenings);
        for columns in [10, 20, 40] {
            let rows = present.draw(Duration::from_secs(61), columns);
            assert!(
                rows.iter().all(|row| measure_text_width(row) <= columns),
                "{rows:?}"
            );
        }
        assert_eq!(
            present.draw(Duration::from_secs(61), 20),
            [
                "[4/12] 1m01s",
                "on node[01-16]:",
                "1 in hand,",
                "15 to come",
                "  1m00s  node01",
                "  stop a-service-wi…",
            ]
        );
    }

    #[test]
    fn many_rows_are_cut() {
        let mut happenings = chosen("n[1-20]");
        for number in 1..=20 {
            let node = format!("n{number}");
            happenings.push((1, step_started(&node, &format!("run {}", "x".repeat(number)))));
        }
        let rows = present(happenings).draw(Duration::from_secs(2), 80);
        assert_eq!(rows.len(), 1 + MOST_ROWS + 1);
        assert_eq!(rows.last().map(String::as_str), Some("  … and 12 more"));
    }

    #[test]
    fn nothing_is_going_on_after_the_end() {
        let mut happenings = chosen("n1");
        happenings.push((1, step_started("n1", "stop a")));
        let what = Happening::RunEnded {
            trouble: None,
            exit_code: 0,
        };
        happenings.push((2, what));
        assert_eq!(present(happenings).draw(Duration::from_secs(3), 80), ["3.0s"]);
    }
}
