use super::{Entry, JournalError, RunJournal};

/// Where the entries of one run are written down.
pub trait Pages {
    /// The run's name.
    fn name(&self) -> &str;

    /// Adds an entry; it is written with the next [`Pages::commit`].
    fn push(&mut self, entry: &Entry);

    /// Whether entries wait to be written.
    fn has_pending(&self) -> bool;

    /// Writes what waits.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotWritten`] when that is not possible; what waits goes on waiting.
    fn commit(&mut self, is_synced: bool) -> Result<(), JournalError>;

    /// All entries so far.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when they cannot be read.
    fn entries(&self) -> Result<Vec<Entry>, JournalError>;
}

impl Pages for RunJournal {
    fn name(&self) -> &str {
        RunJournal::name(self)
    }

    fn push(&mut self, entry: &Entry) {
        RunJournal::push(self, entry);
    }

    fn has_pending(&self) -> bool {
        RunJournal::has_pending(self)
    }

    fn commit(&mut self, is_synced: bool) -> Result<(), JournalError> {
        RunJournal::commit(self, is_synced)
    }

    fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        self.whole().entries(RunJournal::name(self))
    }
}

/// The journal of a run that is only rehearsed: it lives in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryPages {
    entries: Vec<Entry>,
}

impl Pages for MemoryPages {
    fn name(&self) -> &'static str {
        "rehearsal"
    }

    fn push(&mut self, entry: &Entry) {
        self.entries.push(entry.clone());
    }

    fn has_pending(&self) -> bool {
        false
    }

    fn commit(&mut self, _is_synced: bool) -> Result<(), JournalError> {
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Entry>, JournalError> {
        Ok(self.entries.clone())
    }
}
