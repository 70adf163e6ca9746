//! Time that stands still while a command is on its way to a real host, and passes at once when all
//! that a run does is wait.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use quorate::transport::simulated::SimulatedCluster;
use quorate::transport::{Clock, Outcome, Request, SshTransport, Transport, TransportError};

/// The clock of a simulated cluster, for a run whose commands go to real hosts.
pub struct StandingClock {
    cluster: SimulatedCluster,
    waiting: RefCell<Vec<(Duration, Waker)>>,
}

impl StandingClock {
    pub fn new(cluster: &SimulatedCluster) -> Self {
        StandingClock {
            cluster: cluster.clone(),
            waiting: RefCell::default(),
        }
    }

    /// Wakes whoever has waited long enough; a command takes the cluster's time as well.
    pub fn wake_due(&self) -> bool {
        let now = self.now();
        let (due, rest) = self
            .waiting
            .take()
            .into_iter()
            .partition(|(until, _)| *until <= now);
        self.waiting.replace(rest);
        let due: Vec<(Duration, Waker)> = due;
        let has_woken = !due.is_empty();
        due.into_iter().for_each(|(_, waker)| waker.wake());
        has_woken
    }

    /// Lets the time pass that somebody waits for; nothing where nobody waits.
    pub fn move_on(&self) -> bool {
        let next = self.waiting.borrow().iter().map(|(until, _)| *until).min();
        if let Some(next) = next {
            let clock = self.cluster.clock();
            let length = next.saturating_sub(clock.now());
            self.cluster.block_on(clock.sleep(length));
        }
        self.wake_due()
    }
}

#[async_trait(?Send)]
impl Clock for StandingClock {
    fn now(&self) -> Duration {
        self.cluster.clock().now()
    }

    async fn sleep(&self, length: Duration) {
        let until = self.now() + length;
        poll_fn(|context| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push((until, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

/// Carries commands out on real hosts, and knows whether one is on its way.
pub struct CountingTransport {
    pub inner: SshTransport,
    on_the_way: Cell<usize>,
    pub count: Cell<usize>,
}

impl CountingTransport {
    pub fn new(inner: SshTransport) -> Self {
        CountingTransport {
            inner,
            on_the_way: Cell::new(0),
            count: Cell::new(0),
        }
    }

    /// Whether no command is on its way.
    pub fn is_still(&self) -> bool {
        self.on_the_way.get() == 0
    }
}

/// Counts a command as on its way for as long as it stands.
struct OnTheWay<'a>(&'a Cell<usize>);

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[async_trait(?Send)]
impl Transport for CountingTransport {
    async fn carry_out(&self, request: &Request) -> Result<Outcome, TransportError> {
        self.count.set(self.count.get() + 1);
        self.on_the_way.set(self.on_the_way.get() + 1);
        let _on_the_way = OnTheWay(&self.on_the_way);
        self.inner.carry_out(request).await
    }
}
