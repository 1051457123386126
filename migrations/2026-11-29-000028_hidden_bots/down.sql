create or replace view pseudonymous.github_account as
select t.id, t.github_account_id,
    case when h.id is null or t.username = '' then t.username else h.name end as username,
    case when h.id is null or t.display_name = '' then t.display_name else h.name end
        as display_name,
    case when h.id is null then t.avatar_url else '' end as avatar_url,
    t.type, t.created_at, t.updated_at, t.stub_key, t.source_at, t.source_rank, t.source_as_of,
    t.source_digest, t.column_stamps, t.source_receipt, t.source_item
from github_account t left join pseudonymous.hidden_profile h on h.id = t.id;
