//! Whether anybody is hidden.
//!
//! A hidden identity and its profiles are shown as a pseudonym: the views of migration 26 say of each
//! table what that means, and readers read through them ([`reader`](crate::db::reader)) for as long
//! as somebody is hidden. They cost something (a look for each profile, and names are no longer found
//! by an index), so readers must know whether anybody is. This server knows before it answers who
//! hid somebody; what another server did it hears of with the changes (`changes::listener`), some
//! milliseconds later. While it hears nothing it takes it that somebody is hidden: then the views show
//! what the tables do, only slower.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use diesel::QueryResult;
use diesel_async::RunQueryDsl as _;

use crate::db::{
    Connection,
    sql::{Row, Statement, Value},
};

/// The table whose changes decide it.
pub const TABLE: &str = "identity";

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether any identity is hidden, as far as this server has heard.
#[derive(Debug, Default)]
pub struct Hidden {
    any: AtomicBool,
    /// Whether what others hide is not heard of at present.
    is_deaf: AtomicBool,
    looks: AtomicU64,
    /// One look at a time: an older one must not have the last word.
    looking: tokio::sync::Mutex<()>,
}

impl Hidden {
    /// Whether somebody is hidden, or may be.
    pub fn any(&self) -> bool {
        [&self.any, &self.is_deaf].iter().any(|flag| AtomicBool::load(flag, Ordering::Acquire))
    }

    /// A number that changes whenever somebody may have been hidden or shown: what was read before
    /// may not be shown any more.
    pub fn version(&self) -> u64 {
        AtomicU64::load(&self.looks, Ordering::Acquire)
    }

    /// From now on what others hide is heard of, or no longer. Listening begins
    /// with a look.
    pub fn listen(&self, is_listening: bool) {
        self.is_deaf.store(!is_listening, Ordering::Release);
        self.looks.fetch_add(1, Ordering::AcqRel);
    }

    /// Looks whether somebody is. If that cannot be seen, somebody may be.
    pub async fn refresh(&self, connection: &mut Connection) {
        let _one = self.looking.lock().await;
        let any = match tokio::time::timeout(PATIENCE, look(connection)).await {
            Ok(Ok(any)) => any,
            failed => {
                tracing::warn!(?failed, "cannot see whether an identity is hidden");
                true
            }
        };
        self.any.store(any, Ordering::Release);
        self.looks.fetch_add(1, Ordering::AcqRel);
    }
}

async fn look(connection: &mut Connection) -> QueryResult<bool> {
    let statement = Statement::new("select exists (select from identity where is_hidden)");
    let Row(values) = statement.get_result(connection).await?;
    Ok(values[..] != [Value::Bool(false)])
}
