use std::collections::HashSet;

use super::gather::{Line, Mark};
use super::screen::{Paint, neutralise_text};
use super::{Happening, StepPlace, StepResult, Trouble, TroubleKind};
use crate::inventory::NodeName;

/// Most lines of one command's output that are shown, unless all are asked for.
pub(super) const MOST_LINES: usize = 20;

/// Most letters of one shown line of output.
const MOST_LETTERS: usize = 400;

/// What a guard or condition answered.
pub(super) fn describe_asked(what: &Happening) -> Option<(&StepPlace, Line)> {
    let Happening::Asked {
        place,
        what,
        holds,
        reason,
        shown_only,
    } = what
    else {
        return None;
    };
    let (mark, verb) = match holds {
        Some(true) => (Mark::Good, "holds"),
        Some(false) => (Mark::Bad, "does not hold"),
        None => (Mark::Unknown, "cannot be measured"),
    };
    let because = if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    };
    if *shown_only {
        // What comes before it was held back, so today's answer is no news, be it good or bad.
        let line = Line {
            is_loud: false,
            ..Line::of(place.step, Mark::Said, format!("{what} will be asked"))
        };
        return Some((place, line.saying(format!("; today it {verb}{because}"))));
    }
    let line = Line {
        // What it means, the step or node that asked will tell.
        is_loud: false,
        ..Line::of(place.step, mark, format!("{what} {verb}"))
    };
    Some((place, line.saying(because)))
}

/// What is said rather than done: its place, the line, and what stands under it.
pub(super) fn describe_remark(what: &Happening) -> Option<(&StepPlace, Line)> {
    let mut output = String::new();
    // Words of the script, and what was said: only in the first is `$node` the node in hand.
    let (place, words, said) = match what {
        Happening::PassedOver { place, what, why } => (place, what.clone(), format!(", because {why}")),
        Happening::Overridden {
            place,
            what,
            reason,
            why,
        } => {
            let first = match reason.is_empty() {
                true => String::new(),
                false => format!(" (it said: {reason})"),
            };
            (
                place,
                format!("OVERRIDDEN: {what}"),
                format!(", because {why}{first}"),
            )
        }
        Happening::Answered {
            place,
            name,
            text,
            answer,
        } => (place, String::new(), format!("{text} ({name}): {answer}")),
        Happening::Outage { place, why, opens } => {
            let word = if *opens { "OUTAGE begins" } else { "outage ends" };
            (place, word.to_owned(), format!(": {why}"))
        }
        Happening::LeftStopped { place, service, why } => {
            (place, format!("{service} is left stopped"), format!(": {why}"))
        }
        Happening::Note { place, text } => (place, "note: ".to_owned(), text.clone()),
        Happening::Shown { place, what, value } => {
            output.clone_from(value);
            (place, what.clone(), String::new())
        }
        Happening::Named { place, name, value } if value.trim_end().contains('\n') => {
            output.clone_from(value);
            (place, format!("{name} ="), String::new())
        }
        Happening::Named { place, name, value } => (place, format!("{name} = "), value.clone()),
        Happening::CleaningUp { place, what, why } => (place, what.clone(), format!(", because {why}")),
        Happening::Caught { place, by, trouble } => {
            (place, format!("caught by {by}: "), trouble.message.clone())
        }
        Happening::Branch { place, what } => (place, String::new(), what.clone()),
        _ => return None,
    };
    let mark = match what {
        Happening::PassedOver { .. } => Mark::Passed,
        _ => Mark::Said,
    };
    let is_loud = matches!(
        what,
        Happening::Overridden { .. }
            | Happening::Answered { .. }
            | Happening::Outage { .. }
            | Happening::LeftStopped { .. }
            | Happening::Note { .. }
            | Happening::Shown { .. }
    );
    let line = Line {
        output,
        is_loud,
        ..Line::of(place.step, mark, words)
    };
    Some((place, line.saying(said)))
}

/// A `run` and a `probe` are their commands; of a service the command is told under its words.
pub(super) fn join_command(what: &str, command: Option<String>) -> (String, Option<String>) {
    let is_raw = what.starts_with("run ") || what.starts_with("probe ");
    match command {
        Some(command) if is_raw => {
            let verb = what.split(' ').next().unwrap_or("run");
            (format!("{verb} {command}"), None)
        }
        command => (what.to_owned(), command),
    }
}

