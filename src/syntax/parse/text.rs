use super::{Pair, Reader, Rule};
use crate::diagnostic::{Span, Spanned};
use crate::syntax::{Expression, Quoting, SyntaxError, Template, TemplatePart, Variable};

const COMMAND_IN_TEXT: &str = "take the output as a value first, `let x = locally < probe \"...\" >`, then write `$x`; for the remote shell's own, write `\\$(`";
const PLAIN_DOLLAR: &str = "write `\\$` for the sign itself, or for a `$` that the remote shell should see";

impl<'a> Reader<'a> {
    /// A text in either kind of quotes.
    pub(super) fn string(&mut self, pair: &Pair) -> Template {
        let (from, to) = self.range(pair);
        let inside = &self.text[from + 1..to - 1];
        if self.text.as_bytes()[from] == b'\'' {
            let part = Spanned::new(TemplatePart::Text(inside.to_owned()), self.at(from + 1, to - 1));
            return Template {
                quoting: Quoting::Single,
                parts: vec![part],
            };
        }
        let mut parts = Parts::default();
        let margin = margin_of(inside);
        let mut rest = Layout::of(inside, from + 1);
        while let Some((at, letter)) = rest.next_letter() {
            match letter {
                '\n' => {
                    parts.push('\n', at);
                    rest.skip_blanks(margin);
                }
                '\\' => self.escape(&mut rest, at, &mut parts),
                '$' => match rest.take_variable() {
                    Some((start, name)) => {
                        let variable = self.variable_at(start, name);
                        let (at, end) = (self.base + at as u32, self.base + rest.at as u32);
                        parts.push_variable(variable, Span::new(at, end), self.base);
                    }
                    None => {
                        let is_command = rest.text.starts_with('(');
                        let help = if is_command { COMMAND_IN_TEXT } else { PLAIN_DOLLAR };
                        let at_span = self.at(at, at + 1);
                        self.problems.push(SyntaxError::LoneDollar { help, at: at_span });
                        parts.push('$', at);
                    }
                },
                _ => parts.push(letter, at),
            }
        }
        let end = rest.at;
        Template {
            quoting: Quoting::Double,
            parts: parts.finish(end, self.base),
        }
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, rest: &mut Layout<'a>, at: usize, parts: &mut Parts) {
        let Some((_, letter)) = rest.next_letter() else {
            return parts.push('\\', at);
        };
        let plain = match letter {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'e' => '\u{1b}',
            '0' => '\0',
            '\\' | '"' | '\'' | '$' => letter,
            '\n' => return rest.skip_blanks(usize::MAX),
            'u' => match rest.take_code_point() {
                Some(letter) => letter,
                None => return self.tell_escape("\\u", at),
            },
            other => return self.tell_escape(&format!("\\{other}"), at),
        };
        parts.push(plain, at);
    }

    fn tell_escape(&mut self, written: &str, at: usize) {
        let at = self.at(at, at + written.len());
        self.problems.push(SyntaxError::UnknownEscape {
            written: written.to_owned(),
            at,
        });
    }

    /// `name` or `row.column` as written at a byte of the text.
    pub(super) fn variable_at(&mut self, from: usize, written: &str) -> Variable {
        let mut at = from;
        let mut names = Vec::new();
        for name in written.split('.') {
            names.push(Spanned::new(name.to_owned(), self.at(at, at + name.len())));
            at += name.len() + 1;
        }
        let fields = names.split_off(1);
        let name = names.pop().expect("a split gives at least one piece");
        Variable { name, fields }
    }

    /// A bare word in argument mode, maybe with values in it.
    pub(super) fn bare(&mut self, pair: Pair<'a>) -> Expression {
        let (_, end) = self.range(&pair);
        let pieces: Vec<Pair> = pair.into_inner().collect();
        if let [only] = pieces.as_slice() {
            if only.as_rule() == Rule::run_of_text {
                let written = self.written(only);
                if let Some(word) = written.strip_suffix(',') {
                    let at = self.at(end - 1, end);
                    self.problems.push(SyntaxError::Comma { at });
                    return Expression::Word(word.to_owned());
                }
                return Expression::Word(written.to_owned());
            }
            return Expression::Variable(self.variable(only));
        }
        if let [dollar, run] = pieces.as_slice()
            && dollar.as_rule() == Rule::dollar
            && is_path_of_fields(run.as_str())
        {
            let (from, _) = self.range(dollar);
            return Expression::Variable(self.variable_at(from + 1, &self.text[from + 1..end]));
        }
        let parts = pieces.iter().map(|piece| {
            let part = match piece.as_rule() {
                Rule::run_of_text => TemplatePart::Text(self.written(piece).to_owned()),
                _ => TemplatePart::Variable(self.variable(piece)),
            };
            Spanned::new(part, self.span(piece))
        });
        let parts = parts.collect();
        Expression::Text(Template {
            quoting: Quoting::Bare,
            parts,
        })
    }
}

