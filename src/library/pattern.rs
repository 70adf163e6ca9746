use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Most patterns that are kept ready; with more than these, all are let go at once.
const MOST_KEPT: usize = 256;

thread_local! {
    /// Compiling costs a thousand times more than matching, and facts match all the time.
    static READY: RefCell<HashMap<String, Rc<Regex>>> = RefCell::default();
}

/// Reads a regular expression as it stands between its slashes; the same pattern is
/// compiled once.
///
/// # Errors
///
/// What is wrong with the pattern, in one line.
pub fn read_regex(pattern: &str) -> Result<Rc<Regex>, String> {
    READY.with_borrow_mut(|ready| {
        if let Some(regex) = ready.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(pattern).map_err(|error| explain_error(&error))?;
        if ready.len() >= MOST_KEPT {
            ready.clear();
        }
        let regex = Rc::new(regex);
        ready.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

/// The last line of what the compiler says; the ones before it only draw the pattern.
fn explain_error(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// Longest pattern that is written, which repetitions written out may reach.
const LONGEST: usize = 2_000;

/// Writes a regular expression as a POSIX extended one that every awk takes alike when letters
/// are bytes.
///
/// It is in any text exactly when `pattern` is; where it begins and ends may differ. `\\d`,
/// `\\w` and `\\s` are those of ASCII, and what is beyond ASCII matches byte by byte.
///
/// # Errors
///
/// What awk cannot be told, in one line: word boundaries, anchors of lines or within the
/// pattern, and classes with letters beyond ASCII.
///
/// # Source
///
/// POSIX.1-2017, awk, "Regular Expressions", less intervals, which not every awk knows.
pub fn write_extended(pattern: &str) -> Result<String, String> {
    // Without Unicode, `\\d` and a negated class are the sets of bytes that awk has.
    let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
    let hir = parser.parse(pattern).map_err(|error| {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim();
        last.strip_prefix("error: ").unwrap_or(last).to_owned()
    })?;
    let written = write_part(&hir)?;
    if written.len() > LONGEST {
        return Err("it is too long when its repetitions are written out".to_owned());
    }
    Ok(written)
}

fn write_part(part: &Hir) -> Result<String, String> {
    Ok(match part.kind() {
        HirKind::Empty => String::new(),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| "it has a byte that is no letter")?;
            text.chars()
                .map(write_letter)
                .collect::<Result<String, String>>()?
        }
        HirKind::Class(class) => write_class(class)?,
        HirKind::Look(Look::Start) => "^".to_owned(),
        HirKind::Look(Look::End) => "$".to_owned(),
        HirKind::Look(_) => return Err("it has a word boundary or an anchor of a line".to_owned()),
        HirKind::Repetition(repetition) => write_repetition(repetition)?,
        HirKind::Capture(capture) => match write_part(&capture.sub)? {
            empty if empty.is_empty() => empty,
            inner => format!("({inner})"),
        },
        HirKind::Concat(parts) => write_sequence(parts)?,
        HirKind::Alternation(parts) => {
            let written: Result<Vec<String>, String> = parts.iter().map(write_part).collect();
            let (empty, written): (Vec<String>, Vec<String>) =
                written?.into_iter().partition(String::is_empty);
            match empty.is_empty() {
                true => written.join("|"),
                false => format!("({})?", written.join("|")),
            }
        }
    })
}

/// Parts one after the other; an anchor stands first or last, since awks differ elsewhere.
fn write_sequence(parts: &[Hir]) -> Result<String, String> {
    let mut written = String::new();
    for (index, part) in parts.iter().enumerate() {
        match part.kind() {
            HirKind::Look(Look::Start) if index > 0 => return Err(ANCHOR_WITHIN.to_owned()),
            HirKind::Look(Look::End) if index + 1 < parts.len() => return Err(ANCHOR_WITHIN.to_owned()),
            HirKind::Alternation(_) => written.push_str(&write_group(part)?),
            _ => written.push_str(&write_part(part)?),
        }
    }
    Ok(written)
}

const ANCHOR_WITHIN: &str = "it has an anchor within the pattern";

/// A part so that what follows it speaks of the whole of it.
fn write_group(part: &Hir) -> Result<String, String> {
    let written = write_part(part)?;
    let is_one = match part.kind() {
        HirKind::Literal(literal) => literal.0.len() == 1,
        HirKind::Class(_) | HirKind::Capture(_) => true,
        _ => false,
    };
    Ok(if is_one { written } else { format!("({written})") })
}

fn write_repetition(repetition: &Repetition) -> Result<String, String> {
    if !repetition.sub.properties().look_set().is_empty() {
        return Err("it repeats an anchor".to_owned());
    }
    let one = write_group(&repetition.sub)?;
    if one.is_empty() || one == "()" {
        return Ok(String::new());
    }
    let (least, most) = (repetition.min as usize, repetition.max.map(|most| most as usize));
    if one.len() * most.unwrap_or(least).max(least) > LONGEST {
        return Err("it is too long when its repetitions are written out".to_owned());
    }
    Ok(match (least, most) {
        (0, None) => format!("{one}*"),
        (least, None) => format!("{}{one}+", one.repeat(least - 1)),
        (least, Some(most)) => one.repeat(least) + &format!("{one}?").repeat(most - least),
    })
}

/// A letter that stands for itself.
fn write_letter(letter: char) -> Result<String, String> {
    Ok(match letter {
        '\0' => return Err("it has a zero byte".to_owned()),
        '^' | '\\' => format!("\\{letter}"),
        '.' | '[' | '(' | ')' | '*' | '+' | '?' | '{' | '|' | '$' => format!("[{letter}]"),
        plain => plain.to_string(),
    })
}

/// A class in brackets. Bytes beyond ASCII are all in it or none is.
fn write_class(class: &Class) -> Result<String, String> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Bytes(class) => class
            .iter()
            .map(|range| (u32::from(range.start()), u32::from(range.end())))
            .collect(),
        Class::Unicode(class) => class
            .iter()
            .map(|range| (u32::from(range.start()), u32::from(range.end())))
            .collect(),
    };
    let last = if matches!(class, Class::Bytes(_)) {
        0xff
    } else {
        0x10_ffff
    };
    let has = |code: u32| ranges.iter().any(|(start, end)| (*start..=*end).contains(&code));
    let is_negated = ranges.iter().any(|(start, end)| *start <= 0x80 && *end == last);
    if !is_negated && ranges.iter().any(|(_, end)| *end >= 0x80) {
        return Err("it has a class with letters beyond ASCII".to_owned());
    }
    // No text has a zero byte, so it need not be said.
    let letters: Vec<char> = (1..0x80)
        .filter(|code| has(*code) != is_negated)
        .filter_map(char::from_u32)
        .collect();
    match (is_negated, letters.as_slice()) {
        (true, []) => Ok(".".to_owned()),
        (true, letters) => Ok(format!("[^{}]", write_bracket(letters))),
        (false, []) => Err("it has a class that nothing is in".to_owned()),
        (false, [letter]) => write_letter(*letter),
        (false, letters) => Ok(format!("[{}]", write_bracket(letters))),
    }
}

