"""The first schema of the gateway."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = """
create table gateway.event_log (
    seq bigint not null,
    team_id uuid,
    type text not null,
    subject text not null,
    version bigint not null,
    document jsonb not null,
    at timestamptz not null,
    constraint pk_event_log primary key (seq)
);

create index ix_event_log_at on gateway.event_log (at);

create index ix_event_log_team_id_seq on gateway.event_log (team_id, seq);

create unique index uq_event_log_document on gateway.event_log (type, subject, version);

create table gateway.inbox (
    consumer text not null,
    message_id uuid not null,
    received_at timestamptz default clock_timestamp() not null,
    constraint pk_inbox primary key (consumer, message_id)
);

create index ix_inbox_received_at on gateway.inbox (received_at);

create table gateway.log_head (
    one boolean default true not null,
    seq bigint not null,
    pruned_to bigint default 0 not null,
    constraint pk_log_head primary key (one),
    constraint ck_log_head_one_row check (one)
);

create table gateway.outbox (
    id bigint generated always as identity,
    exchange text not null,
    routing_key text not null,
    message_id uuid not null,
    correlation_id uuid not null,
    type text not null,
    headers jsonb not null,
    payload bytea not null,
    created_at timestamptz default clock_timestamp() not null,
    next_attempt_at timestamptz default clock_timestamp() not null,
    attempts integer default 0 not null,
    last_error text,
    constraint pk_outbox primary key (id)
);

create table gateway.previews (
    sha256 text not null,
    content_type text not null,
    data bytea not null,
    constraint pk_previews primary key (sha256)
);

create table gateway.requests (
    id uuid not null,
    kind text not null,
    scope uuid not null,
    team_id uuid not null,
    user_id uuid not null,
    subject uuid not null,
    jobs uuid[] not null,
    idempotency_key text,
    body_hash bytea not null,
    message_type text,
    message jsonb,
    verdict jsonb,
    created_at timestamptz not null,
    sent_at timestamptz,
    settled_at timestamptz,
    constraint pk_requests primary key (id),
    constraint ck_requests_message_typed check ((message is null) = (message_type is null)),
    constraint ck_requests_asked_or_answered check (message is not null or verdict is not null)
);

create index ix_requests_awaited on gateway.requests (subject) where verdict is null;

create index ix_requests_created_at on gateway.requests (created_at);

create index ix_requests_unanswered on gateway.requests (sent_at) where verdict is null;

create unique index uq_requests_scope_key on gateway.requests (scope, idempotency_key)
    where idempotency_key is not null;

create table gateway.slots (
    job_id uuid not null,
    team_id uuid not null,
    constraint pk_slots primary key (job_id)
);

create table gateway.team_slots (
    team_id uuid not null,
    open integer default 0 not null,
    allowed integer not null,
    constraint pk_team_slots primary key (team_id),
    constraint ck_team_slots_open_not_negative check (open >= 0)
);

create table gateway.teams (
    id uuid not null,
    name text not null,
    created_at timestamptz not null,
    constraint pk_teams primary key (id)
);

create table gateway.throttles (
    key text not null,
    window_start timestamptz not null,
    count integer not null,
    constraint pk_throttles primary key (key)
);

create index ix_throttles_window_start on gateway.throttles (window_start);

create table gateway.users (
    id uuid not null,
    email text not null,
    name text not null,
    password_hash text not null,
    created_at timestamptz not null,
    constraint pk_users primary key (id),
    constraint ck_users_email_lower check (email = lower(email)),
    constraint uq_users_email unique (email)
);

create table gateway.view_accounts (
    team_id uuid not null,
    reserved bigint not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_accounts primary key (team_id)
);

create table gateway.view_credit_entries (
    id uuid not null,
    team_id uuid not null,
    version bigint not null,
    position integer not null,
    kind text not null,
    operation text,
    job_id uuid,
    amount bigint not null,
    charged bigint not null,
    balance_after bigint not null,
    at timestamptz not null,
    document jsonb not null,
    recorded_at timestamptz default clock_timestamp() not null,
    constraint pk_view_credit_entries primary key (id)
);

