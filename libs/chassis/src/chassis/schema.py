"""The tables that carry messages, and the names that constraints get."""

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_NOW = text("clock_timestamp()")


def metadata(schema: str) -> MetaData:
    """Start the description of a service's own schema."""
    return MetaData(schema=schema, naming_convention=NAMING)


def outbox_table(described: MetaData) -> Table:
    """Describe the messages that are true and not yet sent; a row goes when the broker has confirmed it."""
    return Table(
        "outbox",
        described,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("exchange", Text, nullable=False),
        Column("routing_key", Text, nullable=False),
        Column("message_id", Uuid, nullable=False),
        Column("correlation_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=_NOW),
        Column("next_attempt_at", TIMESTAMP(timezone=True), nullable=False, server_default=_NOW),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("last_error", Text),
    )


def inbox_table(described: MetaData) -> Table:
    """Describe the messages already handled, by consumer; pruned after two weeks."""
    return Table(
        "inbox",
        described,
        Column("consumer", Text, primary_key=True),
        Column("message_id", Uuid, primary_key=True),
        Column("received_at", TIMESTAMP(timezone=True), nullable=False, server_default=_NOW),
        Index("ix_inbox_received_at", "received_at"),
    )


def lifts_table(described: MetaData) -> Table:
    """Describe when versions were lifted, above what (`floor`) and why; `lifted` once it is done."""
    return Table(
        "lifts",
        described,
        Column("floor", Integer, primary_key=True, autoincrement=False),
        Column("at", TIMESTAMP(timezone=True), nullable=False),
        Column("reason", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("lifted", BigInteger),
    )