/// Writes `$node` for the name of the node in hand, so that nodes can be seen to say the same.
pub(super) fn forget_node(words: &str, node: &NodeName) -> String {
    let name = node.as_str();
    let is_part = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let mut forgotten = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let is_whole = !before.ends_with(is_part) && !after.starts_with(is_part);
        forgotten.push_str(before);
        forgotten.push_str(if is_whole { "$node" } else { name });
        rest = after;
    }
    forgotten + rest
}

/// Puts the node in hand in the place of `$node`; of several nodes `$node` says it better.
pub(super) fn name_node(words: &str, nodes: &str) -> String {
    if nodes.is_empty() || nodes.contains(['[', ',']) || !words.contains("$node") {
        return words.to_owned();
    }
    let mut pieces = words.split("$node");
    let mut named = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        let is_longer = piece.starts_with(|next: char| next.is_alphanumeric() || "-_.".contains(next));
        named.push_str(if is_longer { "$node" } else { nodes });
        named.push_str(piece);
    }
    named
}

pub(super) fn trouble_mark(trouble: &Trouble) -> Mark {
    match trouble.kind {
        TroubleKind::Unknown => Mark::Unknown,
        _ => Mark::Bad,
    }
}

/// How the end of a node is told: the mark, one word, and why; `None` when all was said.
pub(super) fn describe_end(
    result: &StepResult,
    node: &NodeName,
    told: &HashSet<(String, Option<NodeName>)>,
    is_dry: bool,
) -> Option<(Mark, &'static str, String)> {
    Some(match result {
        // A dry run does nothing, so nothing is done by it.
        StepResult::Done if is_dry => (Mark::Passed, "gone through", String::new()),
        StepResult::Done => (Mark::Good, "done", String::new()),
        StepResult::Skipped(why) => (Mark::Passed, "skipped", format!(": {why}")),
        StepResult::NotReached => return None,
        StepResult::Trouble(trouble) => {
            let was_told = told.contains(&(trouble.message.clone(), Some(node.clone())));
            let word = match trouble.kind {
                TroubleKind::Unknown => "unknown",
                TroubleKind::Refused => "refused",
                TroubleKind::Locked => "not begun",
                _ => "failed",
            };
            let why = match was_told {
                true => String::new(),
                // It quotes the script, where `$node` is the node in hand.
                false => format!(": {}", name_node(&trouble.message, node.as_str())),
            };
            (trouble_mark(trouble), word, why)
        }
    })
}

/// Draws what a host printed, at most so many lines, with a word about what is left out.
pub(super) fn draw_output(output: &str, margin: &str, most: usize, hint: &str, paint: Paint) -> String {
    let clean = neutralise_text(output);
    let lines: Vec<&str> = clean.trim_end().lines().collect();
    let mut drawn = String::new();
    for line in lines.iter().take(most) {
        let mut shown: String = line.chars().take(MOST_LETTERS).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        drawn.push_str(&format!("{margin}{} {shown}\n", paint.faint("│")));
    }
    if lines.len() > most {
        // Of a long stream, the last line says where all of it is.
        let last = lines
            .last()
            .filter(|line| line.starts_with('[') && line.contains("more bytes are left out"));
        let word = match last {
            Some(last) => format!("… {last}"),
            None => format!("… {} more lines{hint}", lines.len() - most),
        };
        drawn.push_str(&format!("{margin}{}\n", paint.faint(&word)));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_in_hand_is_forgotten_and_named_again() {
        let cases = [
            // what is said of node1, with the node forgotten, and named again
            (
                "mds-available node1",
                "mds-available $node",
                "mds-available node1",
            ),
            (
                "node1 and node10, not-node1",
                "$node and node10, not-node1",
                "node1 and node10, not-node1",
            ),
            ("losing=$node", "losing=$node", "losing=node1"),
            ("rack of $node.rack", "rack of $node.rack", "rack of $node.rack"),
            ("nothing", "nothing", "nothing"),
        ];
        for (said, forgotten, named) in cases {
            assert_eq!(forget_node(said, &"node1".into()), forgotten);
            assert_eq!(name_node(forgotten, "node1"), named);
        }
        assert_eq!(name_node("losing=$node", "node[1-2]"), "losing=$node");
    }
}
