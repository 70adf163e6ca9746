use miette::Diagnostic;
use thiserror::Error;

use crate::diagnostic::Span;

/// What can be wrong with a text before its meaning is asked for.
#[derive(Debug, Error, Diagnostic)]
pub enum SyntaxError {
    /// A file nobody wrote by hand.
    #[error("the script has {bytes} bytes; at most {limit} are read")]
    #[diagnostic(code(syntax::too_large), help("split it into modules and `use` them"))]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
        /// Its first byte.
        #[label("begins here")]
        at: Span,
    },
    /// Brackets in brackets in brackets.
    #[error("blocks and brackets stand more than {limit} deep")]
    #[diagnostic(
        code(syntax::too_deep),
        help("move the inner part into a `verb` or a `guard`")
    )]
    TooDeep {
        /// What is allowed.
        limit: usize,
        /// Where the limit is passed.
        #[label("one too many")]
        at: Span,
    },
    /// A text that is broken through and through.
    #[error("more cannot be read from here on")]
    #[diagnostic(
        code(syntax::too_much_broken),
        help("mend what is told above, then check again")
    )]
    TooMuchBroken {
        /// Where it was given up.
        #[label("not looked into")]
        at: Span,
    },
    /// One endless expression.
    #[error("one expression holds more than {limit} operators")]
    #[diagnostic(
        code(syntax::too_long),
        help("name parts of it with `let`, or put the words in a list: `status in [a b c]`")
    )]
    TooManyOperators {
        /// What is allowed.
        limit: usize,
        /// The expression.
        #[label("this one")]
        at: Span,
    },
    /// A byte that no editor shows.
    #[error("the text holds a control character ({name})")]
    #[diagnostic(
        code(syntax::control_character),
        help("remove it; in quotes, write `{escape}`")
    )]
    ControlCharacter {
        /// How it is called.
        name: String,
        /// How it is written in a string.
        escape: String,
        /// Where.
        #[label("here")]
        at: Span,
    },
    /// A string that never ends.
    #[error("the text in quotes never ends")]
    #[diagnostic(
        code(syntax::unclosed_quote),
        help("close it with `{quote}`; a `{quote}` that is meant as a letter {escape}")
    )]
    UnclosedQuote {
        /// `"` or `'`.
        quote: char,
        /// How to write the quote itself.
        escape: &'static str,
        /// The opening quote.
        #[label("opened here")]
        at: Span,
    },
    /// A regular expression that does not end on its line.
    #[error("the regular expression never ends")]
    #[diagnostic(
        code(syntax::unclosed_regex),
        help("close it with `/` on the same line; a `/` inside it is `\\/`")
    )]
    UnclosedRegex {
        /// The opening slash.
        #[label("opened here")]
        at: Span,
    },
    /// A block or bracket that never ends.
    #[error("{what} is never closed")]
    #[diagnostic(code(syntax::unclosed_block), help("close it with `{close}`"))]
    Unclosed {
        /// `the block`, `the parenthesis`, `the list`.
        what: &'static str,
        /// What closes it.
        close: char,
        /// Where it opens.
        #[label("opened here")]
        at: Span,
        /// A hint at the culprit, when the layout gives one away.
        #[label("by its indentation, this one closes something further out")]
        suspect: Option<Span>,
    },
    /// A closing bracket without its opening one.
    #[error("nothing is open that `{close}` could close")]
    #[diagnostic(code(syntax::stray_close), help("{help}"))]
    StrayClose {
        /// The bracket.
        close: char,
        /// What to do.
        help: &'static str,
        /// Where.
        #[label("closes nothing")]
        at: Span,
    },
    /// `( … >`
    #[error("`{open}` is closed by `{close}`")]
    #[diagnostic(
        code(syntax::mismatched),
        help("write `{wanted}` before it, or drop the `{open}`")
    )]
    Mismatched {
        /// The bracket that is open.
        open: char,
        /// What closes it.
        wanted: char,
        /// What came instead.
        close: char,
        /// Where it opens.
        #[label("opened here")]
        opened: Span,
        /// Where it is closed wrongly.
        #[label("`{wanted}` should stand before this")]
        at: Span,
    },
    /// What people bring along from other shells.
    #[error("{says}")]
    #[diagnostic(code(syntax::other_shell), help("{instead}"))]
    OtherShell {
        /// What is not so in this language.
        says: String,
        /// What to write.
        instead: String,
        /// Where.
        #[label("this is another shell's")]
        at: Span,
    },
    /// Something else was expected.
    #[error("{says}")]
    #[diagnostic(code(syntax::unexpected))]
    Unexpected {
        /// What was found, and what should stand there.
        says: String,
        /// What should be there.
        expected: String,
        /// What to write instead.
        #[help]
        help: Option<String>,
        /// Where.
        #[label("expected {expected}")]
        at: Span,
    },
    /// `require quorum and healthy`
    #[error("a condition stands here as if it were a guard and its arguments")]
    #[diagnostic(
        code(syntax::bare_condition),
        help("put the condition in parentheses: `{condition}`")
    )]
    BareCondition {
        /// What to write.
        condition: String,
        /// Where.
        #[label("a condition")]
        at: Span,
    },
    /// `\q`
    #[error("`{written}` is no escape")]
    #[diagnostic(
        code(syntax::unknown_escape),
        help(
            "write `\\{written}` for a backslash; known are \\n \\t \\r \\e \\0 \\\\ \\\" \\' \\$ and \\u{{1f4a9}}; text in '...' is taken verbatim"
        )
    )]
    UnknownEscape {
        /// The backslash and what follows it.
        written: String,
        /// Where.
        #[label("here")]
        at: Span,
    },
    /// A `$` in a text without a name after it.
    #[error("`$` in a text names a value, and no name follows")]
    #[diagnostic(code(syntax::lone_dollar), help("{help}"))]
    LoneDollar {
        /// What to write.
        help: &'static str,
        /// Where.
        #[label("here")]
        at: Span,
    },
    /// A number that is none.
    #[error("`{written}` is not a number with a unit")]
    #[diagnostic(
        code(syntax::bad_literal),
        help("numbers are written 42, 30s 10m 2h, 10GB, 80%, 3:2 or 6.0.7; a text stands in quotes")
    )]
    BadLiteral {
        /// As written.
        written: String,
        /// Where.
        #[label("cannot be read")]
        at: Span,
    },
    /// `[a, b]`
    #[error("a comma stands at the end of a word")]
    #[diagnostic(
        code(syntax::comma),
        help("words are parted by blanks alone: `[a b c]`; quote the word if the comma belongs to it")
    )]
    Comma {
        /// Where.
        #[label("this comma")]
        at: Span,
    },
    /// `on locally < … >`
    #[error("the machine that runs the script is not one of the nodes")]
    #[diagnostic(code(syntax::on_locally), help("write `locally < ... >`, without `on`"))]
    OnLocally {
        /// Where.
        #[label("`locally` stands alone")]
        at: Span,
    },
}
