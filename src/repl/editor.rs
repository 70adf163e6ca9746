use std::borrow::Cow;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::termios::{FlushArg, tcflush};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, ExternalPrinter, Helper};

use super::complete::{complete, file_start};
use super::highlight::highlight;
use crate::project::{Background, Vocabulary, is_unfinished};

/// A longer line is taken in as it is: no colours, no hints, no completion.
const LONGEST: usize = 16 << 10;

/// Most lines that are kept.
const MOST_LINES: usize = 10_000;

/// How long to wait for the rest of what is no text.
const QUIET: Duration = Duration::from_millis(50);

/// The longest complaint that is shown beside a line, in letters.
const LONGEST_COMPLAINT: usize = 70;

/// What came of reading a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// A line, or a statement of several.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or nobody is there any more.
    End,
}

/// What prints above the line that is being typed.
pub(super) type Printer = Box<dyn FnMut(&str) + Send>;

/// What the editor knows of the session; it changes with each line.
pub(super) struct Knowledge {
    pub vocabulary: Vocabulary,
    pub background: Background,
}

/// The line editor: lines of the session, and answers to questions.
pub(super) struct LineEditor {
    lines: Editor<Advice, DefaultHistory>,
    answers: Editor<(), DefaultHistory>,
    history: Option<PathBuf>,
    is_coloured: bool,
}

impl LineEditor {
    /// Opens the editor, with the history of a file.
    ///
    /// # Errors
    ///
    /// What the terminal says when it cannot be used.
    pub fn open(
        is_coloured: bool,
        history: Option<PathBuf>,
        knowledge: Arc<Mutex<Knowledge>>,
    ) -> Result<LineEditor, String> {
        // Colours or none, what is drawn goes through the highlighter: it leaves control characters out.
        let colours = ColorMode::Forced;
        let failed = |error: ReadlineError| format!("the terminal cannot be used: {error}");
        let config = Config::builder()
            .max_history_size(MOST_LINES)
            .map_err(failed)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .color_mode(colours)
            .build();
        let mut lines = Editor::with_config(config).map_err(failed)?;
        lines.set_helper(Some(Advice {
            knowledge,
            files: FilenameCompleter::new(),
            history: HistoryHinter::new(),
            is_coloured,
        }));
        let answers = Editor::with_config(Config::builder().color_mode(colours).build()).map_err(failed)?;
        let history = history.filter(|path| make_private_folder(path));
        if let Some(path) = &history {
            // The first session has none yet, and one that cannot be read is no reason not to begin.
            let _ = lines.load_history(path);
        }
        Ok(LineEditor {
            lines,
            answers,
            history,
            is_coloured,
        })
    }

    /// Reads a line after a prompt, given without and with its colours.
    pub fn read(&mut self, plain: &str, coloured: &str) -> Read {
        let prompt = if self.is_coloured { coloured } else { plain };
        tell(self.lines.readline(&(plain, prompt)))
    }

    /// Reads an answer, which is no line of the session. What was typed before the question stood
    /// there is thrown away: nobody answers what they have not seen.
    pub fn read_answer(&mut self, prompt: &str) -> Read {
        let _ = tcflush(std::io::stdin(), FlushArg::TCIFLUSH);
        tell(self.answers.readline(prompt))
    }

    /// Keeps a line, for this session and for later ones.
    pub fn remember(&mut self, line: &str) {
        let is_kept = self.lines.add_history_entry(line).unwrap_or(false);
        if let Some(path) = self.history.as_ref().filter(|_| is_kept) {
            // A history that cannot be written is no reason to stop.
            let _ = self.lines.append_history(path);
        }
    }

    /// What prints above the line that is being typed.
    pub fn printer(&mut self) -> Option<Printer> {
        let mut printer = self.lines.create_external_printer().ok()?;
        Some(Box::new(move |text: &str| {
            // Where the terminal is gone, nobody reads it.
            let _ = printer.print(text.to_owned());
        }))
    }
}

/// Makes the folder of the history, for the user alone.
fn make_private_folder(history: &Path) -> bool {
    let folder = history.parent().unwrap_or(Path::new("."));
    folder.is_dir()
        || DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(folder)
            .is_ok()
}

