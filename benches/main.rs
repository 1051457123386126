//! The figures of `benches/README.md`: ratios, measured side by side on one machine in one run.
//!
//! `cargo bench` runs all of it; `cargo bench -- ingest`, `-- stream`, `-- usages`, `-- discord`,
//! `-- mails`, `-- edges`, `-- webhooks`, `-- dashboard`, `-- large`, `-- timeline` or `-- reads` one part. It
//! starts a PostgreSQL of its own (fsync on) and the release binary as a child, and talks HTTP to it
//! over loopback. All loops are bounded in time and count.

mod bulk;
mod commits;
mod copy;
mod dashboard;
mod discord;
mod edges;
mod http;
mod ingest;
mod large;
mod mails;
mod pgbench;
mod process;
mod rate;
mod reads;
#[path = "../tests/it/support/slow.rs"]
mod slow;
mod timeline;
mod usages;
mod webhooks;
mod world;

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if wants("ingest") {
            ingest::run().await?;
        }
        if wants("stream") {
            ingest::stream().await?;
        }
        if wants("usages") {
            usages::run().await?;
        }
        if wants("discord") {
            discord::run().await?;
        }
        if wants("dashboard") {
            dashboard::run().await?;
        }
        if wants("mails") {
            mails::run().await?;
        }
        if wants("edges") {
            edges::run().await?;
        }
        if wants("webhooks") {
            webhooks::run().await?;
        }
        if wants("reads") {
            reads::run().await?;
        }
        if wants("large") {
            large::run().await?;
        }
        if wants("timeline") {
            timeline::run().await?;
        }
        Ok(())
    })
}
