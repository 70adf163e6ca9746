/// Something of another shell, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    /// What is not so in this language.
    pub says: String,
    /// What to write.
    pub instead: String,
    /// Whether it is a brace that can be read as the block it was meant for.
    pub is_block: bool,
}

impl Foreign {
    fn new(says: impl Into<String>, instead: impl Into<String>) -> Self {
        Foreign {
            says: says.into(),
            instead: instead.into(),
            is_block: false,
        }
    }
}

const REDIRECTION: (&str, &str) = (
    "there is no redirection between commands",
    "put it inside the command's quotes, `run \"... 2>/dev/null\"`, or take the output as a value: `let x = locally < probe \"...\" >`",
);
const SUBSTITUTION: (&str, &str) = (
    "there is no command substitution",
    "write `let x = locally < probe \"...\" >` (or `on any NODES < probe \"...\" >`), then `$x`",
);

/// The token of another shell that begins at `at`, outside quotes and comments, and its length.
pub(super) fn foreign_token(bytes: &[u8], at: usize, depth: usize) -> Option<(usize, Foreign)> {
    let rest = &bytes[at..];
    let next = rest.get(1).copied();
    let pair = |text: (&str, &str)| Foreign::new(text.0, text.1);
    let found = match rest[0] {
        b'&' if next == Some(b'&') => (
            2,
            Foreign::new(
                "`&&` does not join statements",
                "write two statements, a failed one ends the block anyway; in a condition write `and`",
            ),
        ),
        b'|' if next == Some(b'|') => (
            2,
            Foreign::new(
                "`||` does not join statements",
                "write `try < ... > else < ... >`; in a condition write `or`",
            ),
        ),
        b'&' if next == Some(b'>') => (2, pair(REDIRECTION)),
        b'&' if rest[1..]
            .iter()
            .find(|byte| !b" \t\r".contains(byte))
            .is_none_or(|byte| b"\n;>".contains(byte)) =>
        {
            (
                1,
                Foreign::new(
                    "nothing runs in the background",
                    "let nodes work side by side with `on NODES in parallel < ... >`",
                ),
            )
        }
        b'>' if next == Some(b'=') => (2, comparison(">=", "at least")),
        b'<' if next == Some(b'=') => (2, comparison("<=", "at most")),
        b'=' if next == Some(b'=') => (2, comparison("==", "is")),
        b'!' if next == Some(b'=') => (2, comparison("!=", "is not")),
        b'=' if next == Some(b'~') => (2, comparison("=~", "matches /.../")),
        b'<' if next == Some(b'<') => (
            2,
            Foreign::new(
                "there are no here-documents",
                "give the text as `input=\"...\"`; a text in quotes may run over lines",
            ),
        ),
        b'<' if next == Some(b'(')
            && bytes
                .get(at.wrapping_sub(1))
                .is_some_and(|byte| b" \t".contains(byte))
            && depth == 0
            && is_process(rest) =>
        {
            (1, pair(SUBSTITUTION))
        }
        b'>' if next != Some(b'>')
            && is_comparing(bytes, at)
            && (is_redirection(rest) || has_target(rest))
            && !begins_with_else(rest[1..].trim_ascii_start()) =>
        {
            (1, comparison(">", "more than"))
        }
        b'>' if is_redirection(rest) || depth == 0 && has_target(rest) => {
            (if next == Some(b'>') { 2 } else { 1 }, pair(REDIRECTION))
        }
        b'0'..=b'9' if next == Some(b'>') && begins_word(bytes, at) && is_redirection(&rest[1..]) => {
            (2, pair(REDIRECTION))
        }
        b'{' if next.is_none_or(|byte| b" \t\r\n}".contains(&byte)) => (
            1,
            Foreign {
                is_block: true,
                ..Foreign::new("braces are no block", "write the block as `< ... >`")
            },
        ),
        b'{' => (
            length_until(rest, b'}'),
            Foreign::new(
                "words are not expanded by braces",
                "write a list, `[a b c]`, or quote the text",
            ),
        ),
        b'`' => (length_until(rest, b'`'), pair(SUBSTITUTION)),
        b'$' if next == Some(b'(') => (1, pair(SUBSTITUTION)),
        b'\\' => (
            1,
            match next {
                None | Some(b'\n' | b'\r') => Foreign::new(
                    "a backslash does not join lines",
                    "a line that begins with `|` or `else` goes on by itself, and so does what stands in `( )`, `[ ]` or quotes",
                ),
                _ => Foreign::new(
                    "a backslash means nothing outside quotes",
                    "quote the text that needs it",
                ),
            },
        ),
        0xe2 if rest.starts_with("“".as_bytes()) || rest.starts_with("”".as_bytes()) => (
            3,
            Foreign::new("a typographic quote does not quote", "write the plain `\"`"),
        ),
        0xe2 if rest.starts_with("‘".as_bytes()) || rest.starts_with("’".as_bytes()) => (
            3,
            Foreign::new(
                "a typographic quote does not quote",
                "write the plain `'`, or `\"` for a text with values in it",
            ),
        ),
        _ => return None,
    };
    Some(found)
}

