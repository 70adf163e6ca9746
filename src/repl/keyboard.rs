use super::speech::write_out;
use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};

use futures_util::lock::{Mutex, MutexGuard};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

use super::editor::{LineEditor, Printer, Read};

/// What tells a terminal that pasted text is no longer to be marked.
const NO_BRACKETS: &str = "\x1b[?2004l";

/// What the keyboard is asked for.
enum Wish {
    /// A line of the session, after a prompt: without and with its colours.
    Line { plain: String, coloured: String },
    /// An answer to a question.
    Answer { prompt: String },
    /// A line is to be found again.
    Remember(String),
}

/// The keyboard, which a thread of its own waits for; one thing at a time is asked of it.
pub(super) struct Keyboard {
    wishes: Sender<Wish>,
    typed: Mutex<UnboundedReceiver<Read>>,
    printer: RefCell<Option<Printer>>,
    /// How the terminal was found.
    mode: Option<Termios>,
}

impl Keyboard {
    /// Hands the editor over to a thread.
    pub fn start(mut editor: LineEditor) -> Keyboard {
        let printer = editor.printer();
        let (wishes, wanted) = channel();
        let (sender, typed) = unbounded_channel();
        // It ends with the process: nobody can be called away from a keyboard.
        std::thread::spawn(move || serve(editor, &wanted, &sender));
        Keyboard {
            wishes,
            typed: Mutex::new(typed),
            printer: RefCell::new(printer),
            mode: tcgetattr(std::io::stdin()).ok(),
        }
    }

    /// Asks for a line, which [`Keyboard::typed`] will get.
    pub fn want_line(&self, plain: String, coloured: String) {
        self.wish(Wish::Line { plain, coloured });
    }

    /// Asks for an answer, which [`Keyboard::typed`] will get.
    pub fn want_answer(&self, prompt: String) {
        self.wish(Wish::Answer { prompt });
    }

    /// Keeps a line in the history.
    pub fn remember(&self, line: &str) {
        self.wish(Wish::Remember(line.to_owned()));
    }

    /// What is typed.
    ///
    /// # Panics
    ///
    /// While somebody waits for an answer.
    pub fn typed(&self) -> MutexGuard<'_, UnboundedReceiver<Read>> {
        self.typed
            .try_lock()
            .expect("one thing at a time is asked of a keyboard")
    }

    /// Asks for an answer and waits for it.
    pub async fn answer(&self, prompt: String) -> Read {
        self.wish(Wish::Answer { prompt });
        let mut typed = self.typed.lock().await;
        let read = match tokio::runtime::Handle::try_current() {
            Ok(_) => typed.recv().await,
            // Beside a simulated cluster no time passes while a person thinks.
            Err(_) => typed.blocking_recv(),
        };
        read.unwrap_or(Read::End)
    }

    /// Prints something above the line that is being typed.
    pub fn print_above(&self, text: &str) {
        match &mut *self.printer.borrow_mut() {
            Some(printer) => printer(text),
            None => write_out(text),
        }
    }

    /// Leaves the terminal as it was found, also where somebody was still typing.
    pub fn restore(&self) {
        if let Some(mode) = &self.mode {
            // Where the terminal is gone, there is nothing to restore.
            let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, mode);
            write_out(NO_BRACKETS);
        }
    }

    fn wish(&self, wish: Wish) {
        // Where the thread has ended, nothing more is typed, which the next reader hears of.
        let _ = self.wishes.send(wish);
    }
}

fn serve(mut editor: LineEditor, wanted: &Receiver<Wish>, typed: &UnboundedSender<Read>) {
    while let Ok(wish) = wanted.recv() {
        let (read, is_line) = match wish {
            Wish::Line { plain, coloured } => (editor.read(&plain, &coloured), true),
            Wish::Answer { prompt } => (editor.read_answer(&prompt), false),
            Wish::Remember(line) => {
                editor.remember(&line);
                continue;
            }
        };
        // Ctrl-D at a question is no answer; at the prompt it is the end.
        let is_over = is_line && matches!(read, Read::End);
        if typed.send(read).is_err() || is_over {
            break;
        }
    }
}
