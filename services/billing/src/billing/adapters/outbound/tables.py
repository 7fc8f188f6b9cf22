from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.schema import lifts_table, outbox_table
from chassis.schema import metadata as describe

_PLAN = "plan in ('free', 'starter', 'pro', 'business')"

metadata = describe("billing")
outbox = outbox_table(metadata)
lifts = lifts_table(metadata)
looks = Sequence("looks", metadata=metadata)


def _at(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


def _said_at() -> Column[object]:
    return Column("said_at", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()"))


def _team() -> Column[object]:
    return Column("team_id", Uuid, nullable=False)


def _of_team() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["team_id"], [subscriptions.c.team_id])


subscriptions = Table(
    "subscriptions",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("running", Integer, nullable=False),
    Column("open", Integer, nullable=False),
    Column("per_minute", Integer, nullable=False),
    Column("pin", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    _at("anchor", nullable=False),
    _at("period_start", nullable=False),
    _at("period_end", nullable=False),
    Column("interval", Text),
    _at("due_at"),
    _at("closed_at"),
    Index("ix_subscriptions_free_period_end", "period_end", postgresql_where=text("plan = 'free'")),
    Index("ix_subscriptions_due_at", "due_at", postgresql_where=text("due_at is not null")),
    CheckConstraint(_PLAN, name="plan_is_known"),
    CheckConstraint("status in ('active', 'trialing', 'past_due')", name="status_is_known"),
    CheckConstraint("interval in ('month', 'year')", name="interval_is_known"),
    CheckConstraint("running > 0 and open > 0 and per_minute > 0", name="limits_allow_something"),
    CheckConstraint("version > 0", name="version_is_positive"),
    CheckConstraint("period_start < period_end", name="period_has_a_length"),
)

customers = Table(
    "customers",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("customer_id", Text),
    Column("look", BigInteger, nullable=False, server_default=text("0")),
    _at("closed_at"),
    UniqueConstraint("customer_id"),
    Index(
        "ix_customers_closed_at",
        "closed_at",
        postgresql_where=text("closed_at is not null and customer_id is not null"),
    ),
    CheckConstraint(
        "closed_at is null or (name = '' and email is null)", name="nothing_personal_once_closed"
    ),
)

grants = Table(
    "grants",
    metadata,
    Column("source_ref", Text, primary_key=True),
    _team(),
    Column("paid_by", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("plan", Text),
    _at("period_start"),
    _at("period_end"),
    _said_at(),
    _of_team(),
    Index("ix_grants_team_id", "team_id"),
    CheckConstraint(_PLAN, name="plan_is_known"),
    CheckConstraint("kind in ('reset', 'add', 'top_up')", name="kind_is_known"),
    CheckConstraint("credits > 0", name="credits_are_positive"),
    CheckConstraint("period_start < period_end", name="period_has_a_length"),
    CheckConstraint("(kind = 'top_up') = (plan is null and period_start is null)", name="a_pack_has_no_plan"),
)

claims = Table(
    "claims",
    metadata,
    Column("source_ref", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    _team(),
    Column("grant_ref", Text, nullable=False),
    Column("share", Double, nullable=False),
    _said_at(),
    _of_team(),
    CheckConstraint("state in ('refunded', 'failed', 'opened', 'won', 'lost')", name="state_is_known"),
    CheckConstraint("share > 0 and share <= 1", name="share_is_a_part"),
)

overviews = Table(
    "overviews",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", JSONB, nullable=False),
    _of_team(),
    CheckConstraint("version > 0", name="version_is_positive"),
)

top_ups = Table(
    "top_ups",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("threshold", Integer, nullable=False),
    Column("pack", Text),
    Column("monthly_cap", Integer, nullable=False),
    Column("stopped", Text, nullable=False, server_default=text("''")),
    _at("stopped_at"),
    _at("resumes_at"),
    _of_team(),
    CheckConstraint("threshold >= 0", name="threshold_is_not_negative"),
    CheckConstraint("monthly_cap >= 0", name="cap_is_not_negative"),
)

purchases = Table(
    "purchases",
    metadata,
    Column("id", Uuid, primary_key=True),
    _team(),
    Column("pack", Text, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    _at("started_at", nullable=False),
    Column("account_version", Integer, nullable=False, server_default=text("0")),
    _of_team(),
    Index("uq_purchases_in_flight", "team_id", unique=True, postgresql_where=text("state = 'started'")),
    Index("ix_purchases_team_id", "team_id", "started_at"),
    CheckConstraint("state in ('started', 'paid', 'declined')", name="state_is_known"),
    CheckConstraint("credits > 0 and amount > 0", name="something_for_something"),
)

stripe_events = Table(
    "stripe_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("detail", Text, nullable=False, server_default=text("''")),
    Column("team_id", Uuid),
    _at("received_at", nullable=False),
    Index("ix_stripe_events_waiting", "received_at", postgresql_where=text("state = 'waiting'")),
    Index("ix_stripe_events_received_at", "received_at"),
    CheckConstraint("state in ('waiting', 'done', 'ignored')", name="state_is_known"),
)

offers = Table(
    "offers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("document", JSONB, nullable=False),
    CheckConstraint("name = 'plans'", name="there_is_one"),
)
