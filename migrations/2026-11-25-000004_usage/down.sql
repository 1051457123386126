drop table boost_missing_header_tmp;
drop table boost_usage;
drop table boost_external_repository;
