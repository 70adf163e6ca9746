//! What a tree leaves out and a page needs: which lines were broken, where comments stand.

use super::Script;
use super::parse::{Sign, find_signs};
use super::scan::scan_text;
use crate::diagnostic::Problems;

/// A line of a page, at its own indentation.
#[derive(Debug, Clone)]
pub(super) enum Line {
    /// A statement, a declaration, or a line of a service.
    Statement(Vec<Item>),
    /// A comment on its own line.
    Comment(String),
    /// One empty line, however many there were.
    Blank,
}

/// A piece of a statement.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A word, a bracket, or a text in quotes.
    Word {
        /// As written.
        text: String,
        /// Whether no blank stood before it.
        is_glued: bool,
    },
    /// A comma, a colon, an operator or a bracket whose blanks the language does not care about.
    Sign {
        /// As written.
        text: String,
        /// Whether it clings to the word before it.
        clings: bool,
        /// Whether it is the `|` of a pipeline.
        is_pipe: bool,
    },
    /// `< … >`
    Block {
        /// A comment right behind the `<`.
        comment: Option<String>,
        /// What it holds.
        lines: Vec<Line>,
        /// Whether it was written on one line.
        is_on_one_line: bool,
    },
    /// The statement goes on in the next line.
    Break,
    /// A comment at the end of a line, or on its own line between broken ones.
    Comment(String),
}

/// Takes a script without problems apart into lines, keeping what was broken and commented.
pub(super) fn read_lines(text: &str, base: u32, script: &Script) -> Vec<Line> {
    // Its problems are none, by the promise of whoever calls.
    let Some(flat) = scan_text(text, base, &mut Problems::new()) else {
        return Vec::new();
    };
    let comments = script.comments.iter().map(|comment| Mark {
        at: (comment.span.start - base) as usize,
        end: (comment.span.end - base) as usize,
        is_trailing: comment.node.is_trailing,
    });
    let comments: Vec<Mark> = comments.collect();
    let mut page = Page {
        text,
        flat: flat.text.as_bytes(),
        comments: &comments,
        signs: &find_signs(&flat.text),
        at: 0,
    };
    page.lines()
}

/// Where a comment stands.
struct Mark {
    at: usize,
    end: usize,
    is_trailing: bool,
}

struct Page<'a> {
    text: &'a str,
    flat: &'a [u8],
    comments: &'a [Mark],
    signs: &'a [Sign],
    at: usize,
}

/// The next thing on a page.
enum Token {
    Newline,
    Break,
    Semicolon,
    Open,
    Close,
    Comment { text: String, is_trailing: bool },
    Word { text: String, is_glued: bool },
    Sign(Sign),
    End,
}

impl Page<'_> {
    /// The lines up to the end of the block, or of the page.
    fn lines(&mut self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut newlines = 0;
        loop {
            let before = self.at;
            match self.token() {
                Token::Newline | Token::Break => newlines += 1,
                Token::Semicolon => {}
                Token::Close | Token::End => break,
                Token::Comment { text, is_trailing } => {
                    if let (true, Some(Line::Statement(items))) =
                        (is_trailing && newlines == 0, lines.last_mut())
                    {
                        items.push(Item::Comment(text));
                        continue;
                    }
                    push_blank(&mut lines, newlines);
                    lines.push(Line::Comment(text));
                    newlines = 0;
                }
                Token::Open | Token::Word { .. } | Token::Sign(_) => {
                    push_blank(&mut lines, newlines);
                    newlines = 0;
                    self.at = before;
                    let items = self.statement();
                    lines.push(Line::Statement(items));
                }
            }
        }
        lines
    }

    /// The pieces of a statement; stops before what ends it.
    fn statement(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        loop {
            let before = self.at;
            match self.token() {
                Token::Newline | Token::Semicolon | Token::Close | Token::End => {
                    self.at = before;
                    return items;
                }
                Token::Break => {
                    if !matches!(items.last(), Some(Item::Break)) {
                        items.push(Item::Break);
                    }
                }
                // At the end of a statement it belongs to the line, which takes it.
                Token::Comment { text, .. } => items.push(Item::Comment(text)),
                Token::Word { text, is_glued } => items.push(Item::Word { text, is_glued }),
                Token::Sign(Sign {
                    at,
                    end,
                    clings,
                    is_pipe,
                }) => items.push(Item::Sign {
                    text: self.text[at..end].to_owned(),
                    clings,
                    is_pipe,
                }),
                Token::Open => items.push(self.block()),
            }
        }
    }

    fn block(&mut self) -> Item {
        let from = self.at;
        let before = self.at;
        let comment = match self.token() {
            Token::Comment {
                text,
                is_trailing: true,
            } => Some(text),
            _ => {
                self.at = before;
                None
            }
        };
        let lines = self.lines();
        let is_on_one_line = !self.text[from..self.at].contains('\n');
        Item::Block {
            comment,
            lines,
            is_on_one_line,
        }
    }

    fn token(&mut self) -> Token {
        let start = self.at;
        while let Some(byte) = self.flat.get(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    return Token::Newline;
                }
                b' ' | b'\t' | b'\r' => {
                    if let Some(token) = self.blank() {
                        return token;
                    }
                }
                _ => break,
            }
        }
        let is_glued = self.at == start && start > 0;
        let from = self.at;
        let Some(byte) = self.flat.get(from) else {
            return Token::End;
        };
        if let Ok(index) = self.signs.binary_search_by_key(&from, |sign| sign.at) {
            self.at = self.signs[index].end;
            return Token::Sign(self.signs[index]);
        }
        let next_sign = self.signs.partition_point(|sign| sign.at <= from);
        let word_end = self.signs.get(next_sign).map_or(usize::MAX, |sign| sign.at);
        self.at += 1;
        match byte {
            b';' => Token::Semicolon,
            b'<' => Token::Open,
            b'>' => Token::Close,
            b'(' | b')' | b'[' | b']' => Token::Word {
                text: self.text[from..self.at].to_owned(),
                is_glued,
            },
            _ => {
                while self
                    .flat
                    .get(self.at)
                    .filter(|_| self.at < word_end)
                    .is_some_and(|byte| !b" \t\r\n;<>()[]".contains(byte))
                {
                    self.at += 1;
                }
                Token::Word {
                    text: self.text[from..self.at].to_owned(),
                    is_glued,
                }
            }
        }
    }

    /// Steps over a blank of the flat text: a blank, a comment, or a newline that was joined.
    fn blank(&mut self) -> Option<Token> {
        let at = self.at;
        if self.text.as_bytes()[at] == b'\n' {
            self.at += 1;
            return Some(Token::Break);
        }
        if self.text.as_bytes()[at] != b'#' {
            self.at += 1;
            return None;
        }
        let index = self.comments.binary_search_by_key(&at, |mark| mark.at).ok()?;
        let mark = &self.comments[index];
        self.at = mark.end;
        Some(Token::Comment {
            text: write_comment(&self.text[at..mark.end]),
            is_trailing: mark.is_trailing,
        })
    }
}

fn push_blank(lines: &mut Vec<Line>, newlines: usize) {
    if newlines > 1 && !lines.is_empty() {
        lines.push(Line::Blank);
    }
}

/// The comment with a blank behind its `#`, where a word follows.
fn write_comment(written: &str) -> String {
    let text = written.trim_start_matches('#');
    let marks = &written[..written.len() - text.len()];
    if text.starts_with(|first: char| first.is_alphanumeric()) && marks.len() <= 2 {
        return format!("{marks} {text}");
    }
    written.to_owned()
}
