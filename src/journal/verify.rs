use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store::{
    FILE, FORM, Hash, Journal, TABLES, describe, describe_io, link, read_hash, share_file, write_hash,
};
use super::{Entry, JournalError};

/// The file beside the journal that says how it was left.
const SEAL: &str = "journal.seal";

/// How the journal was left when a run had ended and nobody else wrote to it.
#[derive(Serialize, Deserialize)]
struct Seal {
    /// Of the file, in bytes.
    size_bytes: u64,
    /// Of the whole file.
    sha256: String,
    /// How many runs and entries there were.
    runs: usize,
    entries: usize,
}

/// What is found of a journal when it is looked through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// How many runs there are.
    pub runs: usize,
    /// How many entries.
    pub entries: usize,
    /// What is wrong, each in words; empty: nothing was altered.
    pub faults: Vec<String>,
    /// Whether the file as a whole could be compared with how it was left; not while a run writes
    /// to it, nor after one that was broken off.
    pub is_sealed: bool,
}

impl Journal {
    /// Writes down how the file was left, unless somebody else still writes to it.
    pub(super) fn seal(self) -> Result<(), JournalError> {
        let folder = self.folder.clone();
        let failed = |why: String| JournalError::NotWritten {
            path: folder.display().to_string(),
            why,
        };
        let count = |table: &str| -> rusqlite::Result<i64> {
            let asked = format!("SELECT count(*) FROM {table}");
            self.connection.query_row(&asked, [], |row| row.get(0))
        };
        let counted = || Ok((count("run")? as usize, count("entry")? as usize));
        let (runs, entries) = counted().map_err(|error| failed(describe(&error)))?;
        let busy: rusqlite::Result<i64> =
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        if busy.map_err(|error| failed(describe(&error)))? != 0 {
            return Ok(());
        }
        let (file, seal) = (folder.join(FILE), folder.join(SEAL));
        let write = || -> std::io::Result<()> {
            let (size_bytes, sha256) = digest(&file)?;
            let seal_text = serde_json::to_string(&Seal {
                size_bytes,
                sha256,
                runs,
                entries,
            })?;
            let new = folder.join(format!("{SEAL}.{}", std::process::id()));
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(seal_text.as_bytes())?;
            share_file(&folder, &new);
            fs::rename(&new, &seal)
        };
        write().map_err(|error| failed(describe_io(&error)))
    }

    /// Looks through everything: the database, the chain of each run, and the file as a whole.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when it cannot be read at all.
    pub fn verify(&self) -> Result<Verification, JournalError> {
        let mut found = Verification::default();
        self.verify_database(&mut found);
        let mut before: Option<String> = None;
        for run in self.runs()? {
            found.runs += 1;
            // A run that came from elsewhere follows one that is elsewhere.
            let expected = match self.is_imported(&run) {
                true => None,
                false => Some(before.as_deref()),
            };
            before = self.verify_run(&run, expected, &mut found);
        }
        self.verify_texts(&mut found);
        self.verify_seal(&mut found)?;
        Ok(found)
    }

    /// Follows the chain of one run.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when an entry is not what was written.
    pub fn check_chain(&self, run: &str) -> Result<(), JournalError> {
        let mut found = Verification::default();
        self.verify_run(run, None, &mut found);
        match found.faults.first() {
            Some(fault) => Err(self.damaged(fault)),
            None => Ok(()),
        }
    }

    fn is_imported(&self, run: &str) -> bool {
        let asked = "SELECT is_imported FROM run WHERE name = ?1";
        let is_imported = self.connection.query_row(asked, [run], |row| row.get(0));
        is_imported.unwrap_or(false)
    }

    fn verify_database(&self, found: &mut Verification) {
        let check = || -> rusqlite::Result<Vec<String>> {
            let mut asked = self.connection.prepare("PRAGMA integrity_check")?;
            asked.query_map([], |row| row.get(0))?.collect()
        };
        match check() {
            Ok(lines) if lines == ["ok"] => {}
            Ok(lines) => found
                .faults
                .extend(lines.iter().map(|line| format!("the database: {line}"))),
            Err(error) => found.faults.push(format!("the database: {}", describe(&error))),
        }
        let form: rusqlite::Result<i64> = self
            .connection
            .pragma_query_value(None, "user_version", |row| row.get(0));
        if form != Ok(FORM) {
            found
                .faults
                .push(format!("the form of the journal is not {FORM}"));
        }
        let tables = || -> rusqlite::Result<Vec<String>> {
            let mut asked = self
                .connection
                .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?;
            asked.query_map([], |row| row.get(0))?.collect()
        };
        if tables().is_ok_and(|tables| tables != TABLES) {
            found
                .faults
                .push("the tables are not those of a journal".to_owned());
        }
    }

