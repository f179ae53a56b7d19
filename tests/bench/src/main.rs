//! Workloads against Catena and, where its binary is given, kube-apiserver on
//! the same cores; prints one table.

mod client;
mod measure;
mod table;
mod target;
mod workloads;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    workloads::run_all().await
}
