//! The native enums of the GitHub tables.

use crate::{pg_enum, schema::sql_types};

pg_enum! {
    /// Whether an issue is open.
    pub enum IssueState: sql_types::IssueState { Open = "open", Closed = "closed" }
}
