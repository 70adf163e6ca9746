use miette::Diagnostic;
use thiserror::Error;

/// Why a filter gives nothing.
#[derive(Debug, Clone, Error, Diagnostic, PartialEq, Eq)]
pub enum FilterError {
    /// The input is of a type that the filter does not take.
    #[error("`{filter}` takes {takes}, and this is {found}")]
    #[diagnostic(code(library::takes_other))]
    TakesOther {
        /// The filter.
        filter: &'static str,
        /// What it takes: `text`, `a table or a list`.
        takes: &'static str,
        /// The type of what it was given.
        found: String,
    },

    /// What was searched for is not there.
    #[error("`{filter}` finds {what}")]
    #[diagnostic(
        code(library::nothing_found),
        help("{shown}; add `or none` where finding nothing is well")
    )]
    NothingFound {
        /// The filter.
        filter: &'static str,
        /// `no line that matches /MDSID/`.
        what: String,
        /// The first lines of what was searched.
        shown: String,
    },

    /// Exactly one was wanted.
    #[error("`only` takes exactly one, and there {}", count_of(*.count))]
    #[diagnostic(code(library::not_one), help("{shown}"))]
    NotOne {
        /// How many there are.
        count: usize,
        /// The first of them.
        shown: String,
    },

    /// One of none was wanted.
    #[error("`{filter}` has nothing to choose from")]
    #[diagnostic(code(library::empty), help("what comes before it gave no rows"))]
    Empty {
        /// The filter.
        filter: &'static str,
    },

    /// Values that ought to be the same are not.
    #[error("these are not the same: {who}")]
    #[diagnostic(code(library::differ))]
    Differ {
        /// Each value and who has it.
        who: String,
    },

    /// A column that is not there.
    #[error("`{filter}` finds no column `{column}`")]
    #[diagnostic(code(library::no_column), help("{help}"))]
    NoColumn {
        /// The filter.
        filter: &'static str,
        /// As written.
        column: String,
        /// What was meant, or what there is.
        help: String,
    },

    /// An argument that cannot be used.
    #[error("`{filter}` {why}")]
    #[diagnostic(code(library::bad_argument))]
    BadArgument {
        /// The filter.
        filter: &'static str,
        /// What is wrong with it.
        why: String,
    },

    /// A sum that no number can hold.
    #[error("the sum is greater than any number of its kind")]
    #[diagnostic(code(library::too_great))]
    TooGreat,

    /// Text that is not JSON.
    #[error("this is not JSON: {why}")]
    #[diagnostic(code(library::not_json), help("{shown}"))]
    NotJson {
        /// What the reader says.
        why: String,
        /// The first lines of the text.
        shown: String,
    },
}

fn count_of(count: usize) -> String {
    match count {
        0 => "is none".to_owned(),
        count => format!("are {count}"),
    }
}

/// Most lines, rows or values that an error shows.
pub(super) const MOST_SHOWN: usize = 5;

/// Most letters of a line that an error shows.
const MOST_LETTERS: usize = 100;

/// The first lines of a text, fit to be shown: an output is not to be trusted with a terminal.
pub(super) fn show_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return "the text is empty".to_owned();
    }
    let shown: Vec<String> = lines
        .iter()
        .take(MOST_SHOWN)
        .map(|line| show_line(line))
        .collect();
    let more = if lines.len() > MOST_SHOWN { "\n..." } else { "" };
    format!("the text begins with\n{}{more}\n", shown.join("\n"))
}

/// One line of an output, cut short and without control characters.
pub(super) fn show_line(line: &str) -> String {
    let clean = |letter: char| {
        if letter == '\t' {
            ' '
        } else if letter.is_control() {
            '?'
        } else {
            letter
        }
    };
    let shown: String = line.chars().take(MOST_LETTERS).map(clean).collect();
    if line.chars().nth(MOST_LETTERS).is_some() {
        return shown + "...";
    }
    shown
}
