use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::document::Tone;
use super::html::escape_html;
use super::human::describe_resumption;
use super::moment::{Replay, Told};
use super::timeline::{describe_guard, describe_result};
use crate::inventory::{NodeName, NodeSet};
use crate::journal::screen::write_length;
use crate::journal::wording::forget_node;
use crate::journal::{Account, Happening, StepPlace};

/// Where the rows begin.
const LEFT: f64 = 180.0;

/// How wide the rows are.
const WIDTH: f64 = 900.0;

/// How wide all is.
const WHOLE: f64 = 1100.0;

/// Room above the rows, for the time.
const TOP: f64 = 38.0;

/// Most letters of a row's name that are written out.
const MOST_LETTERS: usize = 26;

/// The row of a node, or of several to which the same happened, or of the script itself.
struct Row {
    nodes: NodeSet,
    shapes: Vec<Shape>,
}

/// Something in a row.
#[derive(Debug, Clone)]
struct Shape {
    kind: Kind,
    from: Duration,
    to: Duration,
    tone: Tone,
    /// What it is; `$node` is the node in hand.
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A step.
    Bar,
    /// A wait.
    Thin,
    /// What a guard or a person answered.
    Answer,
}

/// What concerns all rows.
#[derive(Default)]
struct Across {
    /// Outages: since when, until when, and why.
    outages: Vec<(Duration, Option<Duration>, String)>,
    /// Where the run broke off or went on: when, whether it went on, and what is known of it.
    borders: Vec<(Duration, bool, String)>,
}

/// Draws a run as a picture of its time: a row for the script, and one for each node.
pub(super) fn draw_picture(account: &Account) -> String {
    let replay = Replay::of(account);
    let total = replay.took().max(Duration::from_millis(1));
    let (rows, across) = collect(&replay);
    let rows = fold_rows(rows, total / 50);
    let scale = Scale {
        total,
        height: if rows.len() > 40 { 15.0 } else { 24.0 },
        bottom: 0.0,
    };
    let scale = Scale {
        bottom: TOP + scale.height * rows.len() as f64,
        ..scale
    };
    let whole = scale.bottom + 52.0;
    let mut drawn = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WHOLE} {whole}\" role=\"img\" \
         aria-labelledby=\"picture-title picture-text\">\n<title id=\"picture-title\">The run in its time</title>\n\
         <desc id=\"picture-text\">A row for the script and for each node, with a bar for each step; the timeline \
         below says the same in words.</desc>\n"
    );
    for (index, row) in rows.iter().enumerate() {
        scale.draw_stripe(index, row, account.opening.is_session, &mut drawn);
    }
    scale.draw_outages(&across, &mut drawn);
    scale.draw_ticks(&mut drawn);
    for (index, row) in rows.iter().enumerate() {
        for shape in &row.shapes {
            scale.draw_shape(index, row, shape, &mut drawn);
        }
    }
    scale.draw_borders(&across, &mut drawn);
    draw_legend(scale.bottom + 22.0, &mut drawn);
    drawn + "</svg>\n"
}

/// All rows, that of the script first, and what concerns all of them.
fn collect(replay: &Replay) -> (Vec<Row>, Across) {
    let mut across = Across::default();
    let mut rows: BTreeMap<Option<NodeName>, Vec<Shape>> = BTreeMap::from([(None, Vec::new())]);
    let unfinished = replay.unfinished();
    let mut ends =
        replay.moments.iter().enumerate().filter_map(|(index, moment)| {
            matches!(moment.what, Told::BrokenOff).then_some((index, moment.at))
        });
    let mut end = ends.next();
    for (index, moment) in replay.moments.iter().enumerate() {
        while end.is_some_and(|(place, _)| place < index) {
            end = ends.next();
        }
        let event = match &moment.what {
            Told::Event(event) => event,
            Told::BrokenOff => {
                let text = format!("broken off at {}", moment.wall);
                across.borders.push((moment.at, false, text));
                continue;
            }
            Told::Resumed(resumption) => {
                let text = describe_resumption(resumption);
                across.borders.push((moment.at, true, text));
                continue;
            }
            Told::Settled(_) | Told::Marked(_) | Told::BegunAnew(_) => continue,
        };
        match &event.what {
            Happening::NodesChosen { nodes, left_out, .. } => {
                for node in nodes.difference(left_out).iter() {
                    rows.entry(Some(node.clone())).or_default();
                }
            }
            Happening::Outage { why, opens: true, .. } => across.outages.push((event.at, None, why.clone())),
            Happening::Outage { opens: false, .. } => {
                let mut open = across.outages.iter_mut().rev();
                if let Some(outage) = open.find(|outage| outage.1.is_none()) {
                    outage.1 = Some(event.at);
                }
            }
            what => {
                let last = end.map_or(replay.took(), |(_, at)| at);
                let last = unfinished.binary_search(&index).is_ok().then_some(last);
                if let Some((place, shape)) = shape_of(event.at, what, last) {
                    let text = match &place.node {
                        Some(node) => forget_node(&shape.text, node),
                        None => shape.text,
                    };
                    let row = rows.entry(place.node.clone()).or_default();
                    row.push(Shape { text, ..shape });
                }
            }
        }
    }
    let rows = rows.into_iter().map(|(node, shapes)| Row {
        nodes: node.into_iter().collect(),
        shapes,
    });
    (rows.collect(), across)
}

