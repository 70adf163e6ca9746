use std::collections::HashMap;
use std::time::Duration;

use super::document::{Cell, Table, Tone};
use super::human::{describe_begun_anew, describe_marked, describe_settled};
use super::moment::{Moment, Replay, Told};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::screen::write_length;
use crate::journal::wording::{forget_node, join_command, name_node};
use crate::journal::{Happening, StepPlace, StepResult, Trouble, TroubleKind};
use crate::plan::StepId;

/// Something told in a line of a table.
pub(super) struct Said {
    /// On which node.
    pub node: Option<NodeName>,
    /// Of which step.
    pub step: Option<StepId>,
    /// What.
    pub what: String,
    /// What came of it.
    pub result: String,
    /// How that is meant.
    pub tone: Tone,
    /// How long it took.
    pub took: Option<Duration>,
}

impl Said {
    fn of(place: Option<&StepPlace>, what: impl Into<String>, result: impl Into<String>, tone: Tone) -> Said {
        Said {
            node: place.and_then(|place| place.node.clone()),
            step: place.map(|place| place.step),
            what: what.into(),
            result: result.into(),
            tone,
            took: None,
        }
    }

    fn taking(self, took: Duration) -> Said {
        Said {
            took: Some(took),
            ..self
        }
    }
}

/// Which nodes work side by side, so that what they say alike is one line.
#[derive(Default)]
pub(super) struct Abreast {
    sets: HashMap<NodeName, usize>,
    count: usize,
}

impl Abreast {
    /// Hears of an event.
    pub fn hear(&mut self, what: &Happening) {
        let Happening::NodesChosen {
            nodes,
            mode,
            left_out,
            ..
        } = what
        else {
            return;
        };
        let alive = nodes.difference(left_out);
        let is_serial = mode.starts_with("serially") || alive.len() <= 1;
        self.count += 1;
        for node in alive.iter() {
            if is_serial {
                self.sets.remove(node);
            } else {
                self.sets.insert(node.clone(), self.count);
            }
        }
    }

    /// The number of the set of nodes that a node works in; `None` when it works alone.
    pub fn set_of(&self, node: &NodeName) -> Option<usize> {
        self.sets.get(node).copied()
    }
}

/// Lines of a table, in which nodes that say the same are one.
#[derive(Default)]
struct Lines {
    lines: Vec<OneLine>,
    known: HashMap<Key, usize>,
}

/// What makes lines of several nodes one: their set, the step, what and the result.
type Key = (usize, Option<StepId>, String, String);

struct OneLine {
    at: Duration,
    wall: String,
    nodes: NodeSet,
    said: Said,
}

impl Lines {
    fn add(&mut self, moment: &Moment, mut said: Said, set: Option<usize>) {
        let node = said.node.clone();
        if let (Some(node), Some(set)) = (&node, set) {
            said.what = forget_node(&said.what, node);
            said.result = forget_node(&said.result, node);
            let key = (set, said.step, said.what.clone(), said.result.clone());
            let known = self.known.get(&key).map(|index| &mut self.lines[*index]);
            match known {
                // A node that says the same again, as in a loop, has a line of its own.
                Some(line) if !line.nodes.contains(node) => {
                    line.nodes.insert(node.clone());
                    line.said.took = line.said.took.max(said.took);
                    return;
                }
                _ => {
                    self.known.insert(key, self.lines.len());
                }
            }
        }
        self.lines.push(OneLine {
            at: moment.at,
            wall: moment.wall.clone(),
            nodes: node.into_iter().collect(),
            said,
        });
    }

    fn rows(self, has_length: bool) -> Vec<Vec<Cell>> {
        let rows = self.lines.into_iter().map(|line| {
            let nodes = line.nodes.to_string();
            let mut row = vec![
                Cell::plain(line.wall),
                Cell::plain(write_length(line.at)),
                Cell::plain(nodes.clone()),
                Cell::plain(name_node(&line.said.what, &nodes)),
                Cell::toned(name_node(&line.said.result, &nodes), line.said.tone),
            ];
            if has_length {
                row.push(Cell::plain(line.said.took.map(write_length).unwrap_or_default()));
            }
            row
        });
        rows.collect()
    }
}

