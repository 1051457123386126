-- An update of many rows costs no more than each of them.
--
-- A function that is told of an update joins the rows of before with those of after. Its plan is kept
-- for the session, as is right for few rows and for many: but it is made for as many as there were the
-- first time. Made for one, it compared each of ten thousand rows with each.

-- Has updates of a table logged that change what shows, as its own and as those of `subtypes`: their
-- rows show the columns of the row of the same id. To be called after `log_changes_of` for a new
-- table, in place of whose trigger it puts its own, and whenever a table is given a column. The
-- function is written for each table, so that its plan is kept, and joins no rows one by one.
create or replace function log_updates_of(name regclass, subtypes text[] default '{}') returns void
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
    execute format('create or replace function %I() returns trigger language plpgsql '
        'set enable_nestloop = off as %L',
        own, format('declare touched %s[]; begin %s return null; end', ty, body));
    execute format('drop trigger if exists log_update on %s', name);
    execute format('create trigger log_update after update on %s referencing old table as before '
        'new table as changed for each statement execute function %I()', name, own);
end $$;

do $$
declare
    logging regproc;
begin
    for logging in select oid from pg_proc
        where pronamespace = current_schema::regnamespace and (
            proname like 'log\_update\_of\_%'
            or proname in ('log_slack_visibility', 'log_hidden_move'))
    loop
        execute format('alter function %s() set enable_nestloop = off', logging);
    end loop;
end $$;

-- Two steps: the profiles are to be found by their index, one identity after the other.
create or replace function log_hidden() returns trigger language plpgsql
set enable_nestloop = off as $$
declare
    touched bigint[];
begin
    select array_agg(n.id) into touched from changed n join before o on o.id = n.id
    where n.is_hidden <> o.is_hidden;
    perform log_renamed(array_agg(id)) from base_profile
    where identity_id = any(touched) having count(*) > 0;
    return null;
end $$;

-- Most statements change nothing that shows, or have no subtype's rows with them; then there is no
-- statement for the log to plan.
create or replace function write_change(name text, what text, touched bigint[]) returns void
language plpgsql as $$
begin
    if touched is null or touched = '{}' then
        return;
    end if;
    insert into change_log (table_name, op, ids, amount)
    select name, what, part, cardinality(part) from (
        select touched[first : first + 999] as part
        from generate_series(1, cardinality(touched), 1000) as first) parts;
end $$;

create or replace function write_change(name text, what text, touched text[]) returns void
language plpgsql as $$
begin
    if touched is null or touched = '{}' then
        return;
    end if;
    insert into change_log (table_name, op, keys, amount)
    select name, what, part, cardinality(part) from (
        select touched[first : first + 999] as part
        from generate_series(1, cardinality(touched), 1000) as first) parts;
end $$;
