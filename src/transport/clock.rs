use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::time::{ClockId, clock_gettime};

use super::Clock;

/// The machine's own time.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Begins to count now.
    pub fn new() -> Self {
        SystemClock {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

#[async_trait(?Send)]
impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

/// Time that goes by even while the machine sleeps: a lease does not wait for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SteadyClock;

impl SteadyClock {
    /// The time since the machine was started.
    pub fn new() -> Self {
        SteadyClock
    }
}

#[async_trait(?Send)]
impl Clock for SteadyClock {
    fn now(&self) -> Duration {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME);
        now.expect("every Linux has this clock").into()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}
