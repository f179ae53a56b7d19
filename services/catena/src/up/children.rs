//! Child processes: started in order, restarted when they die, ended in reverse.

use std::{convert::Infallible, ffi::OsString, num::NonZero, process::Stdio, time::Duration};

use anyhow::Context as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Pause before a child that lived only for a moment is started again, doubled up
/// to the maximum. One that lived for a while is started at once.
const AGAIN: Duration = Duration::from_millis(50);
const AGAIN_AT_MOST: Duration = Duration::from_secs(5);
const LIVED: Duration = Duration::from_secs(5);
/// Bound on the drain of a child.
const DRAIN: Duration = Duration::from_secs(40);

/// One process to run.
pub(super) struct Child {
    name: String,
    args: Vec<String>,
}

impl Child {
    pub(super) fn new(name: &str, process: &str, args: Vec<String>, common: &[String]) -> Self {
        let mut all = vec![process.to_owned()];
        all.extend(args);
        all.extend_from_slice(common);
        Self {
            name: name.to_owned(),
            args: all,
        }
    }

    fn spawn(&self) -> anyhow::Result<tokio::process::Child> {
        let exe = std::env::current_exe().context("this binary is not found")?;
        Command::new(exe)
            .args(&self.args)
            .env(WORKERS, workers())
            .stdin(Stdio::null())
            // A terminal's Ctrl-C is for the parent, which ends the children in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} did not start", self.name))
    }
}

/// Threads of a process, as tokio reads them.
const WORKERS: &str = "TOKIO_WORKER_THREADS";

/// Processes of one machine share its cores: half of them for each spares wake-ups
/// (docs/performance.md). What is set already stays.
fn workers() -> OsString {
    std::env::var_os(WORKERS).unwrap_or_else(|| {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        (cores / 2).max(1).to_string().into()
    })
}

struct Running {
    child: Child,
    process: tokio::process::Child,
    started: tokio::time::Instant,
    pause: Duration,
}

impl Running {
    /// Starts it again whenever it dies.
    async fn keep(&mut self) -> Infallible {
        loop {
            let died = self.process.wait().await;
            let how = died.map_or_else(|e| e.to_string(), |s| s.to_string());
            tracing::error!(
                process = self.child.name,
                how,
                "a process died and is started again"
            );
            self.pause = next_pause(self.pause, self.started.elapsed());
            tokio::time::sleep(self.pause).await;
            self.started = tokio::time::Instant::now();
            match self.child.spawn() {
                Ok(process) => self.process = process,
                Err(e) => tracing::error!(error = %format!("{e:#}"), "not started"),
            }
        }
    }
}

/// The pause before a start, after the last one and how long the child lived.
fn next_pause(last: Duration, lived: Duration) -> Duration {
    if lived > LIVED {
        Duration::ZERO
    } else {
        (last * 2).clamp(AGAIN, AGAIN_AT_MOST)
    }
}

/// All children.
pub(super) struct Children {
    running: Vec<Running>,
    stop: CancellationToken,
}

impl Children {
    pub(super) fn start(children: Vec<Child>, stop: CancellationToken) -> anyhow::Result<Self> {
        let mut out = Self {
            running: Vec::new(),
            stop,
        };
        for child in children {
            out.add(child)?;
        }
        Ok(out)
    }

    /// Starts one more.
    pub(super) fn add(&mut self, child: Child) -> anyhow::Result<()> {
        self.running.push(Running {
            process: child.spawn()?,
            child,
            started: tokio::time::Instant::now(),
            pause: Duration::ZERO,
        });
        Ok(())
    }

    /// Restarts children that die, each by itself: one that does not come up holds
    /// up no other. Never returns but for the stop.
    pub(super) async fn supervise(&mut self) {
        let all = self.running.iter_mut().map(Running::keep);
        tokio::select! {
            () = self.stop.cancelled() => {}
            _ = futures_util::future::join_all(all) => {}
        }
    }

    /// Ends them, the last that was started first: each drains while those that
    /// it needs still run.
    pub(super) async fn end(mut self) {
        for r in self.running.iter_mut().rev() {
            let Some(pid) = r.process.id() else {
                continue;
            };
            let _ = Command::new("kill")
                .arg("-TERM")
                .arg(pid.to_string())
                .status()
                .await;
            if tokio::time::timeout(DRAIN, r.process.wait()).await.is_err() {
                tracing::warn!(process = r.child.name, "did not end in time");
                let _ = r.process.kill().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_for_what_dies_young() {
        let young = Duration::from_millis(5);
        let mut pauses = vec![Duration::ZERO];
        for _ in 0..9 {
            pauses.push(next_pause(pauses[pauses.len() - 1], young));
        }
        assert_eq!(pauses[1], AGAIN);
        assert_eq!(pauses[3], AGAIN * 4);
        assert_eq!(pauses[9], AGAIN_AT_MOST);
        assert_eq!(next_pause(AGAIN_AT_MOST, LIVED * 2), Duration::ZERO);
    }
}
