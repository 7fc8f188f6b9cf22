"""The gateway's schema: who may ask, what was asked, and views of everybody's public documents."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.schema import inbox_table, outbox_table
from gateway.adapters.outbound.postgres import people_tables
from gateway.adapters.outbound.postgres.schema import SCHEMA
from gateway.adapters.outbound.postgres.schema import now as _now
from gateway.adapters.outbound.postgres.schema import time as _time

__all__ = ["SCHEMA", "people_tables"]

outbox = outbox_table(SCHEMA)
inbox = inbox_table(SCHEMA)


def _view(name: str, *columns: Column[Any] | Index) -> Table:
    """Describe a view: the newest version of each document of a kind, and what it is searched by."""
    return Table(
        name,
        SCHEMA,
        *columns,
        Column("version", BigInteger, nullable=False),
        Column("document", JSONB, nullable=False),
        Column("announced", Boolean, nullable=False, server_default=text("false")),
    )


throttles = Table(
    "throttles",
    SCHEMA,
    Column("key", Text, primary_key=True),
    _time("window_start"),
    Column("count", Integer, nullable=False),
    Index("ix_throttles_window_start", "window_start"),
)
requests = Table(
    "requests",
    SCHEMA,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("scope", Uuid, nullable=False),
    Column("team_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("jobs", ARRAY(Uuid), nullable=False),
    Column("idempotency_key", Text),
    Column("body_hash", LargeBinary, nullable=False),
    Column("message_type", Text),
    Column("message", JSONB),
    Column("verdict", JSONB),
    _time("created_at"),
    _time("sent_at", nullable=True),
    _time("settled_at", nullable=True),
    Index(
        "uq_requests_scope_key",
        "scope",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key is not null"),
    ),
    Index("ix_requests_unanswered", "sent_at", postgresql_where=text("verdict is null")),
    Index("ix_requests_awaited", "subject", postgresql_where=text("verdict is null")),
    Index("ix_requests_created_at", "created_at"),
    CheckConstraint("(message is null) = (message_type is null)", name="message_typed"),
    CheckConstraint("message is not null or verdict is not null", name="asked_or_answered"),
)
team_slots = Table(
    "team_slots",
    SCHEMA,
    Column("team_id", Uuid, primary_key=True),
    Column("open", Integer, nullable=False, server_default=text("0")),
    Column("allowed", Integer, nullable=False),
    CheckConstraint("open >= 0", name="open_not_negative"),
)
slots = Table(
    "slots",
    SCHEMA,
    Column("job_id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
)
view_jobs = _view(
    "view_jobs",
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("operation", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("model_id", Uuid),
    Column("cost", JSONB),
    _time("created_at"),
    _now("changed_at"),
    Index("ix_view_jobs_changed_at", "changed_at"),
    Index("ix_view_jobs_team_id_id", "team_id", "id"),
    Index("ix_view_jobs_team_id_status_id", "team_id", "status", "id"),
    Index("ix_view_jobs_model_id_id", "model_id", "id"),
)
view_models = _view(
    "view_models",
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("category", Text),
    Column("words", Text, nullable=False),
    Index("ix_view_models_team_id_id", "team_id", "id"),
)
view_reference_models = _view(
    "view_reference_models",
    Column("id", Uuid, primary_key=True),
    Column("category", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("uses", BigInteger, nullable=False),
    _time("created_at"),
    Column("retired", Boolean, nullable=False),
    Column("preview", Text, nullable=False),
)
previews = Table(
    "previews",
    SCHEMA,
    Column("sha256", Text, primary_key=True),
    Column("content_type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    _now("recorded_at"),
)
view_accounts = _view(
    "view_accounts",
    Column("team_id", Uuid, primary_key=True),
    Column("reserved", BigInteger, nullable=False),
)
view_credit_entries = Table(
    "view_credit_entries",
    SCHEMA,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("operation", Text),
    Column("job_id", Uuid),
    Column("amount", BigInteger, nullable=False),
    Column("charged", BigInteger, nullable=False),
    Column("balance_after", BigInteger, nullable=False),
    _time("at"),
    Column("document", JSONB, nullable=False),
    _now("recorded_at"),
    Column("told_in", BigInteger),
    Index("ix_view_credit_entries_team_id_version_position", "team_id", "version", "position"),
    Index("ix_view_credit_entries_team_id_at", "team_id", "at"),
    Index("ix_view_credit_entries_job_id", "job_id"),
    Index("ix_view_credit_entries_recorded_at", "recorded_at"),
)
view_pricing = Table(
    "view_pricing",
    SCHEMA,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    _time("effective_at"),
    Column("document", JSONB, nullable=False),
)
view_quotes = Table(
    "view_quotes",
    SCHEMA,
    Column("request_id", Uuid, ForeignKey("gateway.requests.id", ondelete="CASCADE"), primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("document", JSONB, nullable=False),
)
findings = Table(
    "findings",
    SCHEMA,
    Column("kind", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("team_id", Uuid, nullable=False),
    Column("job_id", Uuid),
    Column("what", Text, nullable=False),
    _time("first_seen_at"),
    _time("last_seen_at"),
    _time("counts_since", nullable=True),
    _time("healed_at", nullable=True),
    _time("resolved_at", nullable=True),
    PrimaryKeyConstraint("kind", "subject"),
    Index("ix_findings_standing", "first_seen_at", postgresql_where=text("resolved_at is null")),
)
balanced = Table(
    "balanced",
    SCHEMA,
    Column("team_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("spendable", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
)
audit_head = Table(
    "audit_head",
    SCHEMA,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    _time("looked_at"),
    CheckConstraint("one", name="one_row"),
)
view_plans = _view(
    "view_plans",
    Column("team_id", Uuid, primary_key=True),
    Column("per_minute", Integer, nullable=False),
)
view_billing = _view("view_billing", Column("team_id", Uuid, primary_key=True))
view_offers = _view("view_offers", Column("name", Text, primary_key=True))
log_head = Table(
    "log_head",
    SCHEMA,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    Column("pruned_to", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("one", name="one_row"),
)
event_log = Table(
    "event_log",
    SCHEMA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("team_id", Uuid),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("document", JSONB, nullable=False),
    _time("at"),
    Index("uq_event_log_document", "type", "subject", "version", unique=True),
    Index("ix_event_log_team_id_seq", "team_id", "seq"),
    Index("ix_event_log_at", "at"),
)
