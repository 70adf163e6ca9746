use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::inventory::NodeName;
use crate::value::Secret;

/// How much of a stream is written to disk, in bytes.
const FILE_LIMIT: usize = 64 << 20;
/// The longest line that is listened to, in bytes.
const LINE_LIMIT: usize = 512;
/// The shortest line of a secret that is blotted out by itself, in bytes.
const SHORTEST_LINE: usize = 4;
/// What stands in the place of a secret.
const BLOT: &str = "***";

/// Is told the last line that a command on a node has printed so far; from any thread.
pub type Listener = Arc<dyn Fn(Option<&NodeName>, &str) + Send + Sync>;

/// Where the output of commands goes beside the one who asked for it: lines to a listener, and
/// what is too much to be kept in memory to files. The script's secrets are blotted out.
#[derive(Default)]
pub struct Tee {
    folder: Option<PathBuf>,
    listener: Option<Listener>,
    secrets: Option<AhoCorasick>,
    /// The same and each of their lines, for whoever hears of one line at a time.
    lines: Option<AhoCorasick>,
    /// Length of the longest secret, in bytes.
    longest: usize,
    file_count: AtomicUsize,
}

impl Tee {
    /// Writes files into `folder`, which is there, and tells `listener`; either may be none.
    ///
    /// # Panics
    ///
    /// With more secrets than a search can be built for, which no script has.
    pub fn new<'a>(
        folder: Option<PathBuf>,
        listener: Option<Listener>,
        secrets: impl Iterator<Item = &'a Secret>,
    ) -> Tee {
        let secrets: Vec<&str> = secrets.map(Secret::reveal).collect();
        let longest = secrets.iter().map(|secret| secret.len()).max().unwrap_or(0);
        let lines = secrets.iter().flat_map(|secret| secret.lines());
        let lines = lines.filter(|line| line.trim().len() >= SHORTEST_LINE);
        let lines: Vec<&str> = secrets.iter().copied().chain(lines).collect();
        Tee {
            folder,
            listener,
            lines: (!lines.is_empty()).then(|| build_search(&lines)),
            secrets: (!secrets.is_empty()).then(|| build_search(&secrets)),
            longest,
            file_count: AtomicUsize::new(0),
        }
    }

    /// Opens the file for a stream of a node.
    fn open(&self, node: Option<&NodeName>) -> io::Result<Option<(PathBuf, File)>> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let name = node.map_or("locally", NodeName::as_str);
        // A node's name may hold what no file's name can.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let name: String = name
            .chars()
            .map(|letter| if is_plain(letter) { letter } else { '_' })
            .take(100)
            .collect();
        loop {
            let number = self.file_count.fetch_add(1, Ordering::Relaxed) + 1;
            let path = folder.join(format!("{number:04}-{name}.txt"));
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match file {
                // A run that is taken up again has left some behind.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => return Ok(Some((path, file?))),
            }
        }
    }

    fn blot(&self, text: &str) -> String {
        match &self.lines {
            Some(secrets) => secrets.replace_all(text, &vec![BLOT; secrets.patterns_len()]),
            None => text.to_owned(),
        }
    }
}

/// A search for secrets, of which the longest at a place is found. Its memory is that of the texts
/// alone: a whole file may be one.
fn build_search(secrets: &[&str]) -> AhoCorasick {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(secrets)
        .expect("a search for a few texts can be built")
}

/// One stream of one command, on its way through a [`Tee`].
pub(super) struct TeedStream {
    tee: Arc<Tee>,
    node: Option<NodeName>,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    file: Option<Overflow>,
    /// Why there is no file although there should be.
    trouble: Option<String>,
}

/// A stream that is too long for memory, on disk.
struct Overflow {
    path: PathBuf,
    file: File,
    written: usize,
    /// What may be the beginning of a secret, so that it cannot be written yet.
    held: Vec<u8>,
}

