"""The tables of keeping images: objects to delete, images on their way, exports; and of closed teams."""

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from jobs.adapters.outbound import tables

METADATA = tables.METADATA
"""The whole schema: these tables and those."""

_TIME = TIMESTAMP(timezone=True)


def _lease() -> Column[object]:
    return Column("lease_until", _TIME, nullable=False, server_default=text("'-infinity'"))


DISCARDS = Table(
    "discards",
    METADATA,
    Column("key", Text, primary_key=True),
    _lease(),
    Index("ix_discards_lease_until", "lease_until"),
)

MOVES = Table(
    "moves",
    METADATA,
    Column("request_id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("job_id", Uuid, ForeignKey("jobs.jobs.id"), nullable=False),
    Column("numbers", ARRAY(Integer), nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("correlation_id", Uuid, nullable=False),
    Column("message_id", Uuid),
    Column("traceparent", Text),
    Column("noted_at", _TIME, nullable=False, server_default=text("clock_timestamp()")),
    _lease(),
    CheckConstraint("cardinality(numbers) > 0", name="something_moves"),
    Index("ix_moves_lease_until", "lease_until", "noted_at"),
)

EXPORTS = Table(
    "exports",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME),
    _lease(),
    Column("data", JSONB, nullable=False),
    CheckConstraint("status in ('processing', 'completed', 'failed', 'expired')", name="status_is_known"),
    CheckConstraint("status <> 'completed' or expires_at is not null", name="offered_for_a_while"),
    Index("ix_exports_team_id_created_at", "team_id", "created_at"),
    Index(
        "ix_exports_processing", "lease_until", "created_at", postgresql_where=text("status = 'processing'")
    ),
    Index("ix_exports_expires_at", "expires_at", postgresql_where=text("status = 'completed'")),
)

CLOSED_TEAMS = Table(
    "closed_teams",
    METADATA,
    Column("team_id", Uuid, primary_key=True),
    Column("closed_at", _TIME, nullable=False),
    Column("look_at", _TIME),
    Index("ix_closed_teams_look_at", "look_at", postgresql_where=text("look_at is not null")),
)
