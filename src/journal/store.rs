use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

use super::kept_file::{KeptFile, find_files};
use super::{Entry, JournalError, Opening};

/// The file of the journal in its folder.
pub(super) const FILE: &str = "journal.db";
/// The version of its form.
pub(super) const FORM: i64 = 1;
/// How long another process may hold the journal.
const BUSY: Duration = Duration::from_secs(5);
/// Texts longer than this are kept once, however often they come.
const LONG: usize = 400;
/// The key under which an entry names a long text by its hash.
const TEXT_KEY: &str = "$text";
/// Up to this size, in bytes, the whole file is looked through before it is written to.
const LOOKED_THROUGH: u64 = 32 << 20;

/// Its tables.
pub(super) const TABLES: [&str; 3] = [
    "CREATE TABLE run (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, is_imported INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE entry (run INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (run, number)) STRICT, WITHOUT ROWID",
    "CREATE TABLE long_text (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body TEXT NOT NULL) STRICT",
];

/// A link of the chain of entries.
pub(super) type Hash = [u8; 32];

/// All runs of a user: a database in a folder that nobody else can read.
///
/// Entries are only ever added. Each carries a hash of itself and of the entry before it, so that
/// none can be altered or taken out without a trace.
pub struct Journal {
    pub(super) connection: Connection,
    pub(super) folder: PathBuf,
}

impl Journal {
    /// Opens the journal in a folder; both are made where they are missing.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when that is not possible, or it is damaged.
    pub fn open(folder: &Path) -> Result<Journal, JournalError> {
        let not_opened = |why: String, is_damaged: bool| JournalError::NotOpened {
            path: folder.display().to_string(),
            why,
            is_damaged,
        };
        let failed = |error: rusqlite::Error| not_opened(describe(&error), is_damage(&error));
        prepare_folder(folder).map_err(|error| not_opened(describe_io(&error), false))?;
        let path = folder.join(FILE);
        let connection = Connection::open(&path).map_err(failed)?;
        let journal = Journal {
            connection,
            folder: folder.to_owned(),
        };
        journal.prepare().map_err(failed)?;
        let form = journal.form().map_err(failed)?;
        if form > FORM {
            return Err(not_opened("a newer quorate wrote it".to_owned(), false));
        }
        if path.metadata().is_ok_and(|entry| entry.len() <= LOOKED_THROUGH) {
            journal.look_through()?;
        }
        Ok(journal)
    }

