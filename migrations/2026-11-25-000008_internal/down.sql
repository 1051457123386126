drop table revoked_token;
drop table issued_token;
drop table former_repository_name;
drop table tombstone;
drop table drift;
drop table dead_letter;
drop table receipt_items;
drop table receipt;