impl TeedStream {
    /// A stream of a command on a node.
    pub fn new(tee: &Arc<Tee>, node: Option<&NodeName>) -> TeedStream {
        TeedStream {
            tee: Arc::clone(tee),
            node: node.cloned(),
            line: Vec::new(),
            file: None,
            trouble: None,
        }
    }

    /// Up to where of what was cut off there is no part of a secret: the end may be the beginning
    /// of one, which nobody would recognise.
    pub fn sure_end(&self, kept: &[u8]) -> usize {
        let sure = kept.len().saturating_sub(self.tee.longest.saturating_sub(1));
        let secrets = self.tee.secrets.as_ref();
        let across = secrets.and_then(|secrets| {
            let mut found = secrets.find_iter(kept);
            found.find(|found| found.start() < sure && sure < found.end())
        });
        across.map_or(sure, |found| found.start())
    }

    /// Listens to what has come.
    pub fn hear(&mut self, bytes: &[u8]) {
        let Some(listener) = &self.tee.listener else {
            return;
        };
        // A progress bar ends its lines with a carriage return.
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let Some(last) = bytes.iter().rposition(is_end) else {
            let room = self.line_room().saturating_sub(self.line.len());
            self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return;
        };
        let ended = [&self.line, &bytes[..last]].concat();
        let lines = ended.rsplit(is_end);
        if let Some(line) = lines.into_iter().find(|line| !line.trim_ascii().is_empty()) {
            let line = String::from_utf8_lossy(&line[..line.len().min(self.line_room())]);
            // Cut last: what is cut off a secret would leave the rest of it.
            let line = self.tee.blot(&line);
            listener(self.node.as_ref(), &line[..line.floor_char_boundary(LINE_LIMIT)]);
        }
        let rest = &bytes[last + 1..];
        self.line = rest[..rest.len().min(self.line_room())].to_vec();
    }

    /// How much of a line is looked at, so that no secret in what is heard of it is cut.
    fn line_room(&self) -> usize {
        LINE_LIMIT + self.tee.longest
    }

    /// Takes what there is no room for; `kept` is what came before the first of it.
    pub fn overflow(&mut self, kept: &[u8], bytes: &[u8]) {
        if self.trouble.is_some() {
            return;
        }
        let written = match &mut self.file {
            Some(overflow) => overflow.take(&self.tee, bytes),
            None => self.tee.open(self.node.as_ref()).and_then(|opened| {
                let Some((path, file)) = opened else { return Ok(()) };
                let overflow = self.file.insert(Overflow {
                    path,
                    file,
                    written: 0,
                    held: Vec::new(),
                });
                overflow.take(&self.tee, kept)?;
                overflow.take(&self.tee, bytes)
            }),
        };
        self.note(written);
    }

    /// Writes what is still held back, and says where all of the stream is; nothing when nowhere.
    pub fn finish(&mut self) -> Option<String> {
        let tee = Arc::clone(&self.tee);
        if let Some(overflow) = &mut self.file {
            let written = overflow.finish(&tee);
            self.note(written);
        }
        match (&self.trouble, &self.file) {
            (Some(why), _) => Some(format!("the rest could not be written to disk: {why}")),
            (None, Some(overflow)) if overflow.written >= FILE_LIMIT => {
                Some(format!("the first 64 MiB are in {}", overflow.path.display()))
            }
            (None, Some(overflow)) => Some(format!("all of it is in {}", overflow.path.display())),
            (None, None) => None,
        }
    }

    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.trouble = Some(error.to_string());
        }
    }
}

impl Overflow {
    fn take(&mut self, tee: &Tee, bytes: &[u8]) -> io::Result<()> {
        let Some(secrets) = &tee.secrets else {
            return self.write(bytes);
        };
        self.held.extend_from_slice(bytes);
        // What begins behind this may be a secret whose end has not come.
        let mut sure = (self.held.len() + 1).saturating_sub(tee.longest);
        let held = std::mem::take(&mut self.held);
        let mut from = 0;
        for found in secrets.find_iter(&held) {
            if found.start() >= sure {
                break;
            }
            self.write(&held[from..found.start()])?;
            self.write(BLOT.as_bytes())?;
            from = found.end();
        }
        sure = sure.max(from);
        self.write(&held[from..sure])?;
        self.held = held[sure..].to_vec();
        Ok(())
    }

