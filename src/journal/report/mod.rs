mod draw;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::rc::Rc;
use std::time::Duration;

use crate::diagnostic::SourceMap;
use crate::inventory::{NodeName, NodeSet};
use crate::journal::difference::{show_differences, take_alike};
use crate::journal::event::NO_STEP;
use crate::journal::gather::{Gather, Gathered, Line, Mark};
use crate::journal::ledger::Ledger;
use crate::journal::screen::{Paint, neutralise_text, write_length};
use crate::journal::summary::describe_ledger;
use crate::journal::wording::{
    describe_asked, describe_end, describe_remark, forget_node, join_command, name_node, trouble_mark,
};
use crate::journal::{Event, Happening, LiveView, Recorder, StepPlace, StepResult};
use crate::plan::StepId;

/// How often at most a wait is told of off a terminal when nothing new is measured, and how
/// often at least: less and less often in between.
const TELL_EVERY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(600));

/// How the report is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportStyle {
    /// With colours.
    pub coloured: bool,
    /// How much is told.
    pub detail: Detail,
    /// Whether output in which nodes differ is told as its differences.
    pub with_differences: bool,
    /// Whether it stands by itself, with a first line, the steps' numbers, and the ledger.
    pub is_framed: bool,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What goes wrong, what the script says or shows itself, and the ledger.
    Quiet,
    /// Every step, and the beginning of what it prints.
    Usual,
    /// Every step, and all that it prints.
    Verbose,
}

