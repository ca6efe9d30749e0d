-- What is to go to carriers' platforms and to subscribers, and what became of it. Commands write
-- here; dbt reads at most. A message is sent at least once, always under its message_id, and gets
-- one answer.

create table if not exists outbox.messages (
    message_id text collate "C" primary key,
    kind text collate "C" not null,
    channel text collate "C" not null,
    carrier_id text collate "C",
    account_id text collate "C" not null,
    ordered_at timestamptz not null,
    body jsonb not null,
    created_at timestamptz not null,
    state text collate "C" not null default 'pending',
    attempts integer not null default 0,
    next_attempt_at timestamptz not null,
    tried_since timestamptz,
    sent_at timestamptz,
    last_error text,
    answered_at timestamptz,
    answer_code integer,
    answer text,
    constraint messages_have_a_known_kind check (
        kind in ('pass_through', 'instruction', 'notification', 'notice')
    ),
    constraint messages_have_a_known_channel check (
        channel in ('ordering', 'notification', 'mail')
    ),
    constraint messages_have_a_known_state check (
        state in ('pending', 'accepted', 'refused', 'given_up', 'cancelled')
    ),
    constraint messages_to_carriers_name_them check ((channel = 'mail') = (carrier_id is null)),
    constraint messages_are_answered_once check (
        (state in ('accepted', 'refused')) = (answered_at is not null)
    )
);
-- the way of a message: those of an account on the way to the same place leave in order
create index if not exists messages_pending
on outbox.messages (channel, carrier_id, account_id, ordered_at, message_id)
where state = 'pending';
create index if not exists messages_by_kind on outbox.messages (kind, state);
create index if not exists messages_by_time on outbox.messages (created_at);
comment on table outbox.messages is 'One row per message, named by the key under which it is sent';
comment on column outbox.messages.message_id is
'Hash of what the message is about; the idempotency key of every attempt';
comment on column outbox.messages.channel is
'Which of the addresses it goes to: a carrier''s ordering or notification URL, or mail';
comment on column outbox.messages.ordered_at is
'Time of its reason; the messages of an account to one place leave in this order';
comment on column outbox.messages.tried_since is
'First attempt since it was queued, or queued again by hand';
comment on column outbox.messages.sent_at is
'First attempt that may have arrived; null as long as certainly none has';
comment on column outbox.messages.state is
'cancelled: its reason went before it was sent, or the order that it passed on was called off';
comment on column outbox.messages.answer is 'What the other side said, cut after 10,000 characters';

-- changes made before are none of the notices'; a row as soon as notices were sent
create table if not exists outbox.notices_begin (
    is_only_row boolean primary key default true,
    since date not null,
    constraint notices_begin_once check (is_only_row)
);
comment on table outbox.notices_begin is
'One row at most: the first local date whose changes subscribers are told of by mail';

-- a row is added before anything is sent and completed once, when the attempt has ended
create table if not exists outbox.attempts (
    message_id text collate "C" not null references outbox.messages,
    attempt integer not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text collate "C",
    answer_code integer,
    error text,
    primary key (message_id, attempt),
    constraint attempts_have_a_known_outcome check (
        outcome in ('accepted', 'refused', 'failed', 'unreached', 'turned_away', 'interrupted')
    ),
    constraint attempts_end_with_an_outcome check ((ended_at is null) = (outcome is null))
);
comment on table outbox.attempts is 'One row per attempt to deliver a message';
comment on column outbox.attempts.outcome is
'unreached: it certainly did not arrive; interrupted: whoever sent it was killed before the answer';

-- the other way round: what carriers' platforms have sent to us
create table if not exists outbox.received_orders (
    carrier_id text collate "C" not null,
    idempotency_key text collate "C" not null,
    order_id text collate "C" not null,
    sha256 text not null,
    received_at timestamptz not null default now(),
    primary key (carrier_id, idempotency_key)
);
comment on table outbox.received_orders is
'One row per idempotency key under which a carrier''s platform submitted an order';
comment on column outbox.received_orders.sha256 is
'Of what was submitted: a key that comes with anything else is refused';
