//! Polls one future and moves virtual time on whenever it waits.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use thiserror::Error;

use super::virtual_clock::VirtualClock;
use crate::transport::Clock;

/// A future that waits for nothing in the simulated world: it would wait for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the simulated run waits for nothing that could happen in the simulated cluster")]
pub struct WaitsForNothing;

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls `future` to its end; `advance` brings the world to a time before the clock shows it.
pub(super) fn drive<F: Future>(
    clock: &VirtualClock,
    future: F,
    mut advance: impl FnMut(std::time::Duration),
) -> Result<F::Output, WaitsForNothing> {
    let flag = Arc::new(Flag(AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        flag.0.store(false, Ordering::Relaxed);
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        if flag.0.load(Ordering::Relaxed) {
            continue;
        }
        let deadline = clock.next_deadline().ok_or(WaitsForNothing)?;
        let deadline = deadline.max(clock.now());
        advance(deadline);
        clock.move_to(deadline);
    }
}
