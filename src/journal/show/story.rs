use std::collections::HashMap;

use super::document::{Block, Cell, Document, Table, Tone, shorten};
use super::history::{HistoryRow, name_runbook};
use super::human::{head, open_matters};
use super::moment::{Replay, Told};
use super::timeline::{Abreast, describe_result, tell_decisions, tell_guards, tell_timeline};
use crate::diagnostic::{SourceMap, Span};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::screen::write_length;
use crate::journal::wording::forget_node;
use crate::journal::{Account, Happening, Ledger, StepResult, describe_ledger};
use crate::plan::StepId;

/// Tells a run for those who read of it after the event.
pub(super) fn tell_story(account: &Account) -> Document {
    let replay = Replay::of(account);
    let ledger = replay.ledger(account);
    let opening = &account.opening;
    let name = match opening.is_session {
        true => "a session at the prompt".to_owned(),
        false => name_runbook(&opening.title, &opening.script),
    };
    let mut blocks = vec![Block::Table(summary(account, &replay))];
    add_open(account, &mut blocks);
    blocks.push(Block::Picture);
    add_failures(&ledger, &replay.sources, &mut blocks);
    let tables = [
        (
            "Timeline",
            "Each line stands at the time at which it was over. Nodes that did the same side by side are one line.",
            tell_timeline(&replay),
        ),
        (
            "Guards",
            "What was asked before and after acts, and what was measured.",
            tell_guards(&replay),
        ),
        (
            "Decisions",
            "What people answered and did, and why.",
            tell_decisions(&replay),
        ),
    ];
    for (heading, said, table) in tables {
        if !table.rows.is_empty() {
            let said = Block::Paragraph(said.to_owned());
            blocks.extend([Block::Heading(heading), said, Block::Table(table)]);
        }
    }
    add_accepted(&replay, &mut blocks);
    add_outputs(&replay, &mut blocks);
    blocks.push(Block::Heading("Ledger"));
    blocks.push(Block::Text {
        caption: "What became of each node".to_owned(),
        text: describe_ledger(&ledger, &replay.sources, false),
        is_open: true,
    });
    Document {
        title: format!("{}: {name}, {}", opening.cluster, account.state.words()),
        blocks,
    }
}

fn summary(account: &Account, replay: &Replay) -> Table {
    let mut rows = vec![vec![
        Cell::plain("run"),
        Cell::plain(account.opening.run.as_str()),
    ]];
    rows.extend(
        head(account)
            .into_iter()
            .map(|(word, text)| vec![Cell::plain(word), Cell::plain(text)]),
    );
    let row = HistoryRow::of(account);
    let mut took = write_length(replay.took());
    let is_resumption = |told: &Told| matches!(told, Told::Resumed(_));
    let resumptions = replay.moments.iter().filter(|moment| is_resumption(&moment.what));
    match resumptions.count() {
        0 => {}
        1 => took.push_str(", less an interruption"),
        count => took.push_str(&format!(", less {count} interruptions")),
    }
    rows.push(vec![Cell::plain("took"), Cell::plain(took)]);
    rows.push(vec![
        Cell::plain("nodes"),
        Cell::plain(row.node_count.to_string()),
    ]);
    if row.simulated {
        rows.push(vec![
            Cell::plain("simulated"),
            Cell::toned("no real node was touched", Tone::Notable),
        ]);
    }
    if row.dry_run {
        rows.push(vec![
            Cell::plain("dry run"),
            Cell::toned("nothing was changed", Tone::Notable),
        ]);
    }
    Table {
        caption: "The run",
        head: &["What", "Value"],
        rows,
    }
}

fn add_open(account: &Account, blocks: &mut Vec<Block>) {
    let open = open_matters(account);
    if open.is_empty() && !account.is_resumable() {
        return;
    }
    blocks.push(Block::Heading("Open"));
    if !open.is_empty() {
        let rows = open
            .into_iter()
            .map(|(word, text)| vec![Cell::toned(word, Tone::Notable), Cell::plain(text)]);
        blocks.push(Block::Table(Table {
            caption: "What is still to be seen to",
            head: &["What", "Of what"],
            rows: rows.collect(),
        }));
    }
    if account.is_resumable() {
        let run = &account.opening.run;
        blocks.push(Block::Paragraph(format!("Go on with it: quorate resume {run}")));
    }
}