    /// Opens the journal in a folder if there is one, to be read.
    ///
    /// # Errors
    ///
    /// [`JournalError`] when it is there and cannot be read.
    pub fn open_if_there(folder: &Path) -> Result<Option<Journal>, JournalError> {
        match folder.join(FILE).exists() {
            true => Journal::open(folder).map(Some),
            false => Ok(None),
        }
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        let connection = &self.connection;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "normal")?;
        if self.form()? == 0 {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {}; PRAGMA user_version = {FORM}; COMMIT",
                TABLES
                    .map(|table| table.replacen("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
                    .join("; ")
            ))?;
        }
        Ok(())
    }

    fn form(&self) -> rusqlite::Result<i64> {
        self.connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
    }

    fn look_through(&self) -> Result<(), JournalError> {
        let found: rusqlite::Result<String> =
            self.connection
                .pragma_query_value(None, "quick_check", |row| row.get(0));
        match found {
            Ok(word) if word == "ok" => Ok(()),
            Ok(why) => Err(self.damaged(&describe_check(&why))),
            Err(error) => Err(self.damaged(&describe(&error))),
        }
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of all runs, the oldest first.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when they cannot be read.
    pub fn runs(&self) -> Result<Vec<String>, JournalError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut asked = self
                .connection
                .prepare_cached("SELECT name FROM run ORDER BY number")?;
            asked.query_map([], |row| row.get(0))?.collect()
        };
        read().map_err(|error| self.damaged(&describe(&error)))
    }

    /// The entries of a run in order; empty when there is no such run.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when they cannot be read.
    pub fn entries(&self, run: &str) -> Result<Vec<Entry>, JournalError> {
        let bodies = self
            .bodies(run)
            .map_err(|error| self.damaged(&describe(&error)))?;
        bodies.iter().map(|(body, _)| self.read_entry(body)).collect()
    }

    /// The first entry of a run, unless there is no such run.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when it cannot be read.
    pub fn opening(&self, run: &str) -> Result<Option<Opening>, JournalError> {
        let body: Option<String> = self
            .connection
            .query_row(
                "SELECT body FROM entry JOIN run ON run.number = entry.run WHERE run.name = ?1 AND entry.number = 0",
                [run],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.damaged(&describe(&error)))?;
        match body.map(|body| self.read_entry(&body)).transpose()? {
            Some(Entry::Opened(opening)) => Ok(Some(*opening)),
            _ => Ok(None),
        }
    }

    /// The entries of a run as they are written, each with its hash.
    pub(super) fn bodies(&self, run: &str) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
        let mut asked = self.connection.prepare_cached(
            "SELECT body, hash FROM entry JOIN run ON run.number = entry.run WHERE run.name = ?1 ORDER BY entry.number",
        )?;
        asked
            .query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    pub(super) fn read_entry(&self, body: &str) -> Result<Entry, JournalError> {
        let mut value: serde_json::Value =
            serde_json::from_str(body).map_err(|error| self.damaged(&error.to_string()))?;
        self.fill_in(&mut value)?;
        serde_json::from_value(value).map_err(|error| self.damaged(&error.to_string()))
    }

    /// Puts long texts in the places that name them.
    fn fill_in(&self, value: &mut serde_json::Value) -> Result<(), JournalError> {
        match value {
            serde_json::Value::Object(map) => {
                if let (1, Some(serde_json::Value::String(hash))) = (map.len(), map.get(TEXT_KEY)) {
                    *value = serde_json::Value::String(self.long_text(hash)?);
                    return Ok(());
                }
                map.values_mut().try_for_each(|inner| self.fill_in(inner))
            }
            serde_json::Value::Array(items) => items.iter_mut().try_for_each(|inner| self.fill_in(inner)),
            _ => Ok(()),
        }
    }

    /// The long texts that an entry names.
    pub(super) fn texts_of(&self, body: &str) -> Result<Vec<String>, JournalError> {
        fn collect(value: &serde_json::Value, hashes: &mut Vec<String>) {
            match value {
                serde_json::Value::Object(map) => match (map.len(), map.get(TEXT_KEY)) {
                    (1, Some(serde_json::Value::String(hash))) => hashes.push(hash.clone()),
                    _ => map.values().for_each(|inner| collect(inner, hashes)),
                },
                serde_json::Value::Array(items) => items.iter().for_each(|inner| collect(inner, hashes)),
                _ => {}
            }
        }
        let value = serde_json::from_str(body).map_err(|error| self.damaged(&error.to_string()))?;
        let mut hashes = Vec::new();
        collect(&value, &mut hashes);
        hashes.iter().map(|hash| self.long_text(hash)).collect()
    }

    fn long_text(&self, hash: &str) -> Result<String, JournalError> {
        let asked = self
            .connection
            .prepare_cached("SELECT body FROM long_text WHERE hash = ?1");
        let text =
            asked.and_then(|mut asked| asked.query_row([read_hash(hash)], |row| row.get(0)).optional());
        match text {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(self.damaged(&format!("a text is missing, with the hash {hash}"))),
            Err(error) => Err(self.damaged(&describe(&error))),
        }
    }

    pub(super) fn damaged(&self, why: &str) -> JournalError {
        JournalError::Damaged {
            path: self.folder.display().to_string(),
            why: why.to_owned(),
        }
    }

    fn not_written(&self, error: &rusqlite::Error) -> JournalError {
        JournalError::NotWritten {
            path: self.folder.display().to_string(),
            why: describe(error),
        }
    }

    /// Opens a run with its first entry, which is on disk afterwards.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotWritten`] when that is not possible.
    pub fn begin(self, mut opening: Opening) -> Result<RunJournal, JournalError> {
        let name = opening.run.clone();
        let write = || -> rusqlite::Result<(i64, Hash)> {
            self.connection.pragma_update(None, "synchronous", "full")?;
            // Of two that begin at once, the second one follows the first.
            let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let before: Option<Vec<u8>> = transaction
                .query_row(
                    "SELECT hash FROM entry WHERE number = 0 ORDER BY run DESC LIMIT 1",
                    [],
                    |row| row.get(0),
                )
                .optional()?;
            opening.after = before.map(|hash| write_hash(&hash));
            let first = Pending::of(&Entry::Opened(Box::new(opening)), &[], &[0; 32]);
            transaction.execute("INSERT INTO run (name) VALUES (?1)", [&name])?;
            let run = transaction.last_insert_rowid();
            first.add(&transaction, run, 0)?;
            transaction.commit()?;
            Ok((run, first.hash))
        };
        let (run, last) = write().map_err(|error| self.not_written(&error))?;
        Ok(RunJournal::new(self, run, name, 1, last))
    }

    /// Goes on with a run that is there.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when it is not there, or cannot be read.
    pub fn go_on(self, name: &str) -> Result<RunJournal, JournalError> {
        let found = self.connection.query_row(
            "SELECT run.number, max(entry.number) + 1 FROM run JOIN entry ON entry.run = run.number WHERE run.name = ?1",
            [name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        let (run, next): (i64, i64) = found.map_err(|error| self.damaged(&describe(&error)))?;
        let last: rusqlite::Result<Hash> = self.connection.query_row(
            "SELECT hash FROM entry WHERE run = ?1 AND number = ?2",
            params![run, next - 1],
            |row| row.get(0),
        );
        let last = last.map_err(|error| self.damaged(&describe(&error)))?;
        Ok(RunJournal::new(self, run, name.to_owned(), next, last))
    }
}

/// The journal of one run, to be written.
pub struct RunJournal {
    journal: Journal,
    run: i64,
    name: String,
    next: i64,
    last: Hash,
    pending: Vec<Pending>,
    is_synced: bool,
}

/// An entry that is not written yet.
struct Pending {
    body: String,
    hash: Hash,
    texts: Vec<(Hash, String)>,
}

impl Pending {
    /// An entry that names these files, and follows one with this hash.
    fn of(entry: &Entry, files: &[KeptFile], before: &Hash) -> Pending {
        let mut value = serde_json::to_value(entry).expect("an entry has no map with odd keys");
        if !files.is_empty() {
            value["files"] = serde_json::json!(files);
        }
        let mut texts = Vec::new();
        take_out(&mut value, &mut texts);
        let body = value.to_string();
        let hash = link(before, &body);
        Pending { body, hash, texts }
    }

    fn add(&self, transaction: &Transaction<'_>, run: i64, number: i64) -> rusqlite::Result<()> {
        let mut add_text = transaction
            .prepare_cached("INSERT INTO long_text (hash, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        for (hash, text) in &self.texts {
            add_text.execute(params![hash, text])?;
        }
        let mut add = transaction
            .prepare_cached("INSERT INTO entry (run, number, body, hash) VALUES (?1, ?2, ?3, ?4)")?;
        add.execute(params![run, number, self.body, self.hash])?;
        Ok(())
    }
}

impl RunJournal {
    fn new(journal: Journal, run: i64, name: String, next: i64, last: Hash) -> RunJournal {
        RunJournal {
            journal,
            run,
            name,
            next,
            last,
            pending: Vec::new(),
            is_synced: false,
        }
    }

    /// The run's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The journal that it is part of.
    pub fn whole(&self) -> &Journal {
        &self.journal
    }

    /// Whether entries wait to be written.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Adds an entry; it is written with the next [`RunJournal::commit`].
    pub fn push(&mut self, entry: &Entry) {
        let files = find_files(&self.journal.folder, &self.name, entry);
        let pending = Pending::of(entry, &files, &self.last);
        self.last = pending.hash;
        self.pending.push(pending);
    }

    /// Writes what waits: what is written survives the end of this process, and when it is synced
    /// also that of the machine.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotWritten`] when that is not possible; what waits goes on waiting.
    pub fn commit(&mut self, is_synced: bool) -> Result<(), JournalError> {
        if self.pending.is_empty() && self.is_synced >= is_synced {
            return Ok(());
        }
        let written = self.write(is_synced);
        written.map_err(|error| self.journal.not_written(&error))?;
        self.next += self.pending.len() as i64;
        self.pending.clear();
        self.is_synced = is_synced;
        Ok(())
    }

    fn write(&self, is_synced: bool) -> rusqlite::Result<()> {
        let connection = &self.journal.connection;
        let level = if is_synced { "full" } else { "normal" };
        connection.pragma_update(None, "synchronous", level)?;
        let transaction = connection.unchecked_transaction()?;
        for (number, pending) in (self.next..).zip(&self.pending) {
            pending.add(&transaction, self.run, number)?;
        }
        if self.pending.is_empty() {
            // What was written without a sync is synced with the next page that is.
            transaction.execute("UPDATE run SET name = name WHERE number = ?1", [self.run])?;
        }
        transaction.commit()
    }

    /// Ends the writing: everything is on disk afterwards.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotWritten`] when that is not possible.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.commit(true)?;
        self.journal.seal()
    }
}

