//! The programs that only read their input: `grep`, `head`, `wc` and their like.

use regex::{Regex, RegexBuilder};

use crate::transport::Outcome;
use crate::transport::simulated::command::{Progress, Task, complain, print, quiet};

/// Programs that answer at once.
pub(in crate::transport::simulated) const NAMES: [&str; 7] =
    ["grep", "head", "tail", "wc", "sort", "uniq", "cat"];

/// Runs one of [`NAMES`] on its input.
pub(in crate::transport::simulated) fn filter(name: &str, task: &Task) -> Progress {
    let arguments = task.arguments();
    let lines: Vec<&str> = task.input.lines().collect();
    match name {
        "grep" => grep(&arguments, &lines),
        "head" => print(join(lines.iter().take(read_count(&arguments)).copied())),
        "tail" => {
            let skipped = lines.len().saturating_sub(read_count(&arguments));
            print(join(lines.iter().skip(skipped).copied()))
        }
        "wc" if arguments == ["-l"] => print(format!("{}\n", lines.len())),
        "wc" => complain(1, "wc: only -l is modelled by the simulated cluster"),
        "sort" => {
            let mut sorted = lines;
            sorted.sort_unstable();
            if arguments.contains(&"-u") {
                sorted.dedup();
            }
            if arguments.contains(&"-r") {
                sorted.reverse();
            }
            print(join(sorted.into_iter()))
        }
        "uniq" => {
            let mut unique = lines;
            unique.dedup();
            print(join(unique.into_iter()))
        }
        _ => print(task.input.clone()),
    }
}

fn join<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The number in `-5`, `-n5` or `-n 5`; ten when there is none.
fn read_count(arguments: &[&str]) -> usize {
    let digits = |text: &&str| text.trim_start_matches("-n").trim_start_matches('-').parse().ok();
    arguments.iter().find_map(digits).unwrap_or(10)
}

fn grep(arguments: &[&str], lines: &[&str]) -> Progress {
    let mut letters = String::new();
    let mut pattern = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.strip_prefix('-') {
            Some("e") => pattern = rest.next(),
            Some("-") | None => {
                pattern = pattern.or(if *argument == "--" {
                    rest.next()
                } else {
                    Some(argument)
                })
            }
            Some(given) => letters.push_str(given),
        }
    }
    let Some(pattern) = pattern else {
        return complain(2, "grep: a pattern is missing");
    };
    let has = |letter| letters.contains(letter);
    let Some(regex) = build_pattern(pattern, &letters) else {
        return complain(2, format!("grep: {pattern}: not a pattern"));
    };
    let found: Vec<&str> = lines
        .iter()
        .filter(|line| regex.is_match(line) != has('v'))
        .copied()
        .collect();
    let status = i32::from(found.is_empty());
    if has('q') {
        return quiet(status);
    }
    let output = if has('c') {
        format!("{}\n", found.len())
    } else if has('o') {
        join(
            found
                .iter()
                .flat_map(|line| regex.find_iter(line))
                .map(|found| found.as_str()),
        )
    } else {
        join(found.into_iter())
    };
    Progress::Done(Outcome {
        status,
        output,
        errors: String::new(),
    })
}

/// The pattern of `grep`, as its options want it read.
fn build_pattern(pattern: &str, letters: &str) -> Option<Regex> {
    let has = |letter| letters.contains(letter);
    let mut source = if has('F') {
        regex::escape(pattern)
    } else {
        pattern.to_owned()
    };
    if has('w') {
        source = format!(r"\b(?:{source})\b");
    }
    if has('x') {
        source = format!("^(?:{source})$");
    }
    RegexBuilder::new(&source).case_insensitive(has('i')).build().ok()
}