create index ix_view_credit_entries_job_id on gateway.view_credit_entries (job_id);

create index ix_view_credit_entries_recorded_at on gateway.view_credit_entries (recorded_at);

create index ix_view_credit_entries_team_id_at on gateway.view_credit_entries (team_id, at);

create index ix_view_credit_entries_team_id_version_position
    on gateway.view_credit_entries (team_id, version, position);

create table gateway.view_jobs (
    id uuid not null,
    team_id uuid not null,
    operation text not null,
    status text not null,
    model_id uuid,
    cost jsonb,
    changed_at timestamptz default clock_timestamp() not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_jobs primary key (id)
);

create index ix_view_jobs_changed_at on gateway.view_jobs (changed_at);

create index ix_view_jobs_model_id_id on gateway.view_jobs (model_id, id);

create index ix_view_jobs_team_id_id on gateway.view_jobs (team_id, id);

create index ix_view_jobs_team_id_status_id on gateway.view_jobs (team_id, status, id);

create table gateway.view_models (
    id uuid not null,
    team_id uuid not null,
    status text not null,
    category text,
    words text not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_models primary key (id)
);

create index ix_view_models_team_id_id on gateway.view_models (team_id, id);

create table gateway.view_plans (
    team_id uuid not null,
    per_minute integer not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_plans primary key (team_id)
);

create table gateway.view_pricing (
    effective_at timestamptz not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_pricing primary key (version)
);

create table gateway.view_quotes (
    request_id uuid not null,
    team_id uuid not null,
    document jsonb not null,
    constraint pk_view_quotes primary key (request_id),
    constraint fk_view_quotes_request_id_requests foreign key(request_id)
        references gateway.requests (id) on delete cascade
);

create table gateway.view_reference_models (
    id uuid not null,
    category text not null,
    name text not null,
    words text not null,
    uses bigint not null,
    created_at timestamptz not null,
    retired boolean not null,
    preview text not null,
    version bigint not null,
    document jsonb not null,
    constraint pk_view_reference_models primary key (id)
);

create table gateway.api_keys (
    id uuid not null,
    team_id uuid not null,
    user_id uuid not null,
    name text not null,
    prefix text not null,
    secret_hash bytea not null,
    scopes text[] not null,
    credit_budget integer,
    budget_period text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    constraint pk_api_keys primary key (id),
    constraint ck_api_keys_budget_not_negative check (credit_budget >= 0),
    constraint ck_api_keys_budget_period_known check (budget_period in ('total', 'month')),
    constraint fk_api_keys_team_id_teams foreign key(team_id) references gateway.teams (id),
    constraint fk_api_keys_user_id_users foreign key(user_id) references gateway.users (id),
    constraint uq_api_keys_secret_hash unique (secret_hash)
);

create index ix_api_keys_team_id_id on gateway.api_keys (team_id, id);

create table gateway.memberships (
    team_id uuid not null,
    user_id uuid not null,
    role text not null,
    created_at timestamptz not null,
    constraint pk_memberships primary key (team_id, user_id),
    constraint ck_memberships_role_known check (role in ('owner', 'admin', 'member')),
    constraint fk_memberships_team_id_teams foreign key(team_id) references gateway.teams (id),
    constraint fk_memberships_user_id_users foreign key(user_id) references gateway.users (id)
);

create index ix_gateway_memberships_user_id on gateway.memberships (user_id);

create table gateway.sessions (
    token_hash bytea not null,
    user_id uuid not null,
    team_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint pk_sessions primary key (token_hash),
    constraint fk_sessions_user_id_users foreign key(user_id) references gateway.users (id),
    constraint fk_sessions_team_id_teams foreign key(team_id) references gateway.teams (id)
);

create index ix_gateway_sessions_user_id on gateway.sessions (user_id);

insert into gateway.log_head (seq) values (0)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
