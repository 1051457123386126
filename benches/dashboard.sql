-- A million commits of eleven years with all that the dashboard counts, made where they are stored.

insert into base_profile (type) select 'github' from generate_series(1, 20000);
insert into identity (display_name) select 'Person ' || n from generate_series(1, 3000) n;
update base_profile set identity_id = id % 3000 + 1 where id % 4 = 0;
insert into github_account (id, github_account_id, username, display_name)
    select id, id + 1000, 'user' || id, 'User ' || id from base_profile;

insert into github_repository (owner_account_id, repo_name) select 1 + n % 5, 'repository' || n from generate_series(1, 200) n;
insert into boost_library_repository (id) select id from github_repository where owner_account_id = 1;
insert into boost_library (repo_id, name) select id, 'library' || id from boost_library_repository;
insert into github_file (repo_id, filename) select r.id, 'include/file' || n || '.hpp' from github_repository r, generate_series(1, 250) n;
insert into boost_file (id, library_id)
    select f.id, l.id from github_file f join boost_library l on l.repo_id = f.repo_id;

-- Some people write much more than others; the last of them came lately.
insert into git_commit (repo_id, account_id, commit_hash, comment, commit_at, committed_at)
    select 1 + n % 200, 1 + (least(power(random(), 4) * 20000, 100 + n * 0.0199))::bigint, md5(n::text) || '00000000', 'Change ' || n,
        now() - (1000000 - n) * interval '347 seconds', now() - (1000000 - n) * interval '347 seconds'
    from generate_series(1, 1000000) n;
insert into git_commit_file_change (commit_id, github_file_id, status, additions, deletions)
    select c.id, (c.repo_id - 1) * 250 + 1 + (c.id * 7 + k * 13) % 250, 'modified', k, k
    from git_commit c, generate_series(1, 2) k;

insert into issue (repo_id, account_id, issue_number, issue_id, title, issue_created_at, issue_closed_at)
    select 1 + n % 200, 1 + (power(random(), 3) * 19000)::bigint, n, n, 'Issue ' || n, now() - (100000 - n) * interval '3470 seconds',
        case when n % 3 > 0 then now() - (100000 - n) * interval '3000 seconds' end
    from generate_series(1, 100000) n;
insert into issue_comment (issue_id, account_id, issue_comment_id, issue_comment_created_at)
    select 1 + n % 100000, 1 + (power(random(), 3) * 19000)::bigint, n, now() - (300000 - n) * interval '1150 seconds' from generate_series(1, 300000) n;
insert into pull_request (repo_id, account_id, pr_number, pr_id, title, pr_created_at, pr_merged_at, pr_closed_at)
    select 1 + n % 200, 1 + (power(random(), 3) * 19000)::bigint, n, n, 'Pull request ' || n, now() - (100000 - n) * interval '3470 seconds',
        case when n % 2 > 0 then now() - (100000 - n) * interval '3000 seconds' end, now() - (100000 - n) * interval '3000 seconds'
    from generate_series(1, 100000) n;
insert into pull_request_review (pr_id, account_id, pr_review_id, kind, pr_review_created_at)
    select 1 + n % 100000, 1 + (power(random(), 3) * 19000)::bigint, n, (array['review', 'comment'])[1 + n % 2], now() - (300000 - n) * interval '1150 seconds' from generate_series(1, 300000) n;

with p as (insert into base_profile (type) select 'mailing_list' from generate_series(1, 3000) returning id)
    insert into mailing_list_profile (id, display_name, profile_key) select id, 'Writer ' || id, 'addr:' || id from p;
insert into mailing_list_message (sender_id, msg_id, thread_id, subject, list_name, sent_at)
    select 20001 + (power(random(), 3) * 2999)::bigint, md5('m' || n), 't' || n / 12, 'Re: Subject ' || n / 12, (array['boost@lists.boost.org', 'boost-users@lists.boost.org'])[1 + n % 2], now() - (200000 - n) * interval '1735 seconds'
    from generate_series(1, 200000) n;

with p as (insert into base_profile (type) select 'slack' from generate_series(1, 2000) returning id)
    insert into slack_user (id, slack_user_id, username) select id, 'U' || id, 'slack' || id from p;
insert into slack_team (team_id, team_name) values ('T1', 'Team');
insert into slack_channel (team_id, channel_id, channel_name) select 1, 'C' || n, 'channel' || n from generate_series(1, 40) n;
insert into slack_message (channel_id, ts, slack_user_id, message, slack_message_created_at)
    select 1 + n % 40, n || '.000000', 23001 + (power(random(), 3) * 1999)::bigint, 'text', now() - (300000 - n) * interval '1150 seconds' from generate_series(1, 300000) n;

insert into website (stat_date, website_visit_count) select current_date - n, 1000 + n from generate_series(0, 3650) n;
insert into website_visit_count (stat_date, country, count) select current_date - n, 'C' || k, k from generate_series(0, 3650) n, generate_series(1, 60) k;
insert into website_word_count (stat_date, word, count) select current_date - n, 'word' || k, k from generate_series(0, 3650) n, generate_series(1, 60) k;

insert into wg21_mailing (mailing_date) select to_char(date '2016-01-01' + n * interval '1 month', 'YYYY-MM') from generate_series(0, 130) n;
insert into wg21_paper (paper_id, year, document_date, mailing_id, subgroup)
    select 'p' || n, 2020, current_date - n % 3650, 1 + n % 131, (array['', 'LEWG', 'EWG', 'SG1'])[1 + n % 4] from generate_series(1, 8000) n;
insert into boost_version (version, version_key, version_created_at)
    select 'boost-1.' || n || '.0', 100000 + n * 100, now() - (100 - n) * interval '120 days' from generate_series(70, 99) n;

-- Who uses Boost: 5,000 repositories, 100,000 files, five headers each.
insert into github_repository (owner_account_id, repo_name, stars) select 10 + n % 4000, 'user' || n, n % 3000 from generate_series(1, 5000) n;
insert into boost_external_repository (id, boost_version, is_boost_used)
    select id, 'boost-1.' || 70 + id % 29 || '.0', true from github_repository where repo_name like 'user%';
insert into github_file (repo_id, filename) select r.id, 'src/file' || n || '.cpp'
    from boost_external_repository r, generate_series(1, 20) n;
insert into boost_usage (repo_id, boost_header_id, file_path_id, last_commit_date, excepted_at)
    select f.repo_id, h.id, f.id, now() - (f.id * 7 + k * 13) % 3000 * interval '1 day',
        case when (f.id + k) % 9 = 0 then current_date - (f.id % 900)::int end
    from github_file f, generate_series(0, 4) k,
        lateral (select min(id) + (f.id * (k + 1) * 7919 + k) % (max(id) - min(id) + 1) as wanted from boost_file) w,
        lateral (select id from boost_file where id >= w.wanted order by id limit 1) h
    where f.filename like 'src/%'
    on conflict do nothing;
