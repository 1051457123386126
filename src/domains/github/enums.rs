//! The native enums of the GitHub tables.

use crate::{pg_enum, schema::sql_types};

pg_enum! {
    /// What a commit did to a file.
    pub enum FileChangeStatus: sql_types::FileChangeStatus {
        Added = "added",
        Modified = "modified",
        Removed = "removed",
        Renamed = "renamed",
        Copied = "copied",
        Changed = "changed",
    }
}

pg_enum! {
    /// Whether an issue is open.
    pub enum IssueState: sql_types::IssueState { Open = "open", Closed = "closed" }
}

pg_enum! {
    /// Why an issue is in its state.
    pub enum IssueStateReason: sql_types::IssueStateReason {
        Completed = "completed",
        NotPlanned = "not_planned",
        Reopened = "reopened",
        Duplicate = "duplicate",
    }
}

pg_enum! {
    /// Whether a pull request is open, closed or merged.
    pub enum PullRequestState: sql_types::PullRequestState {
        Open = "open",
        Closed = "closed",
        Merged = "merged",
    }
}
