//! Child processes: started in order, restarted when they die, ended in reverse.

use std::{ffi::OsString, num::NonZero, process::Stdio, time::Duration};

use anyhow::Context as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Pause before a child is started again, doubled up to the maximum; a child
/// that lived for a while starts over.
const AGAIN: Duration = Duration::from_millis(50);
const AGAIN_AT_MOST: Duration = Duration::from_secs(5);
const LIVED: Duration = Duration::from_secs(10);
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
            pause: AGAIN,
        });
        Ok(())
    }

    /// Restarts children that die. Never returns but for the stop.
    pub(super) async fn supervise(&mut self) {
        loop {
            let deaths = self.running.iter_mut().map(|r| Box::pin(r.process.wait()));
            let (died, index) = tokio::select! {
                () = self.stop.cancelled() => return,
                (status, index, _) = futures_util::future::select_all(deaths) => (status, index),
            };
            let r = &mut self.running[index];
            let how = died.map_or_else(|e| e.to_string(), |s| s.to_string());
            tracing::error!(
                process = r.child.name,
                how,
                "a process died and is started again"
            );
            if r.started.elapsed() > LIVED {
                r.pause = AGAIN;
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(r.pause) => {}
            }
            r.pause = (r.pause * 2).min(AGAIN_AT_MOST);
            r.started = tokio::time::Instant::now();
            match r.child.spawn() {
                Ok(process) => r.process = process,
                Err(e) => tracing::error!(error = %format!("{e:#}"), "not started"),
            }
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
