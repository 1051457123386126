drop index boost_usage_file_path_id_repo_id_idx;
create unique index on boost_usage (repo_id, file_path_id) where boost_header_id is null;
