drop trigger log_hidden_move on base_profile;
drop trigger log_hidden on identity;
drop function log_hidden_move();
drop function log_hidden();
drop function log_renamed(bigint[]);
drop schema pseudonymous cascade;
alter table identity drop column is_hidden;
