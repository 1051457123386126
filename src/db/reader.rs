//! Connections of those who only read.
//!
//! There are two ways to see the tables: as they are, and through the views of the schema
//! [`PSEUDONYMOUS`], which have the tables' names and show other values in some columns. Which of the
//! two a statement reads is a matter of the connection's `search_path`, not of its text: so none can
//! be forgotten, and where nothing is hidden every statement is as it always was.
//!
//! A client that goes away takes the request with it, and leaves the statement running. The next one
//! must not wait behind it: a connection goes back to the pool when it has nothing left to do.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use deadpool::managed::Object;
use diesel_async::{SimpleAsyncConnection as _, pooled_connection::AsyncDieselConnectionManager};

use super::{Connection, Pool, pool::Target};
use crate::http::problem::Result;

/// The schema of the views.
pub const PSEUDONYMOUS: &str = "pseudonymous";

type Pooled = Object<AsyncDieselConnectionManager<Connection>>;

/// How long a connection that was let go of is given to finish by itself.
const GRACE: Duration = Duration::from_millis(100);

/// SQL that has a transaction, or else the session, read through the views.
pub fn veil(transaction: bool) -> String {
    format!(
        "select set_config('search_path', '{PSEUDONYMOUS}, ' || current_setting('search_path'), \
         {transaction})"
    )
}

/// A connection of the pool, for reading. It goes back as it came.
#[expect(missing_debug_implementations, reason = "a connection has none")]
pub struct Reader {
    /// There until it is dropped.
    connection: Option<Pooled>,
    is_veiled: bool,
    /// Whether all that it was asked was answered.
    is_at_rest: bool,
    target: Arc<Target>,
}

impl Reader {
    /// Takes a connection; if `is_veiled`, one that reads through the views.
    pub async fn take(pool: &Pool, is_veiled: bool) -> Result<Self> {
        let connection = pool.get().await?;
        let (connection, target) = (Some(connection), Arc::clone(pool.target()));
        let mut reader = Self { connection, is_veiled, is_at_rest: true, target };
        if is_veiled {
            reader.batch_execute(&veil(false)).await?;
        }
        Ok(reader)
    }

    /// Says that what was read was read to its end: spares the connection the question. To be said
    /// where many read; where it is not, the connection goes back a moment later.
    pub fn rest(mut self) {
        self.is_at_rest = true;
    }

    /// Whether it reads through the views.
    pub fn is_veiled(&self) -> bool {
        self.is_veiled
    }
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection.as_ref().unwrap_or_else(|| unreachable!("it is there until the drop"))
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Connection {
        self.is_at_rest = false;
        self.connection.as_mut().unwrap_or_else(|| unreachable!("it is there until the drop"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.is_at_rest && !self.is_veiled {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        // Whoever has it next may write, and must see the tables.
        let last = if self.is_veiled { "reset search_path" } else { "" };
        runtime.spawn(give_back(connection, last, Arc::clone(&self.target)));
    }
}

/// Gives a connection back once it has answered `last`, which it does after all else. What it still
/// runs by then nobody waits for.
async fn give_back(mut connection: Pooled, last: &'static str, target: Arc<Target>) {
    let token = connection.cancel_token();
    let outcome = {
        let mut answered = std::pin::pin!(connection.batch_execute(last));
        if let Ok(outcome) = tokio::time::timeout(GRACE, &mut answered).await {
            outcome
        } else {
            if let Err(error) = target.cancel(&token).await {
                tracing::debug!(%error, "a statement that nobody waits for goes on");
            }
            answered.await
        }
    };
    if outcome.is_err() {
        drop(Object::take(connection));
    }
}
