use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use jiff::Timestamp;

use super::ProjectError;
use super::load::describe_failure;
use crate::journal::{
    Account, Entry, HandedOver, Journal, RunJournal, Verification, is_shared, output_folder_of, share_file,
    verify_folder,
};

/// The file of what tells this journal from all others.
const SIDE: &str = "journal.side";
/// How much of a runbook's title is part of a run's name, in letters.
const LONGEST_TITLE: usize = 40;
/// The folder of what shows that runs are alive.
const ALIVE: &str = "alive";

/// The time now, for people of all time zones: `2026-11-28 07:31:05Z`.
pub fn write_now() -> String {
    Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The user's folder for the state of quorate.
///
/// # Source
///
/// XDG Base Directory Specification, `$XDG_STATE_HOME`.
fn state_folder() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(state.join("quorate"))
}

/// The file of the prompt's history, under the user's folder for state; `None` where there is no such folder.
pub fn history_file() -> Option<PathBuf> {
    Some(state_folder()?.join("history"))
}

/// The folder of the journal: `$QUORATE_JOURNAL`, or one under the user's folder for state.
///
/// # Errors
///
/// [`ProjectError::NotKept`] when there is no such folder.
pub fn journal_folder() -> Result<PathBuf, ProjectError> {
    let named = std::env::var_os("QUORATE_JOURNAL").filter(|path| !path.is_empty());
    let folder = named
        .map(PathBuf::from)
        .or_else(|| Some(state_folder()?.join("journal")));
    folder.ok_or_else(|| ProjectError::NotKept {
        path: "the folder for state".to_owned(),
        why: "the user has no home".to_owned(),
    })
}

/// Who runs this: the user's name, and the machine's.
pub fn describe_self() -> (String, String) {
    let id = nix::unistd::getuid();
    let known = nix::unistd::User::from_uid(id).ok().flatten();
    let user = known.map_or_else(|| format!("uid {id}"), |user| user.name);
    let host = nix::unistd::gethostname().ok();
    let host = host.and_then(|host| host.into_string().ok());
    (user, host.unwrap_or_else(|| "unknown".to_owned()))
}

/// What tells the journal in a folder from all others, made up when it is asked for first: machines may have one
/// name, and one machine several journals.
///
/// # Errors
///
/// [`ProjectError::NotKept`] when it can be neither read nor written.
pub(super) fn name_side(journal: &Path) -> Result<String, ProjectError> {
    let file = journal.join(SIDE);
    let not_kept = |error: io::Error| ProjectError::NotKept {
        path: file.display().to_string(),
        why: describe_failure(&error),
    };
    if !file.exists() {
        let mut random = [0; 4];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut random))
            .map_err(not_kept)?;
        // Of two that make one up at once both read the same afterwards, and never half of it.
        let part = journal.join(format!("{SIDE}.{}", std::process::id()));
        let text = format!("{:08x}\n", u32::from_ne_bytes(random));
        let made = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part);
        made.and_then(|mut made| made.write_all(text.as_bytes()).and_then(|()| made.sync_all()))
            .map_err(not_kept)?;
        share_file(journal, &part);
        let linked = fs::hard_link(&part, &file);
        fs::remove_file(&part).map_err(not_kept)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(not_kept(error)),
            _ => {}
        }
    }
    let text = fs::read_to_string(&file).map_err(not_kept)?;
    Ok(text.trim().to_owned())
}

/// A name for a run that begins now: when, what, and a few letters that tell it from others.
pub fn name_run(title: &str) -> String {
    let now = Timestamp::now();
    let stamp = now.strftime("%Y%m%d-%H%M%S");
    // A title may hold what no file's name can.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let title: String = title
        .chars()
        .map(|letter| if is_plain(letter) { letter } else { '_' })
        .take(LONGEST_TITLE)
        .collect();
    let title = if title.is_empty() { "run" } else { &title };
    let salt = (now.subsec_nanosecond() as u32 >> 4) ^ std::process::id().wrapping_mul(0x9e37_79b1);
    format!("{stamp}-{title}-{:04x}", salt & 0xffff)
}

/// Shows that a run is alive, as long as its process is.
#[derive(Debug)]
pub struct Pulse {
    /// Locked as long as it is open, which the system ends with the process.
    _file: File,
}

impl Pulse {
    /// Begins to show that a run is alive; `None` when it is alive already.
    ///
    /// # Errors
    ///
    /// [`ProjectError::NotKept`] when the system does not let it.
    pub fn begin(journal: &Path, run: &str) -> Result<Option<Pulse>, ProjectError> {
        let folder = journal.join(ALIVE);
        let not_kept = |error: io::Error| ProjectError::NotKept {
            path: folder.display().to_string(),
            why: describe_failure(&error),
        };
        make_folder(journal, &folder).map_err(not_kept)?;
        let path = folder.join(run);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let mut file = file.map_err(not_kept)?;
        share_file(journal, &path);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(not_kept(error)),
        }
        file.set_len(0).map_err(not_kept)?;
        let pid = format!("{}\n", std::process::id());
        file.write_all(pid.as_bytes()).map_err(not_kept)?;
        // The file stays: whoever took it away might take that of another one.
        Ok(Some(Pulse { _file: file }))
    }

    /// The process that carries a run out; `None` when it is not alive.
    pub fn feel(journal: &Path, run: &str) -> Option<String> {
        let path = journal.join(ALIVE).join(run);
        let file = File::open(&path).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let text = fs::read_to_string(&path).unwrap_or_default();
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            _ => None,
        }
    }
}