/// What a bracket list says of some letters. Those that mean something there stand where they
/// mean themselves.
fn write_bracket(letters: &[char]) -> String {
    let mut written = String::new();
    let has = |letter: char| letters.contains(&letter);
    let plain: Vec<char> = letters
        .iter()
        .copied()
        .filter(|letter| !"]\\[^-".contains(*letter))
        .collect();
    if has(']') {
        written.push(']');
    }
    let is_run = |pair: &[char]| u32::from(pair[0]) + 1 == u32::from(pair[1]);
    for run in plain.chunk_by(|a, b| is_run(&[*a, *b])) {
        match run {
            [first, _, .., last] => written.extend([*first, '-', *last]),
            few => written.extend(few),
        }
    }
    if has('\\') {
        written.push_str(r"\\");
    }
    if has('[') {
        written.push('[');
    }
    match (has('^'), has('-'), written.is_empty()) {
        (true, true, true) => written.push_str("-^"),
        (caret, dash, _) => {
            written.extend(caret.then_some('^'));
            written.extend(dash.then_some('-'));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::{read_regex, write_extended};

    #[test]
    fn patterns_are_written_for_awk() {
        let cases = [
            ("^[[:blank:]]*MDSID", Ok("^[\t ]*MDSID")),
            (r"\d+\.\d{2}", Ok("[0-9]+[.][0-9][0-9]")),
            (r"a{2,}b{1,3}?", Ok("aa+bb?b?")),
            (r"(?i)Ab", Ok("[Aa][Bb]")),
            (r"a|b.|", Ok("(a|b[^\n])?")),
            (r"(?:ab)*", Ok("(ab)*")),
            (r"é+x", Ok("(é)+x")),
            (r"[^a\]]", Ok("[^]a]")),
            (r"[\\\[^-]", Ok(r"[\\[^-]")),
            (r"[-^]", Ok("[-^]")),
            (r"\^\$", Ok(r"\^[$]")),
            (r"a\b", Err("it has a word boundary or an anchor of a line")),
            (r"(?m)^a", Err("it has a word boundary or an anchor of a line")),
            (r"a^b", Err("it has an anchor within the pattern")),
            (r"(^a)+", Err("it repeats an anchor")),
            (r"[é]", Err("Unicode not allowed here")),
            (r"a(", Err("unclosed group")),
        ];
        for (pattern, written) in cases {
            let found = write_extended(pattern);
            assert_eq!(found.as_deref().map_err(String::as_str), written, "{pattern}");
        }
    }

    #[test]
    fn patterns_are_compiled_once() {
        let one = read_regex("^[[:blank:]]*MDSID").expect("a good pattern");
        assert!(one.is_match("  MDSID STATUS"));
        let again = read_regex("^[[:blank:]]*MDSID").expect("a good pattern");
        assert!(std::rc::Rc::ptr_eq(&one, &again));
        assert_eq!(read_regex("a(").unwrap_err(), "unclosed group");
    }
}
