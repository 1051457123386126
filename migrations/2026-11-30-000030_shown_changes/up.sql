-- The change log tells of what shows, and of each of it.
--
-- An update of a row's stamps alone is no change to whoever reads: it is not logged. Rows of the log
-- hold no more keys than fit on a few pages, since one is read whole for each page that begins in it.
-- And what is called by a pseudonym because of a proposal is logged when that comes or goes.

-- Whether a column is about where a row's values come from, which no list shows.
create function is_bookkeeping(column_name text) returns boolean language sql immutable as $$
    select column_name in (
        'source_at', 'source_rank', 'source_as_of', 'source_digest', 'column_stamps',
        'source_receipt', 'source_item', 'seen_at', 'last_seen_at', 'last_event_at', 'members_at',
        'headers_listed_at', 'url_scraped_at', 'exported_at', 'account_rank', 'reports')
$$;

create or replace function write_change(name text, what text, touched bigint[]) returns void
language plpgsql as $$
begin
    insert into change_log (table_name, op, ids, amount)
    select name, what, part, cardinality(part) from (
        select touched[first : first + 999] as part
        from generate_series(1, cardinality(touched), 1000) as first) parts;
end $$;

-- The same where the key is a text.
create function write_change(name text, what text, touched text[]) returns void
language plpgsql as $$
begin
    insert into change_log (table_name, op, keys, amount)
    select name, what, part, cardinality(part) from (
        select touched[first : first + 999] as part
        from generate_series(1, cardinality(touched), 1000) as first) parts;
end $$;

create or replace function log_keyed_change() returns trigger language plpgsql as $$
declare
    touched text[];
begin
    execute format('select array_agg(%I) from changed', tg_argv[0]) into touched;
    perform write_change(
        tg_table_name, case tg_op when 'DELETE' then 'delete' else 'upsert' end, touched);
    return null;
end $$;

-- Has updates of a table logged that change what shows, as its own and as those of `subtypes`: their
-- rows show the columns of the row of the same id. To be called after `log_changes_of` for a new
-- table, in place of whose trigger it puts its own, and whenever a table is given a column. The
-- function is written for each table, so that its plan is kept.
create function log_updates_of(name regclass, subtypes text[] default '{}') returns void
language plpgsql as $$
declare
    own text := 'log_update_of_' || (select relname from pg_class where oid = name);
    key text;
    ty text;
    of_new text;
    of_old text;
    subtype text;
    body text;
begin
    select a.attname, format_type(a.atttypid, null) into key, ty from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = name and i.indisprimary;
    select string_agg(format('n.%I', attname), ', ' order by attnum),
        string_agg(format('o.%I', attname), ', ' order by attnum) into of_new, of_old
    from pg_attribute
    where attrelid = name and attnum > 0 and not attisdropped and not is_bookkeeping(attname);
    body := format('select array_agg(n.%1$I) into touched from changed n '
        'left join before o on o.%1$I = n.%1$I where row(%2$s) is distinct from row(%3$s); '
        'perform write_change(tg_table_name, ''upsert'', touched); ', key, of_new, of_old);
    foreach subtype in array subtypes loop
        body := body || format('perform write_change(%L, ''upsert'', '
            'array(select s.id from %I s where s.id = any(touched))); ', subtype, subtype);
    end loop;
    execute format('create or replace function %I() returns trigger language plpgsql as %L',
        own, format('declare touched %s[]; begin %s return null; end', ty, body));
    execute format('drop trigger if exists log_update on %s', name);
    execute format('create trigger log_update after update on %s referencing old table as before '
        'new table as changed for each statement execute function %I()', name, own);
end $$;

do $$
declare
    logged regclass;
begin
    for logged in select tgrelid from pg_trigger where tgname = 'log_update' loop
        perform log_updates_of(logged);
    end loop;
end $$;
drop function log_subtype_update cascade;
select log_updates_of('base_profile', array['github_account', 'slack_user', 'mailing_list_profile',
    'wg21_paper_author_profile', 'youtube_speaker', 'discord_profile']);
select log_updates_of('github_repository',
    array['boost_library_repository', 'boost_external_repository']);
select log_updates_of('github_file', array['boost_file']);

-- Who is proposed for what decides what a proposal is called, if that one is hidden. Whose profile
-- it was cannot be told once that is gone; so all are logged, while anybody is hidden.
create function log_hidden_proposal() returns trigger language plpgsql as $$
begin
    perform write_change('tmp_identity', 'upsert',
        array(select distinct target_identity_id from changed))
    where exists (select from identity where is_hidden);
    return null;
end $$;
create trigger log_hidden_insert after insert on temp_profile_identity_relation
referencing new table as changed for each statement execute function log_hidden_proposal();
create trigger log_hidden_update after update on temp_profile_identity_relation
referencing new table as changed for each statement execute function log_hidden_proposal();
create trigger log_hidden_update_before after update on temp_profile_identity_relation
referencing old table as changed for each statement execute function log_hidden_proposal();
create trigger log_hidden_delete after delete on temp_profile_identity_relation
referencing old table as changed for each statement execute function log_hidden_proposal();
