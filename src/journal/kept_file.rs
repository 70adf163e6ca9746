use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store::{describe_io, write_hash};
use super::{Entry, Reply};

/// The folder of what is too long for an entry, in that of the journal.
const FOLDER: &str = "output";
/// Stands before the name of such a file where an output was cut off.
const NOTE: &str = " more bytes are left out: ";

/// A file with output that was too long for an entry, as it was when that was written.
///
/// It stands in the written form of the entry, beside what came of the command: so the chain of entries
/// holds it as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptFile {
    /// Its name in the folder of its run.
    name: String,
    size_bytes: u64,
    sha256: String,
}

/// The form of an entry as far as files are concerned.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WithFiles {
    files: Vec<KeptFile>,
}

/// The folder for output of a run that is too long for memory.
pub fn output_folder_of(journal: &Path, run: &str) -> PathBuf {
    journal.join(FOLDER).join(run)
}

/// The files that an entry about to be written names.
pub(super) fn find_files(journal: &Path, run: &str, entry: &Entry) -> Vec<KeptFile> {
    let Entry::Replied(replied) = entry else {
        return Vec::new();
    };
    let Reply::Ran { output, errors, .. } = &replied.reply else {
        return Vec::new();
    };
    let folder = output_folder_of(journal, run);
    let names = [output, errors]
        .into_iter()
        .filter_map(|text| named_in(&folder, text));
    let files = names.filter_map(|name| {
        let (size_bytes, sha256) = digest(&folder.join(&name)).ok()?;
        Some(KeptFile {
            name,
            size_bytes,
            sha256,
        })
    });
    files.collect()
}

/// The file in `folder` that the note at the end of an output names.
fn named_in(folder: &Path, text: &str) -> Option<String> {
    let note = text.strip_suffix("]\n")?;
    let note = &note[note.rfind("\n[")?..];
    let (_, place) = note.split_once(NOTE)?;
    let (_, name) = place.split_once(&format!("{}/", folder.display()))?;
    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
}

/// The files that the written form of an entry names.
pub(super) fn read_files(body: &str) -> Vec<KeptFile> {
    // What is no entry is found elsewhere.
    serde_json::from_str::<WithFiles>(body).unwrap_or_default().files
}

impl KeptFile {
    /// What is wrong with the file in the folder of its run, in words.
    pub fn fault(&self, folder: &Path) -> Option<String> {
        let path = folder.join(&self.name);
        let shown = path.display();
        match digest(&path) {
            Ok((size_bytes, sha256)) if (size_bytes, &sha256) == (self.size_bytes, &self.sha256) => None,
            Ok(_) => Some(format!("{shown} is not what was written")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(format!("{shown} is missing")),
            Err(error) => Some(format!("{shown} cannot be read: {}", describe_io(&error))),
        }
    }
}

/// The size of a file in bytes, and its hash.
pub(super) fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_the_note_at_the_end() {
        let folder = Path::new("/j/output/run");
        let cases = [
            // what was kept of an output, the file in it
            ("short\n", None),
            (
                "x\n[5 more bytes are left out: all of it is in /j/output/run/0001-a.txt]\n",
                Some("0001-a.txt"),
            ),
            (
                "x\n[5 more bytes are left out: the first 64 MiB are in /j/output/run/0002-b.txt]\n",
                Some("0002-b.txt"),
            ),
            (
                "x\n[5 more bytes are left out: all of it is in /j/output/run/../0001-a.txt]\n",
                None,
            ),
            (
                "x\n[5 more bytes are left out: all of it is in /other/0001-a.txt]\n",
                None,
            ),
            (
                "x\n[5 more bytes are left out: only the first megabyte is kept]\n",
                None,
            ),
            (
                "x\n[5 more bytes are left out: all of it is in /j/output/run/0001-a.txt]\nmore\n",
                None,
            ),
        ];
        for (text, name) in cases {
            assert_eq!(named_in(folder, text).as_deref(), name, "{text}");
        }
    }
}
