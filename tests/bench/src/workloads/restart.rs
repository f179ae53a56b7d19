//! Ready again after everything but storage was killed.

use std::time::Instant;

use super::{Bench, NAMESPACE};
use crate::{
    client::Client,
    measure,
    target::{self, Target},
};

const OBJECTS: usize = 60_000;

pub(super) async fn run(b: &Bench, mut target: Target) -> anyhow::Result<()> {
    let c = b.client.clone();
    let create = move |i: usize| {
        let c = c.clone();
        async move {
            let data = "x".repeat(500);
            let body =
                format!("{{\"metadata\":{{\"name\":\"r{i}\"}},\"data\":{{\"a\":\"{data}\"}}}}");
            c.post(&format!("{NAMESPACE}/configmaps"), body)
                .await
                .map(drop)
        }
    };
    measure::run(&b.pids, OBJECTS, 32, create).await?;
    let start = Instant::now();
    target.kill()?;
    let fresh = Client::new(&target.url())?;
    target::ready(&fresh).await?;
    let text = format!("{:.2} s", start.elapsed().as_secs_f64());
    b.table.note("ready again with 60,000 objects", &text);
    fresh
        .get(&format!("{NAMESPACE}/configmaps?resourceVersion=0&limit=1"))
        .await?;
    let b = Bench::of(b.table.0, &target).await?;
    b.resident("memory then, all in the cache");
    Ok(())
}
