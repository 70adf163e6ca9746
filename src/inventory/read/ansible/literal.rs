use crate::inventory::read::source::Place;
use crate::inventory::read::tree::{Key, Kind, Tree};

/// What a value in an INI file stands for: what Python reads it as, else its text.
///
/// # Source
///
/// Ansible hands each value to Python's `ast.literal_eval` and takes it as text when that
/// refuses: `010` is text, `0x10` is 16, `[1, 'a']` a list, `5 # five` is 5.
pub(super) fn read_value(text: &str, place: &Place) -> Tree {
    let mut reader = Reader {
        text,
        at: 0,
        place,
        depth: 0,
    };
    let kind = reader.read_whole().unwrap_or_else(|| Kind::Text(text.to_owned()));
    Tree {
        kind,
        place: place.clone(),
    }
}

/// How deep lists may lie in lists; what lies deeper is text.
const DEEPEST: usize = 64;

/// Reads a literal; nothing when it is none.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    place: &'a Place,
    depth: usize,
}

impl Reader<'_> {
    fn read_whole(&mut self) -> Option<Kind> {
        self.skip_blanks();
        let first = self.read_one()?;
        self.skip_blanks();
        if !self.rest().starts_with(',') {
            self.end()?;
            return Some(first.kind);
        }
        // Commas alone make a tuple, as in `1, 2`.
        let mut values = vec![first];
        while self.take(',') {
            self.skip_blanks();
            if self.is_end() {
                break;
            }
            values.push(self.read_one()?);
            self.skip_blanks();
        }
        self.end()?;
        Some(Kind::List(values))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, letter: char) -> bool {
        let is_there = self.rest().starts_with(letter);
        if is_there {
            self.at += letter.len_utf8();
        }
        is_there
    }

    fn is_end(&self) -> bool {
        self.rest().is_empty() || self.rest().starts_with('#')
    }

    fn end(&self) -> Option<()> {
        self.is_end().then_some(())
    }

    fn tree(&self, kind: Kind) -> Tree {
        Tree {
            kind,
            place: self.place.clone(),
        }
    }

    fn read_one(&mut self) -> Option<Tree> {
        let rest = self.rest();
        let kind = match rest.chars().next()? {
            '[' => {
                self.at += 1;
                Kind::List(self.read_items(']')?.0)
            }
            '(' => {
                self.at += 1;
                let (mut values, has_comma) = self.read_items(')')?;
                match values.len() == 1 && !has_comma {
                    true => return values.pop(),
                    false => Kind::List(values),
                }
            }
            '{' => {
                self.at += 1;
                self.read_braces()?
            }
            '+' | '-' | '.' | '0'..='9' => self.read_number()?,
            _ => {
                for (word, kind) in [
                    ("True", Kind::Truth(true)),
                    ("False", Kind::Truth(false)),
                    ("None", Kind::Null),
                ] {
                    if let Some(after) = rest.strip_prefix(word)
                        && !after.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
                    {
                        self.at += word.len();
                        return Some(self.tree(kind));
                    }
                }
                Kind::Text(self.read_strings()?)
            }
        };
        Some(self.tree(kind))
    }

    /// The values up to a closing bracket, and whether a comma stands among them.
    fn read_items(&mut self, close: char) -> Option<(Vec<Tree>, bool)> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let (mut values, mut has_comma) = (Vec::new(), false);
        loop {
            self.skip_blanks();
            if self.take(close) {
                break;
            }
            values.push(self.read_one()?);
            self.skip_blanks();
            if self.take(',') {
                has_comma = true;
            } else if !self.rest().starts_with(close) {
                return None;
            }
        }
        self.depth -= 1;
        Some((values, has_comma))
    }

    /// A table, or a set, which is taken as a list.
    fn read_braces(&mut self) -> Option<Kind> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        loop {
            self.skip_blanks();
            if self.take('}') {
                break;
            }
            let first = self.read_one()?;
            self.skip_blanks();
            if self.take(':') {
                self.skip_blanks();
                let value = self.read_one()?;
                let key = Key {
                    text: first.to_text().unwrap_or_else(|| "None".to_owned()),
                    is_text: matches!(first.kind, Kind::Text(_)),
                    place: self.place.clone(),
                };
                // Of two values under one key Python keeps the later one.
                entries.retain(|(known, _): &(Key, Tree)| known.text != key.text);
                entries.push((key, value));
            } else {
                values.push(first);
            }
            self.skip_blanks();
            if !self.take(',') && !self.rest().starts_with('}') {
                return None;
            }
        }
        self.depth -= 1;
        match (entries.is_empty(), values.is_empty()) {
            (_, true) => Some(Kind::Table(entries)),
            (true, false) => Some(Kind::List(values)),
            (false, false) => None,
        }
    }

    fn read_number(&mut self) -> Option<Kind> {
        let mut is_negative = false;
        // One sign at most: of two Python makes a calculation, which is none of a literal's.
        if let Some(sign @ ('+' | '-')) = self.rest().chars().next() {
            is_negative = sign == '-';
            self.at += 1;
            self.skip_blanks();
        }
        let rest = self.rest();
        let length = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || "._".contains(letter)));
        let mut length = length.unwrap_or(rest.len());
        // The sign of an exponent belongs to the number.
        let is_based = rest.len() > 1 && rest.starts_with('0') && rest.as_bytes()[1].is_ascii_alphabetic();
        if !is_based && rest[..length].ends_with(['e', 'E']) && rest[length..].starts_with(['+', '-']) {
            let digits = rest[length + 1..].bytes().take_while(u8::is_ascii_digit);
            length += 1 + digits.count();
        }
        let number = read_digits(&rest[..length])?;
        self.at += length;
        let sign = if is_negative && number != "0" { "-" } else { "" };
        Some(Kind::Number(format!("{sign}{number}")))
    }

    /// Strings that stand side by side are one.
    fn read_strings(&mut self) -> Option<String> {
        let mut whole = String::new();
        let mut is_first = true;
        loop {
            let rest = self.rest();
            let prefix = rest.find(['"', '\'']).filter(|at| *at <= 2);
            let prefix = prefix.map(|at| rest[..at].to_ascii_lowercase());
            let is_raw = match prefix.as_deref() {
                Some("" | "u" | "b") => false,
                Some("r" | "rb" | "br") => true,
                _ if is_first => return None,
                _ => return Some(whole),
            };
            self.at += prefix.map_or(0, |prefix| prefix.len());
            self.read_string(is_raw, &mut whole)?;
            self.skip_blanks();
            is_first = false;
        }
    }

    fn read_string(&mut self, is_raw: bool, whole: &mut String) -> Option<()> {
        let quote = self.rest().chars().next()?;
        self.at += 1;
        loop {
            let letter = self.rest().chars().next()?;
            self.at += letter.len_utf8();
            if letter == quote {
                return Some(());
            }
            if letter != '\\' {
                whole.push(letter);
                continue;
            }
            let next = self.rest().chars().next()?;
            self.at += next.len_utf8();
            let plain = match next {
                _ if is_raw => None,
                '\\' | '\'' | '"' => Some(next),
                'a' => Some('\x07'),
                'b' => Some('\x08'),
                'f' => Some('\x0c'),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                'v' => Some('\x0b'),
                'x' => Some(self.read_code(2)?),
                'u' => Some(self.read_code(4)?),
                'U' => Some(self.read_code(8)?),
                // A letter by its name, or a number in octal: nobody writes them, and to guess is worse.
                'N' | '0'..='7' => return None,
                _ => None,
            };
            match plain {
                Some(letter) => whole.push(letter),
                None => whole.extend(['\\', next]),
            }
        }
    }

    fn read_code(&mut self, digits: usize) -> Option<char> {
        let code = self.rest().get(..digits)?;
        let letter = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
        self.at += digits;
        Some(letter)
    }
}

/// A number without its sign, in decimal digits; nothing when Python knows none of this kind.
fn read_digits(text: &str) -> Option<String> {
    let bare = text.replace('_', "");
    let is_odd = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    if is_odd || bare.is_empty() {
        return None;
    }
    let lower = bare.to_ascii_lowercase();
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return u128::from_str_radix(digits, base)
                .ok()
                .map(|number| number.to_string());
        }
    }
    if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        let is_zero = bare.bytes().all(|byte| byte == b'0');
        return match (is_zero, bare.starts_with('0')) {
            (true, _) => Some("0".to_owned()),
            (false, true) => None,
            (false, false) => Some(bare),
        };
    }
    let is_float = lower
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b".e+-".contains(&byte));
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let is_split = text.match_indices('_').all(|(at, _)| {
        is_digit(text.as_bytes().get(at.wrapping_sub(1))) && is_digit(text.as_bytes().get(at + 1))
    });
    (is_float && is_split && lower.parse::<f64>().is_ok()).then_some(bare)
}
