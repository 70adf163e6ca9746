use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use super::hash_text;
use super::history::name_runbook;
use super::moment::{Replay, Told};
use crate::diagnostic::{SourceMap, Span};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::screen::write_length;
use crate::journal::wording::{forget_node, join_command, name_node};
use crate::journal::{
    Account, BegunAnew, Happening, Ledger, LiveReport, Marked, Opening, Paint, Recorder, ReportStyle,
    Resumption, RunState, Settled, StepPlace, Trouble, TroubleKind, describe_ledger, neutralise_text,
};
use crate::plan::StepId;
use crate::transport::StepPath;

/// Width of the column that says what a line is about.
const WIDTH: usize = 10;

/// Tells of a run for a person: what it was to do, the report as it was printed, and what is open.
pub fn describe_account(account: &Account, style: ReportStyle) -> String {
    let paint = Paint {
        coloured: style.coloured,
    };
    let mut told = String::new();
    let name = neutralise_text(&account.opening.run);
    told.push_str(&format!("{}\n", paint.strong(&format!("run {name}"))));
    for (word, text) in head(account) {
        told.push_str(&draw_row(word, &text, paint));
    }
    told.push('\n');
    told.push_str(&draw_report(account, style, paint));
    let open = open_matters(account);
    if !open.is_empty() {
        told.push_str(&format!("\n{}\n", paint.notable("open:")));
        for (word, text) in open {
            told.push_str(&draw_row(word, &text, paint));
        }
    }
    if account.is_resumable() {
        told.push_str(&format!("\ngo on with it: quorate resume {name}\n"));
    }
    told
}

/// What a run was to do, for whom, and with what: a word and a text each.
pub(super) fn head(account: &Account) -> Vec<(&'static str, String)> {
    let opening = &account.opening;
    let mut rows = vec![
        (
            "who",
            format!(
                "{}@{}, with quorate {}",
                opening.who, opening.host, opening.version
            ),
        ),
        ("when", opening.when.clone()),
        ("cluster", opening.cluster.clone()),
    ];
    if opening.is_session {
        rows.push(("what", "a session at the prompt".to_owned()));
    } else {
        rows.push(("runbook", describe_runbook(opening)));
    }
    rows.push(("inventory", opening.inventory_file.clone()));
    rows.extend(
        opening
            .given
            .iter()
            .map(|(name, value)| ("given", format!("{name}={value}"))),
    );
    rows.extend(
        opening
            .secrets
            .iter()
            .map(|name| ("given", format!("{name}, a secret"))),
    );
    rows.extend(opening.limit.iter().map(|limit| ("limit", limit.clone())));
    rows.extend(opening.overrides.iter().map(|text| ("override", text.clone())));
    if opening.fan_out > 0 {
        rows.push(("fan-out", opening.fan_out.to_string()));
    }
    if let Some(timeout) = opening.timeout_ms {
        rows.push(("timeout", write_length(Duration::from_millis(timeout))));
    }
    if let Some(file) = &opening.ssh_config {
        rows.push(("ssh config", file.clone()));
    }
    if opening.is_openssh_forced {
        rows.push(("ssh", "openssh for all hosts".to_owned()));
    }
    if opening.step {
        rows.push(("step", "each act was asked for".to_owned()));
    }
    rows.push(("ended", describe_state(&account.state)));
    rows.retain(|(_, text)| !text.is_empty());
    rows
}

fn describe_runbook(opening: &Opening) -> String {
    let title = name_runbook(&opening.title, &opening.script);
    let file = match opening.script.as_str() {
        "" | "-" => String::new(),
        file => format!(", {file}"),
    };
    let hash = opening.texts.first().map(|(_, text)| hash_text(text));
    let hash = hash.map(|hash| format!(", sha256 {hash}")).unwrap_or_default();
    format!("{title}{file}{hash}")
}

fn describe_state(state: &RunState) -> String {
    match state {
        RunState::Ended { exit_code, words } => format!("{words} (exit code {exit_code})"),
        RunState::Alive => "not yet: it is being carried out".to_owned(),
        RunState::BrokenOff => "it broke off".to_owned(),
    }
}

fn draw_row(word: &str, text: &str, paint: Paint) -> String {
    let margin = " ".repeat(WIDTH + 4);
    let text = neutralise_text(text.trim_end()).replace('\n', &format!("\n{margin}"));
    format!("  {}  {text}\n", paint.faint(&format!("{word:WIDTH$}")))
}

