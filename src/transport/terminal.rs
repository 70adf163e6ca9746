use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, BufRead, Write};
use std::rc::Rc;

use futures_util::future::{Either, select};
use futures_util::lock::{Mutex, MutexGuard};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// What stands on the terminal all the time, and makes way while somebody is asked or told.
pub trait Screen {
    /// Wipes it away until it is brought back.
    fn set_aside(&self);

    /// Draws it again.
    fn bring_back(&self);
}

/// The terminal of the person who runs the script: one question at a time, and nothing drawn over it.
#[derive(Clone)]
pub struct Terminal {
    shared: Rc<Shared>,
}

struct Shared {
    screen: Option<Rc<dyn Screen>>,
    turn: Mutex<()>,
    is_asking: Cell<bool>,
    /// Whether somebody types of their own accord, and must not be asked anything.
    is_typing: Cell<bool>,
    free: Notify,
    has_gone: Cell<bool>,
    gone: Notify,
    interrupted: Notify,
    /// A line that somebody was asked for and has not typed yet.
    pending: RefCell<Option<JoinHandle<Option<String>>>>,
}

impl Terminal {
    /// A terminal; `screen` is what stands on it.
    pub fn new(screen: Option<Rc<dyn Screen>>) -> Terminal {
        Terminal {
            shared: Rc::new(Shared {
                screen,
                turn: Mutex::new(()),
                is_asking: Cell::new(false),
                is_typing: Cell::new(false),
                free: Notify::new(),
                has_gone: Cell::new(false),
                gone: Notify::new(),
                interrupted: Notify::new(),
                pending: RefCell::new(None),
            }),
        }
    }

    /// Waits for one's turn to ask; the terminal is free as long as the turn is held.
    pub async fn take(&self) -> Turn<'_> {
        loop {
            let free = self.shared.free.notified();
            if !self.shared.is_typing.get() {
                break;
            }
            free.await;
        }
        let lock = self.shared.turn.lock().await;
        self.shared.is_asking.set(true);
        self.shared.set_aside();
        Turn {
            shared: &self.shared,
            _lock: lock,
        }
    }

    /// Says whether somebody types of their own accord: whoever wants to ask something waits meanwhile.
    pub fn set_typing(&self, is_typing: bool) {
        self.shared.is_typing.set(is_typing);
        if !is_typing {
            self.shared.free.notify_waiters();
        }
    }

    /// Says that nobody sits there any more.
    pub fn leave(&self) {
        self.shared.has_gone.set(true);
        self.shared.gone.notify_waiters();
    }

    /// Waits until nobody sits there any more.
    pub async fn gone(&self) {
        let gone = self.shared.gone.notified();
        if !self.shared.has_gone.get() {
            gone.await;
        }
    }

    /// Says that the person wants no more of what is going on: Ctrl-C.
    pub fn interrupt(&self) {
        self.shared.interrupted.notify_waiters();
    }

    /// Reads a line of standard input; none at its end, and none once it is interrupted or nobody
    /// sits there any more.
    pub(super) async fn read_line(&self) -> Typed {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            // Beside a simulated cluster no time passes while a person thinks.
            return read_line().map_or(Typed::End, Typed::Line);
        };
        let known = self.shared.pending.borrow_mut().take();
        let mut reading = known.unwrap_or_else(|| runtime.spawn_blocking(read_line));
        let stopped = std::pin::pin!(select_first(self.shared.interrupted.notified(), self.gone()));
        match select(&mut reading, stopped).await {
            Either::Left((line, _)) => line.ok().flatten().map_or(Typed::End, Typed::Line),
            Either::Right(_) => {
                // Nobody can be called away from standard input: the next question gets that line.
                *self.shared.pending.borrow_mut() = Some(reading);
                Typed::Interrupted
            }
        }
    }

    /// Says something on standard error.
    pub fn tell(&self, line: &str) {
        let is_asking = self.shared.is_asking.get();
        if !is_asking {
            self.shared.set_aside();
        }
        // It goes on a line of its own, also below a question. A closed stderr must not stop a run.
        let begin = if is_asking { "\n" } else { "" };
        let _ = writeln!(io::stderr(), "{begin}{line}");
        if !is_asking {
            self.shared.bring_back();
        }
    }
}

impl Shared {
    fn set_aside(&self) {
        if let Some(screen) = &self.screen {
            screen.set_aside();
        }
    }

    fn bring_back(&self) {
        if let Some(screen) = &self.screen {
            screen.bring_back();
        }
    }
}

/// What came of waiting for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    Line(String),
    Interrupted,
    End,
}

fn read_line() -> Option<String> {
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(1..) => Some(line),
        _ => None,
    }
}

/// Waits for one of two things.
async fn select_first(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    select(std::pin::pin!(one), std::pin::pin!(other)).await;
}

/// The terminal while somebody is asked.
pub struct Turn<'a> {
    shared: &'a Shared,
    _lock: MutexGuard<'a, ()>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.is_asking.set(false);
        self.shared.bring_back();
    }
}