/// Prints what happens as it happens, for a person, and the ledger at the end.
pub struct LiveReport<'a, W: Write> {
    out: W,
    sources: &'a SourceMap,
    style: ReportStyle,
    view: Option<Rc<LiveView>>,
    is_closed: bool,
    /// Whether what happens was told before the run was interrupted.
    is_recalling: bool,
    /// What waits for the end of a question on the same terminal.
    held: String,
    steps: u32,
    sets: Vec<OpenSet>,
    gather: Gather,
    /// The nodes of the `on` that ended last, when they worked side by side: what is asked at
    /// the end of an `outage` is asked of all of them.
    afterwards: NodeSet,
    is_dry: bool,
    /// The commands of the steps in flight.
    in_flight: HashMap<(Option<NodeName>, StepId), Option<String>>,
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
    /// Prints to `out`, above the view if there is one; places are looked up in `sources`.
    pub fn new(out: W, sources: &'a SourceMap, style: ReportStyle, view: Option<Rc<LiveView>>) -> Self {
        LiveReport {
            out,
            sources,
            style,
            view,
            is_closed: false,
            is_recalling: false,
            held: String::new(),
            steps: 0,
            sets: Vec::new(),
            gather: Gather::default(),
            afterwards: NodeSet::default(),
            is_dry: false,
            in_flight: HashMap::new(),
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

    /// Writes lines above what is going on.
    fn print(&mut self, text: &str) {
        if self.is_closed || self.is_recalling {
            return;
        }
        let written = match &self.view {
            // Nothing is written into a question.
            Some(view) if view.is_aside() => {
                self.held.push_str(text);
                return;
            }
            Some(view) => {
                let text = std::mem::take(&mut self.held) + text;
                view.write_above(&mut self.out, &text)
            }
            None => self
                .out
                .write_all(text.as_bytes())
                .and_then(|()| self.out.flush()),
        };
        // A reader that went away must not stop a run between two acts.
        self.is_closed = written.is_err();
    }

    /// Prints a line of its own, after all that nodes have said so far.
    pub(super) fn interject(&mut self, text: &str) {
        let rest = self.gather.take_all();
        self.print_gathered(rest);
        self.print(text);
    }

    /// `[ 3/12] `, or blanks of the same width for what is not written in the script itself.
    fn number(&self, step: StepId) -> String {
        let width = self.steps.to_string().len();
        if self.steps == 0 {
            return "  ".to_owned();
        }
        if step.0 < self.steps {
            format!("[{:>width$}/{}] ", step.0 + 1, self.steps)
        } else {
            " ".repeat(2 * width + 4)
        }
    }

    /// Shows a line of a node, or gathers it where nodes work side by side.
    fn show(&mut self, at: Duration, node: Option<&NodeName>, line: Line, took: Option<Duration>) {
        if self.style.detail == Detail::Quiet && !line.is_loud {
            return;
        }
        match node.and_then(|node| Some((node, self.side_by_side(node)?))) {
            Some((node, alive)) => {
                let is_urgent = matches!(line.mark, Mark::Bad | Mark::Unknown);
                let line = Line {
                    words: forget_node(&line.words, node),
                    command: line.command.map(|command| forget_node(&command, node)),
                    said: match line.latest.is_empty() {
                        true => line.said,
                        // Progress is told again and again: a line of each node would flood the report.
                        false => forget_node(&line.said, node),
                    },
                    ..line
                };
                self.gather.add(at, node, line, took);
                let ready = match is_urgent {
                    true => self.gather.take_all(),
                    false => self.gather.take_ready(at, &alive),
                };
                self.print_gathered(ready);
            }
            None => {
                let rest = self.gather.take_all();
                self.print_gathered(rest);
                let drawn = self.draw(node.map(ToString::to_string), &line, took);
                self.print(&drawn);
            }
        }
    }

    /// The nodes that work side by side with `node`; `None` when it works alone.
    fn side_by_side(&self, node: &NodeName) -> Option<NodeSet> {
        match self.sets.iter().rev().find(|set| set.nodes.contains(node)) {
            Some(set) => (!set.is_serial).then(|| set.alive.clone()),
            None => self.afterwards.contains(node).then(|| self.afterwards.clone()),
        }
    }

    fn print_gathered(&mut self, mut lines: Vec<Gathered>) {
        while !lines.is_empty() {
            let mut alike = take_alike(&mut lines);
            if self.style.with_differences {
                show_differences(&mut alike);
            }
            for Gathered {
                line, nodes, took, ..
            } in alike
            {
                let drawn = self.draw(Some(nodes.to_string()), &line, took);
                self.print(&drawn);
            }
        }
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
        self.is_dry = *dry_run;
        if !self.style.is_framed {
            return;
        }
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
            false => format!("; {left_out} left out by the limit"),
        };
        let whom = match alive.is_empty() {
            true => "no node".to_owned(),
            false => alive.to_string(),
        };
        let words = format!("on {whom}, {mode}{left}");
        let number = self.paint().faint(&self.number(place.step));
        let words = self.paint().strong(&words);
        if self.style.detail != Detail::Quiet {
            self.print(&format!("{number}{words}\n"));
        }
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
        if let Some((mark, word, why)) = describe_end(result, node, &self.told, self.is_dry) {
            let words = match count {
                Some((number, all)) if all > 1 && self.sets[found.unwrap_or(0)].is_serial => {
                    format!("{word} (node {number} of {all})")
                }
                _ => word.to_owned(),
            };
            let line = Line::of(step, mark, words).saying(why);
            self.show(at, Some(node), line, None);
        }
        let Some(index) = found else { return };
        self.sets[index].alive.remove(node);
        if !self.sets[index].is_serial {
            // Those that are left may have told already what this one will not tell any more.
            let ready = self.gather.take_ready(at, &self.sets[index].alive);
            self.print_gathered(ready);
        }
        if self.sets[index].alive.is_empty() {
            let rest = self.gather.take_all();
            self.print_gathered(rest);
            let set = self.sets.remove(index);
            self.afterwards = if set.is_serial {
                NodeSet::default()
            } else {
                set.nodes
            };
        }
    }

    fn end_step(&mut self, at: Duration, what: &Happening) {
        let Happening::StepEnded {
            place,
            what,
            result,
            output,
            errors,
            took,
        } = what
        else {
            return;
        };
        let key = (place.node.clone(), place.step);
        let command = self.in_flight.remove(&key).flatten();
        let (words, command) = join_command(what, command);
        let mut said = String::new();
        let mark = match result {
            StepResult::Done => Mark::Good,
            StepResult::Skipped(why) => {
                said = format!(": skipped, {why}");
                Mark::Passed
            }
            StepResult::NotReached => {
                said = ": not reached".to_owned();
                Mark::Passed
            }
            StepResult::Trouble(trouble) => {
                let node = place.node.as_ref().map_or("", NodeName::as_str);
                said = format!(": {}", name_node(&trouble.message, node));
                self.told.insert((trouble.message.clone(), place.node.clone()));
                trouble_mark(trouble)
            }
        };
        let line = Line {
            command,
            said,
            output: match self.style.detail {
                Detail::Verbose => join_streams(output, errors),
                Detail::Quiet | Detail::Usual => output.clone(),
            },
            ..Line::of(place.step, mark, words)
        };
        self.show(at, place.node.as_ref(), line, Some(*took));
    }

    fn show_waiting(&mut self, at: Duration, what: &Happening) {
        let Happening::Waiting {
            place,
            what,
            reason,
            waited,
            limit,
        } = what
        else {
            return;
        };
        // How long it holds already changes all the time, and is no news.
        let is_holding = reason.starts_with("holds for");
        let because = if reason.is_empty() || is_holding {
            String::new()
        } else {
            format!(": {reason}")
        };
        let held = if is_holding {
            format!(", {reason}")
        } else {
            String::new()
        };
        let latest = format!("{held} ({} of {})", write_length(*waited), write_length(*limit));
        let words = format!("waiting for {what}");
        // What is going on shows it already.
        if self.view.is_some() {
            return;
        }
        let key = (place.step, place.node.clone());
        let is_new = match self.told_waits.get(&key) {
            Some((told, when)) => *told != because || waited < when || is_time_to_tell(*when, *waited),
            None => true,
        };
        if is_new {
            self.told_waits.insert(key, (because.clone(), *waited));
            let line = Line {
                said: because,
                latest,
                ..Line::of(place.step, Mark::Said, words)
            };
            self.show(at, place.node.as_ref(), line, None);
        }
    }

    /// Shows who is away, who is back, and which groups changed; these belong to no step.
    fn show_member(&mut self, at: Duration, what: &Happening) {
        let (node, words, latest) = match what {
            Happening::TokenTaken { service, node, sum } => {
                (node, format!("{service} is away"), format!(": {sum}"))
            }
            Happening::TokenReturned { service, node } => (node, format!("{service} is back"), String::new()),
            Happening::GroupChanged {
                group,
                node,
                joined,
                now,
            } => {
                let verb = if *joined { "joins" } else { "leaves" };
                (node, format!("{verb} {group}"), format!(", which is now {now}"))
            }
            _ => return,
        };
        let line = Line {
            latest,
            ..Line::of(NO_STEP, Mark::Said, words)
        };
        self.show(at, Some(node), line, None);
    }

    fn show_ledger(&mut self) {
        let rest = self.gather.take_all();
        self.print_gathered(rest);
        if !self.style.is_framed {
            return;
        }
        let ledger = Ledger::of(&self.events);
        let drawn = describe_ledger(&ledger, self.sources, self.style.coloured);
        self.print(&format!("\n{drawn}"));
    }
}

