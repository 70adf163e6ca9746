use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use console::{Style, Term};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::present::Present;
use super::{Event, Happening};
use crate::inventory::NodeName;
use crate::transport::{Clock, Screen, SystemClock};

/// How often it is drawn anew while nothing happens: the times in it go on.
const TICK: Duration = Duration::from_millis(200);

/// What is going on, in the last rows of a terminal; the report goes by above it.
pub struct LiveView {
    bar: ProgressBar,
    shown: Arc<Mutex<Shown>>,
    is_aside: Cell<bool>,
}

/// What is drawn, by whoever draws: this thread, or the one that keeps the times going.
struct Shown {
    present: Present,
    clock: SystemClock,
    /// When the run began, by that clock.
    began: Duration,
}

impl LiveView {
    /// Begins to draw on standard error, which is a terminal.
    pub fn new(is_coloured: bool) -> LiveView {
        let shown = Arc::new(Mutex::new(Shown {
            present: Present::default(),
            clock: SystemClock::new(),
            began: Duration::ZERO,
        }));
        let drawn = Arc::clone(&shown);
        let terminal = Term::stderr();
        let faint = Style::new().dim().force_styling(is_coloured);
        let draw = move |_: &ProgressState, rows: &mut dyn fmt::Write| {
            let columns = usize::from(terminal.size_checked().map_or(80, |(_, columns)| columns));
            for (index, row) in lock(&drawn).draw(columns).iter().enumerate() {
                let end = if index == 0 { "" } else { "\n" };
                // A row that cannot be written now is written with the next tick.
                let _ = write!(rows, "{end}{}", faint.apply_to(row));
            }
        };
        let style = ProgressStyle::with_template("{live}").expect("the template is a good one");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style.with_key("live", draw));
        bar.enable_steady_tick(TICK);
        LiveView {
            bar,
            shown,
            is_aside: Cell::new(false),
        }
    }

    /// Takes in what happened.
    pub(super) fn take(&self, event: &Event) {
        let mut shown = lock(&self.shown);
        shown.began = shown.clock.now().saturating_sub(event.at);
        shown.present.take(event);
        drop(shown);
        if matches!(event.what, Happening::RunEnded { .. }) {
            self.bar.finish_and_clear();
        }
    }

    /// Whoever is told the last line that a command on a node has printed so far; from any thread.
    pub fn listener(&self) -> impl Fn(Option<&NodeName>, &str) + Send + Sync + 'static {
        let shown = Arc::clone(&self.shown);
        move |node, line| lock(&shown).present.hear(node, line)
    }

    /// Whether it has made way for a question, which nothing must be written over.
    pub(super) fn is_aside(&self) -> bool {
        self.is_aside.get()
    }

    /// Writes above it.
    pub(super) fn write_above(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        self.bar
            .suspend(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Screen for LiveView {
    fn set_aside(&self) {
        self.is_aside.set(true);
        self.bar.finish_and_clear();
    }

    fn bring_back(&self) {
        self.is_aside.set(false);
        self.bar.reset();
        self.bar.enable_steady_tick(TICK);
    }
}

impl Shown {
    fn draw(&self, columns: usize) -> Vec<String> {
        let now = self.clock.now().saturating_sub(self.began);
        self.present.draw(now, columns)
    }
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    // What is only shown is shown on, whatever became of another thread.
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}
