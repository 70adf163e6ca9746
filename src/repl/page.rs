use super::speech::write_out;
use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};

use console::Term;

/// What pages when the environment does not say: it leaves short texts alone, and the screen as it was.
const PAGER: &str = "less -FRX";

/// Prints a text, a page at a time where the terminal has fewer rows.
pub(super) fn print_paged(text: &str) {
    let rows = usize::from(Term::stdout().size().0);
    let is_long = text.lines().count() + 2 > rows;
    if !(is_long && std::io::stdout().is_terminal() && page(text)) {
        write_out(text);
    }
}

/// Hands a text to the pager; whether there is one.
fn page(text: &str) -> bool {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| PAGER.to_owned());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next() else {
        return false;
    };
    let child = Command::new(program).args(words).stdin(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return false };
    if let Some(mut input) = child.stdin.take() {
        // A reader who has seen enough closes it early.
        let _ = input.write_all(text.as_bytes());
    }
    child.wait().is_ok_and(|status| status.success())
}

/// Has a text edited in `$VISUAL` or `$EDITOR`, and gives what became of it.
///
/// # Errors
///
/// Why it could not be edited.
pub(super) fn edit_text(text: &str) -> Result<String, String> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL")
        .or_else(|| named("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let mut file = tempfile::Builder::new()
        .suffix(".runbook")
        .tempfile()
        .map_err(|error| format!("no file can be made for it: {error}"))?;
    file.write_all(text.as_bytes())
        .map_err(|error| format!("it cannot be written: {error}"))?;
    // Editors are given with their flags, and shells read those.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "sh"])
        .arg(file.path())
        .status()
        .map_err(|error| format!("`{editor}` cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("`{editor}` ended with {status}; nothing was taken over"));
    }
    crate::project::read_text(file.path())
        .map(|(_, text)| text)
        .map_err(|error| error.to_string())
}
