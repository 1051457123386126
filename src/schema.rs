// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "file_change_status"))]
    pub struct FileChangeStatus;

    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "github_account_type"))]
    pub struct GithubAccountType;

    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "issue_state"))]
    pub struct IssueState;

    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "issue_state_reason"))]
    pub struct IssueStateReason;

    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "profile_type"))]
    pub struct ProfileType;

    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "pull_request_state"))]
    pub struct PullRequestState;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::ProfileType;

    base_profile (id) {
        id -> Int8,
        identity_id -> Nullable<Int8>,
        #[sql_name = "type"]
        type_ -> ProfileType,
    }
}

diesel::table! {
    boost_dependency (id) {
        id -> Int8,
        client_library_id -> Int8,
        version_id -> Int8,
        dep_library_id -> Int8,
        created_at -> Timestamptz,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_doc_content (id) {
        id -> Int8,
        url -> Text,
        content_hash -> Text,
        first_version_id -> Nullable<Int8>,
        last_version_id -> Nullable<Int8>,
        is_upserted -> Bool,
        scraped_at -> Timestamptz,
        created_at -> Timestamptz,
        text_bytes -> Nullable<Int8>,
        url_version -> Nullable<Int4>,
        url_scraped_at -> Nullable<Timestamptz>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
        is_scraped_at_stated -> Bool,
    }
}

diesel::table! {
    boost_external_repository (id) {
        id -> Int8,
        boost_version -> Text,
        is_boost_embedded -> Bool,
        is_boost_used -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_scan_at -> Nullable<Timestamptz>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_file (id) {
        id -> Int8,
        library_id -> Int8,
        assigned_by -> Text,
    }
}

diesel::table! {
    boost_header_statement (id) {
        id -> Int8,
        library_id -> Int8,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_include (id) {
        id -> Int8,
        file_path_id -> Int8,
        header_name -> Text,
        boost_header_id -> Nullable<Int8>,
        last_commit_date -> Nullable<Timestamptz>,
        excepted_at -> Nullable<Date>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_library (id) {
        id -> Int8,
        repo_id -> Int8,
        name -> Text,
        is_stub -> Bool,
        headers_listed_at -> Nullable<Timestamptz>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_library_category (id) {
        id -> Int8,
        name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_library_category_relationship (id) {
        id -> Int8,
        library_id -> Int8,
        category_id -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    boost_library_documentation (id) {
        id -> Int8,
        boost_library_version_id -> Int8,
        boost_doc_content_id -> Int8,
        created_at -> Timestamptz,
        seen_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    boost_library_repository (id) {
        id -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    boost_library_role_relationship (id) {
        id -> Int8,
        library_version_id -> Int8,
        account_id -> Int8,
        is_maintainer -> Bool,
        is_author -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    boost_library_version (id) {
        id -> Int8,
        library_id -> Int8,
        version_id -> Int8,
        cpp_version -> Text,
        description -> Text,
        documentation -> Text,
        key -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_missing_header_tmp (id) {
        id -> Int8,
        usage_id -> Int8,
        header_name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    boost_usage (id) {
        id -> Int8,
        repo_id -> Int8,
        boost_header_id -> Nullable<Int8>,
        file_path_id -> Int8,
        last_commit_date -> Nullable<Timestamptz>,
        excepted_at -> Nullable<Date>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    boost_version (id) {
        id -> Int8,
        version -> Text,
        version_created_at -> Nullable<Timestamptz>,
        version_key -> Int4,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    change_log (xid, seq) {
        xid -> Int8,
        seq -> Int8,
        table_name -> Text,
        op -> Text,
        ids -> Nullable<Array<Nullable<Int8>>>,
        keys -> Nullable<Array<Nullable<Text>>>,
        amount -> Int4,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    clang_github_commit (id) {
        id -> Int8,
        sha -> Text,
        github_committed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        content_digest -> Nullable<Bytea>,
        raw_path -> Text,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    clang_github_issue_item (id) {
        id -> Int8,
        number -> Int4,
        is_pull_request -> Bool,
        github_created_at -> Nullable<Timestamptz>,
        github_updated_at -> Nullable<Timestamptz>,
        updated_at -> Timestamptz,
        created_at -> Timestamptz,
        content_digest -> Nullable<Bytea>,
        raw_path -> Text,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    cppa_tags (id) {
        id -> Int8,
        tag_name -> Text,
    }
}

diesel::table! {
    created_repos_by_language (id) {
        id -> Int8,
        language_id -> Int8,
        year -> Int4,
        all_repos -> Int8,
        significant_repos -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    dead_letter (id) {
        id -> Int8,
        receipt_number -> Nullable<Int8>,
        domain -> Text,
        kind -> Text,
        params -> Jsonb,
        content_type -> Text,
        index -> Int4,
        code -> Text,
        pointer -> Text,
        detail -> Text,
        errors -> Jsonb,
        body -> Bytea,
        raw_path -> Nullable<Text>,
        scope -> Nullable<Text>,
        item_time -> Nullable<Timestamptz>,
        received_at -> Timestamptz,
        attempts -> Int4,
        last_attempt_at -> Nullable<Timestamptz>,
        position -> Nullable<Int8>,
    }
}

diesel::table! {
    dependency_change_log (id) {
        id -> Int8,
        client_library_id -> Int8,
        dep_library_id -> Int8,
        is_add -> Bool,
        created_at -> Date,
        version_id -> Int8,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    discord_channel (id) {
        id -> Int8,
        server_id -> Int8,
        channel_id -> Int8,
        channel_name -> Text,
        channel_type -> Text,
        category_id -> Nullable<Int8>,
        category_name -> Text,
        topic -> Text,
        position -> Int4,
        last_synced_at -> Nullable<Timestamptz>,
        last_activity_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    discord_message (id) {
        id -> Int8,
        channel_id -> Int8,
        author_id -> Int8,
        message_id -> Int8,
        content -> Text,
        message_type -> Text,
        is_pinned -> Bool,
        message_created_at -> Timestamptz,
        message_edited_at -> Nullable<Timestamptz>,
        is_deleted -> Bool,
        deleted_at -> Nullable<Timestamptz>,
        reply_to_message_id -> Nullable<Int8>,
        has_attachments -> Bool,
        attachment_urls -> Jsonb,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        exported_at -> Nullable<Timestamptz>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    discord_profile (id) {
        id -> Int8,
        discord_user_id -> Int8,
        username -> Text,
        display_name -> Text,
        avatar_url -> Text,
        is_bot -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    discord_reaction (id) {
        id -> Int8,
        message_id -> Int8,
        emoji -> Text,
        count -> Int4,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    discord_server (id) {
        id -> Int8,
        server_id -> Int8,
        server_name -> Text,
        icon_url -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    drift (id) {
        id -> Int8,
        domain -> Text,
        kind -> Text,
        pointer -> Text,
        occurrences -> Int8,
        first_seen_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        example -> Text,
    }
}

diesel::table! {
    email (id) {
        id -> Int8,
        base_profile_id -> Int8,
        #[sql_name = "email"]
        email_ -> Text,
        is_primary -> Bool,
        is_active -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        email_lower -> Text,
        last_seen_at -> Nullable<Timestamptz>,
        is_manual -> Bool,
    }
}

diesel::table! {
    former_repository_name (id) {
        id -> Int8,
        owner_lower -> Text,
        name_lower -> Text,
        repo_id -> Int8,
        seen_at -> Timestamptz,
    }
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
        account_rank -> Int2,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::FileChangeStatus;

    git_commit_file_change (id) {
        id -> Int8,
        commit_id -> Int8,
        github_file_id -> Int8,
        status -> FileChangeStatus,
        additions -> Int4,
        deletions -> Int4,
        patch -> Text,
        created_at -> Timestamptz,
        source_rank -> Int2,
        source_digest -> Nullable<Bytea>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::GithubAccountType;

    github_account (id) {
        id -> Int8,
        github_account_id -> Int8,
        username -> Text,
        display_name -> Text,
        avatar_url -> Text,
        #[sql_name = "type"]
        type_ -> GithubAccountType,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        stub_key -> Nullable<Text>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    github_file (id) {
        id -> Int8,
        repo_id -> Int8,
        filename -> Text,
        is_deleted -> Bool,
        created_at -> Timestamptz,
        previous_filename_id -> Nullable<Int8>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    github_repository (id) {
        id -> Int8,
        owner_account_id -> Int8,
        repo_name -> Text,
        stars -> Int4,
        forks -> Int4,
        description -> Text,
        repo_pushed_at -> Nullable<Timestamptz>,
        repo_created_at -> Nullable<Timestamptz>,
        repo_updated_at -> Nullable<Timestamptz>,
        github_repo_id -> Nullable<Int8>,
        removed_at -> Nullable<Timestamptz>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    identity (id) {
        id -> Int8,
        display_name -> Text,
        description -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        is_locked -> Bool,
        is_hidden -> Bool,
    }
}

diesel::table! {
    identity_operation (id) {
        id -> Int8,
        kind -> Text,
        subject -> Text,
        request_id -> Text,
        at -> Timestamptz,
        what -> Jsonb,
        undoes -> Nullable<Int8>,
        undone_by -> Nullable<Int8>,
    }
}

diesel::table! {
    identity_operation_row (operation_id, table_name, row_id) {
        operation_id -> Int8,
        table_name -> Text,
        row_id -> Int8,
        role -> Text,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
    }
}

diesel::table! {
    identity_redirect (id) {
        id -> Int8,
        target_id -> Int8,
    }
}

diesel::table! {
    identity_suggestion (id) {
        id -> Int8,
        profile_id -> Int8,
        other_profile_id -> Int8,
        score -> Float8,
        evidence -> Jsonb,
        status -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    identity_suggestion_run (id) {
        id -> Int8,
        since -> Timestamptz,
        report -> Jsonb,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::IssueState;
    use super::sql_types::IssueStateReason;

    issue (id) {
        id -> Int8,
        repo_id -> Int8,
        account_id -> Int8,
        issue_number -> Int4,
        issue_id -> Int8,
        title -> Text,
        body -> Text,
        state -> IssueState,
        state_reason -> Nullable<IssueStateReason>,
        issue_created_at -> Nullable<Timestamptz>,
        issue_updated_at -> Nullable<Timestamptz>,
        issue_closed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    issue_assignee (id) {
        id -> Int8,
        issue_id -> Int8,
        account_id -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    issue_comment (id) {
        id -> Int8,
        issue_id -> Int8,
        account_id -> Int8,
        issue_comment_id -> Int8,
        body -> Text,
        issue_comment_created_at -> Nullable<Timestamptz>,
        issue_comment_updated_at -> Nullable<Timestamptz>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    issue_label (id) {
        id -> Int8,
        issue_id -> Int8,
        label_name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    issued_token (jti) {
        jti -> Text,
        subject -> Text,
        scopes -> Array<Nullable<Text>>,
        issued_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    language (id) {
        id -> Int8,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    license (id) {
        id -> Int8,
        name -> Text,
        spdx_id -> Text,
        url -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    mailing_list_message (id) {
        id -> Int8,
        sender_id -> Int8,
        msg_id -> Text,
        parent_id -> Text,
        thread_id -> Text,
        subject -> Text,
        content -> Text,
        list_name -> Text,
        sent_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        message_id -> Nullable<Text>,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    mailing_list_profile (id) {
        id -> Int8,
        display_name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        profile_key -> Text,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    pinecone_fail_list (id) {
        id -> Int8,
        failed_id -> Text,
        app_type -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    pinecone_sync_status (id) {
        id -> Int8,
        app_type -> Text,
        final_sync_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        cursor -> Nullable<Text>,
        change_seq -> Nullable<Int8>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::PullRequestState;

    pull_request (id) {
        id -> Int8,
        repo_id -> Int8,
        account_id -> Int8,
        pr_number -> Int4,
        pr_id -> Int8,
        title -> Text,
        body -> Text,
        state -> PullRequestState,
        head_hash -> Text,
        base_hash -> Text,
        pr_created_at -> Nullable<Timestamptz>,
        pr_updated_at -> Nullable<Timestamptz>,
        pr_merged_at -> Nullable<Timestamptz>,
        pr_closed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    pull_request_assignee (id) {
        id -> Int8,
        pr_id -> Int8,
        account_id -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    pull_request_comment (id) {
        id -> Int8,
        pr_id -> Int8,
        account_id -> Int8,
        pr_comment_id -> Int8,
        body -> Text,
        pr_comment_created_at -> Nullable<Timestamptz>,
        pr_comment_updated_at -> Nullable<Timestamptz>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    pull_request_label (id) {
        id -> Int8,
        pr_id -> Int8,
        label_name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    pull_request_review (id) {
        id -> Int8,
        pr_id -> Int8,
        account_id -> Int8,
        pr_review_id -> Int8,
        body -> Text,
        in_reply_to_id -> Nullable<Int8>,
        pr_review_created_at -> Nullable<Timestamptz>,
        pr_review_updated_at -> Nullable<Timestamptz>,
        kind -> Text,
        review_state -> Nullable<Text>,
        path -> Nullable<Text>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    queued_request (receipt_number) {
        receipt_number -> Int8,
        media -> Text,
        attempts -> Int4,
        not_before -> Timestamptz,
    }
}

diesel::table! {
    queued_scope (receipt_number, scope) {
        receipt_number -> Int8,
        scope -> Text,
        position -> Int8,
    }
}

diesel::table! {
    receipt (number) {
        number -> Int8,
        id -> Text,
        request_id -> Text,
        domain -> Text,
        kind -> Text,
        subject -> Text,
        params -> Jsonb,
        mode -> Text,
        dry_run -> Bool,
        status -> Text,
        idempotency_key -> Nullable<Text>,
        body_digest -> Nullable<Bytea>,
        received -> Int4,
        inserted -> Int4,
        updated -> Int4,
        unchanged -> Int4,
        stale -> Int4,
        rejected -> Int4,
        body -> Nullable<Jsonb>,
        response -> Nullable<Text>,
        received_at -> Timestamptz,
        started_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    receipt_items (receipt_number, first_index) {
        receipt_number -> Int8,
        first_index -> Int4,
        items -> Jsonb,
    }
}

diesel::table! {
    repo_language (id) {
        id -> Int8,
        repo_id -> Int8,
        language_id -> Int8,
        line_count -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    repo_license (id) {
        id -> Int8,
        repo_id -> Int8,
        license_id -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    revoked_token (jti) {
        jti -> Text,
        revoked_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        subject -> Nullable<Text>,
    }
}

diesel::table! {
    slack_channel (id) {
        id -> Int8,
        team_id -> Int8,
        channel_id -> Text,
        channel_name -> Text,
        channel_type -> Text,
        description -> Nullable<Text>,
        creator_user_id -> Nullable<Int8>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
        members_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    slack_channel_membership (id) {
        id -> Int8,
        channel_id -> Int8,
        slack_user_id -> Int8,
        is_restricted -> Bool,
        is_deleted -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        last_event_at -> Nullable<Timestamptz>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    slack_channel_membership_change_log (id) {
        id -> Int8,
        channel_id -> Int8,
        slack_user_id -> Int8,
        is_joined -> Bool,
        created_at -> Timestamptz,
        reports -> Jsonb,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    slack_message (id) {
        id -> Int8,
        channel_id -> Int8,
        ts -> Text,
        slack_user_id -> Nullable<Int8>,
        message -> Text,
        thread_ts -> Nullable<Text>,
        slack_message_created_at -> Timestamptz,
        slack_message_updated_at -> Nullable<Timestamptz>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    slack_team (id) {
        id -> Int8,
        team_id -> Text,
        team_name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    slack_user (id) {
        id -> Int8,
        slack_user_id -> Text,
        username -> Text,
        display_name -> Text,
        avatar_url -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        is_restricted -> Nullable<Bool>,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    statement (id) {
        id -> Int8,
        fold -> Text,
        scope -> Text,
        key -> Text,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        body -> Jsonb,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    temp_profile_identity_relation (id) {
        id -> Int8,
        base_profile_id -> Int8,
        target_identity_id -> Int8,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tmp_identity (id) {
        id -> Int8,
        display_name -> Text,
        description -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    tombstone (id) {
        id -> Int8,
        table_name -> Text,
        natural_key -> Text,
        source_at -> Nullable<Timestamptz>,
        deleted_at -> Timestamptz,
        remembered -> Bool,
    }
}

diesel::table! {
    website (id) {
        id -> Int8,
        stat_date -> Date,
        website_visit_count -> Int8,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    website_visit_count (id) {
        id -> Int8,
        stat_date -> Date,
        country -> Text,
        count -> Int8,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    website_word_count (id) {
        id -> Int8,
        stat_date -> Date,
        word -> Text,
        count -> Int8,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    wg21_mailing (id) {
        id -> Int8,
        mailing_date -> Text,
        title -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    wg21_paper (id) {
        id -> Int8,
        paper_id -> Text,
        year -> Int4,
        url -> Text,
        title -> Text,
        document_date -> Nullable<Date>,
        mailing_id -> Int8,
        subgroup -> Text,
        is_downloaded -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    wg21_paper_author (id) {
        id -> Int8,
        paper_id -> Int8,
        profile_id -> Int8,
        author_order -> Nullable<Int4>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    wg21_paper_author_profile (id) {
        id -> Int8,
        display_name -> Text,
        author_alias -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        profile_key -> Text,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    youtube_channel (channel_id) {
        channel_id -> Text,
        channel_title -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        id -> Int8,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    youtube_speaker (id) {
        id -> Int8,
        display_name -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        external_id -> Text,
    }
}

diesel::table! {
    youtube_video (video_id) {
        video_id -> Text,
        channel_id -> Nullable<Text>,
        title -> Text,
        description -> Text,
        published_at -> Nullable<Timestamptz>,
        duration_seconds -> Int4,
        view_count -> Nullable<Int8>,
        like_count -> Nullable<Int8>,
        comment_count -> Nullable<Int8>,
        search_term -> Text,
        has_transcript -> Bool,
        transcript_path -> Text,
        scraped_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        transcript_lang -> Nullable<Text>,
        id -> Int8,
        given_speakers -> Nullable<Text>,
        transcript_head -> Text,
        source_at -> Nullable<Timestamptz>,
        source_rank -> Int2,
        source_as_of -> Nullable<Timestamptz>,
        source_digest -> Bytea,
        column_stamps -> Nullable<Jsonb>,
        source_receipt -> Nullable<Int8>,
        source_item -> Nullable<Int4>,
    }
}

diesel::table! {
    youtube_video_speaker (id) {
        id -> Int8,
        video_id -> Text,
        speaker_id -> Int8,
        created_at -> Timestamptz,
        spelling -> Text,
    }
}

diesel::table! {
    youtube_video_tags (id) {
        id -> Int8,
        youtube_video_id -> Text,
        cppa_tag_id -> Int8,
    }
}

diesel::joinable!(base_profile -> identity (identity_id));
diesel::joinable!(boost_dependency -> boost_version (version_id));
diesel::joinable!(boost_external_repository -> github_repository (id));
diesel::joinable!(boost_file -> boost_library (library_id));
diesel::joinable!(boost_file -> github_file (id));
diesel::joinable!(boost_include -> boost_file (boost_header_id));
diesel::joinable!(boost_include -> github_file (file_path_id));
diesel::joinable!(boost_header_statement -> boost_library (library_id));
diesel::joinable!(boost_header_statement -> github_file (id));
diesel::joinable!(boost_library -> boost_library_repository (repo_id));
diesel::joinable!(boost_library_category_relationship -> boost_library (library_id));
diesel::joinable!(boost_library_category_relationship -> boost_library_category (category_id));
diesel::joinable!(boost_library_documentation -> boost_doc_content (boost_doc_content_id));
diesel::joinable!(boost_library_documentation -> boost_library_version (boost_library_version_id));
diesel::joinable!(boost_library_repository -> github_repository (id));
diesel::joinable!(boost_library_role_relationship -> boost_library_version (library_version_id));
diesel::joinable!(boost_library_role_relationship -> github_account (account_id));
diesel::joinable!(boost_library_version -> boost_library (library_id));
diesel::joinable!(boost_library_version -> boost_version (version_id));
diesel::joinable!(boost_missing_header_tmp -> boost_usage (usage_id));
diesel::joinable!(boost_usage -> boost_external_repository (repo_id));
diesel::joinable!(boost_usage -> boost_file (boost_header_id));
diesel::joinable!(boost_usage -> github_file (file_path_id));
diesel::joinable!(created_repos_by_language -> language (language_id));
diesel::joinable!(dead_letter -> receipt (receipt_number));
diesel::joinable!(dependency_change_log -> boost_version (version_id));
diesel::joinable!(discord_channel -> discord_server (server_id));
diesel::joinable!(discord_message -> discord_channel (channel_id));
diesel::joinable!(discord_message -> discord_profile (author_id));
diesel::joinable!(discord_profile -> base_profile (id));
diesel::joinable!(discord_reaction -> discord_message (message_id));
diesel::joinable!(email -> base_profile (base_profile_id));
diesel::joinable!(former_repository_name -> github_repository (repo_id));
diesel::joinable!(git_commit -> github_account (account_id));
diesel::joinable!(git_commit -> github_repository (repo_id));
diesel::joinable!(git_commit_file_change -> git_commit (commit_id));
diesel::joinable!(git_commit_file_change -> github_file (github_file_id));
diesel::joinable!(github_account -> base_profile (id));
diesel::joinable!(github_file -> github_repository (repo_id));
diesel::joinable!(github_repository -> github_account (owner_account_id));
diesel::joinable!(identity_operation_row -> identity_operation (operation_id));
diesel::joinable!(issue -> github_account (account_id));
diesel::joinable!(issue -> github_repository (repo_id));
diesel::joinable!(issue_assignee -> github_account (account_id));
diesel::joinable!(issue_assignee -> issue (issue_id));
diesel::joinable!(issue_comment -> github_account (account_id));
diesel::joinable!(issue_comment -> issue (issue_id));
diesel::joinable!(issue_label -> issue (issue_id));
diesel::joinable!(mailing_list_message -> mailing_list_profile (sender_id));
diesel::joinable!(mailing_list_profile -> base_profile (id));
diesel::joinable!(pull_request -> github_account (account_id));
diesel::joinable!(pull_request -> github_repository (repo_id));
diesel::joinable!(pull_request_assignee -> github_account (account_id));
diesel::joinable!(pull_request_assignee -> pull_request (pr_id));
diesel::joinable!(pull_request_comment -> github_account (account_id));
diesel::joinable!(pull_request_comment -> pull_request (pr_id));
diesel::joinable!(pull_request_label -> pull_request (pr_id));
diesel::joinable!(pull_request_review -> github_account (account_id));
diesel::joinable!(pull_request_review -> pull_request (pr_id));
diesel::joinable!(queued_request -> receipt (receipt_number));
diesel::joinable!(queued_scope -> queued_request (receipt_number));
diesel::joinable!(receipt_items -> receipt (receipt_number));
diesel::joinable!(repo_language -> github_repository (repo_id));
diesel::joinable!(repo_language -> language (language_id));
diesel::joinable!(repo_license -> github_repository (repo_id));
diesel::joinable!(repo_license -> license (license_id));
diesel::joinable!(slack_channel -> slack_team (team_id));
diesel::joinable!(slack_channel -> slack_user (creator_user_id));
diesel::joinable!(slack_channel_membership -> slack_channel (channel_id));
diesel::joinable!(slack_channel_membership -> slack_user (slack_user_id));
diesel::joinable!(slack_channel_membership_change_log -> slack_channel (channel_id));
diesel::joinable!(slack_channel_membership_change_log -> slack_user (slack_user_id));
diesel::joinable!(slack_message -> slack_channel (channel_id));
diesel::joinable!(slack_message -> slack_user (slack_user_id));
diesel::joinable!(slack_user -> base_profile (id));
diesel::joinable!(temp_profile_identity_relation -> base_profile (base_profile_id));
diesel::joinable!(temp_profile_identity_relation -> tmp_identity (target_identity_id));
diesel::joinable!(wg21_paper -> wg21_mailing (mailing_id));
diesel::joinable!(wg21_paper_author -> wg21_paper (paper_id));
diesel::joinable!(wg21_paper_author -> wg21_paper_author_profile (profile_id));
diesel::joinable!(wg21_paper_author_profile -> base_profile (id));
diesel::joinable!(youtube_speaker -> base_profile (id));
diesel::joinable!(youtube_video -> youtube_channel (channel_id));
diesel::joinable!(youtube_video_speaker -> youtube_speaker (speaker_id));
diesel::joinable!(youtube_video_speaker -> youtube_video (video_id));
diesel::joinable!(youtube_video_tags -> cppa_tags (cppa_tag_id));
diesel::joinable!(youtube_video_tags -> youtube_video (youtube_video_id));
