drop function log_hidden_proposal cascade;

-- As in migration 22.
create or replace function write_change(name text, what text, touched bigint[]) returns void
language plpgsql as $$
begin
    if touched is not null then
        insert into change_log (table_name, op, ids, amount)
        values (name, what, touched, cardinality(touched));
    end if;
end $$;

create or replace function log_keyed_change() returns trigger language plpgsql as $$
declare
    touched text[];
begin
    execute format('select array_agg(%I) from changed', tg_argv[0]) into touched;
    if touched is not null then
        insert into change_log (table_name, op, keys, amount)
        values (tg_table_name, case tg_op when 'DELETE' then 'delete' else 'upsert' end, touched,
            cardinality(touched));
    end if;
    return null;
end $$;
drop function write_change(text, text, text[]);

create function log_subtype_update() returns trigger language plpgsql as $$
declare
    subtype text;
    touched bigint[];
begin
    foreach subtype in array tg_argv loop
        execute format('select array_agg(s.id) from changed join %I s on s.id = changed.id', subtype)
        into touched;
        perform write_change(subtype, 'upsert', touched);
    end loop;
    return null;
end $$;

do $$
declare
    logged regclass;
    own regprocedure;
    key text;
begin
    for logged, own in select tgrelid, tgfoid from pg_trigger where tgname = 'log_update' loop
        select a.attname into key from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = logged and i.indisprimary;
        execute format('drop function %s cascade', own);
        execute format('create trigger log_update after update on %s referencing new table as changed '
            'for each statement execute function %s', logged,
            case key when 'id' then 'log_change()' else format('log_keyed_change(%L)', key) end);
    end loop;
end $$;

create trigger log_subtype_update after update on base_profile
referencing new table as changed for each statement execute function log_subtype_update(
    'github_account', 'slack_user', 'mailing_list_profile', 'wg21_paper_author_profile',
    'youtube_speaker', 'discord_profile');
create trigger log_subtype_update after update on github_repository
referencing new table as changed for each statement execute function log_subtype_update(
    'boost_library_repository', 'boost_external_repository');
create trigger log_subtype_update after update on github_file
referencing new table as changed for each statement execute function log_subtype_update(
    'boost_file');

drop function log_updates_of;
drop function is_bookkeeping;
