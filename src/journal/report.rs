use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::time::Duration;

use super::gather::{Gather, Gathered, Line, Mark};
use super::ledger::Ledger;
use super::screen::{Paint, neutralise_text, write_length};
use super::summary::describe_ledger;
use super::{Event, Happening, Recorder, StepPlace, StepResult, Trouble, TroubleKind};
use crate::diagnostic::SourceMap;
use crate::inventory::{NodeName, NodeSet};
use crate::plan::StepId;

/// Most lines of one command's output that are shown.
const MOST_LINES: usize = 20;

/// Most letters of one shown line of output.
const MOST_LETTERS: usize = 400;

/// How often a wait is told of off a terminal, when nothing new is measured.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// How the report is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStyle {
    /// With colours.
    pub coloured: bool,
    /// On a terminal: what is going on stands in a last line that is written anew.
    pub is_live: bool,
    /// Letters in a line of the terminal.
    pub width: usize,
}

/// Prints what happens as it happens, for a person, and the ledger at the end.
pub struct LiveReport<'a, W: Write> {
    out: W,
    sources: &'a SourceMap,
    style: ReportStyle,
    is_closed: bool,
    has_status: bool,
    steps: u32,
    sets: Vec<OpenSet>,
    gather: Gather,
    /// What is going on: the words of each step in flight.
    in_flight: BTreeMap<(Option<NodeName>, StepId), (String, Option<String>)>,
    /// What each wait said last, and when.
    told_waits: HashMap<(StepId, Option<NodeName>), (String, Duration)>,
    /// Troubles that were shown.
    told: HashSet<(String, Option<NodeName>)>,
    /// Everything but output, for the ledger.
    events: Vec<Event>,
}

/// An `on` that has not ended.
struct OpenSet {
    step: StepId,
    nodes: NodeSet,
    alive: NodeSet,
    is_serial: bool,
}

impl<'a, W: Write> LiveReport<'a, W> {
    /// Prints to `out`; places are looked up in `sources`.
    pub fn new(out: W, sources: &'a SourceMap, style: ReportStyle) -> Self {
        LiveReport {
            out,
            sources,
            style,
            is_closed: false,
            has_status: false,
            steps: 0,
            sets: Vec::new(),
            gather: Gather::default(),
            in_flight: BTreeMap::new(),
            told_waits: HashMap::new(),
            told: HashSet::new(),
            events: Vec::new(),
        }
    }

    fn paint(&self) -> Paint {
        Paint {
            coloured: self.style.coloured,
        }
    }

    /// Writes lines, over the line of what is going on.
    fn print(&mut self, text: &str) {
        if self.is_closed {
            return;
        }
        let clear = if std::mem::take(&mut self.has_status) {
            "\r\x1b[K"
        } else {
            ""
        };
        // A reader that went away must not stop a run between two acts.
        self.is_closed = write!(self.out, "{clear}{text}")
            .and_then(|()| self.out.flush())
            .is_err();
    }

    /// Writes anew what is going on, where that can be wiped away again.
    fn print_status(&mut self, text: &str) {
        if self.is_closed || !self.style.is_live {
            return;
        }
        let cut: String = text.chars().take(self.style.width.saturating_sub(1)).collect();
        let painted = self.paint().faint(&cut);
        self.has_status = !text.is_empty();
        self.is_closed = write!(self.out, "\r\x1b[K{painted}")
            .and_then(|()| self.out.flush())
            .is_err();
    }