/// The shape of an event; `last` is when a step without an end was last known to be under way.
fn shape_of(at: Duration, what: &Happening, last: Option<Duration>) -> Option<(&StepPlace, Shape)> {
    let shape = |kind, (from, to), tone, text| Shape {
        kind,
        from,
        to,
        tone,
        text,
    };
    Some(match what {
        Happening::StepStarted { place, what, .. } => {
            let text = format!("{what}: begun; its end is not known");
            (place, shape(Kind::Bar, (at, last?), Tone::Notable, text))
        }
        Happening::StepEnded {
            place,
            what,
            result,
            took,
            ..
        } => {
            let (word, tone) = describe_result(result);
            let time = (at.saturating_sub(*took), at);
            (place, shape(Kind::Bar, time, tone, format!("{what}: {word}")))
        }
        Happening::Waited { place, waited, .. } => {
            let said = describe_guard(what)?;
            let tone = match said.tone {
                Tone::Good => Tone::Plain,
                tone => tone,
            };
            let text = format!("wait for {}: {}", said.what, said.result);
            let time = (at.saturating_sub(*waited), at);
            (place, shape(Kind::Thin, time, tone, text))
        }
        Happening::Asked { place, .. } | Happening::Overridden { place, .. } => {
            let said = describe_guard(what)?;
            let text = format!("{}: {}", said.what, said.result);
            (place, shape(Kind::Answer, (at, at), said.tone, text))
        }
        Happening::Answered {
            place,
            name,
            text,
            answer,
        } => {
            let text = format!("{text} ({name}): {answer}");
            (place, shape(Kind::Answer, (at, at), Tone::Plain, text))
        }
        _ => return None,
    })
}

/// Makes one row of nodes to which the same happened at about the same time.
fn fold_rows(rows: Vec<Row>, slack: Duration) -> Vec<Row> {
    let mut folded: Vec<Row> = Vec::new();
    // Only rows of as many shapes can be alike.
    let mut alike: HashMap<usize, Vec<usize>> = HashMap::new();
    for row in rows {
        let candidates = alike.entry(row.shapes.len()).or_default();
        let found = candidates
            .iter()
            .find(|index| !row.nodes.is_empty() && is_alike(&folded[**index], &row, slack));
        if let Some(index) = found {
            folded[*index].nodes = folded[*index].nodes.union(&row.nodes);
            continue;
        }
        if !row.nodes.is_empty() {
            candidates.push(folded.len());
        }
        folded.push(row);
    }
    folded
}

/// Whether the same happened side by side; what happened one after another stays apart.
fn is_alike(known: &Row, row: &Row, slack: Duration) -> bool {
    let mut pairs = known.shapes.iter().zip(&row.shapes);
    pairs.all(|(a, b)| {
        let overlap = a.from.max(b.from) < a.to.min(b.to) || a.kind == Kind::Answer;
        let is_near = a.from.abs_diff(b.from) <= slack && a.to.abs_diff(b.to) <= slack;
        (a.kind, a.tone, &a.text) == (b.kind, b.tone, &b.text)
            && is_near
            && (overlap || (a.from, a.to) == (b.from, b.to))
    })
}

/// Where things are in the picture.
struct Scale {
    total: Duration,
    /// The height of a row.
    height: f64,
    /// Where the last row ends.
    bottom: f64,
}

impl Scale {
    fn across(&self, at: Duration) -> f64 {
        LEFT + WIDTH * (at.as_secs_f64() / self.total.as_secs_f64()).min(1.0)
    }

    fn down(&self, row: usize) -> f64 {
        TOP + self.height * row as f64
    }

