//! What came back of a command, and what it means.

use std::sync::Arc;

use super::failure::Lost;
use super::text::MARK_BEGINS;
use crate::inventory::NodeName;
use crate::transport::capture::MarkedCapture;
use crate::transport::tee::TeedStream;
use crate::transport::{Outcome, Tee};

/// A command's streams and status as they came.
pub(super) struct Reply {
    pub output: MarkedCapture,
    pub errors: MarkedCapture,
    pub status: Option<i32>,
    /// Whether both streams were read to their ends.
    pub is_complete: bool,
}

/// The longest line that is shown of what a start-up file printed, in letters.
const LONGEST_LINE: usize = 200;

impl Reply {
    /// Waits for the mark on both streams.
    pub fn new(mark: &str, tee: &Arc<Tee>, node: Option<&NodeName>) -> Reply {
        Reply {
            output: MarkedCapture::new(mark, TeedStream::new(tee, node)),
            errors: MarkedCapture::new(mark, TeedStream::new(tee, node)),
            status: None,
            is_complete: false,
        }
    }

    /// Whether `sudo` refused to go on without a password.
    pub fn wants_password(&self) -> bool {
        self.is_complete
            && !self.output.is_begun()
            && self.errors.noise().lines().any(|line| line.starts_with("sudo:"))
    }

    /// The outcome of the command.
    ///
    /// # Errors
    ///
    /// [`Lost::NotRun`] when the login shell ended before the command began;
    /// [`Lost::Unknown`] when too little was read to tell.
    pub fn judge(mut self) -> Result<Outcome, Lost> {
        let Some(status) = self.status else {
            return Err(Lost::Unknown("the host told no status".to_owned()));
        };
        if self.output.is_begun() {
            return Ok(Outcome {
                status,
                output: self.output.text(),
                errors: self.errors.text(),
            });
        }
        if !self.is_complete {
            return Err(Lost::Unknown(
                "the login shell has printed so much that the command's output was not found".to_owned(),
            ));
        }
        let (errors, output) = (self.errors.noise(), self.output.noise());
        let said = [&errors, &output].into_iter().find_map(|said| last_words(said));
        let said = said.unwrap_or("it said nothing");
        let said: String = said.chars().take(LONGEST_LINE).collect();
        Err(Lost::NotRun(format!(
            "the login shell ended with status {status} before the command: {said}"
        )))
    }
}

/// The last line that says something; marks do not.
fn last_words(said: &str) -> Option<&str> {
    let mut lines = said.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with(MARK_BEGINS))
}
