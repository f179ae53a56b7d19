//! The workloads, each a file.

mod crds;
mod lists;
mod mix;
mod objects;
mod watches;

use std::time::Instant;

use catena_tests_it::ControlPlane;

use crate::{
    client::Client,
    measure::{self, Figures},
    table::Table,
    target::{self, Kubernetes, Target},
};

pub(crate) const NAMESPACE: &str = "/api/v1/namespaces/default";

/// What a workload has at hand.
pub(crate) struct Bench {
    pub(crate) client: Client,
    pub(crate) pids: Vec<u32>,
    pub(crate) table: Table,
}

impl Bench {
    pub(crate) fn figures(&self) -> Figures {
        Figures {
            memory: measure::memory(&self.pids),
            ..Figures::default()
        }
    }
}

/// Measures Catena, then kube-apiserver where it is given. `BENCH_ONLY` picks
/// workloads by a part of their names.
pub(crate) async fn run_all() -> anyhow::Result<()> {
    let plane = ControlPlane::start(&["--controllers=false"]);
    all("Catena", Target::Catena(Box::new(plane))).await?;
    if let Some(k) = Kubernetes::start_if_given()? {
        all("kube-apiserver", Target::Kubernetes(Box::new(k))).await?;
    }
    Ok(())
}

fn wanted(name: &str) -> bool {
    std::env::var("BENCH_ONLY").map_or(true, |only| only.split(',').any(|o| name.contains(o)))
}

async fn all(name: &'static str, mut target: Target) -> anyhow::Result<()> {
    let client = Client::new(&target.url())?;
    target::ready(&client).await?;
    let bench = Bench {
        client,
        pids: target.pids(),
        table: Table(name),
    };
    // No controller makes it, and pods need it.
    let account = "{\"metadata\":{\"name\":\"default\"}}";
    let json = [("content-type", "application/json")];
    let path = format!("{NAMESPACE}/serviceaccounts");
    bench.client.send("POST", &path, &json, account).await?;
    bench.table.head();
    // What starts up settles before it is called idle.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    bench.table.line("idle", &bench.figures());
    if wanted("objects") {
        objects::run(&bench).await?;
    }
    if wanted("lists") {
        lists::run(&bench).await?;
    }
    if wanted("watches") {
        watches::run(&bench).await?;
    }
    if wanted("mix") {
        mix::run(&bench).await?;
    }
    if wanted("crds") {
        crds::run(&bench).await?;
    }
    if wanted("restart") {
        let start = Instant::now();
        target.kill()?;
        let fresh = Client::new(&target.url())?;
        target::ready(&fresh).await?;
        let text = format!("{:.2} s", start.elapsed().as_secs_f64());
        bench
            .table
            .note("ready again after kill -9 of all but storage", &text);
    }
    Ok(())
}
