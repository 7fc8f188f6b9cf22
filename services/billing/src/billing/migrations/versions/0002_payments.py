"""Payments: customers, what was granted and taken back, Stripe's events, packs bought by themselves."""

from alembic import op

revision = "0002"
down_revision = "0001"

SUBSCRIPTIONS = """
alter table billing.subscriptions
    drop constraint ck_subscriptions_status_is_known,
    drop constraint ck_subscriptions_period_has_a_length,
    add constraint ck_subscriptions_status_is_known check (status in ('active', 'trialing', 'past_due')),
    add constraint ck_subscriptions_period_has_a_length check (period_start < period_end),
    add column interval text
        constraint ck_subscriptions_interval_is_known check (interval in ('month', 'year')),
    add column due_at timestamptz,
    add column closed_at timestamptz
"""
DUE = "create index ix_subscriptions_due_at on billing.subscriptions (due_at) where due_at is not null"

CUSTOMERS = """
create table billing.customers (
    team_id uuid constraint pk_customers primary key,
    name text not null,
    email text,
    customer_id text constraint uq_customers_customer_id unique,
    look bigint not null default 0,
    closed_at timestamptz,
    constraint ck_customers_nothing_personal_once_closed
        check (closed_at is null or (name = '' and email is null))
)
"""
CLOSING = """
create index ix_customers_closed_at on billing.customers (closed_at)
    where closed_at is not null and customer_id is not null
"""
LOOKS = "create sequence billing.looks"

GRANTS = """
create table billing.grants (
    source_ref text constraint pk_grants primary key,
    team_id uuid not null constraint fk_grants_team_id_subscriptions references billing.subscriptions,
    paid_by text not null,
    kind text not null constraint ck_grants_kind_is_known check (kind in ('reset', 'add', 'top_up')),
    credits integer not null constraint ck_grants_credits_are_positive check (credits > 0),
    plan text constraint ck_grants_plan_is_known check (plan in ('free', 'starter', 'pro', 'business')),
    period_start timestamptz,
    period_end timestamptz,
    said_at timestamptz not null default now(),
    constraint ck_grants_period_has_a_length check (period_start < period_end),
    constraint ck_grants_a_pack_has_no_plan
        check ((kind = 'top_up') = (plan is null and period_start is null))
)
"""
GRANTS_OF_TEAM = "create index ix_grants_team_id on billing.grants (team_id)"
# The days that named Free months are not enough for a team that comes back to Free on the same day.
PERIODS = """
insert into billing.grants
    (source_ref, team_id, paid_by, kind, credits, plan, period_start, period_end, said_at)
select ref, team_id, ref, kind, credits, plan, period_start, period_end, opened_at from billing.periods,
    lateral (select 'free:' || team_id || ':'
        || to_char(period_start at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as ref) as named
"""

CLAIMS = """
create table billing.claims (
    source_ref text not null,
    state text not null
        constraint ck_claims_state_is_known check (state in ('refunded', 'opened', 'won', 'lost')),
    team_id uuid not null constraint fk_claims_team_id_subscriptions references billing.subscriptions,
    grant_ref text not null,
    share double precision not null constraint ck_claims_share_is_a_part check (share > 0 and share <= 1),
    said_at timestamptz not null default now(),
    constraint pk_claims primary key (source_ref, state)
)
"""
OVERVIEWS = """
create table billing.overviews (
    team_id uuid constraint pk_overviews primary key
        constraint fk_overviews_team_id_subscriptions references billing.subscriptions,
    version integer not null constraint ck_overviews_version_is_positive check (version > 0),
    document jsonb not null
)
"""
TOP_UPS = """
create table billing.top_ups (
    team_id uuid constraint pk_top_ups primary key
        constraint fk_top_ups_team_id_subscriptions references billing.subscriptions,
    enabled boolean not null,
    threshold integer not null constraint ck_top_ups_threshold_is_not_negative check (threshold >= 0),
    pack text,
    monthly_cap integer not null constraint ck_top_ups_cap_is_not_negative check (monthly_cap >= 0),
    stopped text not null default '',
    stopped_at timestamptz
)
"""
PURCHASES = """
create table billing.purchases (
    id uuid constraint pk_purchases primary key,
    team_id uuid not null constraint fk_purchases_team_id_subscriptions references billing.subscriptions,
    pack text not null,
    credits integer not null,
    amount integer not null,
    currency text not null,
    state text not null
        constraint ck_purchases_state_is_known check (state in ('started', 'paid', 'declined')),
    started_at timestamptz not null,
    constraint ck_purchases_something_for_something check (credits > 0 and amount > 0)
)
"""
ONE_IN_FLIGHT = (
    "create unique index uq_purchases_in_flight on billing.purchases (team_id) where state = 'started'"
)
PURCHASES_OF_TEAM = "create index ix_purchases_team_id on billing.purchases (team_id, started_at)"

STRIPE_EVENTS = """
create table billing.stripe_events (
    id text constraint pk_stripe_events primary key,
    event jsonb not null,
    state text not null default 'waiting'
        constraint ck_stripe_events_state_is_known check (state in ('waiting', 'done', 'ignored')),
    detail text not null default '',
    team_id uuid,
    received_at timestamptz not null
)
"""
WAITING = (
    "create index ix_stripe_events_waiting on billing.stripe_events (received_at) where state = 'waiting'"
)
NEWEST = "create index ix_stripe_events_received_at on billing.stripe_events (received_at)"
OFFERS = """
create table billing.offers (
    name text constraint pk_offers primary key constraint ck_offers_there_is_one check (name = 'plans'),
    document jsonb not null
)
"""


def upgrade() -> None:
    for statement in (
        SUBSCRIPTIONS,
        DUE,
        CUSTOMERS,
        CLOSING,
        LOOKS,
        GRANTS,
        GRANTS_OF_TEAM,
        PERIODS,
        "drop table billing.periods",
        CLAIMS,
        OVERVIEWS,
        TOP_UPS,
        PURCHASES,
        ONE_IN_FLIGHT,
        PURCHASES_OF_TEAM,
        STRIPE_EVENTS,
        WAITING,
        NEWEST,
        OFFERS,
    ):
        op.execute(statement)