/// Text that is written by one and read by another.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The report as it was printed, and between its lines where the run broke off and went on.
fn draw_report(account: &Account, style: ReportStyle, paint: Paint) -> String {
    let replay = Replay::of(account);
    let out = Shared::default();
    let mut report = LiveReport::new(out.clone(), &replay.sources, style, None);
    let mut has_ledger = false;
    let mut is_real = false;
    let mut unfinished = replay.unfinished();
    for (index, moment) in replay.moments.iter().enumerate() {
        match &moment.what {
            Told::Event(event) => {
                if let Happening::RunStarted { simulated, .. } = event.what {
                    is_real = !simulated;
                }
                // While a real run waited, time was told to go by.
                if is_real {
                    report.pass(event.at);
                }
                has_ledger = matches!(event.what, Happening::RunEnded { .. });
                report.record(event);
            }
            Told::BrokenOff => {
                let text = format!("── broken off after {} ──", write_length(moment.at));
                let rest = unfinished.split_off(unfinished.partition_point(|begun| *begun < index));
                let begun = std::mem::replace(&mut unfinished, rest);
                report.interject(&format!(
                    "{}{}\n",
                    draw_begun(&replay, &begun, paint),
                    paint.bad(&text)
                ));
            }
            Told::Resumed(resumption) => {
                has_ledger = false;
                report.interject(&draw_resumption(resumption, paint));
            }
            Told::Settled(settled) => {
                report.interject(&format!("{}\n", neutralise_text(&describe_settled(settled))));
            }
            Told::BegunAnew(anew) => {
                report.interject(&format!("{}\n", neutralise_text(&describe_begun_anew(anew))));
            }
            Told::Marked(marked) => {
                report.interject(&format!("{}\n", neutralise_text(&describe_marked(marked))));
            }
        }
    }
    report.interject("");
    let mut drawn = String::from_utf8_lossy(&out.0.borrow()).into_owned();
    if !has_ledger && account.state != RunState::Alive {
        let ledger = replay.ledger(account);
        let ledger = describe_ledger(&ledger, &replay.sources, style.coloured);
        drawn.push_str(&format!("\n{ledger}"));
    }
    drawn
}

/// The steps in which a run broke off; nodes in the same step are one line.
fn draw_begun(replay: &Replay, begun: &[usize], paint: Paint) -> String {
    let mut steps: BTreeMap<(StepId, String, &str), NodeSet> = BTreeMap::new();
    for index in begun {
        if let Told::Event(event) = &replay.moments[*index].what
            && let Happening::StepStarted { place, what, command } = &event.what
        {
            let (words, command) = join_command(what, command.clone());
            let words = command.map_or(words.clone(), |command| format!("{words}: {command}"));
            let words = match &place.node {
                Some(node) => forget_node(&words, node),
                None => words,
            };
            let known = match replay.is_marked_after(*index, place) {
                true => "its end was not known then, and is marked below",
                false => "its end is not known",
            };
            let nodes = steps.entry((place.step, words, known)).or_default();
            place.node.iter().for_each(|node| nodes.insert(node.clone()));
        }
    }
    let mut drawn = String::new();
    for ((_, words, known), nodes) in steps {
        let nodes = nodes.to_string();
        let words = neutralise_text(&name_node(&words, &nodes));
        let on = if nodes.is_empty() {
            nodes
        } else {
            format!("{nodes}  ")
        };
        let mark = paint.notable("?");
        drawn.push_str(&format!("{on}{mark} {words}: begun; {known}\n"));
    }
    drawn
}

fn draw_resumption(resumption: &Resumption, paint: Paint) -> String {
    let text = neutralise_text(&describe_resumption(resumption));
    let mut drawn = format!("{}\n", paint.notable(&format!("── {text} ──")));
    if let Some(accepted) = &resumption.accepted {
        drawn.push_str("what had changed was accepted:\n");
        for line in neutralise_text(accepted.trim_end()).lines() {
            drawn.push_str(&format!("  {line}\n"));
        }
    }
    drawn
}

/// By whom and when a run was taken up again.
pub(super) fn describe_resumption(resumption: &Resumption) -> String {
    format!(
        "taken up again at {} by {}@{}, with quorate {}",
        resumption.when, resumption.who, resumption.host, resumption.version
    )
}

