//! Drops old revisions, a few keys at a time.

use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use super::{Error, Shared};

/// Keys looked at while readers wait.
const CHUNK: usize = 512;

pub(super) enum Compaction {
    To(i64),
    /// Answers when everything before it was done.
    Wait(oneshot::Sender<()>),
    Defragment(oneshot::Sender<Result<(), Error>>),
}

/// Until all senders are gone.
pub(super) fn run(shared: &Arc<Shared>, work: &mpsc::Receiver<Compaction>) {
    while let Ok(item) = work.recv() {
        match item {
            Compaction::To(revision) => {
                if let Err(e) = compact(shared, revision) {
                    tracing::warn!(error = %e, revision, "old revisions could not be dropped");
                }
            }
            Compaction::Wait(done) => drop(done.send(())),
            Compaction::Defragment(done) => drop(done.send(shared.disk.defragment())),
        }
    }
}

fn compact(shared: &Shared, revision: i64) -> Result<(), Error> {
    let mut from = None;
    let mut dropped = 0;
    loop {
        if shared.is_closing() {
            return Ok(());
        }
        let (gone, next) = shared.index.write().compact(from.as_ref(), revision, CHUNK);
        // All that a key loses goes at once: else an older version of a deleted
        // key could come back after a crash.
        let mut batch = shared.disk.batch();
        dropped += gone.len();
        gone.into_iter().for_each(|rev| batch.remove(rev));
        batch.commit_lazily()?;
        match next {
            Some(key) => from = Some(key),
            None => break,
        }
    }
    tracing::debug!(revision, dropped, "old revisions were dropped");
    Ok(())
}
