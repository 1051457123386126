-- The main time of comments: `window`, statistics and the dashboard read them by it.
create index on issue_comment (issue_comment_created_at, id);
