//! What follows when the catalogue of libraries has changed.

use std::collections::BTreeSet;

use diesel::QueryResult;

use super::{catalogue::Catalogue, files, graph, stubs};
use crate::ingest::tx::Tx;

/// Resolves stubs, dependencies and files again. `before` is the catalogue as the transaction found
/// it, `repositories` those whose libraries the payloads list. The caller holds [`super::lock`].
pub async fn catalogue_changed(
    tx: &mut Tx<'_>,
    before: &Catalogue,
    repositories: &BTreeSet<i64>,
) -> QueryResult<()> {
    let catalogue = Catalogue::load(tx.conn).await?;
    if catalogue.libraries() == before.libraries() {
        return Ok(());
    }
    stubs::merge_resolved(tx, &catalogue).await?;
    let named = graph::derive(tx, &catalogue).await?;
    stubs::drop_unused(tx, &named).await?;
    files::follow_repositories(tx, &catalogue, repositories).await
}
