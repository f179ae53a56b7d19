//! What a workload costs: time, CPU and memory of the server's processes.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Clock ticks a second of `/proc/<pid>/stat` (`USER_HZ`).
const TICKS: f64 = 100.0;

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Operations a second.
    pub(crate) rate: f64,
    /// Milliseconds of CPU an operation, in sum over the processes.
    pub(crate) cpu: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Resident megabytes in sum after it: pages that processes share count once.
    pub(crate) memory: f64,
}

/// Seconds of CPU that the processes used so far.
pub(crate) fn cpu(pids: &[u32]) -> f64 {
    let one = |pid: &u32| -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
        let ticks = |i: usize| fields.get(i)?.parse::<f64>().ok();
        Some((ticks(11)? + ticks(12)?) / TICKS)
    };
    pids.iter().filter_map(one).sum()
}

/// Megabytes that are resident, shared pages in proportion.
pub(crate) fn memory(pids: &[u32]) -> f64 {
    pids.iter().filter_map(memory_of).sum()
}

/// As [`memory`], with the part of each process by its name.
pub(crate) fn resident(pids: &[u32]) -> (f64, String) {
    let each: Vec<String> = pids
        .iter()
        .filter_map(|pid| Some(format!("{} {:.0}", name_of(*pid)?, memory_of(pid)?)))
        .collect();
    (memory(pids), each.join(", "))
}

fn memory_of(pid: &u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find(|l| l.starts_with("Pss:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// The subcommand of a process, or its program.
fn name_of(pid: u32) -> Option<String> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = line.split('\0');
    let program = words.next()?.rsplit('/').next()?;
    let word = words
        .next()
        .filter(|w| !w.starts_with('-') && !w.is_empty());
    Some(word.unwrap_or(program).to_owned())
}

/// Runs `operations` of an operation with `parallel` at once.
pub(crate) async fn run<F, Fut>(
    pids: &[u32],
    operations: usize,
    parallel: usize,
    operation: F,
) -> anyhow::Result<Figures>
where
    F: Fn(usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = anyhow::Result<()>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let (before, start) = (cpu(pids), Instant::now());
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..parallel {
        let (next, operation) = (next.clone(), operation.clone());
        workers.spawn(async move {
            let mut times = Vec::new();
            loop {
                let i = next.fetch_add(1, Relaxed);
                if i >= operations {
                    return anyhow::Ok(times);
                }
                let start = Instant::now();
                operation(i).await?;
                times.push(start.elapsed());
            }
        });
    }
    let mut times = Vec::with_capacity(operations);
    while let Some(done) = workers.join_next().await {
        times.extend(done??);
    }
    let elapsed = start.elapsed().as_secs_f64();
    let used = cpu(pids) - before;
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(operations * part / 100)
            .copied()
            .unwrap_or_default()
    };
    Ok(Figures {
        rate: operations as f64 / elapsed,
        cpu: used * 1000.0 / operations as f64,
        p50: at(50),
        p99: at(99),
        memory: memory(pids),
    })
}