    /// Follows the chain of a run, which must follow the run before it; gives the hash of its first entry.
    fn verify_run(
        &self,
        run: &str,
        before: Option<Option<&str>>,
        found: &mut Verification,
    ) -> Option<String> {
        let bodies = match self.bodies(run) {
            Ok(bodies) => bodies,
            Err(error) => {
                found.faults.push(format!("run {run}: {}", describe(&error)));
                return None;
            }
        };
        let mut last: Hash = [0; 32];
        let mut first = None;
        for (number, (body, hash)) in bodies.iter().enumerate() {
            found.entries += 1;
            last = link(&last, body);
            if last[..] != hash[..] {
                found.faults.push(format!(
                    "run {run}: entry {number} is not what was written, or one before it is missing"
                ));
                return bodies.first().map(|(_, hash)| write_hash(hash));
            }
            first.get_or_insert_with(|| write_hash(hash));
            match self.read_entry(body) {
                Ok(Entry::Opened(opening)) if number == 0 => {
                    if opening.run != run || before.is_some_and(|before| opening.after.as_deref() != before) {
                        found.faults.push(format!(
                            "run {run}: a run before it is missing, or its name was altered"
                        ));
                    }
                }
                Ok(_) if number == 0 => found
                    .faults
                    .push(format!("run {run}: its first entry is missing")),
                Ok(_) => {}
                Err(JournalError::Damaged { why, .. }) => {
                    found.faults.push(format!("run {run}: entry {number}: {why}"));
                }
                Err(error) => found.faults.push(format!("run {run}: entry {number}: {error}")),
            }
        }
        if first.is_none() {
            found.faults.push(format!("run {run}: it has no entries"));
        }
        first
    }

    fn verify_texts(&self, found: &mut Verification) {
        let read = || -> rusqlite::Result<Vec<(Vec<u8>, String)>> {
            let mut asked = self.connection.prepare("SELECT hash, body FROM long_text")?;
            asked
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        match read() {
            Ok(texts) => {
                for (hash, text) in texts {
                    if Sha256::digest(text.as_bytes())[..] != hash[..] {
                        found
                            .faults
                            .push(format!("the text {} is not what was written", write_hash(&hash)));
                    }
                }
            }
            Err(error) => found.faults.push(format!("the long texts: {}", describe(&error))),
        }
    }

    fn verify_seal(&self, found: &mut Verification) -> Result<(), JournalError> {
        let (file, seal) = (self.folder.join(FILE), self.folder.join(SEAL));
        let mut log: PathBuf = file.clone();
        log.as_mut_os_string().push("-wal");
        // What was written since then makes the seal an old one.
        let is_written_to = log.metadata().is_ok_and(|entry| entry.len() > 0);
        let Ok(text) = fs::read_to_string(&seal) else {
            return Ok(());
        };
        if is_written_to {
            return Ok(());
        }
        let left: Option<Seal> = serde_json::from_str(&text).ok();
        // A run that was broken off since then has left no seal of its own.
        if left
            .as_ref()
            .is_some_and(|left| (left.runs, left.entries) != (found.runs, found.entries))
        {
            return Ok(());
        }
        let (size_bytes, sha256) = digest(&file).map_err(|error| self.damaged(&describe_io(&error)))?;
        found.is_sealed = true;
        match left {
            Some(left) if left.size_bytes == size_bytes && read_hash(&left.sha256) == read_hash(&sha256) => {}
            Some(_) => found
                .faults
                .push(format!("{} is not byte for byte as it was left", file.display())),
            None => found.faults.push(format!("{} cannot be read", seal.display())),
        }
        Ok(())
    }
}

/// The size of a file in bytes, and its hash.
fn digest(path: &std::path::Path) -> std::io::Result<(u64, String)> {
    let mut file = fs::File::open(path)?;
    let (mut hasher, mut size, mut part) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut part)?;
        if count == 0 {
            return Ok((size, write_hash(&hasher.finalize())));
        }
        size += count as u64;
        hasher.update(&part[..count]);
    }
}
