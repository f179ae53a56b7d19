//! When many clients are told of news.

use std::time::Duration;

use tokio::time::Instant;

/// What a round costs for each client that is told.
const A_CLIENT: Duration = Duration::from_micros(4);
/// Rounds shorter than this follow each other at once: timers are no finer.
const SHORT: Duration = Duration::from_micros(500);
const LONGEST: Duration = Duration::from_millis(10);

/// The first news is told at once. What comes while the clients are still being
/// told is told to all of them in the next round, together: a client is woken and
/// written to once for as many events as came in the time that a round takes.
pub(super) struct Pace {
    next: Instant,
    /// How long the last round takes.
    round: Duration,
    waiting: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            next: Instant::now(),
            round: Duration::ZERO,
            waiting: false,
        }
    }

    /// There is news for so many clients; whether it is told now.
    pub(super) fn news(&mut self, clients: usize) -> bool {
        let round = A_CLIENT * u32::try_from(clients).unwrap_or(u32::MAX);
        if round < SHORT {
            return true;
        }
        let now = Instant::now();
        self.waiting = now < self.next;
        if !self.waiting {
            self.round = round.min(LONGEST);
            self.next = now + self.round;
        }
        !self.waiting
    }

    /// What waited is told now.
    pub(super) fn told(&mut self) {
        self.waiting = false;
        self.next = Instant::now() + self.round;
    }

    /// Returns when what waits is to be told.
    pub(super) async fn due(&self) {
        if self.waiting {
            tokio::time::sleep_until(self.next).await;
        } else {
            std::future::pending().await
        }
    }
}