    /// The name of a row, and a stripe below every second one.
    fn draw_stripe(&self, index: usize, row: &Row, is_session: bool, drawn: &mut String) {
        let top = self.down(index);
        if index.is_multiple_of(2) {
            let height = self.height;
            drawn.push_str(&format!(
                "<rect class=\"row\" x=\"0\" y=\"{top:.1}\" width=\"{WHOLE}\" height=\"{height}\"/>\n"
            ));
        }
        let name = match (row.nodes.is_empty(), is_session) {
            (true, true) => "the session".to_owned(),
            (true, false) => "the script".to_owned(),
            (false, _) => row.nodes.to_string(),
        };
        let mut shown: String = name.chars().take(MOST_LETTERS).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        let middle = top + self.height / 2.0 + 4.0;
        let (name, shown) = (escape_html(&name), escape_html(&shown));
        drawn.push_str(&format!(
            "<text x=\"6\" y=\"{middle:.1}\">{shown}<title>{name}</title></text>\n"
        ));
    }

    fn draw_ticks(&self, drawn: &mut String) {
        let step = tick(self.total);
        let mut at = Duration::ZERO;
        while at <= self.total {
            let (x, bottom) = (self.across(at), self.bottom);
            let (from, label) = (TOP - 4.0, write_tick(at));
            drawn.push_str(&format!(
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{from}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>\n",
                from - 5.0
            ));
            at += step;
        }
    }

    fn draw_outages(&self, across: &Across, drawn: &mut String) {
        for (from, to, why) in &across.outages {
            let (x, end) = (self.across(*from), self.across(to.unwrap_or(self.total)));
            let (width, height) = ((end - x).max(2.0), self.bottom - TOP);
            let open = if to.is_none() { " (not closed)" } else { "" };
            let title = escape_html(&format!("outage{open}: {why}"));
            drawn.push_str(&format!(
                "<rect class=\"outage\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\">\
                 <title>{title}</title></rect>\n"
            ));
        }
    }

    fn draw_borders(&self, across: &Across, drawn: &mut String) {
        for (at, is_resumed, text) in &across.borders {
            let (x, bottom) = (self.across(*at), self.bottom);
            // The end of one part and the beginning of the next are at one time: side by side.
            let (class, x, anchor, word) = match is_resumed {
                true => ("resumed", x + 1.5, "start", "taken up again"),
                false => ("border", x - 1.5, "end", "broken off"),
            };
            let title = escape_html(text);
            drawn.push_str(&format!(
                "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"14\" x2=\"{x:.1}\" y2=\"{bottom:.1}\">\
                 <title>{title}</title></line>\
                 <text x=\"{x:.1}\" y=\"11\" text-anchor=\"{anchor}\">{word}<title>{title}</title></text>\n"
            ));
        }
    }

    fn draw_shape(&self, index: usize, row: &Row, shape: &Shape, drawn: &mut String) {
        let (x, end) = (self.across(shape.from), self.across(shape.to));
        let middle = self.down(index) + self.height / 2.0;
        // What went wrong is seen even where it took no time.
        let least = match shape.tone {
            Tone::Bad | Tone::Notable => 5.0,
            Tone::Plain | Tone::Good | Tone::Passed => 2.0,
        };
        let width = (end - x).max(least);
        let on = match row.nodes.is_empty() {
            true => String::new(),
            false => format!("{}: ", row.nodes),
        };
        let (from, to) = (write_length(shape.from), write_length(shape.to));
        let when = match shape.kind {
            Kind::Answer => format!("at {from}"),
            Kind::Bar | Kind::Thin => format!("{from} to {to}"),
        };
        let title = escape_html(&format!("{on}{} ({when})", shape.text));
        let title = format!("<title>{title}</title>");
        let class = shape.tone.class();
        match shape.kind {
            Kind::Bar => {
                let (top, height) = (middle - self.height * 0.32, self.height * 0.64);
                drawn.push_str(&format!(
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" \
                     height=\"{height:.1}\" rx=\"2\">{title}</rect>\n"
                ));
            }
            Kind::Thin => {
                let top = middle - 1.5;
                drawn.push_str(&format!(
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"3\">\
                     {title}</rect>\n"
                ));
            }
            Kind::Answer => {
                draw_answer(x, middle, self.height / 5.0, (shape.tone, &title), drawn);
            }
        }
    }
}