    fn finish(&mut self, tee: &Tee) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        match &tee.secrets {
            Some(secrets) => {
                let clean = secrets.replace_all_bytes(&held, &vec![BLOT; secrets.patterns_len()]);
                self.write(&clean)
            }
            None => Ok(()),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = FILE_LIMIT - self.written;
        let bytes = &bytes[..bytes.len().min(room)];
        self.written += bytes.len();
        self.file.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn stream(tee: Tee) -> TeedStream {
        TeedStream::new(&Arc::new(tee), Some(&NodeName::from("n1")))
    }

    #[test]
    fn the_last_whole_line_is_heard() {
        let cases: [(&str, &[&str], &[&str]); 7] = [
            // what is printed, what is heard
            ("one line", &["one\n"], &["one"]),
            ("no end yet", &["one"], &[]),
            ("in pieces", &["o", "ne", "\n"], &["one"]),
            (
                "the last of many",
                &["one\ntwo\n\nthr", "ee\n"],
                &["two", "three"],
            ),
            ("a progress bar", &["\r10%", "\r20%", "\r30%\n"], &["10%", "30%"]),
            ("a secret", &["it is ab", "cdef\n"], &["it is ***"]),
            ("a line of one", &["begin\nsecond\n"], &["***"]),
        ];
        for (what, pieces, expected) in cases {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let listening = Arc::clone(&heard);
            let listener: Listener = Arc::new(move |node, line| {
                assert_eq!(node, Some(&NodeName::from("n1")));
                listening.lock().expect("nobody panics").push(line.to_owned());
            });
            let secrets = [Secret::new("abcdef"), Secret::new("begin\nsecond")];
            let mut stream = stream(Tee::new(None, Some(listener), secrets.iter()));
            for piece in pieces {
                stream.hear(piece.as_bytes());
            }
            assert_eq!(*heard.lock().expect("nobody panics"), expected, "{what}");
        }
    }

    #[test]
    fn what_is_too_much_is_on_disk_without_secrets() {
        let secrets = ["swordfish", "sesame", "swordfish-and-more"].map(Secret::new);
        let text = "a swordfish, sesame, swordfish-and-more; swordfishswordfish";
        let clean = "a ***, ***, ***; ******";
        for size in 1..text.len() {
            let folder = tempfile::tempdir().expect("a folder");
            let at = folder.path().to_path_buf();
            let mut stream = stream(Tee::new(Some(at.clone()), None, secrets.iter()));
            let mut pieces = text.as_bytes().chunks(size);
            let first = pieces.next().unwrap_or_default();
            stream.overflow(first, pieces.next().unwrap_or_default());
            for piece in pieces {
                stream.overflow(&[], piece);
            }
            let path = at.join("0001-n1.txt");
            assert_eq!(
                stream.finish(),
                Some(format!("all of it is in {}", path.display()))
            );
            let written = std::fs::read_to_string(&path).expect("it is there");
            assert_eq!(written, clean, "in pieces of {size}");
        }
    }

    #[test]
    fn a_folder_that_takes_nothing_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut stream = stream(Tee::new(
            Some(folder.path().join("gone")),
            None,
            std::iter::empty(),
        ));
        stream.overflow(b"kept", b"more");
        let said = stream.finish().expect("it is told");
        assert!(
            said.starts_with("the rest could not be written to disk: "),
            "{said}"
        );
    }

    #[test]
    fn without_a_folder_nothing_is_written() {
        let mut stream = stream(Tee::default());
        stream.overflow(b"kept", b"more");
        assert_eq!(stream.finish(), None);
    }
}
