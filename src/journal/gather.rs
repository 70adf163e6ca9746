use std::time::Duration;

use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;

/// How something went, as the sign before its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It went well.
    Good,
    /// It failed or was refused.
    Bad,
    /// It cannot be told.
    Unknown,
    /// It was passed over, skipped or held back.
    Passed,
    /// It is only said.
    Said,
}

/// Something to be shown of a node: a line, and what stands under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The step.
    pub step: StepId,
    /// How it went.
    pub mark: Mark,
    /// What, in words of the script: `$node` in them is the node in hand.
    pub words: String,
    /// What was measured, written or answered, as it is: nodes of which it differs are not joined.
    pub said: String,
    /// The plain command, when the words do not say it.
    pub command: Option<String>,
    /// What a host printed.
    pub output: String,
    /// What may differ between nodes that say the same, such as a sum: the last one counts.
    pub latest: String,
    /// Whether it is told to those who want to hear little.
    pub is_loud: bool,
}

impl Line {
    /// A line of words alone.
    pub fn of(step: StepId, mark: Mark, words: String) -> Line {
        Line {
            step,
            mark,
            words,
            said: String::new(),
            command: None,
            output: String::new(),
            latest: String::new(),
            is_loud: matches!(mark, Mark::Bad | Mark::Unknown),
        }
    }

    /// The same line with what was said after its words.
    pub fn saying(self, said: String) -> Line {
        Line { said, ..self }
    }

    fn says_the_same(&self, other: &Line) -> bool {
        self.is_of_the_same(other) && self.said == other.said && self.output == other.output
    }

    /// Whether it tells the end of the same step, though it may have printed something else.
    pub fn is_of_the_same(&self, other: &Line) -> bool {
        let parts = |line: &Line| (line.step, line.mark);
        parts(self) == parts(other) && self.words == other.words && self.command == other.command
    }
}

/// A line and the nodes of which it is true.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    /// The line.
    pub line: Line,
    /// The nodes.
    pub nodes: NodeSet,
    /// The longest time that one of them took.
    pub took: Option<Duration>,
    /// When the first came in.
    since: Duration,
    /// The step that it tells of, among those of the [`Gather`].
    step: usize,
}

/// Lines of nodes that work side by side, held back until their fellows have told of the same step.
#[derive(Debug, Default)]
pub(super) struct Gather {
    waiting: Vec<Gathered>,
    steps: Vec<Told>,
}

/// A step that some nodes have told of: a line of it, and which nodes.
#[derive(Debug)]
struct Told {
    line: Line,
    nodes: NodeSet,
}

/// How long a line waits at most for the other nodes to say the same.
const PATIENCE: Duration = Duration::from_secs(5);

impl Gather {
    /// Adds what came of a node at `now`.
    pub fn add(&mut self, now: Duration, node: &NodeName, line: Line, took: Option<Duration>) {
        let step = self.note(node, &line);
        // What a node says stays in its order, so it joins only a line after all of its own.
        let own = self.waiting.iter().rposition(|known| known.nodes.contains(node));
        let later = self.waiting.iter_mut().skip(own.map_or(0, |index| index + 1));
        match later.into_iter().find(|known| known.line.says_the_same(&line)) {
            Some(known) => {
                known.nodes.insert(node.clone());
                known.took = known.took.max(took);
                known.line.latest = line.latest;
            }
            None => {
                let nodes = std::iter::once(node.clone()).collect();
                self.waiting.push(Gathered {
                    line,
                    nodes,
                    took,
                    since: now,
                    step,
                });
            }
        }
    }

    /// Notes that a node has told of a step; the step's place among those that wait.
    fn note(&mut self, node: &NodeName, line: &Line) -> usize {
        let known = self.steps.iter().position(|told| told.line.is_of_the_same(line));
        let place = known.unwrap_or_else(|| {
            self.steps.push(Told {
                line: Line {
                    output: String::new(),
                    ..line.clone()
                },
                nodes: NodeSet::default(),
            });
            self.steps.len() - 1
        });
        self.steps[place].nodes.insert(node.clone());
        place
    }

    /// Takes out what is complete: all of `alive` have told of the step, in the same words or in
    /// others, or it has waited long enough.
    pub fn take_ready(&mut self, now: Duration, alive: &NodeSet) -> Vec<Gathered> {
        // Asked once for each step: of a thousand nodes each may have printed something else.
        let is_whole = |told: &Told| told.nodes.len() >= alive.len() && alive.is_within(&told.nodes);
        let whole: Vec<bool> = self.steps.iter().map(is_whole).collect();
        let is_ready = |line: &Gathered| now >= line.since + PATIENCE || whole[line.step];
        // Lines stay in their order: what stands before a ready one goes with it.
        let Some(last) = self.waiting.iter().rposition(is_ready) else {
            return Vec::new();
        };
        let rest = self.waiting.split_off(last + 1);
        let ready = self.take_all();
        for mut line in rest {
            for node in line.nodes.iter() {
                line.step = self.note(node, &line.line);
            }
            self.waiting.push(line);
        }
        ready
    }

    /// Takes out everything.
    pub fn take_all(&mut self) -> Vec<Gathered> {
        self.steps.clear();
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_when_all_have_told_of_it_in_whatever_words() {
        let line = |words: &str, output: &str| Line {
            output: output.to_owned(),
            ..Line::of(StepId(1), Mark::Good, words.to_owned())
        };
        let nodes = NodeSet::expand("n[1-2000]").expect("a set");
        let mut gather = Gather::default();
        for (number, node) in nodes.iter().enumerate() {
            assert!(gather.take_ready(Duration::ZERO, &nodes).is_empty());
            gather.add(
                Duration::ZERO,
                node,
                line("probe a", &format!("printed by {node}\n")),
                None,
            );
            if number == 0 {
                gather.add(Duration::ZERO, node, line("probe b", ""), None);
            }
        }
        // What the first one said of the next step stands between, and goes with them.
        let ready = gather.take_ready(Duration::ZERO, &nodes);
        assert_eq!(ready.len(), 2001);
        gather.add(
            Duration::ZERO,
            &NodeName::from("n1"),
            line("probe c", "one"),
            None,
        );
        let left = NodeSet::expand("n1").expect("a set");
        assert_eq!(gather.take_ready(Duration::ZERO, &left).len(), 1);
    }

    #[test]
    fn the_same_words_of_many_nodes_are_one_line() {
        let line = |words: &str| Line::of(StepId(1), Mark::Good, words.to_owned());
        let alive = NodeSet::expand("n[1-3]").expect("a set");
        let mut gather = Gather::default();
        let now = Duration::from_secs(1);
        gather.add(now, &"n1".into(), line("stop a"), Some(Duration::from_secs(1)));
        gather.add(now, &"n3".into(), line("stop a"), Some(Duration::from_secs(3)));
        assert!(gather.take_ready(now, &alive).is_empty());
        gather.add(now, &"n2".into(), line("stop a"), None);
        let ready = gather.take_ready(now, &alive);
        assert_eq!(ready.len(), 1);
        assert_eq!(
            (ready[0].nodes.to_string().as_str(), ready[0].took),
            ("n[1-3]", Some(Duration::from_secs(3)))
        );
        gather.add(now, &"n2".into(), line("stop b"), None);
        assert_eq!(gather.take_ready(now + PATIENCE, &alive).len(), 1);
    }
}
