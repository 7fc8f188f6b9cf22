from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from chassis.schema import metadata as describe
from chassis.schema import outbox_table

_PLAN = "plan in ('free', 'starter', 'pro', 'business')"

metadata = describe("billing")
outbox = outbox_table(metadata)

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
    Column("anchor", TIMESTAMP(timezone=True), nullable=False),
    Column("period_start", TIMESTAMP(timezone=True), nullable=False),
    Column("period_end", TIMESTAMP(timezone=True), nullable=False),
    Index("ix_subscriptions_free_period_end", "period_end", postgresql_where=text("plan = 'free'")),
    CheckConstraint(_PLAN, name="plan_is_known"),
    CheckConstraint("status in ('active')", name="status_is_known"),
    CheckConstraint("running > 0 and open > 0 and per_minute > 0", name="limits_allow_something"),
    CheckConstraint("version > 0", name="version_is_positive"),
    CheckConstraint("anchor <= period_start and period_start < period_end", name="period_has_a_length"),
)

periods = Table(
    "periods",
    metadata,
    Column("source_ref", Text, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("credits", Integer, nullable=False),
    Column("plan", Text, nullable=False),
    Column("period_start", TIMESTAMP(timezone=True), nullable=False),
    Column("period_end", TIMESTAMP(timezone=True), nullable=False),
    Column("opened_at", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
    ForeignKeyConstraint(["team_id"], [subscriptions.c.team_id]),
    UniqueConstraint("team_id", "period_start"),
    CheckConstraint(_PLAN, name="plan_is_known"),
    CheckConstraint("kind in ('reset', 'add')", name="kind_is_known"),
    CheckConstraint("credits > 0", name="credits_are_positive"),
    CheckConstraint("period_start < period_end", name="period_has_a_length"),
)