fn comparison(written: &str, instead: &str) -> Foreign {
    Foreign::new(
        format!("`{written}` does not compare"),
        format!("write `{instead}`"),
    )
}

/// Whether `<(` looks like `<(sort a)`: closed by `)` and nothing like a block.
fn is_process(rest: &[u8]) -> bool {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
    !line.contains(&b'>')
}

/// Whether a word follows the `>` that `rest` begins with on its line.
fn has_target(rest: &[u8]) -> bool {
    let after = rest[1..].iter().find(|byte| !b" \t".contains(byte));
    after.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"/&.~$_\"".contains(byte))
}

/// How many bytes up to and with `close`, if it stands on the same line.
fn length_until(rest: &[u8], close: u8) -> usize {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
    line.iter()
        .skip(1)
        .position(|byte| *byte == close)
        .map_or(1, |at| at + 2)
}

/// Whether the `>` that `rest` begins with sends output somewhere.
fn is_redirection(rest: &[u8]) -> bool {
    let is_target = |byte: u8| byte.is_ascii_alphanumeric() || b"/&.~$_".contains(&byte);
    match rest.get(1) {
        Some(b'>') => match rest[2..].iter().find(|byte| !b" \t".contains(byte)) {
            Some(byte) => is_target(*byte) && !rest[2..].trim_ascii_start().starts_with(b"else"),
            None => false,
        },
        Some(byte) => is_target(*byte) && !begins_with_else(&rest[1..]),
        None => false,
    }
}

/// Whether the word `else` stands first: what stands before it closes a block.
fn begins_with_else(rest: &[u8]) -> bool {
    rest.strip_prefix(b"else")
        .is_some_and(|behind| behind.first().is_none_or(|byte| b" \t\r\n<\"$(".contains(byte)))
}

/// Whether the statement that goes on at `at` compares: a `>` in it is meant so.
fn is_comparing(bytes: &[u8], at: usize) -> bool {
    let line = bytes[..at]
        .rsplit(|byte| b"\n;<".contains(byte))
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace();
    matches!(
        words.next(),
        Some("if" | "check" | "require" | "promise" | "wait")
    ) || words.any(|word| word == "where")
}

fn begins_word(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(1)
        .is_none_or(|before| b" \t".contains(&bytes[before]))
}

