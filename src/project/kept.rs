use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use jiff::Timestamp;

use super::ProjectError;
use super::load::describe_failure;

/// How much of a runbook's title is part of a folder's name, in letters.
const LONGEST_TITLE: usize = 60;

/// What is kept of one run: a folder of its own under the user's folder for state, which nobody
/// else can read.
///
/// # Source
///
/// XDG Base Directory Specification, `$XDG_STATE_HOME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// The time now, for people of all time zones: `2026-11-28 07:31:05Z`.
pub fn write_now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The file of the prompt's history, under the user's folder for state; `None` where there is no such folder.
pub fn history_file() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(state.join("quorate").join("history"))
}

impl RunFolder {
    /// Makes the folder of a run that begins now.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NotKept`] when the system does not let it.
    pub fn make(title: &str) -> Result<RunFolder, ProjectError> {
        let base = etcetera::choose_base_strategy().map_err(|error| ProjectError::NotKept {
            path: "the folder for state".to_owned(),
            why: error.to_string(),
        })?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        let runs = state.join("quorate").join("runs");
        RunFolder::make_in(&runs, title).map_err(|error| ProjectError::NotKept {
            path: runs.display().to_string(),
            why: describe_failure(&error),
        })
    }

    fn make_in(runs: &Path, title: &str) -> io::Result<RunFolder> {
        let mut private = DirBuilder::new();
        private.mode(0o700);
        private.recursive(true).create(runs)?;
        let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        // A title may hold what no file's name can.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let title: String = title
            .chars()
            .map(|letter| if is_plain(letter) { letter } else { '_' })
            .take(LONGEST_TITLE)
            .collect();
        let name = match title.is_empty() {
            true => format!("{stamp}-{}", std::process::id()),
            false => format!("{stamp}-{title}-{}", std::process::id()),
        };
        let path = runs.join(name);
        private.recursive(false).create(&path)?;
        private.create(path.join("output"))?;
        Ok(RunFolder { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is called.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The folder for output that is too much for memory.
    pub fn output(&self) -> PathBuf {
        self.path.join("output")
    }

    /// Opens the file for the run's events.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NotKept`] when the system does not let it.
    pub fn open_events(&self) -> Result<File, ProjectError> {
        let path = self.path.join("events.jsonl");
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        opened.map_err(|error| ProjectError::NotKept {
            path: path.display().to_string(),
            why: describe_failure(&error),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_user_can_read_what_is_kept() {
        let state = tempfile::tempdir().expect("a folder");
        let runs = state.path().join("quorate").join("runs");
        let folder = RunFolder::make_in(&runs, "update-nodes").expect("it is made");
        folder.open_events().expect("it is opened");
        let mode = |path: &Path| {
            let entry = path.metadata().expect("it is there");
            entry.permissions().mode() & 0o777
        };
        assert_eq!(mode(&state.path().join("quorate")), 0o700);
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.output()), 0o700);
        assert_eq!(mode(&folder.path().join("events.jsonl")), 0o600);
        let name = folder
            .path()
            .file_name()
            .expect("it has a name")
            .to_string_lossy();
        let parts: Vec<&str> = name.splitn(2, '-').collect();
        assert_eq!((parts[0].len(), &parts[0][8..9]), (16, "T"), "{name}");
        assert_eq!(parts[1], format!("update-nodes-{}", std::process::id()));
    }
}
