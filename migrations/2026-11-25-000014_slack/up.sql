-- What the Slack kinds need beyond what is served: stamps, and what decides who is a member.

alter table slack_team
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

alter table slack_user
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

alter table slack_message
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer;

-- `members_at`: when the newest full list of members was true. Who has no event since has left.
alter table slack_channel
    add column source_at timestamptz,
    add column source_rank smallint not null default 0,
    add column source_as_of timestamptz,
    add column source_digest bytea not null default '',
    add column column_stamps jsonb,
    add column source_receipt bigint,
    add column source_item integer,
    add column members_at timestamptz;

-- `last_event_at`: the user's newest join or leave, or the newest list that names the user.
alter table slack_channel_membership
    add column last_event_at timestamptz,
    add column source_receipt bigint,
    add column source_item integer;

-- `reports`: every report of this join or leave, as pairs of microseconds since 1970 and whether it
-- was a join. A message and an event tell of one join a moment apart.
alter table slack_channel_membership_change_log
    add column reports jsonb not null default '[]',
    add column source_receipt bigint,
    add column source_item integer;
