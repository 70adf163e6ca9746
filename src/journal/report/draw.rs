use std::io::Write;
use std::time::Duration;

use super::{Detail, LiveReport};
use crate::journal::gather::{Line, Mark};
use crate::journal::screen::{neutralise_text, write_length};
use crate::journal::wording::{MOST_LINES, draw_output, name_node};

impl<W: Write> LiveReport<'_, W> {
    /// Draws a line, its command and its output, each under the other.
    pub(super) fn draw(&self, nodes: Option<String>, line: &Line, took: Option<Duration>) -> String {
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
        let words = name_node(&line.words, &nodes);
        let said = match line.latest.is_empty() {
            true => line.said.clone(),
            false => name_node(&line.said, &nodes),
        };
        // What changes all the time stands before the rows, or it would pass for one of them.
        let (said, rows) = match said.find('\n') {
            Some(at) => said.split_at(at),
            None => (said.as_str(), ""),
        };
        let draw = |text: &str| neutralise_text(text).replace('\n', &format!("\n{margin}"));
        let (words, rows) = (draw(&format!("{words}{said}{}", line.latest)), draw(rows));
        let mut drawn = format!("{}{column}{mark} {words}{took}{rows}\n", paint.faint(&number));
        if let Some(command) = &line.command {
            let command = neutralise_text(command).replace('\n', &format!("\n{margin}  "));
            drawn.push_str(&format!("{margin}{}\n", paint.faint(&format!("$ {command}"))));
        }
        let most = match self.style.detail {
            Detail::Verbose => usize::MAX,
            Detail::Quiet | Detail::Usual => MOST_LINES,
        };
        let hint = if self.style.is_framed {
            "; -v shows all"
        } else {
            ""
        };
        drawn.push_str(&draw_output(&line.output, &margin, most, hint, paint));
        drawn
    }
}
