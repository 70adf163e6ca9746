//! The files of known host keys, read as OpenSSH reads them: patterns, hashed names, ports,
//! `@cert-authority` and `@revoked`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::PublicKey;
use sha1::Sha1;

use super::pattern::matches_list;

/// What a line says of the keys of its hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// It is a key of the host.
    Plain,
    /// It is the key of an authority that signs keys of the host.
    Authority,
    /// It must not be accepted.
    Revoked,
}

/// A key in one of the files, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownKey {
    pub marker: Marker,
    pub key: PublicKey,
    /// `FILE:LINE`, for people.
    pub place: String,
}

/// The keys that are known of one host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct KnownHost {
    /// The name under which they are looked for: `node1`, or `[node1]:2222`.
    pub name: String,
    /// Those of this name.
    pub keys: Vec<KnownKey>,
    /// Those of the name without its port, which serve when the others say nothing.
    pub without_port: Vec<KnownKey>,
}

/// What the files say of a key that a host shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It is the one.
    Known,
    /// Nothing is known of the host.
    New,
    /// Another key of the host stands there.
    Changed {
        /// Where.
        place: String,
    },
    /// It stands there as one that must not be accepted.
    Revoked {
        /// Where.
        place: String,
    },
}

impl KnownHost {
    /// Judges a plain key.
    pub fn judge(&self, key: &PublicKey) -> Judgement {
        if let Some(place) = self.revoked(key) {
            return Judgement::Revoked { place };
        }
        let is_same = |known: &&KnownKey| known.key.key_data() == key.key_data();
        let plain = || self.plain(&self.keys);
        if plain().any(|known| is_same(&known)) {
            return Judgement::Known;
        }
        // As the client does: of another key of the same kind first.
        let same_kind = plain().find(|known| known.key.algorithm() == key.algorithm());
        if let Some(known) = same_kind.or_else(|| plain().next()) {
            let place = known.place.clone();
            return Judgement::Changed { place };
        }
        match self.plain(&self.without_port).any(|known| is_same(&known)) {
            true => Judgement::Known,
            false => Judgement::New,
        }
    }

    /// Where a key stands as revoked.
    pub fn revoked(&self, key: &PublicKey) -> Option<String> {
        let mut all = self.keys.iter().chain(&self.without_port);
        let found =
            all.find(|known| known.marker == Marker::Revoked && known.key.key_data() == key.key_data());
        found.map(|known| known.place.clone())
    }

    /// The authorities that may sign keys of this host.
    pub fn authorities(&self) -> impl Iterator<Item = &KnownKey> {
        let all = self.keys.iter().chain(&self.without_port);
        all.filter(|known| known.marker == Marker::Authority)
    }

    /// The keys by which the host may show itself.
    pub fn plain_keys(&self) -> impl Iterator<Item = &KnownKey> {
        self.plain(&self.keys).chain(self.plain(&self.without_port))
    }

    fn plain<'a>(&self, keys: &'a [KnownKey]) -> impl Iterator<Item = &'a KnownKey> + use<'a> {
        keys.iter().filter(|known| known.marker == Marker::Plain)
    }
}

/// The name under which a host's keys are written.
pub(super) fn known_name(host: &str, port: u16) -> String {
    match port {
        22 => host.to_ascii_lowercase(),
        port => format!("[{}]:{port}", host.to_ascii_lowercase()),
    }
}

/// The files, each read once.
#[derive(Debug, Default)]
pub(super) struct KnownHosts {
    files: RefCell<HashMap<PathBuf, Rc<Vec<Line>>>>,
}

/// A line, its key not yet read.
#[derive(Debug)]
struct Line {
    number: usize,
    marker: Marker,
    hosts: String,
    key: String,
}

impl KnownHosts {
    /// Looks a host up: `alias` stands for the name and port of a host where the configuration gives one.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, which might hold what must not be overlooked.
    pub fn look_up(
        &self,
        files: &[PathBuf],
        host: &str,
        port: u16,
        alias: Option<&str>,
    ) -> Result<KnownHost, String> {
        let name = match alias {
            Some(alias) => alias.to_ascii_lowercase(),
            None => known_name(host, port),
        };
        let bare = (alias.is_none() && port != 22).then(|| host.to_ascii_lowercase());
        let mut known = KnownHost {
            name,
            ..KnownHost::default()
        };
        for file in files {
            for line in self.read(file)?.iter() {
                let list = if line.matches(&known.name) {
                    &mut known.keys
                } else if bare.as_ref().is_some_and(|bare| line.matches(bare)) {
                    &mut known.without_port
                } else {
                    continue;
                };
                // A key of a kind that is not known here is none that this connection could use.
                if let Ok(key) = PublicKey::from_openssh(&line.key) {
                    list.push(KnownKey {
                        marker: line.marker,
                        key,
                        place: format!("{}:{}", file.display(), line.number),
                    });
                }
            }
        }
        Ok(known)
    }

    fn read(&self, file: &Path) -> Result<Rc<Vec<Line>>, String> {
        if let Some(lines) = self.files.borrow().get(file) {
            return Ok(lines.clone());
        }
        let text = match fs::read(file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                String::new()
            }
            Err(error) => {
                return Err(format!(
                    "the known host keys in {} cannot be read: {error}",
                    file.display()
                ));
            }
        };
        let lines = text
            .lines()
            .enumerate()
            .filter_map(|(index, line)| Line::read(index + 1, line));
        let lines = Rc::new(lines.collect::<Vec<Line>>());
        self.files
            .borrow_mut()
            .insert(file.to_path_buf(), Rc::clone(&lines));
        Ok(lines)
    }
}

