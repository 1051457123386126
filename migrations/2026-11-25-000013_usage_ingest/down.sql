drop index github_file_split_part_idx;

alter table boost_usage
    drop column source_receipt,
    drop column source_item;

drop index boost_external_repository_last_scan_at_id_idx;
alter table boost_external_repository
    drop column source_at,
    drop column source_rank,
    drop column source_as_of,
    drop column source_digest,
    drop column column_stamps,
    drop column source_receipt,
    drop column source_item;

drop table boost_include;
