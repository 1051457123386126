-- Two weeks in May 2024: the window is 2024-05-04 to 2024-05-10, the one before 2024-04-27 to 05-03.

-- Ada is profiles 1 (GitHub), 4 (Slack) and 6 (mails); Ben is 2; 3 has no identity.
insert into identity (id, display_name) values (1, 'Ada'), (2, 'Ben');
insert into base_profile (id, identity_id, type) values
    (1, 1, 'github'), (2, 2, 'github'), (3, null, 'github'), (4, 1, 'slack'), (5, null, 'slack'),
    (6, 1, 'mailing_list'), (7, null, 'mailing_list'), (8, null, 'wg21'), (9, null, 'discord'),
    (10, null, 'youtube'), (11, 2, 'github'), (12, null, 'github');
insert into github_account (id, github_account_id, username, display_name) values
    (1, 101, 'ada', 'A. L.'), (2, 102, 'ben', ''), (3, 103, 'cleo', ''), (11, 111, 'ben2', ''),
    (12, 112, 'boostorg', '');
insert into slack_user (id, slack_user_id, username) values (4, 'U4', 'ada'), (5, 'U5', 'zoe');
insert into mailing_list_profile (id, display_name, profile_key) values
    (6, 'Ada L.', 'addr:a'), (7, 'Mo', 'addr:m');
insert into wg21_paper_author_profile (id, display_name, profile_key) values (8, 'Pia', 'name:p');
insert into discord_profile (id, discord_user_id) values (9, 9);
insert into youtube_speaker (id, display_name, external_id) values (10, 'Sam', 's');

insert into github_repository (id, owner_account_id, repo_name) values (1, 12, 'json'), (2, 1, 'tools');
insert into boost_library_repository (id) values (1);
insert into boost_library (id, repo_id, name) values (1, 1, 'json'), (2, 1, 'asio');
insert into github_file (id, repo_id, filename) values (1, 1, 'a'), (2, 1, 'b'), (3, 1, 'c'), (4, 2, 'd');
insert into boost_file (id, library_id) values (1, 1), (2, 1), (3, 2);

-- In the window 5 commits: Ada 1, Ben 2 (by two profiles), Cleo 2. On the edges: the first instant
-- is in, the last is not.
insert into git_commit (id, repo_id, account_id, commit_hash, commit_at) values
    (1, 1, 1, 'c1', '2024-05-04T00:00:00Z'), (2, 1, 2, 'c2', '2024-05-04T23:59:59.999999Z'),
    (3, 1, 11, 'c3', '2024-05-10T23:00:00Z'), (4, 2, 3, 'c4', '2024-05-10T01:00:00+02:00'),
    (5, 1, 3, 'c5', '2024-05-09T12:00:00Z'), (6, 1, 3, 'c6', '2024-05-11T00:00:00Z'),
    (7, 1, 1, 'c7', '2024-05-03T23:59:59Z'), (8, 2, 2, 'c8', '2020-01-01T00:00:00Z');
-- c1 changes two files of json: one commit. c2 json and asio, c5 asio, c4 nothing of Boost.
insert into git_commit_file_change (commit_id, github_file_id, status) values
    (1, 1, 'modified'), (1, 2, 'modified'), (2, 1, 'modified'), (2, 3, 'modified'),
    (5, 3, 'modified'), (4, 4, 'modified'), (7, 1, 'modified');

insert into issue (id, repo_id, account_id, issue_number, issue_id, issue_created_at, issue_closed_at) values
    (1, 1, 1, 1, 1, '2024-05-05T10:00:00Z', '2024-05-06T10:00:00Z'),
    (2, 2, 1, 2, 2, '2024-05-01T10:00:00Z', '2024-05-06T11:00:00Z'),
    (3, 1, 1, 3, 3, null, null);
insert into issue_comment (issue_id, account_id, issue_comment_id, issue_comment_created_at) values
    (1, 1, 1, '2024-05-05T11:00:00Z'), (2, 2, 2, '2024-05-05T12:00:00Z');
insert into pull_request (id, repo_id, account_id, pr_number, pr_id, pr_created_at, pr_merged_at, pr_closed_at) values
    (1, 1, 1, 4, 4, '2024-05-05T10:00:00Z', '2024-05-07T10:00:00Z', '2024-05-07T10:00:00Z'),
    (2, 1, 2, 5, 5, '2024-04-28T10:00:00Z', null, '2024-05-07T10:00:00Z');
insert into pull_request_comment (pr_id, account_id, pr_comment_id, pr_comment_created_at) values
    (1, 1, 1, '2024-05-05T11:00:00Z');
