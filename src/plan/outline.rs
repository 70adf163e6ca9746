use std::collections::HashMap;

use super::step::StepKind;
use crate::evaluate::{describe, describe_nodes};
use crate::syntax::{Arguments, Mode, Test};

/// A step in the script's own words, on one line, without its body.
pub fn describe_step(kind: &StepKind) -> String {
    match kind {
        StepKind::On(on) => {
            let mode = match &on.mode {
                Mode::Serially => "serially".to_owned(),
                Mode::InParallel => "in parallel".to_owned(),
                Mode::InBatches(_) => "in batches".to_owned(),
                Mode::By(domain) => format!("by {domain}"),
            };
            format!("on nodes {mode}")
        }
        StepKind::Locally(_) => "locally".to_owned(),
        StepKind::Command(call) => {
            format!(
                "{} {}",
                if call.acts { "run" } else { "probe" },
                describe(&call.command.node)
            )
        }
        StepKind::Service(call) => format!("{} {}", call.action.node.word(), words(&call.arguments)),
        StepKind::Reboot(_) => "reboot".to_owned(),
        StepKind::Losing(services, _) => format!("losing {}", words(services)),
        StepKind::Leave(services, _) => format!("leave {} stopped", words(services)),
        StepKind::Manual { text, .. } => format!("manual {}", describe(&text.node)),
        StepKind::Confirm { text, .. } => format!("confirm {}", describe(&text.node)),
        StepKind::Note(text) => format!("note {}", describe(&text.node)),
        StepKind::Show(value) => format!("show {}", describe(&value.node)),
        StepKind::Fail(text) => format!("fail {}", describe(&text.node)),
        StepKind::Skip(text) => format!("skip {}", describe(&text.node)),
        StepKind::Let { name, value, .. } => format!("let {name} = {}", describe(&value.node)),
        StepKind::Undo(_) => "undo".to_owned(),
        StepKind::Finally(_) => "finally".to_owned(),
        StepKind::Retry { times, .. } => format!("retry {} times", describe(&times.node)),
        StepKind::Within(limit, _) => format!("within {}", describe(&limit.node)),
        StepKind::Try(..) => "try".to_owned(),
        StepKind::If(condition, ..) => format!("if {}", describe(&condition.node)),
        StepKind::For(name, list, _) => format!("for {} in {}", name.node, describe(&list.node)),
        StepKind::Require(test, _) => format!("require {}", describe_test(&test.node)),
        StepKind::Wait { limit, test, .. } => {
            format!(
                "wait up to {} until {}",
                describe(&limit.node),
                describe_test(&test.node)
            )
        }
        StepKind::Outage { why, .. } => format!("outage {}", describe(&why.node)),
        StepKind::Verb { verb, arguments, .. } => format!("{} {}", verb.name, words(arguments)),
        StepKind::Value(value) => describe(&value.node),
    }
}

/// What tells a step from its neighbours, on one line: its words without those that only say how it
/// is done, so that it is the same step when these change.
pub fn identify_step(kind: &StepKind) -> String {
    match kind {
        StepKind::On(on) => {
            let any = if on.any { "any " } else { "" };
            format!("on {any}{}", describe_nodes(&on.nodes.node))
        }
        other => describe_step(other),
    }
}

/// Tells parts of a path with the same words from one another.
#[derive(Debug, Default)]
pub struct PathParts {
    seen: HashMap<String, usize>,
}

impl PathParts {
    /// The next part with these words; from the second on it is numbered.
    pub fn name(&mut self, words: String) -> String {
        let count = self.seen.entry(words.clone()).or_default();
        *count += 1;
        match count {
            1 => words,
            count => format!("{words} ({count})"),
        }
    }
}

/// A guard or condition in the script's own words.
pub fn describe_test(test: &Test) -> String {
    match test {
        Test::Guard(call) => format!("{} {}", call.name.node, words(&call.arguments))
            .trim()
            .to_owned(),
        Test::Condition(condition) => format!("({})", describe(&condition.node)),
    }
}

fn words(arguments: &Arguments) -> String {
    let positional = arguments.positional.iter().map(|word| describe(&word.node));
    let named = arguments
        .named
        .iter()
        .map(|(name, value)| format!("{}={}", name.node, describe(&value.node)));
    positional.chain(named).collect::<Vec<String>>().join(" ")
}
