//! Workloads against Catena and, where its binary is given, kube-apiserver on
//! the same cores; prints one table.

mod client;
mod measure;
mod table;
mod target;
mod workloads;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    workloads::run_all().await
}
