//! The workloads, each a file.

mod crds;
mod lists;
mod mix;
mod objects;
mod restart;
mod watches;

use std::time::Duration;

use catena_tests_it::ControlPlane;

use crate::{
    client::Client,
    measure,
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
    /// Waits until the server is ready.
    async fn of(name: &'static str, target: &Target) -> anyhow::Result<Self> {
        let client = Client::new(&target.url())?;
        target::ready(&client).await?;
        // No controller makes it, and pods need it.
        let account = "{\"metadata\":{\"name\":\"default\"}}";
        let json = [("content-type", "application/json")];
        let path = format!("{NAMESPACE}/serviceaccounts");
        client.send("POST", &path, &json, account).await?;
        Ok(Self {
            client,
            pids: target.pids(),
            table: Table(name),
        })
    }

    /// Prints the memory, in sum and of each process.
    pub(crate) fn resident(&self, what: &str) {
        let (sum, each) = measure::resident(&self.pids);
        self.table.note(what, &format!("{sum:.0} MB: {each}"));
    }
}

/// Measures Catena, then kube-apiserver where it is given. `BENCH_ONLY` picks
/// workloads by a part of their names; `BENCH_FLAGS` are more flags for `catena up`.
pub(crate) async fn run_all() -> anyhow::Result<()> {
    all("Catena", || {
        let more = std::env::var("BENCH_FLAGS").unwrap_or_default();
        let flags: Vec<&str> = ["--controllers=false"]
            .into_iter()
            .chain(more.split_whitespace())
            .collect();
        let plane = ControlPlane::start(&flags);
        Ok(Some(Target::Catena(Box::new(plane))))
    })
    .await?;
    all("kube-apiserver", || {
        let server = Kubernetes::start_if_given()?;
        Ok(server.map(|k| Target::Kubernetes(Box::new(k))))
    })
    .await
}

fn wanted(name: &str) -> bool {
    std::env::var("BENCH_ONLY").map_or(true, |only| only.split(',').any(|o| name.contains(o)))
}

/// Each group of workloads has a server of its own, so that memory is of what
/// the group made.
async fn all(
    name: &'static str,
    start: impl Fn() -> anyhow::Result<Option<Target>>,
) -> anyhow::Result<()> {
    let objects = ["objects", "lists", "watches", "mix"];
    if objects.iter().any(|w| wanted(w)) {
        let Some(target) = start()? else {
            return Ok(());
        };
        let bench = Bench::of(name, &target).await?;
        bench.table.head();
        // What starts up settles before it is called idle.
        tokio::time::sleep(Duration::from_secs(5)).await;
        bench.resident("idle");
        everyday(&bench).await?;
    }
    if wanted("crds")
        && let Some(target) = start()?
    {
        crds::run(&Bench::of(name, &target).await?).await?;
    }
    if wanted("restart")
        && let Some(target) = start()?
    {
        let bench = Bench::of(name, &target).await?;
        restart::run(&bench, target).await?;
    }
    if wanted("many")
        && let Some(target) = start()?
    {
        objects::many(&Bench::of(name, &target).await?).await?;
    }
    Ok(())
}

async fn everyday(bench: &Bench) -> anyhow::Result<()> {
    if wanted("objects") {
        objects::run(bench).await?;
    }
    if wanted("lists") {
        lists::run(bench).await?;
    }
    if wanted("watches") {
        watches::run(bench).await?;
    }
    if wanted("mix") {
        mix::run(bench).await?;
    }
    Ok(())
}
