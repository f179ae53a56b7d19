//! What a controller does: get, update, patch, apply, and a list of a few.

use super::{Bench, NAMESPACE};
use crate::{client::Client, measure};

const OBJECTS: usize = 200;
const OPERATIONS: usize = 20_000;

pub(super) async fn run(b: &Bench) -> anyhow::Result<()> {
    for i in 0..OBJECTS {
        let body = format!(
            "{{\"metadata\":{{\"name\":\"m{i}\",\"labels\":{{\"mix\":\"m{}\"}}}},\"data\":{{\"a\":\"b\"}}}}",
            i % 20
        );
        b.client
            .post(&format!("{NAMESPACE}/configmaps"), body)
            .await?;
    }
    let c = b.client.clone();
    let operation = move |i: usize| {
        let c = c.clone();
        async move { one(&c, i).await }
    };
    let f = measure::run(&b.pids, OPERATIONS, 16, operation).await?;
    b.table.line("mix of a controller, 16 at once", &f);
    Ok(())
}

async fn one(c: &Client, i: usize) -> anyhow::Result<()> {
    let name = format!("m{}", i % OBJECTS);
    let path = format!("{NAMESPACE}/configmaps/{name}");
    match i % 5 {
        0 => c.get(&path).await.map(drop),
        1 => {
            let body = format!(
                "{{\"metadata\":{{\"name\":\"{name}\",\"labels\":{{\"mix\":\"m{}\"}}}},\"data\":{{\"a\":\"{i}\"}}}}",
                i % OBJECTS % 20
            );
            let json = [("content-type", "application/json")];
            c.expect("PUT", &path, &json, body).await.map(drop)
        }
        2 => {
            let merge = [("content-type", "application/merge-patch+json")];
            let body = format!("{{\"data\":{{\"b\":\"{i}\"}}}}");
            c.expect("PATCH", &path, &merge, body).await.map(drop)
        }
        3 => {
            let apply = [("content-type", "application/apply-patch+yaml")];
            let body = format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"{name}\"}},\"data\":{{\"c\":\"{i}\"}}}}"
            );
            let path = format!("{path}?fieldManager=bench&force=true");
            c.expect("PATCH", &path, &apply, body).await.map(drop)
        }
        _ => {
            let path = format!("{NAMESPACE}/configmaps?labelSelector=mix%3Dm{}", i % 20);
            c.get(&path).await.map(drop)
        }
    }
}
