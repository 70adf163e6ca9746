use super::foreign::foreign_token;
use super::{Comment, SyntaxError};
use crate::diagnostic::{Problems, Span, Spanned};

/// The largest text that is read, in bytes.
const LARGEST: usize = 8 << 20;

/// How deep blocks and brackets may stand in each other.
///
/// Reading, checking and running recurse into them: in a build that is not optimized so many
/// take about 8 MiB of stack, which the command line has set aside many times over.
pub(super) const DEEPEST: usize = 256;

/// Stands for what was already reported; nothing in the grammar accepts it.
pub(super) const REPORTED: u8 = 1;

/// A text laid flat for the grammar: see the head of `grammar/quorate.pest`.
pub(super) struct Flat {
    /// As long as the text, or shorter where its end is incomplete.
    pub text: String,
    /// All comments.
    pub comments: Vec<Spanned<Comment>>,
}

/// Lays `text` flat, or says why it cannot be read at all.
///
/// Knows quotes, comments and brackets, and nothing else. An unclosed one is reported as
/// incomplete, and the statement that holds it is left out. Takes time in proportion to
/// the text.
pub(super) fn scan_text(text: &str, base: u32, problems: &mut Problems) -> Option<Flat> {
    if text.len() > LARGEST {
        let (bytes, limit, at) = (text.len(), LARGEST, Span::new(base, base));
        problems.push(SyntaxError::TooLarge { bytes, limit, at });
        return None;
    }
    let is_control = |byte: &u8| (*byte < b' ' && !b"\t\n\r".contains(byte)) || *byte == 127;
    if let Some(at) = text.bytes().position(|byte| is_control(&byte)) {
        let byte = text.as_bytes()[at];
        problems.push(SyntaxError::ControlCharacter {
            name: if byte == 0 {
                "NUL".to_owned()
            } else {
                format!("code {byte}")
            },
            escape: format!("\\u{{{byte:x}}}"),
            at: Span::new(base + at as u32, base + at as u32 + 1),
        });
        return None;
    }
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        flat: text.as_bytes().to_vec(),
        base,
        problems,
        comments: Vec::new(),
        open: Vec::new(),
        newlines: Vec::new(),
        statement: 0,
        begins: true,
        indentation: 0,
        suspect: None,
    };
    let length = scanner.scan()?;
    let Scanner {
        mut flat, comments, ..
    } = scanner;
    flat.truncate(length);
    let text = String::from_utf8(flat).expect("only whole characters are replaced");
    Some(Flat { text, comments })
}

/// An open bracket.
struct Opened {
    bracket: u8,
    at: usize,
    /// Blanks before the first word of its line.
    indentation: usize,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    flat: Vec<u8>,
    base: u32,
    problems: &'a mut Problems,
    comments: Vec<Spanned<Comment>>,
    open: Vec<Opened>,
    /// Newlines since the last thing that says something.
    newlines: Vec<usize>,
    /// Where the outermost statement in hand begins.
    statement: usize,
    /// Whether the next thing begins an outermost statement.
    begins: bool,
    /// Of the line in hand.
    indentation: usize,
    /// An opening and the closing further out that by its layout cannot be its own.
    suspect: Option<(usize, usize)>,
}