fn tell(read: Result<String, ReadlineError>) -> Read {
    match read {
        Ok(line) => Read::Line(line),
        Err(ReadlineError::Eof | ReadlineError::Io(_) | ReadlineError::Errno(_)) => Read::End,
        Err(ReadlineError::Interrupted) => Read::Interrupted,
        // No text at all: the rest of it must not be taken for keys, of which one may be Enter.
        Err(_) => {
            std::thread::sleep(QUIET);
            let _ = tcflush(std::io::stdin(), FlushArg::TCIFLUSH);
            Read::Interrupted
        }
    }
}

/// What a line that is being typed is given: colours, hints, and what a word may become.
pub(super) struct Advice {
    knowledge: Arc<Mutex<Knowledge>>,
    files: FilenameCompleter,
    history: HistoryHinter,
    is_coloured: bool,
}

impl Advice {
    fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        // What is known is known, whatever became of another thread.
        self.knowledge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the checker says of a line, once its last word is ended.
    pub fn complain(&self, line: &str) -> Option<String> {
        let is_ended = line.ends_with(|letter: char| letter.is_whitespace() || ">)\"'".contains(letter));
        if !is_ended || line.trim().is_empty() || line.starts_with(':') || is_unfinished(line) {
            return None;
        }
        let read = self.knowledge().background.read(line);
        let problem = read.problems.iter().find(|problem| problem.is_error())?;
        // What is wrong at the very end may be only that more is to come.
        let end = problem.span().map_or(0, |span| span.end as usize);
        if problem.code().starts_with("syntax::") && end >= line.trim_end().len() {
            return None;
        }
        let text = problem.finding.to_string();
        let first = text.lines().next().unwrap_or_default();
        let short: String = first.chars().take(LONGEST_COMPLAINT).collect();
        Some(format!("  ← {short}"))
    }
}

impl Helper for Advice {}

impl Validator for Advice {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let line = context.input();
        Ok(match !line.starts_with(':') && is_unfinished(line) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Completer for Advice {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if line.len() > LONGEST {
            return Ok((cursor, Vec::new()));
        }
        match file_start(&line[..cursor]) {
            Some(_) => self.files.complete_path(line, cursor),
            None => Ok(complete(line, cursor, &self.knowledge().vocabulary)),
        }
    }
}

/// What is shown beside a line: the rest of an earlier one, or a complaint, which is never taken over.
pub(super) struct Beside {
    shown: String,
    is_rest: bool,
}

impl Hint for Beside {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        self.is_rest.then_some(self.shown.as_str())
    }
}

impl Hinter for Advice {
    type Hint = Beside;

    fn hint(&self, line: &str, cursor: usize, context: &Context<'_>) -> Option<Beside> {
        if line.is_empty() || cursor < line.len() || line.len() > LONGEST {
            return None;
        }
        if let Some(rest) = self
            .history
            .hint(line, cursor, context)
            .filter(|rest| !rest.contains('\n'))
        {
            return Some(Beside {
                shown: rest,
                is_rest: true,
            });
        }
        self.complain(line).map(|shown| Beside {
            shown,
            is_rest: false,
        })
    }
}

impl Highlighter for Advice {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        let is_harmful = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
        // They take no room, so that leaving them out moves nothing.
        let line = match line.contains(is_harmful) {
            true => Cow::Owned(line.replace(is_harmful, "")),
            false => Cow::Borrowed(line),
        };
        match self.is_coloured && line.len() <= LONGEST {
            true => Cow::Owned(highlight(&line, &self.knowledge().vocabulary)),
            false => line,
        }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        match self.is_coloured {
            true => Cow::Owned(format!("\x1b[2m{hint}\x1b[0m")),
            false => Cow::Borrowed(hint),
        }
    }

    fn highlight_char(&self, line: &str, _: usize, kind: CmdKind) -> bool {
        // A word becomes known or unknown by its next letter.
        self.is_coloured && line.len() <= LONGEST && kind != CmdKind::MoveCursor
    }
}
