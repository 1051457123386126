drop table identity_suggestion_run;
drop table identity_suggestion;
drop table identity_operation_row;
drop table identity_operation;
drop table identity_redirect;
alter table identity drop column is_locked;
