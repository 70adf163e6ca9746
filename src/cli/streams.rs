use std::io::{self, IsTerminal, Write};

use super::arguments::Color;
use crate::diagnostic::Style;

/// Standard output has no reader any more, or takes nothing more.
#[derive(Debug)]
pub(super) struct Closed;

/// Writes what was asked for.
///
/// # Errors
///
/// [`Closed`] when nobody takes it.
pub(super) fn print(text: &str) -> Result<(), Closed> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|_| Closed)
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

/// Whether standard output is a terminal on which a line can be written anew.
pub(super) fn is_live() -> bool {
    io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
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
