//! Objects one by one.

use super::{Bench, NAMESPACE};
use crate::measure;

const MAPS: usize = 5_000;
pub(crate) const PODS: usize = 10_000;
const GETS: usize = 20_000;

fn config_map(i: usize) -> String {
    let data = "x".repeat(900);
    format!("{{\"metadata\":{{\"name\":\"c{i}\"}},\"data\":{{\"a\":\"{data}\"}}}}")
}

/// A pod of about 2 KB.
fn pod(i: usize) -> String {
    let note = "y".repeat(1_100);
    format!(
        "{{\"metadata\":{{\"name\":\"p{i}\",\"labels\":{{\"app\":\"a{}\"}},\"annotations\":{{\"note\":\"{note}\"}}}},\"spec\":{{\"containers\":[{{\"name\":\"c\",\"image\":\"nginx:1\",\"env\":[{{\"name\":\"A\",\"value\":\"b\"}}],\"resources\":{{\"requests\":{{\"cpu\":\"10m\",\"memory\":\"10Mi\"}}}}}}]}}}}",
        i % 10
    )
}

pub(super) async fn run(b: &Bench) -> anyhow::Result<()> {
    let c = b.client.clone();
    let create = move |i| {
        let c = c.clone();
        async move {
            c.post(&format!("{NAMESPACE}/configmaps"), config_map(i))
                .await
                .map(drop)
        }
    };
    let f = measure::run(&b.pids, MAPS, 32, create).await?;
    b.table.line("create a ConfigMap of 1 KB, 32 at once", &f);
    for (parallel, what) in [
        (32, "GET a ConfigMap, 32 at once"),
        (1, "GET a ConfigMap, one after another"),
    ] {
        let c = b.client.clone();
        let get = move |i: usize| {
            let c = c.clone();
            async move {
                c.get(&format!("{NAMESPACE}/configmaps/c{}", i % MAPS))
                    .await
                    .map(drop)
            }
        };
        let gets = if parallel == 1 { GETS / 10 } else { GETS };
        let f = measure::run(&b.pids, gets, parallel, get).await?;
        b.table.line(what, &f);
    }
    let c = b.client.clone();
    let create = move |i| {
        let c = c.clone();
        async move { c.post(&format!("{NAMESPACE}/pods"), pod(i)).await.map(drop) }
    };
    let f = measure::run(&b.pids, PODS, 32, create).await?;
    b.table.line("create a Pod of 2 KB, 32 at once", &f);
    b.resident("memory after");
    Ok(())
}

/// Memory with ten times as many pods.
pub(super) async fn many(b: &Bench) -> anyhow::Result<()> {
    let c = b.client.clone();
    let create = move |i| {
        let c = c.clone();
        async move { c.post(&format!("{NAMESPACE}/pods"), pod(i)).await.map(drop) }
    };
    measure::run(&b.pids, 10 * PODS, 32, create).await?;
    let path = format!("{NAMESPACE}/pods?resourceVersion=0&limit=1");
    b.client.get(&path).await?;
    b.resident("100,000 pods, all in the cache");
    Ok(())
}