/// The folder for output of a run that is too much for memory; it is made.
///
/// # Errors
///
/// [`ProjectError::NotKept`] when the system does not let it.
pub fn output_folder(journal: &RunJournal) -> Result<PathBuf, ProjectError> {
    let folder = output_folder_of(journal.whole().folder(), journal.name());
    let made = make_folder(journal.whole().folder(), &folder);
    made.map_err(|error| ProjectError::NotKept {
        path: folder.display().to_string(),
        why: describe_failure(&error),
    })?;
    Ok(folder)
}

/// Makes a folder in the journal's, as private as that is.
fn make_folder(journal: &Path, folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if is_shared(journal) {
        for made in folder.ancestors().take_while(|made| *made != journal) {
            // One that somebody else has made is theirs.
            let _ = fs::set_permissions(made, fs::Permissions::from_mode(0o2770));
        }
    }
    Ok(())
}

/// All runs in the journal, the oldest first.
///
/// # Errors
///
/// [`ProjectError`] when they cannot be read.
pub fn load_accounts() -> Result<Vec<Account>, ProjectError> {
    let folder = journal_folder()?;
    let Some(journal) = Journal::open_if_there(&folder)? else {
        return Ok(Vec::new());
    };
    let mut accounts = Vec::new();
    for run in journal.runs()? {
        accounts.extend(load_account(&journal, &run)?);
    }
    Ok(accounts)
}

/// A run of the journal; `None` when its first entry is missing.
///
/// # Errors
///
/// [`ProjectError`] when it cannot be read.
pub fn load_account(journal: &Journal, run: &str) -> Result<Option<Account>, ProjectError> {
    let entries = journal.entries(run)?;
    let Some(Entry::Opened(opening)) = entries.first() else {
        return Ok(None);
    };
    let opening = (**opening).clone();
    let is_alive = Pulse::feel(journal.folder(), run).is_some();
    Ok(Some(Account::of(opening, (0..).zip(entries).collect(), is_alive)))
}

/// Writes a run as text, to be taken up elsewhere.
///
/// # Errors
///
/// [`ProjectError`] when it cannot be read, or was altered.
pub fn export_run(run: &str) -> Result<String, ProjectError> {
    let folder = journal_folder()?;
    let Some(pulse) = Pulse::begin(&folder, run)? else {
        let pid = Pulse::feel(&folder, run).unwrap_or_default();
        return Err(ProjectError::StillAlive {
            run: run.to_owned(),
            pid,
        });
    };
    let mut journal = Journal::open(&folder)?.go_on(run)?;
    let (who, host) = describe_self();
    journal.push(&Entry::HandedOver(HandedOver {
        when: write_now(),
        who,
        host,
    }));
    journal.commit(true)?;
    let text = journal.whole().export(run)?;
    journal.close()?;
    drop(pulse);
    Ok(text)
}

/// Writes a run as text to a file, which only the user can read if it is a new one.
///
/// # Errors
///
/// [`ProjectError::NotWritten`] when the system does not let it.
pub fn write_export(path: &Path, text: &str) -> Result<(), ProjectError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| ProjectError::NotWritten {
        path: path.display().to_string(),
        why: describe_failure(&error),
    })
}

/// Takes in a run from a file that [`export_run`] filled; its name.
///
/// # Errors
///
/// [`ProjectError`] when the file cannot be read, was altered, or the run went on here in another way.
pub fn import_run(file: &Path) -> Result<String, ProjectError> {
    let text = fs::read_to_string(file).map_err(|error| ProjectError::NotRead {
        path: file.display().to_string(),
        why: describe_failure(&error),
    })?;
    Ok(Journal::open(&journal_folder()?)?.import(&text)?)
}

/// Looks through the whole journal; `None` when there is none.
///
/// # Errors
///
/// [`ProjectError`] when it cannot be read at all.
pub fn verify_journal() -> Result<Option<Verification>, ProjectError> {
    Ok(verify_folder(&journal_folder()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Opening;

    #[test]
    fn a_journal_is_told_from_all_others() {
        let sides = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let names = sides
            .each_ref()
            .map(|side| name_side(side.path()).expect("it is made up"));
        assert_ne!(names[0], names[1]);
        assert_eq!(name_side(sides[0].path()).expect("it is there"), names[0]);
        assert_eq!(fs::read_dir(sides[0].path()).expect("it is there").count(), 1);
    }

    #[test]
    fn only_the_user_can_read_what_is_kept() {
        let state = tempfile::tempdir().expect("a folder");
        let folder = state.path().join("quorate").join("journal");
        let journal = Journal::open(&folder).expect("it is made");
        let name = name_run("update-nodes");
        let opening = Opening {
            run: name.clone(),
            ..Opening::default()
        };
        let journal = journal.begin(opening).expect("it is opened");
        let output = output_folder(&journal).expect("it is made");
        let pulse = Pulse::begin(&folder, &name).expect("it is shown");
        let mode = |path: &Path| {
            let entry = path.metadata().expect("it is there");
            entry.permissions().mode() & 0o777
        };
        assert_eq!(mode(&state.path().join("quorate")), 0o700);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&output), 0o700);
        for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
        }
        assert!(Pulse::feel(&folder, &name).is_some());
        assert!(Pulse::begin(&folder, &name).expect("it is looked at").is_none());
        drop(pulse);
        assert!(Pulse::feel(&folder, &name).is_none());
        let parts: Vec<&str> = name.splitn(3, '-').collect();
        assert_eq!((parts[0].len(), parts[1].len()), (8, 6), "{name}");
        assert!(parts[2].starts_with("update-nodes-"), "{name}");
    }
}
