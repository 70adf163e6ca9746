use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};

/// What came of reading a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Read {
    /// A line.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or nobody is there any more.
    End,
}

/// The line editor.
pub(super) struct LineEditor {
    lines: DefaultEditor,
    answers: DefaultEditor,
}

impl LineEditor {
    /// Opens it.
    pub fn open() -> Result<LineEditor, String> {
        Ok(LineEditor {
            lines: DefaultEditor::new().map_err(|error| error.to_string())?,
            answers: DefaultEditor::new().map_err(|error| error.to_string())?,
        })
    }

    /// Reads a line.
    pub fn read(&mut self, plain: &str, _coloured: &str) -> Read {
        tell(self.lines.readline(plain))
    }

    /// Reads an answer, which is no line of the session.
    pub fn read_answer(&mut self, prompt: &str) -> Read {
        tell(self.answers.readline(prompt))
    }

    /// Remembers.
    pub fn remember(&mut self, line: &str) {
        let _ = self.lines.add_history_entry(line);
    }

    /// What prints above the line that is being typed.
    pub fn printer(&mut self) -> Option<Box<dyn FnMut(&str) + Send>> {
        let mut printer = self.lines.create_external_printer().ok()?;
        Some(Box::new(move |text: &str| {
            let _ = printer.print(text.to_owned());
        }))
    }
}

fn tell(read: Result<String, ReadlineError>) -> Read {
    match read {
        Ok(line) => Read::Line(line),
        Err(ReadlineError::Interrupted) => Read::Interrupted,
        Err(_) => Read::End,
    }
}