    fn show_flight(&mut self) {
        let Some(((node, step), (words, _))) = self.in_flight.iter().next() else {
            if self.has_status {
                self.print_status("");
            }
            return;
        };
        let others = match self.in_flight.len() - 1 {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        let node = node.as_ref().map(|node| format!("{node}  ")).unwrap_or_default();
        let text = format!("{}{node}… {words}{others}", self.number(*step));
        self.print_status(&text);
    }

    /// `[ 3/12] `, or blanks of the same width for what is not written in the script itself.
    fn number(&self, step: StepId) -> String {
        let width = self.steps.to_string().len();
        if step.0 < self.steps {
            format!("[{:>width$}/{}] ", step.0 + 1, self.steps)
        } else {
            " ".repeat(2 * width + 4)
        }
    }

    /// Shows a line of a node, or gathers it where nodes work side by side.
    fn show(&mut self, at: Duration, node: Option<&NodeName>, line: Line, took: Option<Duration>) {
        let side_by_side = node.and_then(|node| {
            let set = self.sets.iter().rev().find(|set| set.nodes.contains(node))?;
            (!set.is_serial && set.nodes.len() > 1).then(|| set.alive.clone())
        });
        match (node, side_by_side) {
            (Some(node), Some(alive)) => {
                let is_urgent = matches!(line.mark, Mark::Bad | Mark::Unknown);
                self.gather.add(at, node, line, took);
                let ready = if is_urgent {
                    Vec::new()
                } else {
                    self.gather.take_ready(at, &alive)
                };
                self.print_gathered(ready);
            }
            _ => {
                let drawn = self.draw(node.map(ToString::to_string), &line, took);
                self.print(&drawn);
            }
        }
    }

    fn print_gathered(&mut self, lines: Vec<Gathered>) {
        for Gathered {
            line, nodes, took, ..
        } in lines
        {
            let drawn = self.draw(Some(nodes.to_string()), &line, took);
            self.print(&drawn);
        }
    }

    /// Draws a line, its command and its output, each under the other.
    fn draw(&self, nodes: Option<String>, line: &Line, took: Option<Duration>) -> String {
        let paint = self.paint();
        let width = self
            .sets
            .iter()
            .flat_map(|set| set.nodes.iter())
            .map(|node| node.as_str().len())
            .max();
        let width = width.unwrap_or(0).min(24);
        let nodes = nodes.unwrap_or_default();
        let column = if width == 0 && nodes.is_empty() {
            String::new()
        } else {
            format!("{nodes:width$}  ")
        };
        let mark = match line.mark {
            Mark::Good => paint.good("✓"),
            Mark::Bad => paint.bad("✗"),
            Mark::Unknown => paint.notable("?"),
            Mark::Passed => paint.faint("–"),
            Mark::Said => " ".to_owned(),
        };
        let number = self.number(line.step);
        let margin = " ".repeat(number.chars().count() + column.chars().count() + 2);
        let took = took
            .map(|took| format!("  {}", paint.faint(&write_length(took))))
            .unwrap_or_default();
        let words = neutralise_text(&line.words).replace('\n', &format!("\n{margin}"));
        let mut drawn = format!("{}{column}{mark} {words}{took}\n", paint.faint(&number));
        if let Some(command) = &line.command {
            let command = neutralise_text(command).replace('\n', &format!("\n{margin}  "));
            drawn.push_str(&format!("{margin}{}\n", paint.faint(&format!("$ {command}"))));
        }
        drawn.push_str(&draw_output(&line.output, &margin, paint));
        drawn
    }

    fn show_start(&mut self, what: &Happening) {
        let Happening::RunStarted {
            cluster,
            simulated,
            dry_run,
            runbook,
            steps,
        } = what
        else {
            return;
        };
        self.steps = *steps;
        let paint = self.paint();
        let mut first = paint.strong(&format!("cluster {}", neutralise_text(cluster)));
        if *simulated {
            first.push_str(&paint.notable("  SIMULATED: no real node is touched"));
        }
        if *dry_run {
            first.push_str(&paint.notable("  DRY RUN: nothing is changed"));
        }
        if !runbook.is_empty() {
            first.push_str(&format!("  runbook {runbook}"));
        }
        let noun = if *steps == 1 { "step" } else { "steps" };
        self.print(&format!("{first}  {steps} {noun}\n"));
    }

    fn show_set(&mut self, place: &StepPlace, nodes: &NodeSet, mode: &str, left_out: &NodeSet) {
        let rest = self.gather.take_all();
        self.print_gathered(rest);
        let alive = nodes.difference(left_out);
        let left = match left_out.is_empty() {
            true => String::new(),
            false => format!("; {left_out} left out by --limit"),
        };
        let whom = match alive.is_empty() {
            true => "no node".to_owned(),
            false => alive.to_string(),
        };
        let words = format!("on {whom}, {mode}{left}");
        let number = self.paint().faint(&self.number(place.step));
        let words = self.paint().strong(&words);
        self.print(&format!("{number}{words}\n"));
        self.sets.push(OpenSet {
            step: place.step,
            is_serial: mode.starts_with("serially") || alive.len() <= 1,
            nodes: alive.clone(),
            alive,
        });
    }

    fn end_node(&mut self, at: Duration, step: StepId, node: &NodeName, result: &StepResult) {
        self.in_flight
            .retain(|(known, _), _| known.as_ref() != Some(node));
        let found = self
            .sets
            .iter()
            .rposition(|set| set.step == step && set.alive.contains(node));
        let count = found.map(|index| {
            let set = &self.sets[index];
            (set.nodes.len() - set.alive.len() + 1, set.nodes.len())
        });
        if let Some((mark, words)) = describe_end(result, node, &self.told) {
            let words = match count {
                Some((number, all)) if all > 1 && self.sets[found.unwrap_or(0)].is_serial => {
                    format!("{words} ({number} of {all} nodes)")
                }
                _ => words,
            };
            let line = Line {
                step,
                mark,
                words,
                command: None,
                output: String::new(),
            };
            self.show(at, Some(node), line, None);
        }
        let Some(index) = found else { return };
        self.sets[index].alive.remove(node);
        if self.sets[index].alive.is_empty() {
            let rest = self.gather.take_all();
            self.print_gathered(rest);
            self.sets.remove(index);
        }
    }

    fn end_step(&mut self, at: Duration, what: &Happening) {
        let Happening::StepEnded {
            place,
            what,
            result,
            output,
            took,
        } = what
        else {
            return;
        };
        let key = (place.node.clone(), place.step);
        let command = self.in_flight.remove(&key).and_then(|(_, command)| command);
        let (mut words, command) = join_command(what, command);
        let mark = match result {
            StepResult::Done => Mark::Good,
            StepResult::Skipped(why) => {
                words.push_str(&format!(": skipped, {why}"));
                Mark::Passed
            }
            StepResult::NotReached => {
                words.push_str(": not reached");
                Mark::Passed
            }
            StepResult::Trouble(trouble) => {
                words.push_str(&format!(": {}", trouble.message));
                self.told.insert((trouble.message.clone(), place.node.clone()));
                trouble_mark(trouble)
            }
        };
        let line = Line {
            step: place.step,
            mark,
            words,
            command,
            output: output.clone(),
        };
        self.show(at, place.node.as_ref(), line, Some(*took));
        self.show_flight();
    }

    fn show_waiting(
        &mut self,
        place: &StepPlace,
        what: &str,
        reason: &str,
        waited: Duration,
        limit: Duration,
    ) {
        let (so_far, most) = (write_length(waited), write_length(limit));
        let because = if reason.is_empty() {
            String::new()
        } else {
            format!(": {reason}")
        };
        let words = format!("waiting for {what}{because} ({so_far} of {most})");
        if self.style.is_live {
            let node = place
                .node
                .as_ref()
                .map(|node| format!("{node}  "))
                .unwrap_or_default();
            let text = neutralise_text(&format!("{}{node}… {words}", self.number(place.step)));
            self.print_status(&text.replace(['\n', '\t'], " "));
            return;
        }
        let key = (place.step, place.node.clone());
        let is_new = match self.told_waits.get(&key) {
            Some((told, when)) => told != reason || waited >= *when + TELL_EVERY || waited < *when,
            None => true,
        };
        if is_new {
            self.told_waits.insert(key, (reason.to_owned(), waited));
            self.say(place, Mark::Said, words);
        }
    }

    /// Shows a line at once.
    fn say(&mut self, place: &StepPlace, mark: Mark, words: String) {
        let line = Line {
            step: place.step,
            mark,
            words,
            command: None,
            output: String::new(),
        };
        let drawn = self.draw(place.node.as_ref().map(ToString::to_string), &line, None);
        self.print(&drawn);
    }

    fn show_asked(&mut self, at: Duration, what: &Happening) {
        let Happening::Asked {
            place,
            what,
            holds,
            reason,
            shown_only,
        } = what
        else {
            return;
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
        self.show(at, place.node.as_ref(), line, None);
    }

    /// Shows what is said rather than done.
    fn show_remark(&mut self, at: Duration, what: &Happening) {
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
            _ => return,
        };
        let line = Line {
            step: place.step,
            mark,
            words,
            command: None,
            output,
        };
        self.show(at, place.node.as_ref(), line, None);
    }

    fn show_member(&mut self, what: &Happening) {
        let paint = self.paint();
        let text = match what {
            Happening::TokenTaken { service, node, sum } => {
                paint.faint(&neutralise_text(&format!("{service}: {node} is away; {sum}")))
            }
            Happening::TokenReturned { service, node } => paint.faint(&format!("{service}: {node} is back")),
            Happening::GroupChanged {
                group,
                node,
                joined,
                now,
            } => {
                let verb = if *joined { "joined" } else { "left" };
                paint.notable(&format!("{node} {verb} {group}, which is now {now}"))
            }
            _ => return,
        };
        let margin = " ".repeat(self.number(StepId(u32::MAX)).len());
        self.print(&format!("{margin}{}\n", text));
    }

    fn show_ledger(&mut self) {
        let rest = self.gather.take_all();
        self.print_gathered(rest);
        let ledger = Ledger::of(&self.events);
        let drawn = describe_ledger(&ledger, self.sources, self.style.coloured);
        self.print(&format!("\n{drawn}"));
    }
}

impl<W: Write> Recorder for LiveReport<'_, W> {
    fn record(&mut self, event: &Event) {
        self.events.push(without_output(event));
        let at = event.at;
        match &event.what {
            Happening::RunStarted { .. } => self.show_start(&event.what),
            Happening::NodesChosen {
                place,
                nodes,
                mode,
                left_out,
            } => {
                self.show_set(place, nodes, mode, left_out);
            }
            Happening::NodeStarted { .. } => {}
            Happening::NodeEnded { step, node, result } => self.end_node(at, *step, node, result),
            Happening::StepStarted { place, what, command } => {
                let words = neutralise_text(what).replace(['\n', '\t'], " ");
                self.in_flight
                    .insert((place.node.clone(), place.step), (words, command.clone()));
                self.show_flight();
            }
            Happening::StepEnded { .. } => self.end_step(at, &event.what),
            Happening::HeldBack { place, what, command } => {
                let (words, command) = join_command(what, command.clone());
                let words = format!("{words} (held back)");
                let line = Line {
                    step: place.step,
                    mark: Mark::Passed,
                    words,
                    command,
                    output: String::new(),
                };
                self.show(at, place.node.as_ref(), line, None);
            }
            Happening::Asked { .. } => self.show_asked(at, &event.what),
            Happening::Waiting {
                place,
                what,
                reason,
                waited,
                limit,
            } => {
                self.show_waiting(place, what, reason, *waited, *limit);
            }
            Happening::Waited {
                place,
                what,
                came,
                reason,
                waited,
            } => {
                let because = if reason.is_empty() {
                    String::new()
                } else {
                    format!(": {reason}")
                };
                let (mark, words) = match came {
                    true => (Mark::Good, format!("{what}, after a wait")),
                    false => (Mark::Bad, format!("waited in vain for {what}{because}")),
                };
                let line = Line {
                    step: place.step,
                    mark,
                    words,
                    command: None,
                    output: String::new(),
                };
                self.told_waits.remove(&(place.step, place.node.clone()));
                self.show(at, place.node.as_ref(), line, Some(*waited));
            }
            Happening::TokenTaken { .. }
            | Happening::TokenReturned { .. }
            | Happening::GroupChanged { .. } => {
                self.show_member(&event.what);
            }
            Happening::RunEnded { .. } => self.show_ledger(),
            _ => self.show_remark(at, &event.what),
        }
    }
}

