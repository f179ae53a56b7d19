//! Lists of all pods.

use super::{Bench, NAMESPACE};
use crate::measure;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const JSON: &str = "application/json";

pub(super) async fn run(b: &Bench) -> anyhow::Result<()> {
    let lists = [
        (
            "list 10,000 pods, JSON, from the cache",
            "?resourceVersion=0",
            JSON,
            20,
        ),
        ("list 10,000 pods, JSON, consistent", "", JSON, 20),
        (
            "list 10,000 pods, protobuf, from the cache",
            "?resourceVersion=0",
            PROTOBUF,
            20,
        ),
        ("list 10,000 pods, protobuf, consistent", "", PROTOBUF, 20),
        (
            "list with a selector that matches none",
            "?labelSelector=no%3Dthing",
            JSON,
            500,
        ),
    ];
    for (what, query, accept, times) in lists {
        let c = b.client.clone();
        let list = move |_| {
            let c = c.clone();
            async move {
                let path = format!("{NAMESPACE}/pods{query}");
                let headers = [("accept", accept)];
                c.expect("GET", &path, &headers, "").await.map(drop)
            }
        };
        // The first one may fill a cache.
        list(0).await?;
        let f = measure::run(&b.pids, times, 1, list).await?;
        b.table.line(what, &f);
        b.resident("memory after");
    }
    Ok(())
}
