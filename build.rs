//! Compiles the crate again when a migration is added: `embed_migrations!` sees only those it read.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
