//! One reader of the ring.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{Batch, Cache, Error, Result, entry::Extra};

/// Batches handed over at a time.
const AT_ONCE: usize = 64;

/// What a watcher is told.
pub type News<X> = Vec<Arc<Batch<X>>>;

/// Reads changes in order, each once. Ends with [`Error::Expired`] when it is so
/// slow that the next ones are gone.
pub struct Watcher<X: Extra> {
    cache: Arc<Cache<X>>,
    news: watch::Receiver<u64>,
    next: u64,
    /// Every change up to here was handed over.
    seen: i64,
}

impl<X: Extra> Watcher<X> {
    pub(crate) fn new(
        cache: Arc<Cache<X>>,
        news: watch::Receiver<u64>,
        next: u64,
        seen: i64,
    ) -> Self {
        Self {
            cache,
            news,
            next,
            seen,
        }
    }

    /// The next changes. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// [`Error::Expired`], for good.
    pub async fn next(&mut self) -> Result<News<X>> {
        loop {
            self.news.borrow_and_update();
            if let Some(news) = self.read()? {
                return Ok(news);
            }
            // The cache, which holds the sender, lives as long as the watcher.
            let _ = self.news.changed().await;
        }
    }

    fn read(&mut self) -> Result<Option<News<X>>> {
        let ring = self.cache.shared.ring.read();
        let Some(news) = ring.read(self.next, AT_ONCE) else {
            return Err(Error::Expired {
                after: self.seen,
                oldest: ring.base(),
            });
        };
        drop(ring);
        let Some(last) = news.last() else {
            return Ok(None);
        };
        self.next += news.len() as u64;
        self.seen = self.seen.max(last.revision);
        Ok(Some(news))
    }

    /// The revision up to which every change was handed over, for a bookmark.
    pub fn seen(&mut self) -> i64 {
        // In this order: changes up to the position are in the ring before it moves.
        let position = self.cache.shared.position.borrow().revision;
        let ring = self.cache.shared.ring.read();
        if ring.end() == self.next && ring.first() <= self.next {
            self.seen = self.seen.max(position);
        }
        self.seen
    }

    /// Asks storage to tell its progress, so that [`Self::seen`] moves.
    pub fn ask_progress(&self) {
        self.cache.ask_progress();
    }
}
