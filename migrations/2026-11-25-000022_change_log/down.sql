-- The triggers go with their functions.
drop function log_changes_of;
drop function log_slack_visibility cascade;
drop function log_subtype_update cascade;
drop function log_guarded_delete cascade;
drop function log_keyed_change cascade;
drop function log_change cascade;
drop function write_change;
drop table change_log;
