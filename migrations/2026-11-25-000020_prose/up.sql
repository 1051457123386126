-- Full-text search. The words of each table's prose are indexed as an expression and not stored as a
-- column: rows stay as wide as they were, and a statement that leaves the prose alone costs nothing
-- more. New words wait in the index's pending list, so that a bulk load merges them in batches.
--
-- A tsvector holds less than 1 MiB; of 50,000 characters, no text has more words than that. `<` and
-- `>` are blanks, because the parser would take `vector<int>` and `<boost/json.hpp>` for HTML and leave
-- them out. What a row is called weighs more than what it says.
create index git_commit_prose on git_commit using gin ((
    to_tsvector('english', translate(left(comment, 50000), '<>', '  '))
));
create index issue_prose on issue using gin ((
    setweight(to_tsvector('english', translate(left(title, 50000), '<>', '  ')), 'A')
    || to_tsvector('english', translate(left(body, 50000), '<>', '  '))
));
create index issue_comment_prose on issue_comment using gin ((
    to_tsvector('english', translate(left(body, 50000), '<>', '  '))
));
create index pull_request_prose on pull_request using gin ((
    setweight(to_tsvector('english', translate(left(title, 50000), '<>', '  ')), 'A')
    || to_tsvector('english', translate(left(body, 50000), '<>', '  '))
));
create index pull_request_review_prose on pull_request_review using gin ((
    to_tsvector('english', translate(left(body, 50000), '<>', '  '))
));
create index pull_request_comment_prose on pull_request_comment using gin ((
    to_tsvector('english', translate(left(body, 50000), '<>', '  '))
));
create index mailing_list_message_prose on mailing_list_message using gin ((
    setweight(to_tsvector('english', translate(left(subject, 50000), '<>', '  ')), 'A')
    || to_tsvector('english', translate(left(content, 50000), '<>', '  '))
));
create index slack_message_prose on slack_message using gin ((
    to_tsvector('english', translate(left(message, 50000), '<>', '  '))
));
create index wg21_paper_prose on wg21_paper using gin ((
    to_tsvector('english', translate(left(title, 50000), '<>', '  '))
));
create index youtube_video_prose on youtube_video using gin ((
    setweight(to_tsvector('english', translate(left(title, 50000), '<>', '  ')), 'A')
    || to_tsvector('english', translate(left(description, 50000), '<>', '  '))
));
create index discord_message_prose on discord_message using gin ((
    to_tsvector('english', translate(left(content, 50000), '<>', '  '))
));

-- What `analyze` would learn of the words is not worth reading thousands of texts for each time.
alter index git_commit_prose alter column 1 set statistics 0;
alter index issue_prose alter column 1 set statistics 0;
alter index issue_comment_prose alter column 1 set statistics 0;
alter index pull_request_prose alter column 1 set statistics 0;
alter index pull_request_review_prose alter column 1 set statistics 0;
alter index pull_request_comment_prose alter column 1 set statistics 0;
alter index mailing_list_message_prose alter column 1 set statistics 0;
alter index slack_message_prose alter column 1 set statistics 0;
alter index wg21_paper_prose alter column 1 set statistics 0;
alter index youtube_video_prose alter column 1 set statistics 0;
alter index discord_message_prose alter column 1 set statistics 0;