/// Whether `.a.b` follows a value and nothing else does.
fn is_path_of_fields(run: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && !name.ends_with('-')
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
    };
    run.strip_prefix('.')
        .is_some_and(|fields| fields.split('.').all(is_name))
}

/// How many blanks all lines after the first begin with.
fn margin_of(inside: &str) -> usize {
    let blanks = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let lines = inside.split('\n').skip(1);
    lines
        .filter(|line| !line.trim().is_empty())
        .map(blanks)
        .min()
        .unwrap_or(0)
}

/// What is left of a text that may run over lines.
struct Layout<'a> {
    text: &'a str,
    /// Where `text` begins in the file.
    at: usize,
}

impl<'a> Layout<'a> {
    /// The text without an empty first and an empty last line, which only serve the layout.
    fn of(inside: &'a str, at: usize) -> Self {
        let mut layout = Layout { text: inside, at };
        if let Some((first, _)) = inside.split_once('\n') {
            if first.trim().is_empty() {
                layout.skip(first.len() + 1);
                layout.skip_blanks(margin_of(inside));
            }
            if let Some((before, last)) = layout.text.rsplit_once('\n')
                && last.trim().is_empty()
            {
                layout.text = before;
            }
        }
        layout
    }

    fn skip(&mut self, bytes: usize) {
        self.text = &self.text[bytes..];
        self.at += bytes;
    }

    fn skip_blanks(&mut self, most: usize) {
        let blanks = self
            .text
            .bytes()
            .take(most)
            .take_while(|byte| b" \t".contains(byte))
            .count();
        self.skip(blanks);
    }

    fn next_letter(&mut self) -> Option<(usize, char)> {
        let letter = self.text.chars().next()?;
        let at = self.at;
        self.skip(letter.len_utf8());
        Some((at, letter))
    }

    /// The longest name here, or a path in braces, and where it begins.
    fn take_variable(&mut self) -> Option<(usize, &'a str)> {
        let (text, at) = (self.text, self.at);
        if let Some(inner) = text.strip_prefix('{') {
            let (path, _) = inner.split_once('}')?;
            let is_path = path
                .split('.')
                .all(|name| !name.is_empty() && longest_name(name) == name.len());
            if !is_path {
                return None;
            }
            self.skip(path.len() + 2);
            return Some((at + 1, path));
        }
        let length = longest_name(text);
        if length == 0 {
            return None;
        }
        self.skip(length);
        Some((at, &text[..length]))
    }

    /// `{1f4a9}` behind `\u`.
    fn take_code_point(&mut self) -> Option<char> {
        let (digits, _) = self.text.strip_prefix('{')?.split_once('}')?;
        let letter = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
        self.skip(digits.len() + 2);
        Some(letter)
    }
}

/// How long the name is that `text` begins with; a `-` at its end is not part of it.
fn longest_name(text: &str) -> usize {
    if !text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        return 0;
    }
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '-');
    text[..end.unwrap_or(text.len())].trim_end_matches('-').len()
}

/// Parts of a template while they are found.
#[derive(Default)]
struct Parts {
    done: Vec<Spanned<TemplatePart>>,
    text: String,
    text_at: usize,
}

impl Parts {
    fn push(&mut self, letter: char, at: usize) {
        if self.text.is_empty() {
            self.text_at = at;
        }
        self.text.push(letter);
    }

    fn push_variable(&mut self, variable: Variable, span: Span, base: u32) {
        self.close_text((span.start - base) as usize, base);
        self.done
            .push(Spanned::new(TemplatePart::Variable(variable), span));
    }

    fn close_text(&mut self, end: usize, base: u32) {
        if self.text.is_empty() {
            return;
        }
        let span = Span::new(base + self.text_at as u32, base + end as u32);
        self.done.push(Spanned::new(
            TemplatePart::Text(std::mem::take(&mut self.text)),
            span,
        ));
    }

    fn finish(mut self, end: usize, base: u32) -> Vec<Spanned<TemplatePart>> {
        self.close_text(end, base);
        self.done
    }
}
