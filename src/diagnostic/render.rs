use miette::{GraphicalReportHandler, GraphicalTheme};
use textwrap::{WordSeparator, WordSplitter};

use super::{Problem, Problems, SourceMap};

/// A blank at which no row is broken.
const KEPT_BLANK: &str = "\u{a0}";

/// How problems are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Lines and colours, for a terminal.
    Coloured,
    /// Lines without colours.
    Plain,
}

/// Draws every problem in turn, a blank line between two.
pub fn render_problems(problems: &Problems, sources: &SourceMap, style: Style) -> String {
    let drawn: Vec<String> = problems
        .iter()
        .map(|problem| render_problem(problem, sources, style))
        .collect();
    drawn.join("\n")
}

/// Draws one problem: code, text, labelled source, help.
pub fn render_problem(problem: &Problem, sources: &SourceMap, style: Style) -> String {
    let theme = match style {
        Style::Coloured => GraphicalTheme::unicode(),
        Style::Plain => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        // Paths and commands are copied from here: they break at blanks alone.
        .with_word_separator(WordSeparator::AsciiSpace)
        .with_word_splitter(WordSplitter::NoHyphenation)
        .with_break_words(false)
        .with_links(false);
    let mut drawn = String::new();
    let located = Located { problem, sources };
    // Writing to a String cannot fail.
    let _ = handler.render_report(&mut drawn, &located);
    drawn.replace(KEPT_BLANK, " ")
}

/// A command line within a text that is drawn: it stays on one row, to be copied from there.
pub fn keep_on_one_row(command: &str) -> String {
    command.replace(' ', KEPT_BLANK)
}

/// Problems as a JSON array: code, severity, message, help, and each label's place.
pub fn render_json(problems: &Problems, sources: &SourceMap) -> serde_json::Value {
    let rows = problems.iter().map(|problem| {
        let labels: Vec<serde_json::Value> = problem
            .finding
            .labels()
            .into_iter()
            .flatten()
            .filter_map(|label| {
                let start = label.offset() as u32;
                let end = start + label.len() as u32;
                let from = sources.place(super::Span::new(start, end))?;
                let to = sources.place(super::Span::new(end, end))?;
                Some(serde_json::json!({
                    "file": from.file, "line": from.line, "column": from.column,
                    "end_line": to.line, "end_column": to.column,
                    "text": label.label().unwrap_or(""),
                }))
            })
            .collect();
        serde_json::json!({
            "code": problem.code(),
            "severity": if problem.is_error() { "error" } else { "warning" },
            "message": problem.finding.to_string(),
            "help": problem.finding.help().map(|help| help.to_string()),
            "labels": labels,
        })
    });
    rows.collect()
}

/// A finding together with the texts that its labels point into.
struct Located<'a> {
    problem: &'a Problem,
    sources: &'a SourceMap,
}

impl std::fmt::Debug for Located<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?}", self.problem.finding)
    }
}

impl std::fmt::Display for Located<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", self.problem.finding)
    }
}

impl std::error::Error for Located<'_> {}

impl miette::Diagnostic for Located<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.finding.code()
    }

    fn severity(&self) -> Option<miette::Severity> {
        self.problem.finding.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.finding.help()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.problem.finding.labels()
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        // What brings its own text along, as an inventory does, points into that.
        self.problem.finding.source_code().or(Some(self.sources))
    }
}
