drop index discord_message_prose;
drop index youtube_video_prose;
drop index wg21_paper_prose;
drop index slack_message_prose;
drop index mailing_list_message_prose;
drop index pull_request_comment_prose;
drop index pull_request_review_prose;
drop index pull_request_prose;
drop index issue_comment_prose;
drop index issue_prose;
drop index git_commit_prose;

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
