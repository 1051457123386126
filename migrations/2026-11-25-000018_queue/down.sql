drop table queued_scope;
drop table queued_request;
