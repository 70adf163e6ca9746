use std::fmt;
use std::sync::Arc;

use miette::NamedSource;

use crate::inventory::InventoryError;

/// The files and programs round an inventory, handed in by whoever may touch them.
pub trait Surroundings {
    /// What stands at `path`.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NotRead`] when the system does not let it be looked at.
    fn look(&self, path: &str) -> Result<Found, InventoryError>;

    /// The text of the file at `path`.
    ///
    /// # Errors
    ///
    /// [`InventoryError::NotRead`] when it cannot be read, is too large or is no UTF-8.
    fn text(&self, path: &str) -> Result<String, InventoryError>;

    /// What the program at `path` prints when it is given `arguments`.
    ///
    /// # Errors
    ///
    /// [`InventoryError::ProgramFailed`] when it cannot be started, ends with another status
    /// than 0, or takes too long.
    fn run(&self, path: &str, arguments: &[&str]) -> Result<String, InventoryError>;
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A file.
    File {
        /// Whether it may be carried out.
        is_executable: bool,
    },
    /// A folder, with the names of what is in it, in order.
    Folder(Vec<String>),
}

/// A text that is read, with its name for the errors.
#[derive(Clone)]
pub(super) struct Source(Arc<NamedSource<String>>);

impl Source {
    pub fn new(name: &str, text: impl Into<String>) -> Source {
        Source(Arc::new(NamedSource::new(name, text.into())))
    }

    pub fn name(&self) -> &str {
        self.0.name()
    }

    pub fn text(&self) -> &str {
        self.0.inner()
    }

    /// The place of `part`, which must be a piece of this text; else the place is its beginning.
    pub fn place_of(&self, part: &str) -> Place {
        let start = (part.as_ptr() as usize).wrapping_sub(self.text().as_ptr() as usize);
        match start <= self.text().len() {
            true => self.place(start, part.len()),
            false => self.place(0, 0),
        }
    }

    pub fn place(&self, start: usize, length: usize) -> Place {
        Place {
            source: self.clone(),
            start,
            length,
        }
    }

    /// Its first line, for what is wrong with the whole.
    pub fn beginning(&self) -> Place {
        let line = self.text().lines().next().unwrap_or_default();
        self.place(0, line.len())
    }
}

/// A place in a text, in bytes.
#[derive(Clone)]
pub(super) struct Place {
    source: Source,
    start: usize,
    length: usize,
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}+{}", self.source.name(), self.start, self.length)
    }
}

impl Place {
    /// What stands there.
    pub fn written(&self) -> &str {
        let text = self.source.text();
        text.get(self.start..self.start + self.length).unwrap_or_default()
    }

    /// The error that what stands here cannot be taken: why, and what to do about it.
    pub fn refuse(&self, why: impl Into<String>, help: impl Into<String>) -> InventoryError {
        let help = help.into();
        InventoryError::Refused {
            why: why.into(),
            help: (!help.is_empty()).then_some(help),
            file: self.source.0.clone(),
            at: (self.start, self.length).into(),
        }
    }

    /// The error that a set of nodes, written here, is not well formed.
    pub fn locate(&self, error: InventoryError) -> InventoryError {
        match error {
            InventoryError::NodeSet { text, why, at } => {
                let start = self.written().find(&text).unwrap_or(0);
                let at = match self.written().is_empty() || text.is_empty() {
                    true => (self.start, self.length),
                    false => (self.start + start + at.offset(), at.len()),
                };
                InventoryError::WrittenSet {
                    text,
                    why,
                    file: self.source.0.clone(),
                    at: at.into(),
                }
            }
            InventoryError::SharedName {
                name, first, second, ..
            } => InventoryError::SharedName {
                name,
                first,
                second,
                file: Some(self.source.0.clone()),
                at: Some((self.start, self.length).into()),
            },
            InventoryError::BadName { what, name, why, .. } => InventoryError::BadName {
                what,
                name,
                why,
                file: Some(self.source.0.clone()),
                at: Some((self.start, self.length).into()),
            },
            other => other,
        }
    }

    /// The error that a group holds itself.
    pub fn refuse_cycle(&self, group: &str, chain: &[&str]) -> InventoryError {
        InventoryError::CyclicGroup {
            group: group.to_owned(),
            chain: chain.join(", "),
            file: self.source.0.clone(),
            at: (self.start, self.length).into(),
        }
    }
}
