use rusqlite::params;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::JournalError;
use super::store::{Hash, Journal, describe, link, read_hash, write_hash};

/// The first line of a run that is handed over.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The version of this form.
    quorate_run: u32,
    /// The run's name.
    run: String,
}

/// A further line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A long text that entries name by its hash.
    Text(String),
    /// An entry as it is written, with its hash.
    Entry { body: String, hash: String },
}

/// The longest name of a run, in bytes.
const LONGEST_NAME: usize = 100;
/// The version of the form that is written.
const FORM: u32 = 1;

impl Journal {
    /// Writes a run as text, one JSON object a line, to be taken in by another journal.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when it cannot be read, or was altered.
    pub fn export(&self, run: &str) -> Result<String, JournalError> {
        let bodies = self
            .bodies(run)
            .map_err(|error| self.damaged(&describe(&error)))?;
        let mut lines = vec![write_line(&Head {
            quorate_run: FORM,
            run: run.to_owned(),
        })];
        let mut last: Hash = [0; 32];
        for (number, (body, hash)) in bodies.iter().enumerate() {
            last = link(&last, body);
            if last[..] != hash[..] {
                return Err(self.damaged(&format!("entry {number} of {run} is not what was written")));
            }
            for text in self.texts_of(body)? {
                lines.push(write_line(&Line::Text(text)));
            }
            lines.push(write_line(&Line::Entry {
                body: body.clone(),
                hash: write_hash(hash),
            }));
        }
        Ok(lines.concat())
    }

    /// Takes in a run that another journal wrote; its name.
    ///
    /// A run that is here already is continued, if what is here is its beginning.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotTakenIn`] when the text is none of a run, was altered, or the run went on
    /// here in another way.
    pub fn import(&self, text: &str) -> Result<String, JournalError> {
        let (run, texts, bodies) = read_run(text).map_err(|why| JournalError::NotTakenIn { why })?;
        let known = self
            .bodies(&run)
            .map_err(|error| self.damaged(&describe(&error)))?;
        let is_beginning = known
            .iter()
            .zip(&bodies)
            .all(|((_, here), (_, there))| here[..] == there[..]);
        if !is_beginning {
            let why = format!("the run {run} went on in this journal in another way");
            return Err(JournalError::NotTakenIn { why });
        }
        let write = || -> rusqlite::Result<rusqlite::Transaction<'_>> {
            let transaction = self.connection.unchecked_transaction()?;
            if known.is_empty() {
                transaction.execute("INSERT INTO run (name, is_imported) VALUES (?1, 1)", [&run])?;
            }
            let number: i64 =
                transaction.query_row("SELECT number FROM run WHERE name = ?1", [&run], |row| row.get(0))?;
            for text in &texts {
                let hash: Hash = Sha256::digest(text.as_bytes()).into();
                transaction.execute(
                    "INSERT INTO long_text (hash, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![hash, text],
                )?;
            }
            for (place, (body, hash)) in bodies.iter().enumerate().skip(known.len()) {
                transaction.execute(
                    "INSERT INTO entry (run, number, body, hash) VALUES (?1, ?2, ?3, ?4)",
                    params![number, place as i64, body, hash],
                )?;
            }
            Ok(transaction)
        };
        let not_written = |error: rusqlite::Error| JournalError::NotWritten {
            path: self.folder.display().to_string(),
            why: describe(&error),
        };
        let transaction = write().map_err(not_written)?;
        // What cannot be read is not taken in: it would stand in the way of all other runs.
        for (body, _) in &bodies {
            if let Err(JournalError::Damaged { why, .. }) = self.read_entry(body) {
                return Err(JournalError::NotTakenIn { why });
            }
        }
        transaction.commit().map_err(not_written)?;
        Ok(run)
    }
}

/// The name, the long texts and the entries of a run that is handed over.
type Run = (String, Vec<String>, Vec<(String, Hash)>);

/// Reads a run; what is wrong with it, in words.
fn read_run(text: &str) -> Result<Run, String> {
    let no_run = "it is no run that `quorate export` wrote";
    let mut lines = text.lines();
    let head: Option<Head> = lines.next().and_then(|line| serde_json::from_str(line).ok());
    let head = head.ok_or(no_run)?;
    if head.quorate_run != FORM {
        return Err("a newer quorate wrote it".to_owned());
    }
    let (mut texts, mut bodies, mut last) = (Vec::new(), Vec::new(), [0; 32]);
    for (number, line) in lines.enumerate() {
        let number = number + 2;
        match serde_json::from_str(line) {
            Ok(Line::Text(text)) => texts.push(text),
            Ok(Line::Entry { body, hash }) => {
                last = link(&last, &body);
                if last[..] != read_hash(&hash)[..] {
                    return Err(format!("line {number} is not what was written"));
                }
                bodies.push((body, last));
            }
            Err(_) => return Err(format!("line {number} is cut off or altered")),
        }
    }
    let first = bodies.first().map(|(body, _)| serde_json::from_str(body));
    // A long text in the opening stands as its hash, so that only its name is looked at.
    let name = first.and_then(|value: Result<serde_json::Value, _>| value.ok());
    let name = name.and_then(|value| value.get("run").and_then(|run| run.as_str().map(str::to_owned)));
    match name {
        Some(name) if name == head.run && is_run_name(&name) => Ok((head.run, texts, bodies)),
        _ => Err(no_run.to_owned()),
    }
}

/// Whether a run can be called so: the name becomes that of files.
fn is_run_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    name.len() <= LONGEST_NAME
        && name.starts_with(|letter: char| letter.is_ascii_digit())
        && name.chars().all(is_plain)
}

fn write_line(line: &impl Serialize) -> String {
    let mut text = serde_json::to_string(line).expect("a line has no map with odd keys");
    text.push('\n');
    text
}
