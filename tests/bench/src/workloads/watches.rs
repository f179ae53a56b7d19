//! Many watchers of a few writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use http_body_util::BodyExt as _;

use super::{Bench, NAMESPACE};
use crate::{client::Client, measure};

const WATCHERS: usize = 500;
const WRITES: usize = 300;
/// Watches of one connection (`http2-max-streams-per-connection` is 100).
const A_CONNECTION: usize = 100;

pub(super) async fn run(b: &Bench) -> anyhow::Result<()> {
    let url = b.client.clone();
    let list = url.get(&format!("{NAMESPACE}/secrets?limit=1")).await?;
    let text = String::from_utf8_lossy(&list).into_owned();
    let version = text
        .split("\"resourceVersion\":\"")
        .nth(1)
        .and_then(|r| r.split('"').next())
        .unwrap_or("0")
        .to_owned();
    let seen = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    let mut client = b.client.clone();
    for i in 0..WATCHERS {
        if i % A_CONNECTION == 0 {
            client = Client::new(b.client.url())?;
        }
        let path = format!("{NAMESPACE}/secrets?watch=true&resourceVersion={version}");
        let answer = client.open(&path).await?;
        let seen = seen.clone();
        tasks.spawn(async move {
            let mut body = answer.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                if let Ok(data) = frame.into_data() {
                    // A line is an event; line ends inside of strings are escaped.
                    let events = data.iter().filter(|b| **b == b'\n').count();
                    seen.fetch_add(events, Relaxed);
                }
            }
        });
    }
    let (before, start) = (measure::cpu(&b.pids), Instant::now());
    for i in 0..WRITES {
        let body = format!("{{\"metadata\":{{\"name\":\"s{i}\"}},\"stringData\":{{\"a\":\"b\"}}}}");
        b.client.post(&format!("{NAMESPACE}/secrets"), body).await?;
    }
    while seen.load(Relaxed) < WATCHERS * WRITES {
        anyhow::ensure!(
            start.elapsed() < Duration::from_secs(120),
            "{} of {} events came",
            seen.load(Relaxed),
            WATCHERS * WRITES
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let elapsed = start.elapsed().as_secs_f64();
    let used = measure::cpu(&b.pids) - before;
    let delivered = (WATCHERS * WRITES) as f64;
    let figures = measure::Figures {
        rate: delivered / elapsed,
        cpu: used * 1000.0 / delivered,
        memory: measure::memory(&b.pids),
        ..measure::Figures::default()
    };
    b.table
        .line("events to 500 watchers of 300 writes", &figures);
    tasks.abort_all();
    Ok(())
}
