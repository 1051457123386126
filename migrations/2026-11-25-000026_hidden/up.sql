-- Hidden identities: whoever reads sees a pseudonym of the person instead of names and addresses.
--
-- What is hidden is kept as it was: ingest finds its rows by it, and unhiding shows it again. Readers
-- see it through the views below. They have the names of the tables, and stand before these in the
-- `search_path` of whoever reads while somebody is hidden; so every statement that reads, in whatever
-- place it is written, reads the pseudonym: its filters, orders and cursors included.
alter table identity
    -- Whether readers see a pseudonym.
    add column is_hidden boolean not null default false;
create index on identity (id) where is_hidden;

create schema pseudonymous;

-- The profiles of hidden identities, and what they are called.
create view pseudonymous.hidden_profile as
select p.id, p.identity_id, 'person-' || p.identity_id as name
from base_profile p join identity i on i.id = p.identity_id
where i.is_hidden;

create view pseudonymous.identity as
select t.id,
    case when t.is_hidden then 'person-' || t.id else t.display_name end as display_name,
    case when t.is_hidden then '' else t.description end as description,
    t.created_at, t.updated_at, t.is_locked, t.is_hidden
from identity t;

-- What is empty stays so: that tells an unregistered committer from an account.
create view pseudonymous.github_account as
select t.id, t.github_account_id,
    case when h.id is null or t.username = '' then t.username else h.name end as username,
    case when h.id is null or t.display_name = '' then t.display_name else h.name end
        as display_name,
    case when h.id is null then t.avatar_url else '' end as avatar_url,
    t.type, t.created_at, t.updated_at, t.stub_key, t.source_at, t.source_rank, t.source_as_of,
    t.source_digest, t.column_stamps, t.source_receipt, t.source_item
from github_account t left join pseudonymous.hidden_profile h on h.id = t.id;

create view pseudonymous.slack_user as
select t.id, t.slack_user_id,
    case when h.id is null or t.username = '' then t.username else h.name end as username,
    case when h.id is null or t.display_name = '' then t.display_name else h.name end
        as display_name,
    case when h.id is null then t.avatar_url else '' end as avatar_url,
    t.created_at, t.updated_at, t.is_restricted, t.source_at, t.source_rank, t.source_as_of,
    t.source_digest, t.column_stamps, t.source_receipt, t.source_item
from slack_user t left join pseudonymous.hidden_profile h on h.id = t.id;

create view pseudonymous.discord_profile as
select t.id, t.discord_user_id,
    case when h.id is null or t.username = '' then t.username else h.name end as username,
    case when h.id is null or t.display_name = '' then t.display_name else h.name end
        as display_name,
    case when h.id is null then t.avatar_url else '' end as avatar_url,
    t.is_bot, t.created_at, t.updated_at, t.source_at, t.source_rank, t.source_as_of,
    t.source_digest, t.column_stamps, t.source_receipt, t.source_item
from discord_profile t left join pseudonymous.hidden_profile h on h.id = t.id;

create view pseudonymous.mailing_list_profile as
select t.id,
    case when h.id is null or t.display_name = '' then t.display_name else h.name end
        as display_name,
    t.created_at, t.updated_at,
    case when h.id is null then t.profile_key else h.name end as profile_key,
    t.source_at, t.source_rank, t.source_as_of, t.source_digest, t.column_stamps,
    t.source_receipt, t.source_item
from mailing_list_profile t left join pseudonymous.hidden_profile h on h.id = t.id;

create view pseudonymous.wg21_paper_author_profile as
select t.id,
    case when h.id is null or t.display_name = '' then t.display_name else h.name end
        as display_name,
    case when h.id is null then t.author_alias else '' end as author_alias,
    t.created_at, t.updated_at,
    case when h.id is null then t.profile_key else h.name end as profile_key,
    t.source_at, t.source_rank, t.source_as_of, t.source_digest, t.column_stamps,
    t.source_receipt, t.source_item
from wg21_paper_author_profile t left join pseudonymous.hidden_profile h on h.id = t.id;

-- The key of a speaker is made of the name.
create view pseudonymous.youtube_speaker as
select t.id,
    case when h.id is null or t.display_name = '' then t.display_name else h.name end
        as display_name,
    t.created_at, t.updated_at,
    case when h.id is null then t.external_id else h.name end as external_id
from youtube_speaker t left join pseudonymous.hidden_profile h on h.id = t.id;

create view pseudonymous.email as
select t.id, t.base_profile_id,
    case when h.id is null then t.email else '' end as email,
    t.is_primary, t.is_active, t.created_at, t.updated_at,
    case when h.id is null then t.email_lower else '' end as email_lower,
    t.last_seen_at, t.is_manual