/// The sign of what a guard or a person answered; each has a form of its own.
fn draw_answer(x: f64, y: f64, size: f64, (tone, title): (Tone, &str), drawn: &mut String) {
    let class = tone.class();
    let form = match tone {
        // Held, or said: a dot.
        Tone::Good | Tone::Passed | Tone::Plain => {
            format!(
                "<circle class=\"mark {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{size:.1}\">{title}</circle>"
            )
        }
        // Refused: a square that stands on its corner.
        Tone::Bad => {
            let far = size * 1.5;
            format!(
                "<path class=\"mark {class}\" d=\"M{x:.1} {:.1}l{far:.1} {far:.1}l-{far:.1} {far:.1}l-{far:.1} -{far:.1}z\">\
                 {title}</path>",
                y - far
            )
        }
        // Not known, or overridden: a triangle.
        Tone::Notable => {
            let far = size * 1.4;
            format!(
                "<path class=\"mark {class}\" d=\"M{x:.1} {:.1}l{far:.1} {:.1}h-{:.1}z\">{title}</path>",
                y - far,
                far * 2.0,
                far * 2.0
            )
        }
    };
    drawn.push_str(&form);
    drawn.push('\n');
}

fn draw_legend(y: f64, drawn: &mut String) {
    let bars = [
        ("good", "done"),
        ("bad", "failed or refused"),
        ("notable", "not known"),
        ("passed", "skipped"),
        ("plain", "a wait"),
        ("outage", "an outage"),
    ];
    let mut x = LEFT;
    for (class, word) in bars {
        let (top, height) = if class == "plain" {
            (y - 5.5, 3)
        } else {
            (y - 9.0, 10)
        };
        drawn.push_str(&format!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"16\" height=\"{height}\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\">{word}</text>\n",
            x + 21.0
        ));
        x += 44.0 + 6.5 * word.len() as f64;
    }
    let answers = [
        (Tone::Good, "a guard holds"),
        (Tone::Bad, "a guard refuses"),
        (Tone::Notable, "not known, overridden"),
        (Tone::Plain, "a person answers"),
    ];
    let (mut x, y) = (LEFT, y + 18.0);
    for (tone, word) in answers {
        draw_answer(x + 8.0, y - 4.0, 4.5, (tone, ""), drawn);
        drawn.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{y:.1}\">{word}</text>\n",
            x + 21.0
        ));
        x += 44.0 + 6.5 * word.len() as f64;
    }
}

/// A length of time after which a line is drawn again: at most eight of them.
fn tick(total: Duration) -> Duration {
    let seconds = [
        1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400,
    ];
    let short = [100, 200, 500].map(Duration::from_millis);
    let lengths = short.into_iter().chain(seconds.map(Duration::from_secs));
    let is_long = |length: &Duration| total.as_secs_f64() / length.as_secs_f64() <= 8.0;
    let found = lengths.into_iter().find(is_long);
    found.unwrap_or_else(|| Duration::from_secs(86_400 * total.as_secs().div_ceil(8 * 86_400)))
}

/// A time on the line above the rows: of a round one no more than needs to be said.
fn write_tick(at: Duration) -> String {
    let seconds = at.as_secs();
    match (at.subsec_millis(), seconds % 60, seconds % 3_600) {
        (0, _, 0) if seconds > 0 => format!("{}h", seconds / 3_600),
        (0, 0, _) if (60..3_600).contains(&seconds) => format!("{}m", seconds / 60),
        (0, _, _) if seconds < 60 => format!("{seconds}s"),
        _ => write_length(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_any_length_has_a_few_ticks() {
        let cases = [
            // so many seconds, a tick each, written
            (1, 200, "0.2s"),
            (20, 5_000, "5s"),
            (300, 60_000, "1m"),
            (5_400, 900_000, "15m"),
            (43_200, 7_200_000, "2h"),
            (864_000, 172_800_000, "48h"),
        ];
        for (seconds, milliseconds, written) in cases {
            let step = tick(Duration::from_secs(seconds));
            assert_eq!(step, Duration::from_millis(milliseconds), "{seconds}");
            assert_eq!(write_tick(step), written);
        }
    }

    #[test]
    fn nodes_to_which_the_same_happened_are_one_row() {
        let row = |node: &str, to: u64, text: &str| Row {
            nodes: std::iter::once(NodeName::from(node)).collect(),
            shapes: vec![Shape {
                kind: Kind::Bar,
                from: Duration::ZERO,
                to: Duration::from_millis(to),
                tone: Tone::Good,
                text: text.to_owned(),
            }],
        };
        let rows = vec![
            row("n1", 100, "a"),
            row("n2", 101, "a"),
            row("n3", 900, "a"),
            row("n4", 100, "b"),
            row("n5", 100, "a"),
        ];
        let folded = fold_rows(rows, Duration::from_millis(10));
        let names: Vec<String> = folded.iter().map(|row| row.nodes.to_string()).collect();
        assert_eq!(names, ["n[1-2,5]", "n3", "n4"]);
    }
}
