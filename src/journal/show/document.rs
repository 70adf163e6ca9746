/// What is told of a run, before it is written in one form or another.
///
/// All texts stand as they came; whoever writes them makes them harmless.
pub(super) struct Document {
    /// What it is about.
    pub title: String,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// A part of a document.
pub(super) enum Block {
    /// The head of a section.
    Heading(&'static str),
    /// The head of a section of which all texts are folded.
    FoldedHeading(&'static str),
    /// Some sentences.
    Paragraph(String),
    /// A table.
    Table(Table),
    /// A text of many lines, as it came.
    Text {
        /// What it is.
        caption: String,
        /// The text.
        text: String,
        /// Whether it is shown at once; where nothing can be unfolded, other texts are left out.
        is_open: bool,
    },
    /// The place of the picture, where there is one.
    Picture,
}

/// A table.
pub(super) struct Table {
    /// What it holds, for those who cannot see where it stands.
    pub caption: &'static str,
    /// The names of the columns.
    pub head: &'static [&'static str],
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// What it says.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// How something went, as the colour of its words or of its bar; never told by the colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tone {
    /// It is only said.
    Plain,
    /// It went well.
    Good,
    /// It was passed over, skipped or held back.
    Passed,
    /// It is to be looked at, or cannot be told.
    Notable,
    /// It went wrong.
    Bad,
}

impl Tone {
    /// The name of its class.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Plain => "plain",
            Tone::Good => "good",
            Tone::Passed => "passed",
            Tone::Notable => "notable",
            Tone::Bad => "bad",
        }
    }
}

/// Most letters of a cell or caption: what is longer stands in full elsewhere.
const MOST_LETTERS: usize = 400;

/// The beginning of a text that is too long for a table.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(MOST_LETTERS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

impl Cell {
    /// A cell that only says something.
    pub fn plain(text: impl Into<String>) -> Cell {
        Cell::toned(text, Tone::Plain)
    }

    /// A cell that is meant in a way.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Cell {
        let text = shorten(&text.into());
        Cell { text, tone }
    }
}
