//! The text that is sent to a login shell, of whatever kind that is.

use std::collections::hash_map::RandomState;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};

use crate::value::{as_root_text, quote};

/// The longest text that a host takes: Linux gives a program no longer argument.
pub(super) const LONGEST: usize = (128 << 10) - 1;

/// How every mark begins.
pub(super) const MARK_BEGINS: &str = "quorate-";

/// As whom a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// As whoever logs in.
    Login,
    /// As root, by `sudo` without a password.
    Root,
    /// As root, by `sudo` with a password, which is the first line of the input.
    RootByPassword,
}

/// A line that no host prints by itself: it parts what start-up files print from the command's output.
pub(super) fn new_mark() -> String {
    // Each state has random keys of its own.
    let random = || RandomState::new().build_hasher().finish();
    format!("{MARK_BEGINS}{:016x}{:016x}", random(), random())
}

/// What is sent to the login shell for a command: `sh` writes the mark to both streams, then it
/// carries the command out.
///
/// Without the mark the command has not begun: where it cannot be written, `sh` ends.
pub(super) fn write_sent(command: &str, mark: &str, who: As) -> String {
    let marked = format!("echo {mark} && echo {mark} >&2 || exit 1; {command}");
    let text = match who {
        As::Login => marked,
        As::Root => as_root_text(&marked),
        As::RootByPassword => format!("sudo -k -S -p '' sh -c {}", quote(&marked)),
    };
    write_shell_words(&text)
}

/// The same for a way that loses which signal ended a command: a second `sh` around it tells that
/// as a status, and writes the mark `end` behind the output.
pub(super) fn write_guarded(sent: &str, end: &str) -> String {
    // Here the shell must stay.
    let sent = sent.strip_prefix("exec ").unwrap_or(sent);
    write_shell_words(&format!("{sent}; status=$?; echo {end}; exit $status"))
}

/// `exec sh -c TEXT`, written so that sh, csh and fish read the same words. The login shell is
/// replaced: it would tell of signals in its own way.
///
/// In quotes of one kind they agree, but for a backslash, `!` and the end of a line; a text
/// with these goes as the argument of `printf %b`.
fn write_shell_words(text: &str) -> String {
    let is_hard = |byte: u8| matches!(byte, b'\\' | b'!' | b'\n' | b'\r');
    if !text.bytes().any(is_hard) {
        return format!("exec sh -c '{}'", text.replace('\'', r#"'"'"'"#));
    }
    let mut encoded = String::with_capacity(text.len() * 2);
    for letter in text.chars() {
        let is_plain = letter.is_ascii_alphanumeric() || " %+,-./:=@_^;&|<>()[]{}#*?~".contains(letter);
        if is_plain || !letter.is_ascii() {
            encoded.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, r"\0{:03o}", u32::from(letter));
        }
    }
    format!(r#"exec sh -c 'eval "$(printf %b "{encoded}")"'"#)
}

#[cfg(test)]
mod tests {
    use super::{As, new_mark, write_guarded, write_sent, write_shell_words};
    use std::process::Command;

    /// What a shell prints and ends with; nothing when it is not installed.
    fn run(shell: &str, text: &str) -> Option<(i32, String)> {
        let output = Command::new(shell).args(["-c", text]).output().ok()?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        Some((output.status.code().unwrap_or(-1), printed))
    }

    #[test]
    fn every_login_shell_reads_the_same() {
        let cases = [
            ("plain", "echo plain", 0, "plain\n"),
            ("quotes", r#"echo 'a  b' "c  d""#, 0, "a  b c  d\n"),
            ("an expansion", "x=1; echo $x `echo 2` $(echo 3)", 0, "1 2 3\n"),
            ("a backslash", r"printf '%s\n' 'a\\b' \'", 0, "a\\\\b\n'\n"),
            ("an exclamation mark", "echo 'a!b' !x", 0, "a!b !x\n"),
            ("lines", "for x in 1 2\ndo echo $x\ndone\nexit 3", 3, "1\n2\n"),
            (
                "a here document",
                "cat <<E\n$((1+1)) it's \\$\nE\n",
                0,
                "2 it's $\n",
            ),
            ("other letters", "echo 'ä\\ü'", 0, "ä\\ü\n"),
            ("no arguments", "echo \"[$1$#]\\\\\"", 0, "[0]\\\n"),
            ("a status", "exit 255", 255, ""),
        ];
        for (what, text, status, printed) in cases {
            for shell in ["sh", "dash", "bash", "zsh", "csh", "tcsh", "fish", "ksh"] {
                let sent = write_shell_words(text);
                let texts = [(write_guarded(&sent, "E"), "E\n"), (sent, "")];
                for (text, end) in texts {
                    if let Some(ran) = run(shell, &text) {
                        assert_eq!(
                            ran,
                            (status, format!("{printed}{end}")),
                            "{what} in {shell}: {text}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_mark_comes_first_and_the_status_last() {
        let sent = write_sent("echo out; exit 7", "M-1", As::Login);
        assert_eq!(run("sh", &sent), Some((7, "M-1\nout\n".to_owned())));
        let wrong = write_sent("echo out; )", "M-1", As::Login);
        assert_eq!(run("sh", &wrong), Some((2, String::new())));
        assert_eq!(
            write_sent("id", "M-1", As::Root),
            r#"exec sh -c 'sudo -n sh -c '"'"'echo M-1 && echo M-1 >&2 || exit 1; id'"'"''"#
        );
    }

    #[test]
    fn no_two_marks_are_alike() {
        assert_ne!(new_mark(), new_mark());
    }
}
