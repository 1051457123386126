-- What ingest of Boost payloads keeps besides the rows that are served.

alter table boost_version
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

-- `statement`: a list of headers said so; `rule`: derived from the libraries of the repository.
alter table boost_file add column assigned_by text not null default 'rule';

-- When a list of headers was last said to name all files of the library: what was said before and is
-- not in that list does not count any more.
alter table boost_library add column headers_listed_at timestamptz;

-- The newest list of headers that names a file, and the library it names. Keyed by the file, so that
-- it follows the file when repositories are renamed or merged.
create table boost_header_statement (
    id bigint primary key references github_file on delete cascade,
    library_id bigint not null references boost_library on delete cascade,
    source_at timestamptz,
    source_rank smallint not null default 0,
    source_as_of timestamptz,
    source_digest bytea not null default '',
    column_stamps jsonb,
    source_receipt bigint,
    source_item integer
);
create index on boost_header_statement (library_id, id);
