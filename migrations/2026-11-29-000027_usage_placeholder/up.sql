-- The file leads: which file a placeholder is of is asked for far more often than of which repository.
-- With the repository in front, and before the table's first `analyze`, PostgreSQL took the index for
-- small and read all of it for each file.
drop index boost_usage_repo_id_file_path_id_idx;
create unique index on boost_usage (file_path_id, repo_id) where boost_header_id is null;