insert into pull_request_review (pr_id, account_id, pr_review_id, kind, pr_review_created_at) values
    (1, 1, 1, 'review', '2024-05-06T10:00:00Z'), (1, 1, 2, 'comment', '2024-05-06T10:00:00Z'),
    (1, 1, 3, 'comment', '2024-05-06T10:00:00Z'), (1, 1, 4, 'comment', null);

-- The thread t1 began before the window. Of t2 and t3, which have one mail each, the name decides.
insert into mailing_list_message (sender_id, msg_id, thread_id, subject, list_name, sent_at) values
    (6, 'm1', 't1', '[boost] Review of X', 'boost@lists.boost.org', '2024-01-01T00:00:00Z'),
    (7, 'm2', 't1', 'Re: [boost] Review of X', 'boost@lists.boost.org', '2024-05-05T00:00:00Z'),
    (7, 'm3', 't1', 'RE: re[2]: Re: other words', 'boost@lists.boost.org', '2024-05-05T01:00:00Z'),
    (6, 'm4', 't2', 'Re: Re: Zebra', 'boost-users@lists.boost.org', '2024-05-06T00:00:00Z'),
    (7, 'm5', 't3', 'Apple', 'boost-users@lists.boost.org', '2024-05-06T00:00:00Z'),
    (6, 'm6', '', 'of no thread', 'boost@lists.boost.org', '2024-05-02T00:00:00Z'),
    (7, 'm7', 't3', 'Re: Apple', 'boost@lists.boost.org', null);

insert into slack_team (id, team_id) values (1, 'T1');
insert into slack_channel (id, team_id, channel_id, channel_name, channel_type) values
    (1, 1, 'C1', 'general', 'public_channel'), (2, 1, 'C2', 'boost', 'public_channel'),
    (3, 1, 'G3', 'secret', 'private_channel');
insert into slack_message (channel_id, ts, slack_user_id, slack_message_created_at) values
    (1, '1', 4, '2024-05-05T00:00:00Z'), (1, '2', 5, '2024-05-05T00:00:00Z'),
    (2, '3', 5, '2024-05-06T00:00:00Z'), (2, '4', null, '2024-05-06T00:00:00Z'),
    (3, '5', 4, '2024-05-06T00:00:00Z'), (1, '6', 4, '2024-04-30T00:00:00Z');

-- Direct messages (server 0) are private, deleted messages never count.
insert into discord_server (id, server_id) values (1, 1), (2, 0);
insert into discord_channel (id, server_id, channel_id) values (1, 1, 1), (2, 2, 2);
insert into discord_message (channel_id, author_id, message_id, message_created_at, is_deleted) values
    (1, 9, 1, '2024-05-05T00:00:00Z', false), (1, 9, 2, '2024-05-05T00:00:00Z', true),
    (2, 9, 3, '2024-05-05T00:00:00Z', false);

-- Without a date a paper is of the first day of its mailing.
insert into wg21_mailing (id, mailing_date) values (1, '2024-05'), (2, 'unknown'), (3, '2024-04');
insert into wg21_paper (id, paper_id, year, document_date, mailing_id, subgroup) values
    (1, 'p1r0', 2024, '2024-05-04', 2, ''), (2, 'p2r0', 2024, '2024-05-05', 1, 'LEWG'),
    (3, 'p3r0', 2024, null, 1, 'EWG'), (4, 'p4r0', 2024, null, 2, 'EWG'),
    (5, 'p5r0', 2024, '2024-05-10', 3, 'EWG');
insert into wg21_paper_author (paper_id, profile_id) values (1, 8), (2, 8), (3, 8);

insert into youtube_video (video_id, published_at) values
    ('v1', '2024-05-10T23:59:59Z'), ('v2', '2024-05-11T00:00:00Z');
insert into youtube_video_speaker (video_id, speaker_id) values ('v1', 10), ('v2', 10);

insert into website (stat_date, website_visit_count) values
    ('2024-05-03', 7), ('2024-05-04', 10), ('2024-05-10', 20), ('2024-05-11', 40);
insert into website_visit_count (stat_date, country, count) values
    ('2024-05-04', 'US', 5), ('2024-05-10', 'DE', 8), ('2024-05-10', 'US', 3), ('2024-05-03', 'FR', 9);
insert into website_word_count (stat_date, word, count)
    select '2024-05-04', 'word' || n, 100 from generate_series(10, 40) n;

insert into boost_version (version, version_key, version_created_at) values
    ('boost-1.84.0', 108400, '2023-12-13T00:00:00Z'), ('boost-1.85.0', 108500, '2024-04-17T00:00:00Z'),
    ('boost-1.86.0', 108600, null);
