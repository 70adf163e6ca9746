use std::cell::OnceCell;
use std::rc::Rc;

use super::{Entry, JournalError, Past, RunJournal};

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

    /// What is known from all entries so far.
    ///
    /// # Errors
    ///
    /// [`JournalError::Damaged`] when they cannot be read.
    fn past(&self) -> Result<Past, JournalError>;
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

    fn past(&self) -> Result<Past, JournalError> {
        Ok(Past::read(&self.whole().entries(RunJournal::name(self))?))
    }
}

/// The journal of a run that is only rehearsed: it lives in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryPages {
    entries: Vec<Rc<Entry>>,
    /// All that they say, without what the last resume has forgotten.
    past: Past,
    /// What is known from them, once that was asked.
    known: OnceCell<Past>,
}

impl MemoryPages {
    /// How many entries there are.
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// The beginnings of so many entries each, the shortest first.
    pub fn beginnings(&self, lengths: impl IntoIterator<Item = usize>) -> Vec<MemoryPages> {
        let mut pages = MemoryPages::default();
        let mut left = self.entries.iter();
        let lengths = lengths.into_iter();
        let cut = lengths.map(|length| {
            let missing = length.saturating_sub(pages.entry_count());
            left.by_ref().take(missing).for_each(|entry| pages.add(entry));
            pages.clone()
        });
        cut.collect()
    }

    /// Whether a resume goes by all of it, and measures nothing anew.
    pub fn is_all_known(&self) -> bool {
        let past = self.past();
        past.is_ok_and(|past| past.row_count() == self.past.row_count())
    }

    fn add(&mut self, entry: &Rc<Entry>) {
        self.known.take();
        self.past.take(self.entries.len(), entry);
        self.entries.push(Rc::clone(entry));
    }
}

impl Pages for MemoryPages {
    fn name(&self) -> &'static str {
        "rehearsal"
    }

    fn push(&mut self, entry: &Entry) {
        self.add(&Rc::new(entry.clone()));
    }

    fn has_pending(&self) -> bool {
        false
    }

    fn commit(&mut self, _is_synced: bool) -> Result<(), JournalError> {
        Ok(())
    }

    fn past(&self) -> Result<Past, JournalError> {
        let known = self.known.get_or_init(|| {
            let mut past = self.past.clone();
            past.forget_what_nothing_followed();
            past
        });
        Ok(known.clone())
    }
}
