drop table clang_github_commit;
drop table clang_github_issue_item;
