"""Webhooks to clients, and the rates that processes share."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = """
create table gateway.webhook_endpoints (
    id uuid not null,
    team_id uuid not null,
    url text not null,
    description text not null,
    types text[] not null,
    secret text not null,
    old_secrets jsonb not null,
    since bigint not null,
    created_at timestamptz not null,
    disabled_at timestamptz,
    disabled_reason text,
    failing_since timestamptz,
    failures integer default 0 not null,
    served_at timestamptz,
    constraint pk_webhook_endpoints primary key (id),
    constraint ck_webhook_endpoints_disabled_for_a_reason
        check ((disabled_at is null) = (disabled_reason is null)),
    constraint ck_webhook_endpoints_failing_since_it_failed check ((failing_since is null) = (failures = 0))
);

create index ix_webhook_endpoints_team_id_id on gateway.webhook_endpoints (team_id, id);

create table gateway.webhook_deliveries (
    id uuid not null,
    endpoint_id uuid not null,
    seq bigint,
    type text not null,
    subject text not null,
    version bigint not null,
    supersedes boolean not null,
    status text not null,
    tries integer default 0 not null,
    created_at timestamptz not null,
    due_at timestamptz,
    leased_until timestamptz,
    ended_at timestamptz,
    constraint pk_webhook_deliveries primary key (id),
    constraint fk_webhook_deliveries_endpoint_id_webhook_endpoints
        foreign key (endpoint_id) references gateway.webhook_endpoints (id) on delete cascade,
    constraint ck_webhook_deliveries_status_known
        check (status in ('pending', 'delivered', 'failed', 'superseded')),
    constraint ck_webhook_deliveries_due_while_pending check ((status = 'pending') = (due_at is not null)),
    constraint ck_webhook_deliveries_ended_unless_pending check ((status = 'pending') = (ended_at is null))
);

create unique index uq_webhook_deliveries_endpoint_id_seq on gateway.webhook_deliveries (endpoint_id, seq);

create index ix_webhook_deliveries_due on gateway.webhook_deliveries (endpoint_id, due_at)
    where status = 'pending';

create index ix_webhook_deliveries_subject on gateway.webhook_deliveries (endpoint_id, type, subject, seq)
    where status = 'pending';

create index ix_webhook_deliveries_endpoint_id_id on gateway.webhook_deliveries (endpoint_id, id);

create index ix_webhook_deliveries_created_at on gateway.webhook_deliveries (created_at);

create table gateway.webhook_attempts (
    delivery_id uuid not null,
    n integer not null,
    at timestamptz not null,
    status integer,
    milliseconds integer not null,
    excerpt text not null,
    error text not null,
    constraint pk_webhook_attempts primary key (delivery_id, n),
    constraint fk_webhook_attempts_delivery_id_webhook_deliveries
        foreign key (delivery_id) references gateway.webhook_deliveries (id) on delete cascade
);

create table gateway.webhook_head (
    one boolean default true not null,
    seq bigint not null,
    constraint pk_webhook_head primary key (one),
    constraint ck_webhook_head_one_row check (one)
);

insert into gateway.webhook_head (seq) select seq from gateway.log_head;

create unlogged table gateway.team_rates (
    team_id uuid not null,
    per_minute integer not null,
    tokens double precision not null,
    at timestamptz not null,
    constraint pk_team_rates primary key (team_id)
)
"""


def upgrade() -> None:
    for statement in STATEMENTS.split(";\n\n"):
        op.execute(statement)
