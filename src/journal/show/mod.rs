//! A run as it is told of afterwards, from what was kept of it.

mod document;
mod history;
mod html;
mod human;
mod markdown;
mod moment;
mod picture;
mod story;
mod timeline;

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Account, RunState};

pub use history::{HistoryRow, describe_history, write_history};
pub use human::describe_account;

/// Writes all that was kept of a run as one JSON object.
pub fn write_account(account: &Account) -> Value {
    let entries = account.entries.iter().map(|(number, entry)| {
        let mut written = serde_json::to_value(entry).unwrap_or_default();
        if let Value::Object(fields) = &mut written {
            fields.insert("number".to_owned(), json!(number));
        }
        written
    });
    let entries: Vec<Value> = entries.collect();
    json!({
        "opening": account.opening,
        "state": write_state(&account.state),
        "entries": entries,
    })
}

/// Writes what is to be said of a run after the event, as Markdown.
pub fn write_markdown(account: &Account) -> String {
    markdown::write_markdown(&story::tell_story(account))
}

/// Writes the same as one page of HTML, with a picture of the run.
pub fn write_html(account: &Account) -> String {
    html::write_html(&story::tell_story(account), &picture::draw_picture(account))
}

/// What became of a run, in JSON.
fn write_state(state: &RunState) -> Value {
    match state {
        RunState::Ended { exit_code, words } => {
            json!({ "state": "ended", "exit_code": exit_code, "words": words })
        }
        RunState::Alive => json!({ "state": "alive", "words": state.words() }),
        RunState::BrokenOff => json!({ "state": "broken_off", "words": state.words() }),
    }
}

/// The SHA-256 of a text, as `sha256sum` writes it.
fn hash_text(text: &str) -> String {
    let mut written = String::new();
    for byte in Sha256::digest(text) {
        // Writing to a String cannot fail.
        let _ = write!(written, "{byte:02x}");
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_the_system() {
        assert_eq!(
            hash_text("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
