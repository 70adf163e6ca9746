use std::fmt::Write as _;
use std::time::Duration;

/// Makes text from a host harmless for a terminal.
///
/// Line ends and tabs stay; every other control character, and the signs that turn the
/// direction of writing, are shown as visible signs, so that nothing a host prints can move
/// the cursor, hide a line or type for the operator.
pub fn neutralise_text(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' | '\t' => clean.push(letter),
            // Unicode has a picture of each: ␛ for the escape.
            '\0'..='\x1f' => clean.push(char::from_u32(0x2400 + letter as u32).unwrap_or('?')),
            '\x7f' => clean.push('␡'),
            '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                // Writing to a String cannot fail.
                let _ = write!(clean, "\\u{{{:x}}}", letter as u32);
            }
            _ => clean.push(letter),
        }
    }
    clean
}

/// A length of time for people: `0.4s`, `12s`, `2m05s`, `1h10m`.
pub(super) fn write_length(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        // Whole milliseconds, as they are kept: what is read again is written alike.
        0..10 => format!("{:.1}s", length.as_millis() as f64 / 1000.0),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether colours are wanted.
    pub coloured: bool,
}

impl Paint {
    /// Something that went well.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Something that went wrong.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// Something to look at.
    pub fn notable(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Something that is only there for those who want to know.
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Something that must be seen.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.coloured && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_made_visible() {
        let cases = [
            // what a host prints, what is shown
            ("plain text\n\tindented", "plain text\n\tindented"),
            ("\x1b[2Jgone", "␛[2Jgone"),
            ("\x1b]0;title\x07", "␛]0;title␇"),
            ("dos\r\nlines\r\n", "dos\nlines\n"),
            ("10%\r20%", "10%␍20%"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}fed", "abc\\u{202e}fed"),
            ("\x7f\0", "␡␀"),
            ("Übung 日本", "Übung 日本"),
        ];
        for (printed, shown) in cases {
            assert_eq!(neutralise_text(printed), shown, "{printed:?}");
        }
    }

    #[test]
    fn lengths_are_short() {
        let cases = [
            (0, "0.0s"),
            (400, "0.4s"),
            (12_300, "12s"),
            (125_000, "2m05s"),
            (4_200_000, "1h10m"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(write_length(Duration::from_millis(milliseconds)), text);
        }
    }
}