impl Line {
    fn read(number: usize, line: &str) -> Option<Line> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let mut words = line.split_whitespace();
        let mut hosts = words.next()?;
        let marker = match hosts {
            "@cert-authority" => Marker::Authority,
            "@revoked" => Marker::Revoked,
            _ => Marker::Plain,
        };
        if hosts.starts_with('@') {
            // Another marker: it is not known what the line means.
            if marker == Marker::Plain {
                return None;
            }
            hosts = words.next()?;
        }
        Some(Line {
            number,
            marker,
            hosts: hosts.to_owned(),
            key: format!("{} {}", words.next()?, words.next()?),
        })
    }

    fn matches(&self, name: &str) -> bool {
        if let Some(hashed) = self.hosts.strip_prefix("|1|") {
            return is_hash_of(hashed, name).unwrap_or(false);
        }
        let patterns = self.hosts.to_ascii_lowercase();
        matches_list(patterns.split(','), name)
    }
}

/// Whether `SALT|HASH` is what `ssh-keygen -H` makes of a name.
fn is_hash_of(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let salt = BASE64.decode(salt.as_bytes()).ok()?;
    let hash = BASE64.decode(hash.as_bytes()).ok()?;
    let mut hmac = Hmac::<Sha1>::new_from_slice(&salt).ok()?;
    hmac.update(name.as_bytes());
    Some(hmac.verify_slice(&hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{Judgement, KnownHosts};
    use russh::keys::ssh_key::PublicKey;

    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA0ZkkIPYDnyGQBLaDAACK/DiHDRHWRI6xyFmGWNHkj/";
    const TWO: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL4jP8xZBDZBlOYXrGe4WIcVuG++Vus4qz4i72I0VZs6";
    /// What `ssh-keygen -H` made of `node1`.
    const HASHED: &str = "|1|t+0rfDjYQM5MpOpg89gi9g9d2Qk=|nzLlh8Pmra3IDpEfzLpT2FrFU/k=";

    fn judge(text: &str, host: &str, port: u16, alias: Option<&str>) -> Judgement {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("known_hosts");
        std::fs::write(&file, text).expect("it can be written");
        let missing = folder.path().join("missing");
        let known = KnownHosts::default()
            .look_up(&[missing, file], host, port, alias)
            .expect("it can be read");
        match known.judge(&PublicKey::from_openssh(ONE).expect("a key")) {
            Judgement::Changed { place } => Judgement::Changed {
                place: place.rsplit(':').next().unwrap_or_default().to_owned(),
            },
            Judgement::Revoked { place } => Judgement::Revoked {
                place: place.rsplit(':').next().unwrap_or_default().to_owned(),
            },
            other => other,
        }
    }

    #[test]
    fn keys_are_judged_as_the_client_does() {
        let changed = |place: &str| Judgement::Changed {
            place: place.to_owned(),
        };
        let revoked = |place: &str| Judgement::Revoked {
            place: place.to_owned(),
        };
        let (known, new) = (Judgement::Known, Judgement::New);
        let cases = [
            ("nothing", String::new(), 22, &new),
            ("its key", format!("node1 {ONE}"), 22, &known),
            ("a comment", format!("# x\n\nnode1 {ONE} somebody"), 22, &known),
            ("one of several", format!("a,node1,b {ONE}"), 22, &known),
            ("a pattern", format!("node* {ONE}"), 22, &known),
            ("all but this one", format!("node*,!node1 {ONE}"), 22, &new),
            ("capitals", format!("NODE1 {ONE}"), 22, &known),
            ("another key", format!("# x\nnode1 {TWO}"), 22, &changed("2")),
            ("both keys", format!("node1 {TWO}\nnode1 {ONE}"), 22, &known),
            ("another host's key", format!("node2 {TWO}"), 22, &new),
            ("a hashed name", format!("{HASHED} {ONE}"), 22, &known),
            (
                "a hashed name, another key",
                format!("{HASHED} {TWO}"),
                22,
                &changed("1"),
            ),
            ("a port", format!("[node1]:2222 {ONE}"), 2222, &known),
            ("another port", format!("[node1]:2223 {ONE}"), 2222, &new),
            ("no port, the same key", format!("node1 {ONE}"), 2222, &known),
            ("no port, another key", format!("node1 {TWO}"), 2222, &new),
            ("revoked", format!("@revoked * {ONE}"), 22, &revoked("1")),
            (
                "revoked and known",
                format!("node1 {ONE}\n@revoked node1 {ONE}"),
                22,
                &revoked("2"),
            ),
            (
                "another one revoked",
                format!("node1 {ONE}\n@revoked * {TWO}"),
                22,
                &known,
            ),
            (
                "an authority is no key",
                format!("@cert-authority * {ONE}"),
                22,
                &new,
            ),
            ("an unknown marker", format!("@new node1 {ONE}"), 22, &new),
            ("no key", "node1 ssh-ed25519".to_owned(), 22, &new),
            ("a broken key", "node1 ssh-ed25519 AAAA".to_owned(), 22, &new),
        ];
        for (what, text, port, expected) in cases {
            assert_eq!(&judge(&text, "node1", port, None), expected, "{what}");
        }
        let aliased = format!("cluster {ONE}\n[node1]:2222 {TWO}");
        assert_eq!(judge(&aliased, "node1", 2222, Some("cluster")), known);
    }
}
