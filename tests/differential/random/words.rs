//! Names and texts, above all those at which a careless shell script comes to grief.

/// Names that mean something to a shell, to awk, or to the functions of an expanded script.
pub const AWKWARD_NAMES: [&str; 34] = [
    "kind",
    "trouble",
    "work",
    "place",
    "answer",
    "outcome",
    "text",
    "split",
    "length",
    "substr",
    "function",
    "getline",
    "PATH",
    "HOME",
    "IFS",
    "esac",
    "question",
    "x-y",
    "x_y",
    "limit",
    "body",
    "status-of",
    "local-value",
    "last_value",
    "first",
    "delete",
    "index",
    "value",
    "BEGIN",
    "NR",
    "in_words",
    "names",
    "RS",
    "turns_1",
];

/// Texts for which quoting matters.
pub const HOSTILE_TEXTS: [&str; 44] = [
    "it's",
    "say \"hi\"",
    "$HOME",
    "${x}",
    "$(id)",
    "`id`",
    "back\\slash",
    "\\n",
    "ends in \\",
    "naïve — ü",
    "日本",
    "-n",
    "--",
    "-e x",
    "two  blanks",
    " before",
    "after ",
    "*",
    "?",
    "[a-z]",
    "%s %d",
    "100%",
    "a\tb",
    "a & b",
    "a;b",
    "a|b",
    "<x>",
    "{brace}",
    "#hash",
    "!bang",
    "~",
    "",
    " ",
    "=",
    "0",
    "007",
    "1e3",
    "yes",
    "null",
    "a,b",
    "first\nsecond",
    "/slash/",
    "'",
    "x\u{e9}y",
];

/// Words for which it does not.
pub const PLAIN_WORDS: [&str; 12] = [
    "alpha", "beta", "gamma", "node1", "node2", "avail", "active", "7", "40%", "10GB", "5m", "6.0.8",
];

/// Patterns that every tool reads alike.
pub const PATTERNS: [&str; 12] = [
    "a",
    "^node[0-9]+$",
    "(alpha|beta)",
    "^[a-z]*$",
    "a.*a",
    "^$",
    "[0-9]",
    "\\.",
    "^ ",
    "b?e+",
    "x|y",
    "[^a-z]",
];

/// A text between double quotes, as the language wants it.
pub fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '$' => written.extend(['\\', letter]),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            _ => written.push(letter),
        }
    }
    written.push('"');
    written
}
