//! The life of a process: options are judged, the version is logged, the first
//! signal drains, the second ends at once.

use std::{future::Future, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{log, tls, version};

/// Of every process, whichever binary runs it: without it, memory and CPU of a
/// static binary would be those of musl's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs a process to its end. `problems` are those of its own options; they
/// are reported together with those of the common ones.
pub fn process<F, Fut>(name: &str, log: &log::Options, problems: Vec<String>, run: F) -> ExitCode
where
    F: FnOnce(CancellationToken) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let mut all = problems;
    all.extend(log.problems());
    match all.as_slice() {
        [] => {}
        [one] => return failed(name, one),
        several => return failed(name, &format!("[{}]", several.join(", "))),
    }
    // The allocator asks for huge pages, of which a small process touches a
    // little and keeps all: five times the memory when idle. Children inherit it.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    tls::install_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK)
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => return failed(name, &e.to_string()),
    };
    let ended = runtime.block_on(async {
        let telemetry = log::init(name, log)?;
        tracing::info!(process = name, "Version: {}", version::line());
        let stop = CancellationToken::new();
        tokio::spawn(signals(stop.clone()));
        let ended = run(stop).await;
        telemetry.flush();
        ended
    });
    // Tasks that are still at work do not hold the end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => failed(name, &format!("{e:#}")),
    }
}

/// Objects may be nested deeply (ADR 0002); what walks them recursively has room.
pub const STACK: usize = 8 << 20;

#[expect(clippy::print_stderr, reason = "the log may not be there yet")]
fn failed(name: &str, why: &str) -> ExitCode {
    eprintln!("{name}: error: {why}");
    ExitCode::FAILURE
}

/// SIGTERM or SIGINT: the first cancels `stop`, the second exits 1.
async fn signals(stop: CancellationToken) {
    let (Ok(mut term), Ok(mut int)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be received");
        return;
    };
    for last in [false, true] {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        if last {
            std::process::exit(1);
        }
        tracing::info!("shutting down; another signal ends at once");
        stop.cancel();
    }
}