impl Scanner<'_> {
    /// Scans to the end; gives how much of the text is whole, or nothing if it is too deep.
    fn scan(&mut self) -> Option<usize> {
        let mut at = 0;
        // Some editors put a mark of the encoding before the text.
        if self.text.starts_with('\u{feff}') {
            at = '\u{feff}'.len_utf8();
            self.flat[..at].fill(b' ');
        }
        while at < self.bytes.len() {
            let byte = self.bytes[at];
            match byte {
                b' ' | b'\t' | b'\r' => at += 1,
                b'\n' => {
                    self.newline(at);
                    at += 1;
                }
                b'#' if !self.is_inside_word(at) => at = self.comment(at),
                _ => {
                    self.begin_thing(at);
                    at = self.thing(at)?;
                }
            }
        }
        let Some(outermost) = self.open.first() else {
            return Some(self.bytes.len());
        };
        let opened = match self.suspect {
            Some((opened, _)) => opened,
            None => outermost.at,
        };
        let suspect = self.suspect.map(|(_, close)| self.span(close, close + 1));
        let (what, close) = names_of(self.bytes[opened]);
        let at = self.span(opened, opened + 1);
        self.problems.push_incomplete(SyntaxError::Unclosed {
            what,
            close,
            at,
            suspect,
        });
        Some(self.statement)
    }

    fn span(&self, from: usize, to: usize) -> Span {
        Span::new(self.base + from as u32, self.base + to as u32)
    }

    /// Whether what stands before `at` is a word that goes on.
    fn is_inside_word(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).map(|before| self.flat[before]) else {
            return false;
        };
        before.is_ascii_alphanumeric() || before >= 128 || b"-/_.:=,%+@*?!~^#$}".contains(&before)
    }

    fn newline(&mut self, at: usize) {
        self.indentation = 0;
        let blanks = self.bytes[at + 1..]
            .iter()
            .take_while(|byte| b" \t".contains(byte));
        self.indentation += blanks.count();
        match self.open.last() {
            Some(opened) if opened.bracket != b'<' => self.flat[at] = b' ',
            Some(_) => self.newlines.push(at),
            None => {
                self.newlines.push(at);
                self.begins = true;
            }
        }
    }

    /// Joins the line to the one before when it goes on with `|` or `else`.
    fn begin_thing(&mut self, at: usize) {
        let rest = &self.bytes[at..];
        let goes_on = match rest {
            [b'|', next, ..] => *next != b'|',
            [b'|'] => true,
            [b'e', b'l', b's', b'e'] => true,
            [b'e', b'l', b's', b'e', next, ..] => !is_name_byte(*next) && *next != b'=',
            _ => false,
        };
        let first = self.newlines.first().copied();
        if goes_on && first.is_some() {
            for newline in self.newlines.drain(..) {
                self.flat[newline] = b' ';
            }
        } else {
            self.newlines.clear();
            if self.begins && self.open.is_empty() {
                self.statement = at;
            }
        }
        self.begins = false;
    }

    fn comment(&mut self, at: usize) -> usize {
        let rest = &self.text[at..];
        let end = at + rest.find('\n').unwrap_or(rest.len());
        let line = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let written = self.text[at..end].trim_end();
        let is_doc = written.starts_with("##");
        let text = &written[if is_doc { 2 } else { 1 }..];
        let comment = Comment {
            text: text.strip_prefix(' ').unwrap_or(text).to_owned(),
            is_doc,
            is_trailing: !self.text[line..at].trim().is_empty(),
        };
        let span = self.span(at, at + written.len());
        self.comments.push(Spanned::new(comment, span));
        self.flat[at..end].fill(b' ');
        end
    }

    /// Steps over one thing that is neither blank nor comment.
    fn thing(&mut self, at: usize) -> Option<usize> {
        if let Some((length, foreign)) = foreign_token(self.bytes, at, self.open.len()) {
            let at_span = self.span(at, at + length);
            self.problems.push(SyntaxError::OtherShell {
                says: foreign.says.to_owned(),
                instead: foreign.instead.to_owned(),
                at: at_span,
            });
            // Braces are read as the block they were meant for, so that the block is looked through.
            return match self.bytes[at] {
                b'{' if foreign.is_block => self.open(at, b'<').then_some(at + 1),
                _ => {
                    self.flat[at..at + length].fill(REPORTED);
                    Some(at + length)
                }
            };
        }
        match self.bytes[at] {
            b'"' | b'\'' => return Some(self.quoted(at)),
            b'/' if self.is_regex(at) => return Some(self.regex(at)),
            b'$' if self.bytes.get(at + 1) == Some(&b'{') => return Some(self.braced(at)),
            opening @ (b'<' | b'(' | b'[') => return self.open(at, opening).then_some(at + 1),
            closing @ (b'>' | b')' | b']') => self.close(at, closing),
            b'}' => self.close_brace(at),
            b';' if self.open.is_empty() => self.begins = true,
            _ => {}
        }
        let length = self.text[at..].chars().next().map_or(1, char::len_utf8);
        Some(at + length)
    }

    fn open(&mut self, at: usize, bracket: u8) -> bool {
        self.flat[at] = bracket;
        self.open.push(Opened {
            bracket,
            at,
            indentation: self.indentation,
        });
        if self.open.len() > DEEPEST {
            let (limit, at) = (DEEPEST, self.span(at, at + 1));
            self.problems.push(SyntaxError::TooDeep { limit, at });
            return false;
        }
        true
    }

    fn close(&mut self, at: usize, close: u8) {
        let wanted = match close {
            b'>' => b'<',
            b')' => b'(',
            _ => b'[',
        };
        // Round and square brackets that a `>` closes are what is wrong; a `)` or `]` in a
        // block is wrong itself.
        while let Some(opened) = self.open.last() {
            if opened.bracket == wanted {
                break;
            }
            if close != b'>' || !self.open.iter().any(|opened| opened.bracket == wanted) {
                break;
            }
            let (open_at, bracket) = (opened.at, opened.bracket);
            self.open.pop();
            self.flat[open_at] = REPORTED;
            let (_, should) = names_of(bracket);
            let (opened, at) = (self.span(open_at, open_at + 1), self.span(at, at + 1));
            let (open, close) = (bracket as char, close as char);
            self.problems.push(SyntaxError::Mismatched {
                open,
                wanted: should,
                close,
                opened,
                at,
            });
        }
        match self.open.last() {
            Some(opened) if opened.bracket == wanted => {
                let is_first = self.bytes[..at]
                    .iter()
                    .rev()
                    .take_while(|byte| **byte != b'\n')
                    .all(|byte| b" \t".contains(byte));
                if close == b'>'
                    && is_first
                    && self.indentation < opened.indentation
                    && self.suspect.is_none()
                {
                    self.suspect = Some((opened.at, at));
                }
                self.flat[at] = close;
                self.open.pop();
            }
            _ => {
                self.flat[at] = REPORTED;
                let help = match close {
                    b'>' => {
                        "drop it; a block is written `< ... >`, a comparison in words (`more than 3`), and a command's redirection belongs inside its quotes"
                    }
                    _ => "drop it, or quote the text it belongs to",
                };
                let at = self.span(at, at + 1);
                self.problems.push(SyntaxError::StrayClose {
                    close: close as char,
                    help,
                    at,
                });
            }
        }
    }

    /// A `}` closes the block that a `{` opened, and was reported with it.
    fn close_brace(&mut self, at: usize) {
        match self.open.last() {
            Some(opened) if self.bytes[opened.at] == b'{' => {
                self.flat[at] = b'>';
                self.open.pop();
            }
            _ => {
                self.flat[at] = REPORTED;
                let help = "drop it; a block is written `< ... >`";
                let at = self.span(at, at + 1);
                self.problems
                    .push(SyntaxError::StrayClose { close: '}', help, at });
            }
        }
    }

    fn quoted(&mut self, at: usize) -> usize {
        let quote = self.bytes[at];
        let mut end = at + 1;
        while end < self.bytes.len() && self.bytes[end] != quote {
            end += if quote == b'"' && self.bytes[end] == b'\\' {
                2
            } else {
                1
            };
        }
        if end >= self.bytes.len() {
            let escape = if quote == b'"' {
                "is written `\\\"`"
            } else {
                "needs the text in \"...\""
            };
            let span = self.span(at, at + 1);
            self.problems.push_incomplete(SyntaxError::UnclosedQuote {
                quote: quote as char,
                escape,
                at: span,
            });
            // One thing is told at a time: what is open besides would close behind the quote.
            self.open.clear();
            self.flat.truncate(self.statement);
            self.bytes = &self.bytes[..self.statement.min(at)];
            self.open.clear();
            return at;
        }
        self.flat[at + 1..end].fill(b'_');
        end + 1
    }

    /// Whether the slash at `at` begins a regular expression: only where one is taken.
    fn is_regex(&self, at: usize) -> bool {
        let before = &self.flat[..at];
        for key in [&b"until="[..], b"expect="] {
            if before.ends_with(key) {
                return !before[..before.len() - key.len()]
                    .last()
                    .is_some_and(|byte| is_name_byte(*byte));
            }
        }
        let word = before.trim_ascii_end();
        word.len() < before.len()
            && [&b"section"[..], b"matches"].iter().any(|key| {
                word.ends_with(key)
                    && !word[..word.len() - key.len()]
                        .last()
                        .is_some_and(|byte| is_name_byte(*byte) || *byte == b'$')
            })
    }

    fn regex(&mut self, at: usize) -> usize {
        let mut end = at + 1;
        while end < self.bytes.len() && !b"/\n".contains(&self.bytes[end]) {
            end += if self.bytes[end] == b'\\' && self.bytes.get(end + 1) != Some(&b'\n') {
                2
            } else {
                1
            };
        }
        if self.bytes.get(end) != Some(&b'/') {
            let span = self.span(at, at + 1);
            self.problems.push(SyntaxError::UnclosedRegex { at: span });
            self.flat[at] = REPORTED;
            return at + 1;
        }
        self.flat[at + 1..end].fill(b'_');
        end + 1
    }

    /// Steps over `${name}`; what is no such thing is left to the grammar.
    fn braced(&mut self, at: usize) -> usize {
        let name = self.bytes[at + 2..]
            .iter()
            .take_while(|byte| is_name_byte(**byte) || **byte == b'.')
            .count();
        if name > 0 && self.bytes.get(at + 2 + name) == Some(&b'}') {
            return at + name + 3;
        }
        at + 2
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn names_of(bracket: u8) -> (&'static str, char) {
    match bracket {
        b'(' => ("the parenthesis", ')'),
        b'[' => ("the list", ']'),
        _ => ("the block", '>'),
    }
}
