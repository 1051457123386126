// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "issue_state"))]
    pub struct IssueState;
}

diesel::table! {
    git_commit (id) {
        id -> Int8,
        repo_id -> Int8,
        account_id -> Int8,
        commit_hash -> Text,
        comment -> Text,
        commit_at -> Timestamptz,
        committed_at -> Nullable<Timestamptz>,
    }
}
