-- What Discord exports say about a row, and when.
alter table discord_profile
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;
alter table discord_server
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;
alter table discord_channel
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;
alter table discord_message
    -- The export that decides pin, reactions and deletion.
    add column exported_at timestamptz,
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;
-- A channel's newest message, and those of a time span that an export lists in full.
create index on discord_message (channel_id, message_created_at);

-- Documentation pages. `url_*` decide which of several addresses of a text is shown.
alter table boost_doc_content
    add column url_version integer,
    add column url_scraped_at timestamptz,
    add column source_receipt bigint,
    add column source_item integer;

-- The time of the newest statement that has the link: an older list without it does not remove it.
alter table boost_library_documentation add column seen_at timestamptz;
