use std::ops::Range;
use std::sync::Arc;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::Span;

/// All texts of a project, laid end to end on one number line.
#[derive(Debug, Default, Clone)]
pub struct SourceMap {
    files: Vec<File>,
}

#[derive(Debug, Clone)]
struct File {
    name: String,
    base: u32,
    text: Arc<str>,
    /// The same, byte for byte as long, without what could do something to a terminal.
    shown: Arc<str>,
    /// Where each line begins, since places are asked for all along a run.
    line_starts: Arc<[usize]>,
}

/// A place as people name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Name of the file as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl SourceMap {
    /// The byte at which the next text will begin.
    pub fn end(&self) -> u32 {
        self.files
            .last()
            .map_or(0, |file| file.base + file.text.len() as u32 + 1)
    }

    /// Adds a text and gives the byte at which it begins.
    ///
    /// Texts are kept one byte apart, so that no span can touch two of them.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> u32 {
        let base = self.end();
        let text: Arc<str> = text.into();
        self.files.push(File {
            name: name.into(),
            base,
            shown: make_harmless(&text),
            line_starts: line_starts(&text),
            text,
        });
        base
    }

    /// The text written at `span`.
    pub fn text(&self, span: Span) -> &str {
        let Some(file) = self.file_of(span.start) else {
            return "";
        };
        let range = (span.start - file.base) as usize..(span.end - file.base) as usize;
        file.text.get(range).unwrap_or("")
    }

    /// The whole text of the file that holds `at`, and the byte at which it begins.
    pub fn whole(&self, at: u32) -> Option<(&str, u32)> {
        self.file_of(at).map(|file| (&*file.text, file.base))
    }

    /// File, line and column of the first byte of `span`.
    pub fn place(&self, span: Span) -> Option<Place> {
        let file = self.file_of(span.start)?;
        let offset = ((span.start - file.base) as usize).min(file.text.len());
        let line = file.line_starts.partition_point(|start| *start <= offset);
        let start = file.line_starts[line - 1];
        let before = &file.text.as_bytes()[start..offset];
        let column = String::from_utf8_lossy(before).chars().count() + 1;
        Some(Place {
            file: file.name.clone(),
            line,
            column,
        })
    }

    /// The names and texts of all files, in the order in which they were added.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|file| (file.name.as_str(), &*file.text))
    }

    /// The stretch from a place to the end of its line: the way back from [`SourceMap::place`].
    ///
    /// Of several files with one name the last is meant.
    pub fn find(&self, place: &Place) -> Option<Span> {
        let file = self.files.iter().rev().find(|file| file.name == place.file)?;
        let mut start = 0;
        for _ in 1..place.line {
            start += file.text[start..].find('\n')? + 1;
        }
        let line = file.text[start..].split('\n').next().unwrap_or("");
        let before: usize = line
            .chars()
            .take(place.column.checked_sub(1)?)
            .map(char::len_utf8)
            .sum();
        let (first, last) = (start + before, start + line.len());
        Some(Span::new(file.base + first as u32, file.base + last as u32))
    }

    fn file_of(&self, at: u32) -> Option<&File> {
        let index = self
            .files
            .partition_point(|file| file.base <= at)
            .checked_sub(1)?;
        self.files
            .get(index)
            .filter(|file| at <= file.base + file.text.len() as u32)
    }
}

/// A text with `?` for each byte of a control character, or of a sign that turns the direction of
/// writing: places in it stay the same.
fn make_harmless(text: &Arc<str>) -> Arc<str> {
    let is_harmful = |letter: char| {
        (letter.is_control() && !matches!(letter, '\n' | '\t'))
            || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(is_harmful) {
        return Arc::clone(text);
    }
    let mut harmless = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let ends_line = letter == '\r' && letters.peek() == Some(&'\n');
        match is_harmful(letter) && !ends_line {
            true => harmless.push_str(&"?".repeat(letter.len_utf8())),
            false => harmless.push(letter),
        }
    }
    harmless.into()
}

/// Longest line that is shown whole, in bytes; of a longer one only what is round the place.
const LONGEST_LINE: usize = 500;

/// The place itself and some letters round it, on its own line.
fn cut_out<'a>(file: &'a File, local: &SourceSpan) -> Box<dyn SpanContents<'a> + 'a> {
    const ROUND: usize = 60;
    let text = &*file.shown;
    let line_start = text[..local.offset()].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[local.offset()..]
        .find('\n')
        .map_or(text.len(), |at| local.offset() + at);
    let start = text.floor_char_boundary(local.offset().saturating_sub(ROUND).max(line_start));
    let length = local.len().min(LONGEST_LINE);
    let end = text.ceil_char_boundary((local.offset() + length + ROUND).min(line_end).max(start));
    let line = text[..line_start].matches('\n').count();
    let column = text[line_start..start].chars().count();
    let at = (start + file.base as usize, end - start).into();
    let data = &text.as_bytes()[start..end];
    Box::new(MietteSpanContents::new_named(
        file.name.clone(),
        data,
        at,
        line,
        column,
        1,
    ))
}

impl SourceCode for SourceMap {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let file = self
            .file_of(span.offset() as u32)
            .ok_or(MietteError::OutOfBounds)?;
        let base = file.base as usize;
        // A context that would cross two files is refused, so that the renderer shows them apart.
        if span.offset() + span.len() > base + file.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        let local: SourceSpan = (span.offset() - base, span.len()).into();
        let inner = file.shown.read_span(&local, before, after)?;
        if inner
            .data()
            .split(|byte| *byte == b'\n')
            .any(|line| line.len() > LONGEST_LINE)
        {
            return Ok(cut_out(file, &local));
        }
        let at: Range<usize> =
            inner.span().offset() + base..inner.span().offset() + base + inner.span().len();
        Ok(Box::new(MietteSpanContents::new_named(
            file.name.clone(),
            inner.data(),
            (at.start, at.end - at.start).into(),
            inner.line(),
            inner.column(),
            inner.line_count(),
        )))
    }
}

fn line_starts(text: &str) -> Arc<[usize]> {
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(breaks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again() {
        let mut sources = SourceMap::default();
        sources.add("a", "one\ntw\u{f6} two\n");
        let base = sources.add("b", "one\n\ntw\u{f6} two");
        for at in [0, 3, 4, 5, 7, 9, 13] {
            let span = Span::new(base + at, base + at);
            let place = sources.place(span).expect("it lies in the text");
            let found = sources.find(&place).expect("it is there");
            assert_eq!(found.start, span.start, "{place:?}");
        }
        let nowhere = |line, column| Place {
            file: "b".to_owned(),
            line,
            column,
        };
        assert_eq!(sources.find(&nowhere(9, 1)), None);
        assert_eq!(sources.find(&nowhere(1, 0)), None);
    }

    #[test]
    fn what_is_shown_does_nothing_to_a_terminal() {
        let cases = [
            // a text, as it is shown
            ("plain \u{fc}\n\tlines\r\n", "plain \u{fc}\n\tlines\r\n"),
            ("\u{1b}[2Jgone", "?[2Jgone"),
            ("over\rwritten", "over?written"),
            ("\u{9b}31m", "??31m"),
            ("abc\u{202e}fed", "abc???fed"),
        ];
        for (text, shown) in cases {
            let harmless = make_harmless(&text.into());
            assert_eq!((&*harmless, harmless.len()), (shown, text.len()), "{text:?}");
        }
    }
}