/// What was found out of an act, and how.
pub(super) fn describe_settled(settled: &Settled) -> String {
    let done = if settled.is_done {
        "it was done"
    } else {
        "it was not done"
    };
    format!(
        "settled: `{}`{}: {done}; {}",
        settled.command,
        on_node(settled.node.as_deref()),
        settled.by
    )
}

/// Which block was begun anew.
pub(super) fn describe_begun_anew(anew: &BegunAnew) -> String {
    format!(
        "begun anew, since what it did was taken back: {}; by {} at {}",
        StepPath::read(&anew.path),
        anew.who,
        anew.when
    )
}

/// What a person said of a step, and why.
pub(super) fn describe_marked(marked: &Marked) -> String {
    let done = if marked.is_done { "done" } else { "to be skipped" };
    format!(
        "marked as {done}: `{}`{}, because {}; by {} at {}",
        marked.step,
        on_node(marked.node.as_deref()),
        marked.why,
        marked.who,
        marked.when
    )
}

fn on_node(node: Option<&str>) -> String {
    node.map(|node| format!(" on {node}")).unwrap_or_default()
}

/// What is still to be seen to: a word and a text each.
pub(super) fn open_matters(account: &Account) -> Vec<(&'static str, String)> {
    let mut open = Vec::new();
    if account.state == RunState::Alive {
        return open;
    }
    for sent in account.open_acts() {
        let on = sent.node.as_deref().unwrap_or("the machine that ran the script");
        let text = format!(
            "`{}` on {on}: it left, and no answer came ({})",
            sent.command, sent.path
        );
        open.push(("sent", text));
    }
    let replay = Replay::of(account);
    let ledger = Ledger::of(&replay.events());
    if let (
        RunState::Ended { .. },
        Some(Trouble {
            kind: TroubleKind::Parked,
            message,
            node,
            ..
        }),
    ) = (&account.state, &ledger.trouble)
    {
        let on = on_node(node.as_ref().map(NodeName::as_str));
        open.push(("parked", format!("{message}{on}")));
    }
    for owed in &ledger.owed {
        let on = on_node(owed.node.as_ref().map(NodeName::as_str));
        let message = owed.trouble.as_ref().map_or("", |trouble| &trouble.message);
        open.push(("owed", format!("{}{on}: {message}", owed.what)));
    }
    open.extend(broken_cleanings(&replay).into_iter().map(|text| ("owed", text)));
    for (service, nodes) in &ledger.still_away {
        if !ledger.left_stopped.iter().any(|(known, _, _)| known == service) {
            open.push(("away", format!("{service} on {nodes}")));
        }
    }
    let outages = ledger.outages.iter().filter(|outage| outage.lasted.is_none());
    open.extend(outages.map(|outage| ("outage", format!("{}: still open", outage.why))));
    open
}

/// An `undo` or `finally` that began.
struct Cleaning<'a> {
    node: Option<&'a NodeName>,
    span: Span,
    what: &'a str,
}

impl Cleaning<'_> {
    /// Whether a step of the same text, on the same node, tells that it is over.
    fn is_over(&self, place: &StepPlace, sources: &SourceMap) -> bool {
        let file = |span| sources.place(span).map(|place| place.file);
        let is_own = self.node == place.node.as_ref();
        // Steps of verbs and services are written elsewhere, and tell nothing.
        is_own && !self.span.holds(place.span) && file(self.span) == file(place.span)
    }
}

/// Each `undo` and `finally` in which the run broke off, and did not go on.
fn broken_cleanings(replay: &Replay) -> Vec<String> {
    let mut begun: Vec<Cleaning> = Vec::new();
    for moment in &replay.moments {
        let Told::Event(event) = &moment.what else {
            continue;
        };
        match &event.what {
            Happening::CleaningUp { place, what, .. } => {
                begun.retain(|known| !known.is_over(place, &replay.sources));
                begun.push(Cleaning {
                    node: place.node.as_ref(),
                    span: place.span,
                    what,
                });
            }
            Happening::StepStarted { place, .. } | Happening::NodesChosen { place, .. } => {
                begun.retain(|known| !known.is_over(place, &replay.sources));
            }
            Happening::NodeEnded { node, .. } => begun.retain(|known| known.node != Some(node)),
            Happening::RunEnded { .. } => begun.clear(),
            _ => {}
        }
    }
    let describe = |cleaning: Cleaning| {
        let on = on_node(cleaning.node.map(NodeName::as_str));
        format!("{}{on}: the run broke off in it", cleaning.what)
    };
    begun.into_iter().map(describe).collect()
}
