use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Quotes `text` so that a POSIX shell reads it as exactly one word.
///
/// The one quoting function of the project.
pub fn quote(text: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"%+,-./:=@_^".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// A command as it is carried out as root by somebody else: by `sudo`, which asks for no password.
pub fn as_root_text(command: &str) -> String {
    format!("sudo -n sh -c {}", quote(command))
}

/// A command as a POSIX shell reads it, every value in it already quoted.
///
/// Only rendering a command text makes one, so a value cannot slip in unquoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandLine(Arc<str>);

impl CommandLine {
    /// Takes a text that is a whole, well-quoted command.
    pub fn from_quoted(text: impl Into<Arc<str>>) -> Self {
        CommandLine(text.into())
    }

    /// The command as typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn one_word_stays_one_word() {
        let cases = [
            ("plain", "plain"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's", r"'it'\''s'"),
            ("$HOME `id` $(id)", "'$HOME `id` $(id)'"),
            ("a\nb", "'a\nb'"),
            ("~root", "'~root'"),
            ("-rf", "-rf"),
        ];
        for (text, quoted) in cases {
            assert_eq!(quote(text), quoted, "{text:?}");
        }
    }
}
