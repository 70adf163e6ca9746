use std::collections::HashSet;

use super::gather::{Line, Mark};
use super::screen::{Paint, neutralise_text};
use super::{Happening, StepPlace, StepResult, Trouble, TroubleKind};
use crate::inventory::NodeName;

/// Most lines of one command's output that are shown.
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
    let only = if *shown_only {
        " (today's answer; a dry run refuses nothing here)"
    } else {
        ""
    };
    let words = format!("{what} {verb}{because}{only}");
    let line = Line {
        step: place.step,
        mark,
        words,
        command: None,
        output: String::new(),
    };
    Some((place, line))
}

/// What is said rather than done: its place, the line, and what stands under it.
pub(super) fn describe_remark(what: &Happening) -> Option<(&StepPlace, Line)> {
    let (place, mark, words, output) = match what {
        Happening::PassedOver { place, what, why } => {
            (place, Mark::Passed, format!("{what}: {why}"), String::new())
        }
        Happening::Overridden {
            place,
            what,
            reason,
            why,
        } => {
            let said = if reason.is_empty() {
                String::new()
            } else {
                format!(" (it said: {reason})")
            };
            (
                place,
                Mark::Said,
                format!("OVERRIDDEN: {what}, because {why}{said}"),
                String::new(),
            )
        }
        Happening::Answered {
            place,
            name,
            text,
            answer,
        } => (
            place,
            Mark::Said,
            format!("{text} ({name}): {answer}"),
            String::new(),
        ),
        Happening::Outage { place, why, opens } => {
            let word = if *opens { "OUTAGE begins" } else { "outage ends" };
            (place, Mark::Said, format!("{word}: {why}"), String::new())
        }
        Happening::LeftStopped { place, service, why } => (
            place,
            Mark::Said,
            format!("{service} is left stopped: {why}"),
            String::new(),
        ),
        Happening::Note { place, text } => (place, Mark::Said, format!("note: {text}"), String::new()),
        Happening::Shown { place, what, value } => (place, Mark::Said, what.clone(), value.clone()),
        Happening::Named { place, name, value } => match value.trim_end().contains('\n') {
            true => (place, Mark::Said, format!("{name} ="), value.clone()),
            false => (place, Mark::Said, format!("{name} = {value}"), String::new()),
        },
        Happening::CleaningUp { place, what, why } => {
            (place, Mark::Said, format!("{what}: {why}"), String::new())
        }
        Happening::Caught { place, by, trouble } => (
            place,
            Mark::Said,
            format!("caught by {by}: {}", trouble.message),
            String::new(),
        ),
        Happening::Branch { place, what } => (place, Mark::Said, what.clone(), String::new()),
        _ => return None,
    };
    let line = Line {
        step: place.step,
        mark,
        words,
        command: None,
        output,
    };
    Some((place, line))
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

pub(super) fn trouble_mark(trouble: &Trouble) -> Mark {
    match trouble.kind {
        TroubleKind::Unknown => Mark::Unknown,
        _ => Mark::Bad,
    }
}

/// How the end of a node is told; `None` when all that is to be said was said.
pub(super) fn describe_end(
    result: &StepResult,
    node: &NodeName,
    told: &HashSet<(String, Option<NodeName>)>,
) -> Option<(Mark, String)> {
    Some(match result {
        StepResult::Done => (Mark::Good, "done".to_owned()),
        StepResult::Skipped(why) => (Mark::Passed, format!("skipped: {why}")),
        StepResult::NotReached => return None,
        StepResult::Trouble(trouble) => {
            let was_told = told.contains(&(trouble.message.clone(), Some(node.clone())));
            let word = if trouble.kind == TroubleKind::Unknown {
                "unknown"
            } else {
                "failed"
            };
            let words = if was_told {
                word.to_owned()
            } else {
                format!("{word}: {}", trouble.message)
            };
            (trouble_mark(trouble), words)
        }
    })
}

/// Draws what a host printed, capped, with a word about what is left out.
pub(super) fn draw_output(output: &str, margin: &str, paint: Paint) -> String {
    let clean = neutralise_text(output);
    let lines: Vec<&str> = clean.trim_end().lines().collect();
    let mut drawn = String::new();
    for line in lines.iter().take(MOST_LINES) {
        let mut shown: String = line.chars().take(MOST_LETTERS).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        drawn.push_str(&format!("{margin}{} {shown}\n", paint.faint("│")));
    }
    if lines.len() > MOST_LINES {
        let left = lines.len() - MOST_LINES;
        let word = paint.faint(&format!("… {left} more lines; --format json has them all"));
        drawn.push_str(&format!("{margin}{word}\n"));
    }
    drawn
}
