from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.schema import lifts_table, outbox_table
from chassis.schema import metadata as describe

_CATEGORY = "category in ('fashion', 'fitness', 'beauty', 'lifestyle', 'business')"

metadata = describe("catalog")
outbox = outbox_table(metadata)
lifts = lifts_table(metadata)

reference_models = Table(
    "reference_models",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("prompt_recipe", Text, nullable=False),
    Column("negative_prompt", Text, nullable=False),
    Column("preview", Text, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("uses_told", Integer, nullable=False),
    Column("told_at", TIMESTAMP(timezone=True), nullable=False),
    UniqueConstraint("slug"),
    CheckConstraint("version > 0", name="version_is_positive"),
    CheckConstraint(_CATEGORY, name="category_is_known"),
    CheckConstraint("uses >= uses_told", name="uses_only_grow"),
)

pictures = Table(
    "pictures",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("content_type", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

uses = Table(
    "uses",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("reference_model_id", Uuid, nullable=False),
    ForeignKeyConstraint(["reference_model_id"], [reference_models.c.id]),
)

closed_teams = Table(
    "closed_teams",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("closed_at", TIMESTAMP(timezone=True), nullable=False),
)

trainings = Table(
    "trainings",
    metadata,
    Column("job_id", Uuid, primary_key=True),
    Column("model_id", Uuid, nullable=False),
    Column("operation", Text, nullable=False),
    Column("instructions", Text, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("started", Boolean, nullable=False),
    Column("progress", Integer, nullable=False),
    Column("code", Text),
    Column("failure", Text, nullable=False),
    Column("finished_at", TIMESTAMP(timezone=True)),
    Column("number", Integer),
    Column("samples", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    UniqueConstraint("model_id", "number"),
    CheckConstraint("operation in ('create_model', 'refine_model')", name="operation_trains"),
    CheckConstraint("progress between 0 and 100", name="progress_is_a_percentage"),
    CheckConstraint(
        "(number is not null) = (finished_at is not null and failure = '')", name="only_trained_has_number"
    ),
    CheckConstraint("number > 0", name="numbers_start_at_one"),
)

models = Table(
    "models",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("user_id", Uuid),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("reference_model_id", Uuid),
    Column("category", Text),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("active_version", Integer),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("updated_at", TIMESTAMP(timezone=True), nullable=False),
    ForeignKeyConstraint(["id", "active_version"], [trainings.c.model_id, trainings.c.number]),
    CheckConstraint("version > 0", name="version_is_positive"),
    Index("ix_models_team_id", "team_id"),
    CheckConstraint(_CATEGORY, name="category_is_known"),
    CheckConstraint(
        "status in ('pending', 'training', 'ready', 'failed', 'deleted')", name="status_is_known"
    ),
    CheckConstraint("(status = 'ready') = (active_version is not null)", name="ready_has_active_version"),
)