/// Takes long texts out of an entry, each to be kept under its hash.
fn take_out(value: &mut serde_json::Value, texts: &mut Vec<(Hash, String)>) {
    match value {
        serde_json::Value::String(text) if text.len() > LONG => {
            let hash: Hash = Sha256::digest(text.as_bytes()).into();
            let text = std::mem::take(text);
            *value = serde_json::json!({ TEXT_KEY: write_hash(&hash) });
            texts.push((hash, text));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|inner| take_out(inner, texts)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|inner| take_out(inner, texts)),
        _ => {}
    }
}

/// The hash of an entry: of the one before it and its own text.
pub(super) fn link(before: &Hash, body: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(body.as_bytes());
    hasher.finalize().into()
}

pub(super) fn write_hash(hash: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(hash)
}

pub(super) fn read_hash(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER
        .decode(text.as_bytes())
        .unwrap_or_default()
}

/// Makes the folder and an empty file, which nobody else can read; a folder that is there already
/// and may be written by its group is shared by it, and so is the file.
fn prepare_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(FILE);
    if !path.exists() {
        let made: std::io::Result<File> = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        made?;
        share_file(folder, &path);
    }
    Ok(())
}

/// Whether the folder of a journal is shared by its group.
pub fn is_shared(folder: &Path) -> bool {
    fs::metadata(folder).is_ok_and(|entry| entry.mode() & 0o020 != 0)
}