impl<W: Write> Recorder for LiveReport<'_, W> {
    fn recall(&mut self, event: &Event) {
        self.is_recalling = !matches!(event.what, Happening::RunStarted { .. });
        self.record(event);
        self.gather.take_all();
        self.is_recalling = false;
    }

    fn pass(&mut self, at: Duration) {
        let sets = self.sets.iter().filter(|set| !set.is_serial);
        let alive: Vec<NodeSet> = sets.map(|set| set.alive.clone()).collect();
        for alive in alive {
            let ready = self.gather.take_ready(at, &alive);
            self.print_gathered(ready);
        }
    }

    fn record(&mut self, event: &Event) {
        self.events.push(without_output(event));
        if let Some(view) = &self.view {
            view.take(event);
        }
        if !self.held.is_empty() {
            self.print("");
        }
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
            Happening::NodeEnded {
                step, node, result, ..
            } => self.end_node(at, *step, node, result),
            Happening::StepStarted { place, command, .. } => {
                let key = (place.node.clone(), place.step);
                self.in_flight.insert(key, command.clone());
            }
            Happening::StepEnded { .. } => self.end_step(at, &event.what),
            Happening::HeldBack { place, what, command } => {
                let (words, command) = join_command(what, command.clone());
                let words = format!("{words} (held back)");
                let line = Line {
                    command,
                    ..Line::of(place.step, Mark::Passed, words)
                };
                self.show(at, place.node.as_ref(), line, None);
            }
            Happening::Waiting { .. } => self.show_waiting(at, &event.what),
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
                    false => (Mark::Bad, format!("waited in vain for {what}")),
                };
                let said = if *came { String::new() } else { because };
                let line = Line::of(place.step, mark, words).saying(said);
                self.told_waits.remove(&(place.step, place.node.clone()));
                self.show(at, place.node.as_ref(), line, Some(*waited));
            }
            Happening::TokenTaken { .. }
            | Happening::TokenReturned { .. }
            | Happening::GroupChanged { .. } => {
                self.show_member(at, &event.what);
            }
            Happening::RunEnded { .. } => self.show_ledger(),
            what => {
                if let Some((place, line)) = describe_asked(what).or_else(|| describe_remark(what)) {
                    self.show(at, place.node.as_ref(), line, None);
                }
            }
        }
    }
}

/// What a command wrote to both streams, each from the beginning of a line.
fn join_streams(output: &str, errors: &str) -> String {
    let between = if output.is_empty() || output.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{output}{between}{errors}")
}

/// Whether a wait that was last told of at `told` is told of again, with nothing new.
fn is_time_to_tell(told: Duration, waited: Duration) -> bool {
    let (often, seldom) = TELL_EVERY;
    waited >= told + told.clamp(often, seldom)
}

fn without_output(event: &Event) -> Event {
    let mut event = event.clone();
    if let Happening::StepEnded { output, errors, .. } = &mut event.what {
        output.clear();
        errors.clear();
    }
    event
}
