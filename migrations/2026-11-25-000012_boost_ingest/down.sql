drop table boost_header_statement;
alter table boost_library drop column headers_listed_at;
alter table boost_file drop column assigned_by;
alter table boost_version
    drop column source_at,
    drop column source_rank,
    drop column source_as_of,
    drop column source_digest,
    drop column column_stamps,
    drop column source_receipt,
    drop column source_item;
