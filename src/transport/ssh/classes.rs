//! Which hosts a configuration of `ssh` can tell apart at all.
//!
//! A process for each of a thousand hosts would cost seconds. Where the files have nothing but
//! `Host` lines and plain options, hosts that match the same lines mean the same, and one of
//! them is asked for all. Whatever else stands there (`Match`, a sign with `%`, a file that
//! cannot be read) makes this give up, and each host is asked by itself.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::pattern::{matches_list, matches_pattern};

/// The configuration of all users.
const SYSTEM_FILE: &str = "/etc/ssh/ssh_config";
/// How deep files may include one another.
const DEEPEST_INCLUDE: usize = 16;

/// A `Host` line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HostLine {
    patterns: Vec<String>,
    /// Whether a `HostName` stands below it, which is of one host.
    has_name: bool,
}

/// The `Host` lines of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Classes {
    lines: Option<Vec<HostLine>>,
    home: String,
}

impl Classes {
    /// Reads the file that `-F` names, or else the user's and the system's.
    pub fn read(file: Option<&str>) -> Classes {
        let of_account = account_home();
        let home = of_account.clone().or_else(|| std::env::var("HOME").ok());
        let mut lines = Vec::new();
        let is_plain = match file {
            Some(file) => read_file(Path::new(file), &user_folder(&of_account), &mut lines, 0),
            None => {
                let user = user_folder(&of_account);
                let of_user = user
                    .as_ref()
                    .and_then(|folder| read_file(&folder.join("config"), &user, &mut lines, 0));
                let system = Some(PathBuf::from("/etc/ssh"));
                of_user.and_then(|()| read_file(Path::new(SYSTEM_FILE), &system, &mut lines, 0))
            }
        };
        Classes {
            lines: is_plain.map(|()| lines),
            home: home.unwrap_or_default(),
        }
    }

    /// The user's home folder.
    pub fn home(&self) -> &str {
        &self.home
    }

    /// Which lines match a host; `None` where that does not settle what they say of it.
    pub fn class_of(&self, host: &str) -> Option<Vec<bool>> {
        let lines = self.lines.as_ref()?;
        // The client writes names in small letters, and addresses in its own way.
        let is_plain = host
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte));
        if !is_plain {
            return None;
        }
        let matches = |line: &HostLine| matches_list(line.patterns.iter().map(String::as_str), host);
        let matched: Vec<bool> = lines.iter().map(matches).collect();
        let has_name = lines
            .iter()
            .zip(&matched)
            .any(|(line, is_matched)| line.has_name && *is_matched);
        (!has_name).then_some(matched)
    }
}

/// The home folder of the account that runs this: `ssh` does not go by `$HOME`.
fn account_home() -> Option<String> {
    let user = fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        (*fields.get(2)? == user).then(|| fields.get(5).map(|home| (*home).to_owned()))?
    })
}

fn user_folder(home: &Option<String>) -> Option<PathBuf> {
    home.as_ref().map(|home| Path::new(home).join(".ssh"))
}

/// Adds the `Host` lines of a file; `None` when something in it cannot be judged by them.
///
/// `folder` is where the files that it includes lie.
fn read_file(file: &Path, folder: &Option<PathBuf>, lines: &mut Vec<HostLine>, depth: usize) -> Option<()> {
    let mut has_included = depth > 0;
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(()),
        Err(_) => return None,
    };
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let end = line.find(|letter: char| letter.is_whitespace() || letter == '=');
        let (key, rest) = line.split_at(end.unwrap_or(line.len()));
        let rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '=');
        if rest.contains(['%', '"', '\'', '\\', '$']) {
            return None;
        }
        let words = rest.split_whitespace();
        match key.to_ascii_lowercase().as_str() {
            "host" => {
                has_included = depth > 0;
                lines.push(HostLine {
                    patterns: words.map(str::to_owned).collect(),
                    has_name: false,
                });
            }
            // Below which line it stands is not sure in a file that another one includes.
            "hostname" if has_included => return None,
            "hostname" => lines.last_mut()?.has_name = true,
            "match" => return None,
            "canonicalizehostname" if rest != "no" => return None,
            "include" if depth < DEEPEST_INCLUDE => {
                has_included = true;
                for word in words {
                    for file in included_files(word, folder)? {
                        read_file(&file, folder, lines, depth + 1)?;
                    }
                }
            }
            "include" => return None,
            _ => {}
        }
    }
    Some(())
}

/// The files that an `Include` means, in order; patterns are read in the last part of a path.
fn included_files(word: &str, folder: &Option<PathBuf>) -> Option<Vec<PathBuf>> {
    if word.starts_with('~') {
        return None;
    }
    let path = folder.as_ref()?.join(word);
    let (parent, name) = (path.parent()?, path.file_name()?.to_str()?);
    let has_signs = |text: &str| text.contains(['*', '?', '[', '{']);
    if !has_signs(path.to_str()?) {
        return Some(vec![path]);
    }
    if has_signs(parent.to_str()?) || name.contains(['[', '{']) {
        return None;
    }
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let mut files = Vec::new();
    for entry in entries {
        let found = entry.ok()?.file_name();
        let found = found.to_str()?;
        if matches_pattern(name, found) && (!found.starts_with('.') || name.starts_with('.')) {
            files.push(parent.join(found));
        }
    }
    files.sort();
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::{Classes, read_file};
    use std::path::Path;

    fn read(text: &str) -> Classes {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config");
        std::fs::write(&file, text).expect("it can be written");
        std::fs::write(folder.path().join("more.conf"), "Host *.more\n Port 1\n").expect("it can be written");
        let mut lines = Vec::new();
        let own = Some(folder.path().to_path_buf());
        let is_plain = read_file(&file, &own, &mut lines, 0);
        Classes {
            lines: is_plain.map(|()| lines),
            home: String::new(),
        }
    }

    #[test]
    fn hosts_that_match_the_same_lines_are_one_class() {
        let classes = read("Port 2222\nHost web* !web9\n  User www\nHOST=db1 db2\n# Match\nInclude *.conf\n");
        let cases = [
            ("web1", Some(vec![true, false, false])),
            ("web9", Some(vec![false, false, false])),
            ("db2", Some(vec![false, true, false])),
            ("a.more", Some(vec![false, false, true])),
            ("10.0.0.1", Some(vec![false, false, false])),
            ("WEB1", None),
            ("fe80::1", None),
        ];
        for (host, expected) in cases {
            assert_eq!(classes.class_of(host), expected, "{host}");
        }
    }

    #[test]
    fn what_cannot_be_judged_gives_up() {
        let cases = [
            ("", true),
            ("Host *\n SendEnv LANG LC_*\n", true),
            ("Include missing.conf\n", true),
            ("Match all\n", false),
            ("match=user x\n", false),
            ("IdentityFile ~/.ssh/%h\n", false),
            ("Host \"a b\"\n", false),
            ("CanonicalizeHostname yes\n", false),
            ("Include ~/x\n", false),
            ("HostName a\n", false),
            ("Host n1 n2\n HostName n1\n", false),
            ("Host n2\n HostName n1\n", true),
            ("Host n2\nInclude more.conf\n HostName n1\n", false),
            ("Include config\n", false),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).class_of("n1").is_some(), expected, "{text:?}");
        }
        assert_eq!(read_file(Path::new("/"), &None, &mut Vec::new(), 0), None);
    }
}