/// What happened, in its order.
pub(super) fn tell_timeline(replay: &Replay) -> Table {
    let unfinished = replay.unfinished();
    let mut lines = Lines::default();
    let mut abreast = Abreast::default();
    let mut commands = HashMap::new();
    for (index, moment) in replay.moments.iter().enumerate() {
        if let Told::Event(event) = &moment.what {
            abreast.hear(&event.what);
            if let Happening::StepStarted { place, command, .. } = &event.what {
                commands.insert((place.node.clone(), place.step), command.clone());
            }
        }
        let is_unfinished = unfinished.binary_search(&index).is_ok();
        let Some(mut said) = describe_moment(moment, is_unfinished) else {
            continue;
        };
        if let Told::Event(event) = &moment.what
            && let Happening::StepEnded { place, what, .. } = &event.what
        {
            let command = commands.remove(&(place.node.clone(), place.step)).flatten();
            said.what = write_step(what, command);
        }
        let set = said.node.as_ref().and_then(|node| abreast.set_of(node));
        lines.add(moment, said, set);
    }
    Table {
        caption: "What happened, in its order",
        head: &["Time (UTC)", "Into the run", "Nodes", "What", "Result", "Took"],
        rows: lines.rows(true),
    }
}

/// A step in words, and its command where the words do not say it.
fn write_step(what: &str, command: Option<String>) -> String {
    match join_command(what, command) {
        (words, Some(command)) => format!("{words}: {command}"),
        (words, None) => words,
    }
}

/// Guards and waits, with what was measured.
pub(super) fn tell_guards(replay: &Replay) -> Table {
    let mut lines = Lines::default();
    let mut abreast = Abreast::default();
    let mut waited: HashMap<(Option<NodeName>, StepId), String> = HashMap::new();
    for moment in &replay.moments {
        let Told::Event(event) = &moment.what else {
            continue;
        };
        abreast.hear(&event.what);
        if let Happening::Waiting { place, reason, .. } = &event.what {
            // How long something holds already changes all the time, and is no news.
            let told = waited.insert((place.node.clone(), place.step), reason.clone());
            let is_held = |reason: &str| reason.starts_with("holds for");
            if told.is_some_and(|told| told == *reason || is_held(&told) && is_held(reason)) {
                continue;
            }
        }
        if let Some(said) = describe_guard(&event.what) {
            let set = said.node.as_ref().and_then(|node| abreast.set_of(node));
            lines.add(moment, said, set);
        }
    }
    Table {
        caption: "Guards and waits, with what was measured",
        head: &["Time (UTC)", "Into the run", "Nodes", "Guard", "Answer"],
        rows: lines.rows(false),
    }
}

/// Questions, outages, overrides and what else people decided.
pub(super) fn tell_decisions(replay: &Replay) -> Table {
    let mut lines = Lines::default();
    let mut abreast = Abreast::default();
    for moment in &replay.moments {
        let said = match &moment.what {
            Told::Event(event) => {
                abreast.hear(&event.what);
                match &event.what {
                    Happening::Answered { .. }
                    | Happening::Overridden { .. }
                    | Happening::Outage { .. }
                    | Happening::LeftStopped { .. } => describe_moment(moment, false),
                    _ => None,
                }
            }
            Told::BrokenOff => None,
            Told::Resumed(_) | Told::Settled(_) | Told::Marked(_) | Told::BegunAnew(_) => {
                describe_moment(moment, false)
            }
        };
        if let Some(said) = said {
            let set = said.node.as_ref().and_then(|node| abreast.set_of(node));
            lines.add(moment, said, set);
        }
    }
    Table {
        caption: "What people decided, and why",
        head: &["Time (UTC)", "Into the run", "Nodes", "What", "Answer or reason"],
        rows: lines.rows(false),
    }
}

