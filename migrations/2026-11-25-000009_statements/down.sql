alter table dead_letter drop column position;
drop table statement;