/// Lets the group write to a file of a journal that it shares.
pub fn share_file(folder: &Path, file: &Path) {
    if is_shared(folder) {
        // One that somebody else has made is theirs.
        let _ = fs::set_permissions(file, fs::Permissions::from_mode(0o660));
    }
}

pub(super) fn describe_io(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

pub(super) fn describe(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, said) => match code.code {
            rusqlite::ErrorCode::DiskFull => "the disk is full".to_owned(),
            rusqlite::ErrorCode::ReadOnly => "it may only be read".to_owned(),
            rusqlite::ErrorCode::CannotOpen => "it cannot be opened".to_owned(),
            rusqlite::ErrorCode::NotADatabase => "it is no database".to_owned(),
            rusqlite::ErrorCode::DatabaseCorrupt => "parts of the database do not fit together".to_owned(),
            rusqlite::ErrorCode::DatabaseBusy => "another process holds it".to_owned(),
            _ => said.clone().unwrap_or_else(|| code.to_string()),
        },
        other => other.to_string(),
    }
}

/// Whether an error says that the file is not what was written.
fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt)
    )
}

/// What a check of the database has found, in words; it heads its list by the name that it has for the file.
pub(super) fn describe_check(said: &str) -> String {
    let first = said.lines().find(|line| !line.starts_with("***"));
    format!(
        "parts of the database do not fit together ({})",
        first.unwrap_or(said).trim()
    )
}