/// The statement of another shell that `text` is, if it is one.
pub(super) fn foreign_statement(text: &str) -> Option<Foreign> {
    let mut words = text.split_whitespace();
    let first = words.next()?;
    let rest = text[first.len()..].trim();
    if let Some((name, value)) = first.split_once('=')
        && is_name(name)
    {
        let value = if value.is_empty() {
            "..."
        } else {
            value.trim_matches(['_', '"', '\''])
        };
        let value = if value.is_empty() { "..." } else { value };
        return Some(Foreign::new(
            "a value is named with `let`",
            format!(
                "write `let {} = \"{value}\"`; it is measured once and used as `${0}`",
                name.to_lowercase().replace('_', "-")
            ),
        ));
    }
    if first.ends_with("()")
        || (is_name(first.trim_end_matches(['(', ')'])) && rest.starts_with("()") && rest.contains('<'))
    {
        return Some(Foreign::new(
            "procedures are declared with `verb`",
            "write `verb NAME(param: type) < ... >`",
        ));
    }
    let (says, instead) = match first {
        "function" | "def" => (
            "procedures are declared with `verb`",
            "write `verb NAME(param: type) < ... >`",
        ),
        "echo" | "printf" => (
            "nothing is echoed",
            "write `note \"text\"` to tell the operator, `show VALUE` to show a value, or `run \"echo ...\"` to do it on a node",
        ),
        "export" | "local" | "declare" | "readonly" => (
            "a value is named with `let`",
            "write `let name = \"value\"`, then `$name`",
        ),
        "fi" | "done" | "esac" => (
            "a block is closed by `>`",
            "write `if ... < ... >`, `for x in LIST < ... >`",
        ),
        "then" | "do" => (
            "a block is opened by `<`",
            "write `if ... < ... >`, `for x in LIST < ... >`",
        ),
        "elif" => (
            "there is no `elif`",
            "write `else if CONDITION < ... >` after the block",
        ),
        "case" => (
            "there is no `case`",
            "write `if $x is \"a\" < ... > else if $x is \"b\" < ... >`",
        ),
        "while" => (
            "there is no loop without an end",
            "write `wait up to 10m until GUARD`, `retry 3 times every 10s < ... >` or `for x in LIST < ... >`",
        ),
        "exit" | "return" => (
            "a script does not exit",
            "write `fail \"why\"`, or `skip \"why\"` to be done with this node",
        ),
        "sleep" => (
            "nobody just sleeps",
            "write what is waited for: `wait up to 5m until GUARD`",
        ),
        "source" | "import" | "include" => (
            "modules are brought in with `use`",
            "write `use NAME`, or `use \"other.runbook\"`",
        ),
        "ssh" => (
            "nodes are chosen with `on`",
            "write `on NODE < run \"command\" >`",
        ),
        "sudo" => (
            "who runs a command is said by the `on`",
            "write `on NODES serially, as root < run \"command\" >`",
        ),
        "if" if rest.starts_with('[') || ends_like(rest, "then") => (
            "`if` takes a condition in words, then a block",
            "write `if $x is \"a\" < ... > else < ... >`",
        ),
        "if" if rest.starts_with('!') => ("`!` does not negate", "write `if not CONDITION < ... >`"),
        "for" if ends_like(rest, "do") || !rest.contains('<') && rest.contains(" in ") => (
            "`for` takes a list, then a block",
            "write `for x in [a b c] < ... >`, with `$x` in it",
        ),
        "for" if rest.starts_with("((") => (
            "`for` takes a list, then a block",
            "write `for x in [a b c] < ... >`",
        ),
        _ => return None,
    };
    Some(Foreign::new(says, instead))
}

fn ends_like(text: &str, word: &str) -> bool {
    text.split_whitespace().last() == Some(word)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
}

#[cfg(test)]
mod tests {
    use super::foreign_token;

    #[test]
    fn brackets_of_blocks_are_told_from_redirections() {
        let cases = [
            // a text, where its bracket stands, how deep, whether another shell is meant
            ("on a < stop b >", 5, 0, false),
            ("on a < stop b >", 14, 1, false),
            ("on a<stop b>", 11, 1, false),
            ("a < b < c >>", 10, 2, false),
            ("a < b < c >> # done", 10, 2, false),
            ("run x >> file", 6, 0, true),
            ("run x >file", 6, 1, true),
            ("run x > file", 6, 0, true),
            ("run x 2>&1", 6, 1, true),
            ("if a > 5 < b >", 5, 0, true),
            ("if a < b >else < c >", 9, 1, false),
            ("if a < b > else < c >", 9, 1, false),
            ("if a <= 3", 5, 0, true),
            ("if a >= 3", 5, 1, true),
            ("try < a > else < b >", 8, 1, false),
        ];
        for (text, at, depth, is_foreign) in cases {
            assert_eq!(
                foreign_token(text.as_bytes(), at, depth).is_some(),
                is_foreign,
                "{text}"
            );
        }
    }
}
