//! Time that moves only when everybody waits.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;

use crate::transport::Clock;

/// The clock of a simulated cluster; clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct VirtualClock {
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    now: Cell<Duration>,
    next_ticket: Cell<u64>,
    deadlines: RefCell<BinaryHeap<Reverse<(Duration, u64)>>>,
    wakers: RefCell<BTreeMap<u64, Waker>>,
}

/// One wait; dropped before its time, it waits no more.
struct Wait {
    shared: Rc<Shared>,
    deadline: Duration,
    ticket: u64,
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.shared.wakers.borrow_mut().remove(&self.ticket);
    }
}

impl VirtualClock {
    /// The earliest time that somebody waits for.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let wakers = self.shared.wakers.borrow();
        let mut deadlines = self.shared.deadlines.borrow_mut();
        while let Some(Reverse((deadline, ticket))) = deadlines.peek() {
            if wakers.contains_key(ticket) {
                return Some(*deadline);
            }
            deadlines.pop();
        }
        None
    }

    /// Whether anybody waits for a time to come.
    pub fn is_waited_for(&self) -> bool {
        !self.shared.wakers.borrow().is_empty()
    }

    /// Moves to `now` and wakes who waited for it, in the order in which they began to wait.
    pub(super) fn move_to(&self, now: Duration) {
        self.shared.now.set(now);
        loop {
            let waker = {
                let mut deadlines = self.shared.deadlines.borrow_mut();
                match deadlines.peek() {
                    Some(Reverse((deadline, _))) if *deadline <= now => {}
                    _ => return,
                }
                let ticket = deadlines.pop().map_or(0, |Reverse((_, ticket))| ticket);
                self.shared.wakers.borrow_mut().remove(&ticket)
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Waits until `deadline`; one already past is no wait.
    pub(super) async fn wait_until(&self, deadline: Duration) {
        let ticket = self.shared.next_ticket.get();
        self.shared.next_ticket.set(ticket + 1);
        let wait = Wait {
            shared: Rc::clone(&self.shared),
            deadline,
            ticket,
        };
        let mut is_queued = false;
        poll_fn(|context| {
            if wait.shared.now.get() >= wait.deadline {
                return Poll::Ready(());
            }
            wait.shared
                .wakers
                .borrow_mut()
                .insert(wait.ticket, context.waker().clone());
            if !is_queued {
                is_queued = true;
                wait.shared
                    .deadlines
                    .borrow_mut()
                    .push(Reverse((wait.deadline, wait.ticket)));
            }
            Poll::Pending
        })
        .await;
    }
}

#[async_trait(?Send)]
impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.shared.now.get()
    }

    async fn sleep(&self, length: Duration) {
        self.wait_until(self.now() + length).await;
    }
}
