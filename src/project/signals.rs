use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::diagnostic::Span;
use crate::inventory::NodeSet;
use crate::journal::{Event, Happening, Recorder, StepPlace, Trouble, TroubleKind};
use crate::run::Ending;
use crate::transport::Terminal;

/// The signals that ask a run to end.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal is gone: what is in hand is finished all the same.
    hang_up: Signal,
    /// Whether one has come that ends a session as well: all but Ctrl-C.
    is_ending: bool,
}

impl Signals {
    /// Takes the signals over; from now on they do not end the process.
    ///
    /// # Errors
    ///
    /// What the system says when it does not allow that.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            is_ending: false,
        })
    }

    /// Whether a signal has come that ends a session as well: all but Ctrl-C.
    pub fn is_ending(&self) -> bool {
        self.is_ending
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        poll_fn(|context| {
            let ends = [&mut self.terminate, &mut self.hang_up];
            let is_ending = ends
                .into_iter()
                .any(|signal| signal.poll_recv(context).is_ready());
            self.is_ending |= is_ending;
            match is_ending || self.interrupt.poll_recv(context).is_ready() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

/// Carries a run out until it ends; `None` when it was broken off by a second signal.
///
/// The first signal asks it to end after the nodes in hand.
pub(super) async fn run_with_signals<F: Future>(
    run: F,
    signals: &mut Signals,
    stop_requested: &Rc<Cell<bool>>,
    terminal: &Terminal,
) -> Option<F::Output> {
    let mut run = std::pin::pin!(run);
    loop {
        let has_come = {
            let next = std::pin::pin!(signals.next());
            match select(run.as_mut(), next).await {
                Either::Left((ending, _)) => return Some(ending),
                Either::Right(_) => stop_requested.replace(true),
            }
        };
        if has_come {
            return None;
        }
        match signals.is_ending {
            true => terminal.leave(),
            false => terminal.interrupt(),
        }
        terminal.tell("stopping after what is in hand; once more breaks it off and leaves it unknown");
    }
}

/// Passes events on and knows what is in flight, so that a run that is broken off can be closed.
pub(super) struct InFlight<'a> {
    inner: &'a mut dyn Recorder,
    /// When something was heard of it last.
    last: Duration,
    /// The acts and probes that have begun and not ended.
    begun: Vec<(StepPlace, String)>,
}

impl<'a> InFlight<'a> {
    /// Stands before a recorder.
    pub fn new(inner: &'a mut dyn Recorder) -> Self {
        InFlight {
            inner,
            last: Duration::ZERO,
            begun: Vec::new(),
        }
    }

    /// Records the end of a run that was broken off; the event is for the journal, too.
    pub fn break_off(mut self) -> (Ending, Event) {
        let (kind, message) = match self.begun.as_slice() {
            [] => (TroubleKind::Interrupted, "the run was broken off".to_owned()),
            [(place, what)] => {
                let place = place
                    .node
                    .as_ref()
                    .map_or_else(String::new, |node| format!(" on {node}"));
                let message =
                    format!("the run was broken off; the outcome of one act is unknown: {what}{place}");
                (TroubleKind::Unknown, message)
            }
            several => {
                let nodes: NodeSet = several
                    .iter()
                    .filter_map(|(place, _)| place.node.clone())
                    .collect();
                let count = several.len();
                let message =
                    format!("the run was broken off; the outcome of {count} acts is unknown, on {nodes}");
                (TroubleKind::Unknown, message)
            }
        };
        let help = (!self.begun.is_empty())
            .then(|| "look there whether it has happened, before anything else is done; what blocks owe at their end, undo and \
             finally, was not done".to_owned());
        let trouble = Trouble {
            kind,
            message,
            help,
            at: Span::default(),
            node: None,
        };
        let exit_code = kind.exit_code();
        let what = Happening::RunEnded {
            trouble: Some(trouble.clone()),
            exit_code,
        };
        let event = Event { at: self.last, what };
        self.record(&event);
        let ending = Ending {
            exit_code,
            trouble: Some(trouble),
        };
        (ending, event)
    }

    fn note(&mut self, event: &Event) {
        self.last = event.at;
        match &event.what {
            Happening::StepStarted { place, what, .. } => self.begun.push((place.clone(), what.clone())),
            Happening::StepEnded { place, .. } => self.begun.retain(|(begun, _)| begun != place),
            _ => {}
        }
    }
}

impl Recorder for InFlight<'_> {
    fn record(&mut self, event: &Event) {
        self.note(event);
        self.inner.record(event);
    }

    fn recall(&mut self, event: &Event) {
        self.note(event);
        self.inner.recall(event);
    }

    fn pass(&mut self, at: Duration) {
        self.last = at;
        self.inner.pass(at);
    }
}
