"""By which processes share the teams' rates; not logged, because a bucket is soon full again."""

from sqlalchemy import Column, Double, Integer, Table, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP

from gateway.adapters.outbound.postgres.tables import SCHEMA

team_rates = Table(
    "team_rates",
    SCHEMA,
    Column("team_id", Uuid, primary_key=True),
    Column("per_minute", Integer, nullable=False),
    Column("tokens", Double, nullable=False),
    Column("at", TIMESTAMP(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)
