-- What a person did, newest first: the timeline reads each of these from its end, a page at a time.
create index on git_commit (account_id, commit_at, id);
create index on issue (account_id, issue_created_at, id);
create index on issue_comment (account_id, issue_comment_created_at, id);
create index on pull_request (account_id, pr_created_at, id);
create index on pull_request (account_id, pr_merged_at, id) where pr_merged_at is not null;
create index on pull_request_comment (account_id, pr_comment_created_at, id);
create index on pull_request_review (account_id, pr_review_created_at, id);
create index on mailing_list_message (sender_id, sent_at, id);
create index on slack_message (slack_user_id, slack_message_created_at, id);
create index on discord_message (author_id, message_created_at, id);

-- The revisions of a paper share its number up to the trailing `r<digits>`.
create index on wg21_paper (regexp_replace(paper_id, 'r[0-9]+$', ''));
