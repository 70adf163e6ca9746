use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::kept_file::{digest, output_folder_of, read_files};
use super::store::{
    FILE, FORM, Hash, Journal, TABLES, describe, describe_check, describe_io, link, read_hash, share_file,
    write_hash,
};
use super::{Entry, JournalError, Record, RecordKind};

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
    /// How many files with output that is too long for an entry.
    pub files: usize,
    /// How many such files could not be compared: they lie on the machines that runs came from.
    pub files_elsewhere: usize,
    /// What is wrong, each in words; empty: nothing was altered.
    pub faults: Vec<String>,
    /// Whether the file as a whole was compared with how it was left.
    pub seal: SealState,
    /// Whether a run has come to its end.
    has_end: bool,
}

/// Whether the file of the journal as a whole was compared with how it was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SealState {
    /// It was.
    Compared,
    /// It was not: a run writes to it, or one was broken off, and has left no seal of its own.
    #[default]
    WrittenSince,
    /// It was not: no run has come to its end yet, and so none has left a seal.
    NoneYet,
    /// It was not: a run has come to its end, and its seal is not there.
    Missing,
}

/// Looks through the journal in a folder; `None` when there is none.
///
/// # Errors
///
/// [`JournalError`] when it cannot be opened; that it is damaged is no error here, but what was found.
pub fn verify_folder(folder: &Path) -> Result<Option<Verification>, JournalError> {
    let verified = match Journal::open_if_there(folder) {
        Ok(Some(journal)) => journal.verify().map(Some),
        Ok(None) if folder.join(SEAL).exists() => {
            let why = format!(
                "{} is missing, and its seal is there",
                folder.join(FILE).display()
            );
            Ok(Some(Verification::of_fault(why)))
        }
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    match verified {
        Err(
            JournalError::Damaged { why, .. }
            | JournalError::NotOpened {
                why,
                is_damaged: true,
                ..
            },
        ) => {
            let file = folder.join(FILE);
            let why = format!("the database {} is damaged: {why}", file.display());
            Ok(Some(Verification::of_fault(why)))
        }
        other => other,
    }
}

impl Verification {
    fn of_fault(fault: String) -> Verification {
        Verification {
            faults: vec![fault],
            ..Verification::default()
        }
    }
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
        // What a run writes from now on makes the seal an old one, and no false one.
        let seal = fs::read_to_string(self.folder.join(SEAL)).ok();
        self.verify_database(&mut found);
        let mut before: Option<String> = None;
        for run in self.runs()? {
            found.runs += 1;
            // A run that came from elsewhere follows one that is elsewhere.
            let is_imported = self.is_imported(&run);
            let expected = match is_imported {
                true => None,
                false => Some(before.as_deref()),
            };
            before = self.verify_run(&run, expected, &mut found);
            self.verify_files(&run, is_imported, &mut found);
        }
        self.verify_texts(&mut found);
        self.verify_seal(seal.as_deref(), &mut found)?;
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
            Ok(lines) => found.faults.extend(lines.iter().map(|line| describe_check(line))),
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
        found.entries += bodies.len();
        for (number, (body, hash)) in bodies.iter().enumerate() {
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
                Ok(entry) => found.has_end |= is_end(&entry),
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

    /// Compares the files with output that is too long for entries: those that were written on the machine
    /// on which the run was begun in this journal.
    fn verify_files(&self, run: &str, is_imported: bool, found: &mut Verification) {
        let folder = output_folder_of(&self.folder, run);
        // What cannot be read was found already.
        let bodies = self.bodies(run).unwrap_or_default();
        let (mut here, mut host) = (None, String::new());
        for (body, _) in &bodies {
            match self.read_entry(body) {
                Ok(Entry::Opened(opening)) => {
                    here = (!is_imported).then(|| opening.host.clone());
                    host = opening.host;
                }
                Ok(Entry::Resumed(resumption)) => host = resumption.host,
                _ => {}
            }
            for file in read_files(body) {
                match here.as_ref() == Some(&host) {
                    true => {
                        found.files += 1;
                        let fault = file.fault(&folder);
                        found
                            .faults
                            .extend(fault.map(|fault| format!("run {run}: {fault}")));
                    }
                    false => found.files_elsewhere += 1,
                }
            }
        }
    }

    /// Compares the file as a whole with how it was left; `seal` was read before anything else.
    fn verify_seal(&self, seal: Option<&str>, found: &mut Verification) -> Result<(), JournalError> {
        let (file, path) = (self.folder.join(FILE), self.folder.join(SEAL));
        let Some(text) = seal else {
            found.seal = match found.has_end {
                true => SealState::Missing,
                false => SealState::NoneYet,
            };
            return Ok(());
        };
        let Ok(left) = serde_json::from_str::<Seal>(text) else {
            found.faults.push(format!("{} cannot be read", path.display()));
            return Ok(());
        };
        // Entries are only ever added.
        if found.runs < left.runs || found.entries < left.entries {
            found.faults.push(format!(
                "there are {} runs and {} entries, and there were {} and {} when a run ended last: some were taken out",
                found.runs, found.entries, left.runs, left.entries
            ));
        }
        let mut log: PathBuf = file.clone();
        log.as_mut_os_string().push("-wal");
        let is_written_to = || log.metadata().is_ok_and(|entry| entry.len() > 0);
        // A run that was broken off since then has left no seal of its own.
        if is_written_to() || (left.runs, left.entries) != (found.runs, found.entries) {
            return Ok(());
        }
        let (size_bytes, sha256) = digest(&file).map_err(|error| self.damaged(&describe_io(&error)))?;
        let is_same = left.size_bytes == size_bytes && read_hash(&left.sha256) == read_hash(&sha256);
        let is_seal_left = fs::read_to_string(&path).is_ok_and(|now| now == text);
        if !is_same && (is_written_to() || !is_seal_left) {
            // A run has written meanwhile.
            return Ok(());
        }
        found.seal = SealState::Compared;
        if !is_same {
            found
                .faults
                .push(format!("{} is not byte for byte as it was left", file.display()));
        }
        Ok(())
    }
}

/// Whether a run has come to its end, so that it has left a seal.
fn is_end(entry: &Entry) -> bool {
    matches!(
        entry,
        Entry::Happened(Record {
            what: RecordKind::RunEnded { .. },
            ..
        })
    )
}
