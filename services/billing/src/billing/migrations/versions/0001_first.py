"""The teams' plans and every period that was opened."""

from alembic import op

revision = "0001"
down_revision = None

OUTBOX = """
create table billing.outbox (
    id bigint generated always as identity constraint pk_outbox primary key,
    exchange text not null,
    routing_key text not null,
    message_id uuid not null,
    correlation_id uuid not null,
    type text not null,
    headers jsonb not null,
    payload bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    next_attempt_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    last_error text
)
"""

SUBSCRIPTIONS = """
create table billing.subscriptions (
    team_id uuid constraint pk_subscriptions primary key,
    plan text not null constraint ck_subscriptions_plan_is_known
        check (plan in ('free', 'starter', 'pro', 'business')),
    status text not null constraint ck_subscriptions_status_is_known check (status in ('active')),
    running integer not null,
    open integer not null,
    per_minute integer not null,
    pin boolean not null,
    version integer not null constraint ck_subscriptions_version_is_positive check (version > 0),
    anchor timestamptz not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    constraint ck_subscriptions_limits_allow_something
        check (running > 0 and open > 0 and per_minute > 0),
    constraint ck_subscriptions_period_has_a_length
        check (anchor <= period_start and period_start < period_end)
)
"""

DUE = (
    "create index ix_subscriptions_free_period_end on billing.subscriptions (period_end) where plan = 'free'"
)

PERIODS = """
create table billing.periods (
    source_ref text constraint pk_periods primary key,
    team_id uuid not null constraint fk_periods_team_id_subscriptions references billing.subscriptions,
    kind text not null constraint ck_periods_kind_is_known check (kind in ('reset', 'add')),
    credits integer not null constraint ck_periods_credits_are_positive check (credits > 0),
    plan text not null constraint ck_periods_plan_is_known
        check (plan in ('free', 'starter', 'pro', 'business')),
    period_start timestamptz not null,
    period_end timestamptz not null,
    opened_at timestamptz not null default now(),
    constraint uq_periods_team_id_period_start unique (team_id, period_start),
    constraint ck_periods_period_has_a_length check (period_start < period_end)
)
"""


def upgrade() -> None:
    for statement in (OUTBOX, SUBSCRIPTIONS, DUE, PERIODS):
        op.execute(statement)
