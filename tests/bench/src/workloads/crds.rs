//! Many definitions, and many custom resources of one of them.

use std::time::{Duration, Instant};

use super::Bench;
use crate::measure;

const DEFINITIONS: usize = 200;
const FIELDS: usize = 80;
const RESOURCES: usize = 10_000;

fn definition(i: usize) -> String {
    let fields: Vec<String> = (0..FIELDS)
        .map(|f| format!("\"field{f}\":{{\"type\":\"string\",\"maxLength\":2000,\"description\":\"The field {f}.\"}}"))
        .collect();
    format!(
        "{{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\",\"metadata\":{{\"name\":\"things{i}.bench.example.com\"}},\"spec\":{{\"group\":\"bench.example.com\",\"scope\":\"Namespaced\",\"names\":{{\"plural\":\"things{i}\",\"singular\":\"thing{i}\",\"kind\":\"Thing{i}\"}},\"versions\":[{{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{{\"openAPIV3Schema\":{{\"type\":\"object\",\"properties\":{{\"spec\":{{\"type\":\"object\",\"properties\":{{{}}}}}}}}}}}}}]}}}}",
        fields.join(",")
    )
}

fn resource(i: usize) -> String {
    let text = "z".repeat(900);
    format!(
        "{{\"apiVersion\":\"bench.example.com/v1\",\"kind\":\"Thing0\",\"metadata\":{{\"name\":\"t{i}\"}},\"spec\":{{\"field1\":\"{text}\"}}}}"
    )
}

pub(super) async fn run(b: &Bench) -> anyhow::Result<()> {
    let start = Instant::now();
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for i in 0..DEFINITIONS {
        b.client.post(definitions, definition(i)).await?;
    }
    for i in 0..DEFINITIONS {
        let path = format!("/apis/bench.example.com/v1/things{i}?limit=1");
        while !b.client.send("GET", &path, &[], "").await?.0.is_success() {
            anyhow::ensure!(
                start.elapsed() < Duration::from_secs(300),
                "{path} is not served"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let text = format!("{:.2} s", start.elapsed().as_secs_f64());
    b.table
        .note("200 definitions of 80 fields until all are served", &text);
    b.resident("memory after");
    let things = "/apis/bench.example.com/v1/namespaces/default/things0";
    let c = b.client.clone();
    let create = move |i| {
        let c = c.clone();
        async move { c.post(things, resource(i)).await.map(drop) }
    };
    let f = measure::run(&b.pids, RESOURCES, 32, create).await?;
    b.table
        .line("create a custom resource of 1 KB, 32 at once", &f);
    let c = b.client.clone();
    let list = move |_| {
        let c = c.clone();
        async move {
            c.get(&format!("{things}?resourceVersion=0"))
                .await
                .map(drop)
        }
    };
    list(0).await?;
    let f = measure::run(&b.pids, 20, 1, list).await?;
    b.table.line("list 10,000 custom resources", &f);
    b.resident("memory after");
    Ok(())
}
