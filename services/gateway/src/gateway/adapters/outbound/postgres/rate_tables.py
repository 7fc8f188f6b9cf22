"""By which processes share the teams' rates; not logged, because a bucket is soon full again."""

from sqlalchemy import Column, Double, Integer, Table, Uuid

from gateway.adapters.outbound.postgres.schema import SCHEMA, time

team_rates = Table(
    "team_rates",
    SCHEMA,
    Column("team_id", Uuid, primary_key=True),
    Column("per_minute", Integer, nullable=False),
    Column("tokens", Double, nullable=False),
    time("at"),
    prefixes=["UNLOGGED"],
)
