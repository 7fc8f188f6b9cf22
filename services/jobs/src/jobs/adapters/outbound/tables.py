"""The tables of jobs: columns for what is searched, one document for the rest of each job."""

from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.schema import lifts_table, metadata, outbox_table

METADATA = metadata("jobs")
OUTBOX = outbox_table(METADATA)
LIFTS = lifts_table(METADATA)

_TIME = TIMESTAMP(timezone=True)
_TERMINAL = "(state in ('completed', 'failed', 'cancelled', 'expired'))"

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("operation", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("steps", SmallInteger, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("training_of", Uuid),
    Column("code", Text),
    Column("position", Integer),
    Column("created_at", _TIME, nullable=False),
    Column("not_before", _TIME),
    Column("due_at", _TIME),
    Column("poll_at", _TIME),
    Column("lease_until", _TIME),
    Column("expires_at", _TIME),
    Column("warn_at", _TIME),
    Column("data", JSONB, nullable=False),
    CheckConstraint(
        "state in ('queued', 'submitting', 'running', 'storing', 'settling',"
        " 'completed', 'failed', 'cancelled', 'expired')",
        name="state_is_known",
    ),
    CheckConstraint("step between 1 and steps", name="step_exists"),
    CheckConstraint(f"{_TERMINAL} = (due_at is null)", name="open_job_has_a_deadline"),
    CheckConstraint(
        f"not {_TERMINAL} or jsonb_typeof(data -> 'receipt') = 'object'", name="ended_job_has_its_receipt"
    ),
    Index("uq_jobs_training_of", "training_of", unique=True),
    Index(
        "ix_jobs_queued",
        "team_id",
        text("priority desc"),
        "created_at",
        "id",
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_jobs_working",
        "team_id",
        "state",
        "step",
        "steps",
        postgresql_where=text("state in ('submitting', 'running', 'storing')"),
    ),
    Index("ix_jobs_team_id", "team_id"),
    Index("ix_jobs_due_at", "due_at", postgresql_where=text("due_at is not null")),
    Index("ix_jobs_poll_at", "poll_at", postgresql_where=text("poll_at is not null")),
    Index(
        "ix_jobs_storing",
        text("lease_until nulls first"),
        "due_at",
        postgresql_where=text("state = 'storing'"),
    ),
    Index("ix_jobs_expires_at", "expires_at", postgresql_where=text("state = 'completed'")),
    Index("ix_jobs_warn_at", "warn_at", postgresql_where=text("state = 'completed'")),
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("job_id", Uuid, ForeignKey("jobs.jobs.id"), nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("n", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("request_id", Text),
    Column("response_url", Text),
    Column("status_url", Text),
    Column("cancel_url", Text),
    Column("started_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    UniqueConstraint("job_id", "step", "n"),
    CheckConstraint(
        "state in ('started', 'in_doubt', 'accepted', 'not_accepted', 'failed', 'succeeded',"
        " 'unwanted', 'wasted')",
        name="state_is_known",
    ),
)

DISPATCHER = Table(
    "dispatcher",
    METADATA,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("failures", Integer, nullable=False),
    Column("open_until", _TIME),
    CheckConstraint("id = 1", name="there_is_one"),
)

TOMBSTONES = Table(
    "tombstones",
    METADATA,
    Column("message_id", Uuid, primary_key=True),
    Column("job_id", Uuid, nullable=False, index=True),
    Column("correlation_id", Uuid, nullable=False),
    Column("traceparent", Text),
    Column("cancel", JSONB, nullable=False),
    Column("noted_at", _TIME, nullable=False, server_default=text("clock_timestamp()")),
)

PLANS = Table(
    "plans",
    METADATA,
    Column("team_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    Column("pin", Boolean, nullable=False, server_default=text("false")),
)

REFERENCE_MODELS = Table(
    "reference_models",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("prompt_recipe", Text, nullable=False),
    Column("negative_prompt", Text, nullable=False),
)

MODELS = Table(
    "models",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("active_version", Integer),
    Index("ix_models_team_id", "team_id"),
)

MODEL_VERSIONS = Table(
    "model_versions",
    METADATA,
    Column("model_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("job_id", Uuid, nullable=False),
)

WEIGHTS = Table(
    "weights",
    METADATA,
    Column("job_id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("model_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("provider_url", Text, nullable=False),
    Column("config_url", Text),
    Column("stored_at", _TIME, nullable=False),
    Index("ix_weights_team_id", "team_id"),
)
