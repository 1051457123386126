-- Requests that were accepted before they were run (`Prefer: respond-async`). The body waits in the
-- workspace; a row here is gone once its receipt is concluded.
create table queued_request (
    receipt_number bigint primary key references receipt on delete cascade,
    -- The media type of the body, as sent.
    media text not null,
    attempts integer not null default 0,
    not_before timestamptz not null default now()
);

-- What a queued request is about, as watermarks know it: the least position of its items in each
-- scope.
create table queued_scope (
    receipt_number bigint not null references queued_request on delete cascade,
    scope text not null,
    position bigint not null,
    primary key (receipt_number, scope)
);