/// What failed, where, and what to do; what was caught, and what is owed.
fn add_failures(ledger: &Ledger, sources: &SourceMap, blocks: &mut Vec<Block>) {
    let mut rows = Vec::new();
    let mut add = |nodes: String, what: String, help: Option<&String>, at: Span, tone: Tone| {
        rows.push(vec![
            Cell::plain(nodes),
            Cell::toned(what, tone),
            Cell::plain(help.map(String::as_str).unwrap_or_default()),
            Cell::plain(write_place(at, sources)),
        ]);
    };
    for (trouble, nodes) in &ledger.troubles {
        let (help, at) = (trouble.help.as_ref(), trouble.at);
        add(nodes.to_string(), trouble.message.clone(), help, at, Tone::Bad);
    }
    let is_told = |message: &str| ledger.troubles.iter().any(|(known, _)| known.message == message);
    if let Some(trouble) = ledger
        .trouble
        .as_ref()
        .filter(|trouble| !is_told(&trouble.message))
    {
        let (help, at) = (trouble.help.as_ref(), trouble.at);
        add(
            write_node(trouble.node.as_ref()),
            trouble.message.clone(),
            help,
            at,
            Tone::Bad,
        );
    }
    for (by, trouble) in ledger
        .caught
        .iter()
        .filter(|(_, caught)| !is_told(&caught.message))
    {
        let what = format!("{} (caught by {by})", trouble.message);
        let (help, at) = (trouble.help.as_ref(), trouble.at);
        add(write_node(trouble.node.as_ref()), what, help, at, Tone::Notable);
    }
    for owed in &ledger.owed {
        let message = owed.trouble.as_ref().map_or("", |trouble| &trouble.message);
        let what = format!("{} is owed: {message}", owed.what);
        add(write_node(owed.node.as_ref()), what, None, owed.span, Tone::Bad);
    }
    if !rows.is_empty() {
        blocks.push(Block::Heading("What failed"));
        blocks.push(Block::Table(Table {
            caption: "What failed",
            head: &["Nodes", "What", "What to do", "Where"],
            rows,
        }));
    }
}

fn write_node(node: Option<&NodeName>) -> String {
    node.map(ToString::to_string).unwrap_or_default()
}

fn write_place(at: Span, sources: &SourceMap) -> String {
    let place = (at != Span::default()).then(|| sources.place(at)).flatten();
    place.map_or(String::new(), |place| format!("{}:{}", place.file, place.line))
}

/// The differences that were accepted when the run was taken up again.
fn add_accepted(replay: &Replay, blocks: &mut Vec<Block>) {
    for moment in &replay.moments {
        if let Told::Resumed(resumption) = &moment.what
            && let Some(accepted) = &resumption.accepted
        {
            blocks.push(Block::Text {
                caption: format!(
                    "What had changed at {} and was accepted by {}",
                    resumption.when, resumption.who
                ),
                text: accepted.clone(),
                is_open: true,
            });
        }
    }
}

/// Something printed, and the nodes that printed it.
struct Printed {
    set: Option<usize>,
    step: StepId,
    what: String,
    nodes: NodeSet,
    result: String,
    text: String,
    is_open: bool,
}

impl Printed {
    fn says_the_same(&self, other: &Printed) -> bool {
        (&self.what, &self.result, &self.text) == (&other.what, &other.result, &other.text)
    }
}

/// What steps printed; of those that failed, and of what was asked for, at once.
fn add_outputs(replay: &Replay, blocks: &mut Vec<Block>) {
    let mut all: Vec<Printed> = Vec::new();
    let mut known: HashMap<(usize, StepId), Vec<usize>> = HashMap::new();
    let mut abreast = Abreast::default();
    for moment in &replay.moments {
        let Told::Event(event) = &moment.what else {
            continue;
        };
        abreast.hear(&event.what);
        let Some((mut printed, node)) = read_printed(&event.what) else {
            continue;
        };
        if let Some(node) = node {
            printed.set = abreast.set_of(node);
            if printed.set.is_some() {
                printed.what = forget_node(&printed.what, node);
                printed.result = forget_node(&printed.result, node);
            }
            printed.nodes.insert(node.clone());
        }
        let Some(set) = printed.set else {
            all.push(printed);
            continue;
        };
        let places = known.entry((set, printed.step)).or_default();
        let is_same = |index: &&usize| all[**index].says_the_same(&printed);
        match places.iter().find(is_same) {
            Some(index) => all[*index].nodes = all[*index].nodes.union(&printed.nodes),
            None => {
                places.push(all.len());
                all.push(printed);
            }
        }
    }
    if all.is_empty() {
        return;
    }
    if all.iter().any(|printed| printed.is_open) {
        blocks.push(Block::Heading("Output"));
    } else {
        blocks.push(Block::FoldedHeading("Output"));
    }
    for printed in all {
        let nodes = match printed.nodes.is_empty() {
            true => String::new(),
            false => format!("{}: ", printed.nodes),
        };
        let caption = format!("{nodes}{}: {}", printed.what, printed.result);
        let first = caption.lines().next().unwrap_or_default();
        blocks.push(Block::Text {
            caption: shorten(first),
            text: printed.text,
            is_open: printed.is_open,
        });
    }
}

fn read_printed(what: &Happening) -> Option<(Printed, Option<&NodeName>)> {
    let (place, what, result, text, is_open) = match what {
        Happening::StepEnded {
            place,
            what,
            result,
            output,
            errors,
            ..
        } => {
            let between = if output.is_empty() || output.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let text = format!("{output}{between}{errors}");
            let is_open = matches!(result, StepResult::Trouble(_));
            (place, what, describe_result(result).0, text, is_open)
        }
        Happening::Shown { place, what, value } => (place, what, "shown".to_owned(), value.clone(), true),
        _ => return None,
    };
    let printed = Printed {
        set: None,
        step: place.step,
        what: what.clone(),
        nodes: NodeSet::default(),
        result,
        is_open,
        text,
    };
    (!printed.text.trim().is_empty()).then_some((printed, place.node.as_ref()))
}
