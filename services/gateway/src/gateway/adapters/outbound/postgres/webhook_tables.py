"""The part of the schema that webhooks to clients need."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gateway.adapters.outbound.postgres.schema import SCHEMA, time

_WAITS = text("status = 'pending'")

webhook_endpoints = Table(
    "webhook_endpoints",
    SCHEMA,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("secret", Text, nullable=False),
    Column("old_secrets", JSONB, nullable=False),
    Column("since", BigInteger, nullable=False),
    time("created_at"),
    time("disabled_at", nullable=True),
    Column("disabled_reason", Text),
    time("failing_since", nullable=True),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    time("served_at", nullable=True),
    Index("ix_webhook_endpoints_team_id_id", "team_id", "id"),
    CheckConstraint("(disabled_at is null) = (disabled_reason is null)", name="disabled_for_a_reason"),
    CheckConstraint("(failing_since is null) = (failures = 0)", name="failing_since_it_failed"),
)
webhook_deliveries = Table(
    "webhook_deliveries",
    SCHEMA,
    Column("id", Uuid, primary_key=True),
    Column(
        "endpoint_id", Uuid, ForeignKey("gateway.webhook_endpoints.id", ondelete="CASCADE"), nullable=False
    ),
    Column("seq", BigInteger),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("supersedes", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    time("created_at"),
    time("due_at", nullable=True),
    time("leased_until", nullable=True),
    time("ended_at", nullable=True),
    Index("uq_webhook_deliveries_endpoint_id_seq", "endpoint_id", "seq", unique=True),
    Index("ix_webhook_deliveries_due", "endpoint_id", "due_at", postgresql_where=_WAITS),
    Index("ix_webhook_deliveries_subject", "endpoint_id", "type", "subject", "seq", postgresql_where=_WAITS),
    Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
    Index("ix_webhook_deliveries_created_at", "created_at"),
    CheckConstraint("status in ('pending', 'delivered', 'failed', 'superseded')", name="status_known"),
    CheckConstraint("(status = 'pending') = (due_at is not null)", name="due_while_pending"),
    CheckConstraint("(status = 'pending') = (ended_at is null)", name="ended_unless_pending"),
)
webhook_attempts = Table(
    "webhook_attempts",
    SCHEMA,
    Column(
        "delivery_id", Uuid, ForeignKey("gateway.webhook_deliveries.id", ondelete="CASCADE"), nullable=False
    ),
    Column("n", Integer, nullable=False),
    time("at"),
    Column("status", Integer),
    Column("milliseconds", Integer, nullable=False),
    Column("excerpt", Text, nullable=False),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("delivery_id", "n"),
)
webhook_head = Table(
    "webhook_head",
    SCHEMA,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    CheckConstraint("one", name="one_row"),
)
