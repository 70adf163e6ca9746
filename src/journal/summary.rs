use super::ledger::{Ledger, NodeState, SetLedger};
use super::screen::{Paint, write_length};
use super::{Trouble, neutralise_text};
use crate::diagnostic::{SourceMap, Span};
use crate::inventory::NodeSet;

/// Width of the column that says what a line is about.
const WIDTH: usize = 12;

/// Draws a ledger for people: what became of each node, and what is left to do.
pub fn describe_ledger(ledger: &Ledger, sources: &SourceMap, coloured: bool) -> String {
    let paint = Paint { coloured };
    let mut lines = vec![headline(ledger, paint)];
    for set in &ledger.sets {
        describe_set(set, ledger.dry_run, sources, paint, &mut lines);
    }
    describe_troubles(ledger, sources, paint, &mut lines);
    describe_cluster(ledger, paint, &mut lines);
    let edit = ledger.inventory_edit();
    if !edit.is_empty() {
        lines.push(paint.notable("groups changed; write this into the inventory, under [groups]:"));
        lines.extend(edit.into_iter().map(|line| format!("  {line}")));
    }
    lines.join("\n") + "\n"
}

/// The first line: which cluster, and how the run ended.
fn headline(ledger: &Ledger, paint: Paint) -> String {
    let name = neutralise_text(&ledger.cluster);
    let cluster = match ledger.simulated {
        true => format!("{name} {}", paint.notable("(SIMULATED)")),
        false => name,
    };
    let ending = match (ledger.exit_code, &ledger.trouble) {
        (None, _) => paint.bad("broke off"),
        (Some(0), _) if ledger.dry_run => {
            let acts = if ledger.held_back == 1 { "act" } else { "acts" };
            paint.notable(&format!(
                "dry run: {} {acts} held back, nothing was changed",
                ledger.held_back
            ))
        }
        (Some(0), _) => paint.good("done"),
        (Some(code), Some(trouble)) => {
            let word = kind_word(trouble);
            paint.bad(&format!("{word} (exit code {code})"))
        }
        (Some(code), None) => paint.bad(&format!("failed (exit code {code})")),
    };
    let title = if ledger.runbook.is_empty() {
        String::new()
    } else {
        format!(", {}", ledger.runbook)
    };
    format!(
        "{}{title}: {ending} after {}",
        paint.strong(&cluster),
        write_length(ledger.took)
    )
}

fn kind_word(trouble: &Trouble) -> &'static str {
    use super::TroubleKind;
    match trouble.kind {
        TroubleKind::Parked => "parked",
        TroubleKind::Declined => "declined",
        TroubleKind::Refused => "refused by a guard",
        TroubleKind::Failed => "failed",
        TroubleKind::Locked => "the cluster is locked",
        TroubleKind::Interrupted => "interrupted",
        TroubleKind::Unreachable => "a node could not be reached",
        TroubleKind::Unknown => "an outcome is unknown",
    }
}

fn describe_set(set: &SetLedger, dry_run: bool, sources: &SourceMap, paint: Paint, lines: &mut Vec<String>) {
    let times = if set.times > 1 {
        format!(", {} times", set.times)
    } else {
        String::new()
    };
    let place = paint.faint(&describe_place(set.span, sources));
    lines.push(format!("on {}, {}{times}  {place}", fold(&set.nodes), set.mode));
    for (state, nodes) in set.by_state() {
        let word = match state {
            // A dry run does nothing, so nothing is done by it.
            NodeState::Done if dry_run => "gone through",
            // Any one of them was wanted.
            NodeState::NotReached if set.mode == "any" => "not needed",
            _ => state.word(),
        };
        let padded = format!("{word:WIDTH$}");
        let painted = match state {
            NodeState::Done if !dry_run => paint.good(&padded),
            NodeState::NotReached if set.mode == "any" => padded,
            NodeState::Done | NodeState::Skipped => padded,
            NodeState::Failed => paint.bad(&padded),
            NodeState::Unknown | NodeState::Begun | NodeState::NotReached => paint.notable(&padded),
        };
        lines.push(format!("  {painted}  {nodes}"));
    }
    if !set.left_out.is_empty() {
        lines.push(format!("  {:WIDTH$}  {} (--limit)", "left out", set.left_out));
    }
}

