-- Mails, mailings and the people of both are stamped. Papers are derived from the statements about them, and
-- only say where they come from.

alter table mailing_list_message
    add column updated_at timestamptz not null default now(),
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

alter table mailing_list_profile
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

alter table wg21_paper_author_profile
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

alter table wg21_mailing
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

alter table wg21_paper
    add column source_receipt bigint,
    add column source_item integer;
