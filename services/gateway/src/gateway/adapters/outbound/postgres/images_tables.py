"""The tables of images and exports: a line an image, so that a gallery is one indexed read."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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

view_images = Table(
    "view_images",
    SCHEMA,
    Column("job_id", Uuid, nullable=False),
    Column("n", Integer, nullable=False),
    Column("team_id", Uuid, nullable=False),
    Column("model_id", Uuid),
    Column("pinned", Boolean, nullable=False),
    time("expires_at", nullable=True),
    Column("document", JSONB, nullable=False),
    PrimaryKeyConstraint("job_id", "n"),
    Index("ix_view_images_team_id_job_id_n", "team_id", "job_id", "n"),
    Index("ix_view_images_model_id_job_id_n", "model_id", "job_id", "n"),
    Index("ix_view_images_pinned", "team_id", "job_id", "n", postgresql_where=text("pinned")),
    Index("ix_view_images_team_id_expires_at", "team_id", "expires_at"),
)
view_exports = Table(
    "view_exports",
    SCHEMA,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("announced", Boolean, nullable=False, server_default=text("false")),
    Index("ix_view_exports_team_id_id", "team_id", "id"),
)
