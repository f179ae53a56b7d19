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
    waiting: bool,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            next: Instant::now(),
            waiting: false,
        }
    }

    /// There is news for so many clients, or what waits is due; whether it is told now.
    pub(super) fn news(&mut self, clients: usize) -> bool {
        let round = A_CLIENT * u32::try_from(clients).unwrap_or(u32::MAX);
        let now = Instant::now();
        self.waiting = round >= SHORT && now < self.next;
        if !self.waiting {
            self.next = now + round.min(LONGEST);
        }
        !self.waiting
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_a_round_waits_unless_the_clients_are_few() {
        let mut pace = Pace::new();
        assert!(pace.news(1000));
        assert!(!pace.news(1000));
        pace.due().await;
        assert!(pace.news(1000));
        assert!(!pace.news(1000));
        // Nothing waits any more when it was told to the few that are left.
        assert!(pace.news(1));
        let due = tokio::time::timeout(Duration::from_secs(1), pace.due());
        assert!(due.await.is_err());
    }
}