fn without_output(event: &Event) -> Event {
    let mut event = event.clone();
    if let Happening::StepEnded { output, .. } = &mut event.what {
        output.clear();
    }
    event
}

/// A `run` and a `probe` are their commands; of a service the command is told under its words.
fn join_command(what: &str, command: Option<String>) -> (String, Option<String>) {
    let is_raw = what.starts_with("run ") || what.starts_with("probe ");
    match command {
        Some(command) if is_raw => {
            let verb = what.split(' ').next().unwrap_or("run");
            (format!("{verb} {command}"), None)
        }
        command => (what.to_owned(), command),
    }
}

fn trouble_mark(trouble: &Trouble) -> Mark {
    match trouble.kind {
        TroubleKind::Unknown => Mark::Unknown,
        _ => Mark::Bad,
    }
}

/// How the end of a node is told; `None` when all that is to be said was said.
fn describe_end(
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
fn draw_output(output: &str, margin: &str, paint: Paint) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;

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
        }
    }

    fn report(happenings: &[(u64, Happening)]) -> String {
        let mut sources = SourceMap::default();
        sources.add("a.runbook", SCRIPT);
        let mut out = Vec::new();
        let style = ReportStyle {
            coloured: false,
            is_live: false,
            width: 80,
        };
        let mut live = LiveReport::new(&mut out, &sources, style);
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
                    took,
                },
            ),
            (
                at,
                Happening::NodeEnded {
                    step: StepId(0),
                    node: node.into(),
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
[1/2] n1  ✓ done (1 of 3 nodes)
[2/2] n2  ✗ stop mdsd: `service mdsd stop` exited with 1  2.0s
            $ service mdsd stop
            │ no such service
[1/2] n2  ✗ failed (2 of 3 nodes)

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
        assert!(
            shown.contains("… 30 more lines; --format json has them all"),
            "{shown}"
        );
    }
}