/// A guard or wait in words; `None` for everything else.
pub(super) fn describe_guard(what: &Happening) -> Option<Said> {
    Some(match what {
        Happening::Asked {
            place,
            what,
            holds,
            reason,
            shown_only,
        } => {
            let (word, tone) = match holds {
                Some(true) => ("holds", Tone::Good),
                Some(false) => ("does not hold", Tone::Bad),
                None => ("cannot be measured", Tone::Notable),
            };
            let (word, tone) = match shown_only {
                true => (format!("only shown; today it {word}"), Tone::Passed),
                false => (word.to_owned(), tone),
            };
            Said::of(Some(place), what, join(&word, reason), tone)
        }
        Happening::Overridden {
            place,
            what,
            reason,
            why,
        } => {
            let said = join(&format!("OVERRIDDEN, because {why}"), reason);
            Said::of(Some(place), what, said, Tone::Notable)
        }
        Happening::Waiting {
            place,
            what,
            reason,
            waited,
            limit,
        } => {
            let word = format!("waits ({} of {})", write_length(*waited), write_length(*limit));
            Said::of(Some(place), what, join(&word, reason), Tone::Plain)
        }
        Happening::Waited {
            place,
            what,
            came,
            reason,
            waited,
        } => {
            let (word, tone) = match came {
                true => ("came after", Tone::Good),
                false => ("waited in vain", Tone::Bad),
            };
            let word = format!("{word} {}", write_length(*waited));
            Said::of(Some(place), what, join(&word, reason), tone).taking(*waited)
        }
        _ => return None,
    })
}

fn join(word: &str, reason: &str) -> String {
    if reason.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {reason}")
    }
}

fn describe_moment(moment: &Moment, is_unfinished: bool) -> Option<Said> {
    Some(match &moment.what {
        Told::Event(event) => match &event.what {
            Happening::StepStarted { place, what, command } if is_unfinished => {
                let what = write_step(what, command.clone());
                Said::of(Some(place), what, "begun; its end is not known", Tone::Notable)
            }
            what => {
                return describe_run(what)
                    .or_else(|| describe_done(what))
                    .or_else(|| describe_decision(what))
                    .or_else(|| describe_remark(what));
            }
        },
        Told::BrokenOff => Said::of(None, "the run breaks off", "broken off", Tone::Bad),
        Told::Resumed(resumption) => {
            let accepted = match resumption.accepted {
                Some(_) => "what had changed was accepted",
                None => "nothing had changed",
            };
            let what = format!("taken up again by {}@{}", resumption.who, resumption.host);
            Said::of(None, what, accepted, Tone::Notable)
        }
        Told::Settled(settled) => Said {
            node: settled.node.as_deref().map(NodeName::from),
            ..Said::of(None, describe_settled(settled), "settled", Tone::Notable)
        },
        Told::BegunAnew(anew) => Said::of(None, describe_begun_anew(anew), "begun anew", Tone::Notable),
        Told::Marked(marked) => Said {
            node: marked.node.as_deref().map(NodeName::from),
            ..Said::of(None, describe_marked(marked), "marked", Tone::Notable)
        },
    })
}

/// How the run began and ended.
fn describe_run(what: &Happening) -> Option<Said> {
    Some(match what {
        Happening::RunStarted {
            simulated, dry_run, ..
        } => {
            let mut result = String::new();
            if *simulated {
                result.push_str("SIMULATED: no real node is touched ");
            }
            if *dry_run {
                result.push_str("DRY RUN: nothing is changed");
            }
            Said::of(None, "the run begins", result.trim_end(), Tone::Notable)
        }
        Happening::RunEnded { trouble, exit_code } => {
            let (word, tone) = match (trouble, exit_code) {
                (None, 0) => ("done".to_owned(), Tone::Good),
                (Some(trouble), _) => (trouble.message.clone(), tone_of(trouble)),
                (None, _) => ("failed".to_owned(), Tone::Bad),
            };
            let word = format!("{word} (exit code {exit_code})");
            Said::of(None, "the run ends", word, tone)
        }
        _ => return None,
    })
}

