//! Connections of those who only read.
//!
//! There are two ways to see the tables: as they are, and through the views of the schema
//! [`PSEUDONYMOUS`], which have the tables' names and show other values in some columns. Which of the
//! two a statement reads is a matter of the connection's `search_path`, not of its text: so none can
//! be forgotten, and where nothing is hidden every statement is as it always was.

use std::ops::{Deref, DerefMut};

use deadpool::managed::Object;
use diesel_async::{SimpleAsyncConnection as _, pooled_connection::AsyncDieselConnectionManager};

use super::{Connection, Pool};
use crate::http::problem::Result;

/// The schema of the views.
pub const PSEUDONYMOUS: &str = "pseudonymous";

type Pooled = Object<AsyncDieselConnectionManager<Connection>>;

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
}

impl Reader {
    /// Takes a connection; if `is_veiled`, one that reads through the views.
    pub async fn take(pool: &Pool, is_veiled: bool) -> Result<Self> {
        let connection = pool.get().await?;
        let mut reader = Self { connection: Some(connection), is_veiled };
        if is_veiled {
            reader.batch_execute(&veil(false)).await?;
        }
        Ok(reader)
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
        self.connection.as_mut().unwrap_or_else(|| unreachable!("it is there until the drop"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take().filter(|_| self.is_veiled) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        // Whoever has it next may write, and must see the tables.
        runtime.spawn(async move {
            if connection.batch_execute("reset search_path").await.is_err() {
                drop(Object::take(connection));
            }
        });
    }
}