from email t left join pseudonymous.hidden_profile h on h.id = t.base_profile_id;

-- What is proposed for a hidden person's profile is most likely that person's name.
create view pseudonymous.tmp_identity as
select t.id, coalesce(h.name, t.display_name) as display_name,
    case when h.name is null then t.description else '' end as description,
    t.created_at, t.updated_at
from tmp_identity t cross join lateral (
    select 'person-' || min(p.identity_id) as name
    from temp_profile_identity_relation r
    join pseudonymous.hidden_profile p on p.id = r.base_profile_id
    where r.target_identity_id = t.id) h;

-- The images in the journal. Whose they are: an identity's own or that of the identity it was merged
-- into (of one that was deleted, what it was at last); of an address the profile that its operation
-- relies on; of a proposal any profile that was proposed.
create view pseudonymous.identity_operation_row as
select t.operation_id, t.table_name, t.row_id, t.role,
    case when h.name is null then t.before else (
        select jsonb_object_agg(m.key, case m.key
            when 'display_name' then to_jsonb(h.name)
            when 'description' then '""' when 'email' then '""' when 'email_lower' then '""'
            else m.value end) from jsonb_each(t.before) m) end as before,
    case when h.name is null then t.after else (
        select jsonb_object_agg(m.key, case m.key
            when 'display_name' then to_jsonb(h.name)
            when 'description' then '""' when 'email' then '""' when 'email_lower' then '""'
            else m.value end) from jsonb_each(t.after) m) end as after
from identity_operation_row t left join lateral (
    select 'person-' || min(found.id) as name from (
        select i.id from identity i where t.table_name = 'identity' and i.is_hidden and i.id in (
            with recursive followed (id) as (
                select t.row_id
                union select r.target_id from followed join identity_redirect r on r.id = followed.id)
            select id from followed)
        union all
        select t.row_id from identity_operation_row o
        where t.table_name = 'identity' and o.table_name = 'identity' and o.row_id = t.row_id
            and o.role = 'ended' and (o.before ->> 'is_hidden')::boolean
            and not exists (select from identity i where i.id = t.row_id)
            and not exists (select from identity_redirect r where r.id = t.row_id)
        union all
        select p.identity_id from identity_operation_row o
        join pseudonymous.hidden_profile p on p.id = o.row_id
        where t.table_name = 'email' and o.operation_id = t.operation_id
            and o.table_name = 'base_profile'
        union all
        select p.identity_id from identity_operation_row o
        join pseudonymous.hidden_profile p
            on p.id = (coalesce(o.after, o.before) ->> 'base_profile_id')::bigint
        where t.table_name = 'tmp_identity' and o.table_name = 'temp_profile_identity_relation'
            and (coalesce(o.after, o.before) ->> 'target_identity_id')::bigint = t.row_id) found) h
    on t.table_name in ('identity', 'email', 'tmp_identity');

-- Logs that readers see other names of these profiles, though no row of theirs was written.
create function log_renamed(profiles bigint[]) returns void language plpgsql as $$
declare
    shown text;
    touched bigint[];
begin
    foreach shown in array array[
        'github_account', 'slack_user', 'mailing_list_profile', 'wg21_paper_author_profile',
        'youtube_speaker', 'discord_profile']
    loop
        execute format('select array_agg(id) from %I where id = any($1)', shown)
        into touched using profiles;
        perform write_change(shown, 'upsert', touched);
    end loop;
    select array_agg(id) into touched from email where base_profile_id = any(profiles);
    perform write_change('email', 'upsert', touched);
    select array_agg(distinct target_identity_id) into touched
    from temp_profile_identity_relation where base_profile_id = any(profiles);
    perform write_change('tmp_identity', 'upsert', touched);
end $$;

-- An identity was hidden, or is no longer.
create function log_hidden() returns trigger language plpgsql as $$
begin
    perform log_renamed(array_agg(p.id)) from base_profile p
    join changed n on n.id = p.identity_id join before o on o.id = n.id
    where n.is_hidden <> o.is_hidden having count(*) > 0;
    return null;
end $$;
create trigger log_hidden after update on identity
referencing old table as before new table as changed
for each statement execute function log_hidden();

-- Profiles came to a hidden identity, or left one.
create function log_hidden_move() returns trigger language plpgsql as $$
begin
    perform log_renamed(array_agg(n.id)) from changed n join before o on o.id = n.id
    where n.identity_id is distinct from o.identity_id and exists (select from identity i
        where i.is_hidden and i.id in (n.identity_id, o.identity_id)) having count(*) > 0;
    return null;
end $$;
create trigger log_hidden_move after update on base_profile
referencing old table as before new table as changed
for each statement execute function log_hidden_move();
