use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;

use super::arguments::Color;
use crate::diagnostic::Style;

/// Why standard output takes nothing more.
#[derive(Debug)]
pub(super) enum Closed {
    /// It has no reader any more.
    NoReader,
    /// It cannot be written, and why: a full disk, for one.
    Failed(String),
}

impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Closed {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Closed::NoReader,
            _ => Closed::Failed(describe(&error)),
        }
    }
}

/// What the system says, without its number.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// Where something is written of a run that goes on when nobody takes it any more.
#[derive(Debug, Clone)]
pub(super) struct Output<W> {
    to: W,
    /// What is written, for people.
    what: &'static str,
    has_failed: Rc<Cell<bool>>,
}

impl<W> Output<W> {
    /// Writes `what`, in words such as `the report`.
    pub fn new(to: W, what: &'static str) -> Output<W> {
        Output {
            to,
            what,
            has_failed: Rc::default(),
        }
    }

    /// Whether something was lost, other than by a reader that went away; known also after the writing.
    pub fn failure(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.has_failed)
    }

    fn note<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done
            && error.kind() != io::ErrorKind::BrokenPipe
            && !self.has_failed.replace(true)
        {
            let (what, why) = (self.what, describe(error));
            say(&format!(
                "error: {what} cannot be written: {why}; the run goes on\n"
            ));
        }
        done
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.to.write(bytes);
        self.note(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.to.flush();
        self.note(done)
    }
}

/// Writes what was asked for.
///
/// # Errors
///
/// [`Closed`] when nobody takes it.
pub(super) fn print(text: &str) -> Result<(), Closed> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Closed::from)
}

/// Writes what is said about it, to standard error.
pub(super) fn say(text: &str) {
    // There is nobody to be told that nobody listens.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// How problems are drawn on standard error.
pub(super) fn error_style(color: Color) -> Style {
    if wants_color(color, io::stderr().is_terminal()) {
        Style::Coloured
    } else {
        Style::Plain
    }
}

/// Whether standard output is coloured.
pub(super) fn is_coloured(color: Color) -> bool {
    wants_color(color, io::stdout().is_terminal())
}

/// Whether what is going on can be drawn below the report: both go to a terminal that can wipe rows away.
pub(super) fn is_live() -> bool {
    io::stdout().is_terminal()
        && io::stderr().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| term != "dumb" && !term.is_empty())
}

/// # Source
///
/// <https://no-color.org> and <https://bixense.com/clicolors>.
fn wants_color(color: Color, is_terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR").is_some() => false,
        Color::Auto if is_set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => is_terminal,
    }
}