/// What failed, was caught, was tolerated, was overridden, and is owed.
fn describe_troubles(ledger: &Ledger, sources: &SourceMap, paint: Paint, lines: &mut Vec<String>) {
    for (trouble, nodes) in &ledger.troubles {
        let place = describe_place(trouble.at, sources);
        lines.push(entry(
            paint.bad("why"),
            3,
            &format!("{nodes}: {}", trouble.message),
            &place,
            paint,
        ));
    }
    for (by, trouble) in &ledger.caught {
        let on = trouble
            .node
            .as_ref()
            .map(|node| format!("{node}: "))
            .unwrap_or_default();
        let text = format!("{on}{} (by {by})", trouble.message);
        let place = describe_place(trouble.at, sources);
        lines.push(entry(paint.notable("caught"), 6, &text, &place, paint));
    }
    for (what, reason, why, node) in &ledger.overridden {
        let on = node
            .as_ref()
            .map(|node| format!(" on {node}"))
            .unwrap_or_default();
        let said = if reason.is_empty() {
            String::new()
        } else {
            format!(", which said: {reason}")
        };
        lines.push(entry(
            paint.notable("overridden"),
            10,
            &format!("{what}{on}, because {why}{said}"),
            "",
            paint,
        ));
    }
    for owed in &ledger.owed {
        let on = owed
            .node
            .as_ref()
            .map(|node| format!(" on {node}"))
            .unwrap_or_default();
        let message = owed
            .trouble
            .as_ref()
            .map_or("the run broke off in it", |trouble| &trouble.message);
        let text = format!("{}{on}: {message}", owed.what);
        let place = describe_place(owed.span, sources);
        lines.push(entry(paint.bad("owed"), 4, &text, &place, paint));
    }
}

/// What is not as it was: outages, services left stopped, members that are away.
fn describe_cluster(ledger: &Ledger, paint: Paint, lines: &mut Vec<String>) {
    for outage in &ledger.outages {
        let text = match outage.lasted {
            Some(length) => format!("{}, {} long", outage.why, write_length(length)),
            None => format!(
                "{}, STILL OPEN since {} into the run",
                outage.why,
                write_length(outage.since)
            ),
        };
        lines.push(entry(paint.notable("outage"), 6, &text, "", paint));
    }
    for (service, nodes, why) in &ledger.left_stopped {
        let text = format!("{service}{}: {why}", on_nodes(nodes));
        lines.push(entry(paint.notable("left stopped"), 12, &text, "", paint));
    }
    for (service, nodes) in &ledger.still_away {
        let is_left =
            |(known, left, _): &(String, NodeSet, String)| known == service && nodes.is_within(left);
        if !ledger.left_stopped.iter().any(is_left) {
            lines.push(entry(
                paint.bad("still away"),
                10,
                &format!("{service}{}", on_nodes(nodes)),
                "",
                paint,
            ));
        }
    }
}

/// One line; `length` is what `word` takes without its colours.
fn entry(word: String, length: usize, text: &str, place: &str, paint: Paint) -> String {
    let blanks = " ".repeat(WIDTH.saturating_sub(length));
    let text = neutralise_text(text).replace('\n', "\n                ");
    let place = if place.is_empty() {
        String::new()
    } else {
        format!("  {}", paint.faint(place))
    };
    format!("  {word}{blanks}  {text}{place}")
}

fn on_nodes(nodes: &NodeSet) -> String {
    if nodes.is_empty() {
        String::new()
    } else {
        format!(" on {nodes}")
    }
}

fn fold(nodes: &NodeSet) -> String {
    if nodes.is_empty() {
        "no node".to_owned()
    } else {
        nodes.to_string()
    }
}

fn describe_place(span: Span, sources: &SourceMap) -> String {
    let place = (span != Span::default()).then(|| sources.place(span)).flatten();
    place.map_or(String::new(), |place| format!("{}:{}", place.file, place.line))
}