/// What was done, or not done, by the run.
fn describe_done(what: &Happening) -> Option<Said> {
    Some(match what {
        Happening::NodesChosen {
            place,
            nodes,
            mode,
            left_out,
        } => {
            let left = match left_out.is_empty() {
                true => String::new(),
                false => format!("{left_out} left out by the limit"),
            };
            let what = format!("on {}, {mode}", nodes.difference(left_out));
            Said::of(Some(place), what, left, Tone::Plain)
        }
        Happening::NodeEnded {
            step, node, result, ..
        } => {
            let (word, tone) = describe_result(result);
            Said {
                node: Some(node.clone()),
                step: Some(*step),
                ..Said::of(None, "end of the block", word, tone)
            }
        }
        Happening::StepEnded {
            place,
            what,
            result,
            took,
            ..
        } => {
            let (word, tone) = describe_result(result);
            Said::of(Some(place), what, word, tone).taking(*took)
        }
        Happening::HeldBack { place, what, command } => {
            let what = write_step(what, command.clone());
            Said::of(Some(place), what, "held back", Tone::Passed)
        }
        Happening::PassedOver { place, what, why } => Said::of(
            Some(place),
            what,
            format!("passed over, because {why}"),
            Tone::Passed,
        ),
        // What holds stands among the guards.
        Happening::Asked {
            holds: Some(false) | None,
            shown_only: false,
            ..
        }
        | Happening::Waited { .. } => return describe_guard(what),
        _ => return None,
    })
}

/// What the script said of itself, and what came of it.
fn describe_remark(what: &Happening) -> Option<Said> {
    Some(match what {
        Happening::GroupChanged {
            group,
            node,
            joined,
            now,
        } => Said {
            node: Some(node.clone()),
            ..Said::of(
                None,
                format!("{} {group}", if *joined { "joins" } else { "leaves" }),
                format!("{group} is now {now}"),
                Tone::Plain,
            )
        },
        Happening::Note { place, text } => Said::of(Some(place), "note", text, Tone::Plain),
        Happening::CleaningUp { place, what, why } => {
            Said::of(Some(place), what, format!("because {why}"), Tone::Notable)
        }
        Happening::Caught { place, by, trouble } => Said {
            node: place.node.clone().or_else(|| trouble.node.clone()),
            ..Said::of(
                Some(place),
                match by.as_str() {
                    "tolerated" => by.clone(),
                    by => format!("caught by {by}"),
                },
                &trouble.message,
                Tone::Notable,
            )
        },
        _ => return None,
    })
}

/// What was decided.
fn describe_decision(what: &Happening) -> Option<Said> {
    Some(match what {
        Happening::Overridden {
            place,
            what,
            reason,
            why,
        } => {
            let first = match reason.is_empty() {
                true => String::new(),
                false => format!("; it had said: {reason}"),
            };
            Said::of(
                Some(place),
                format!("OVERRIDDEN: {what}"),
                format!("because {why}{first}"),
                Tone::Notable,
            )
        }
        Happening::Answered {
            place,
            name,
            text,
            answer,
        } => {
            let tone = if answer == "yes" {
                Tone::Plain
            } else {
                Tone::Notable
            };
            Said::of(Some(place), format!("{text} ({name})"), answer, tone)
        }
        Happening::Outage { place, why, opens } => {
            let word = if *opens {
                "an outage begins"
            } else {
                "the outage ends"
            };
            Said::of(Some(place), word, why, Tone::Notable)
        }
        Happening::LeftStopped { place, service, why } => {
            let what = format!("{service} is left stopped");
            Said::of(Some(place), what, why, Tone::Notable)
        }
        _ => return None,
    })
}

/// How a step or a node ended, in words.
pub(super) fn describe_result(result: &StepResult) -> (String, Tone) {
    match result {
        StepResult::Done => ("done".to_owned(), Tone::Good),
        StepResult::Skipped(why) => (format!("skipped, {why}"), Tone::Passed),
        StepResult::NotReached => ("not reached".to_owned(), Tone::Passed),
        StepResult::Trouble(trouble) => {
            let word = match trouble.kind {
                TroubleKind::Parked => "parked",
                TroubleKind::Declined => "declined",
                TroubleKind::Refused => "refused",
                TroubleKind::Failed => "failed",
                TroubleKind::Interrupted => "interrupted",
                TroubleKind::Unreachable => "unreachable",
                TroubleKind::Unknown => "unknown",
                TroubleKind::Locked => "locked",
            };
            (format!("{word}: {}", trouble.message), tone_of(trouble))
        }
    }
}

fn tone_of(trouble: &Trouble) -> Tone {
    match trouble.kind {
        TroubleKind::Unknown | TroubleKind::Parked | TroubleKind::Declined => Tone::Notable,
        _ => Tone::Bad,
    }
}
