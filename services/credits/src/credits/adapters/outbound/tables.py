"""The tables of the schema `credits`, as the migrations make them (a test compares the two)."""

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.schema import lifts_table, metadata, outbox_table

METADATA = metadata("credits")
ZERO = text("0")


def _at(name: str, *, nullable: bool = False, primary_key: bool = False) -> Column[object]:
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable, primary_key=primary_key)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _balance(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=ZERO)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _team() -> Column[object]:
    return Column("team_id", Uuid, ForeignKey("credits.accounts.team_id"), nullable=False)


accounts = Table(
    "accounts",
    METADATA,
    Column("team_id", Uuid, primary_key=True),
    _balance("version"),
    _balance("lifted"),
    _balance("issued"),
    _balance("spendable"),
    _balance("reserved"),
    _balance("spent"),
    _balance("expired"),
    _balance("clawed_back"),
    _balance("uncollected"),
    Column("frozen", Boolean, nullable=False, server_default=text("false")),
    Column("disputes", Integer, nullable=False, server_default=ZERO),
    _at("period_start", nullable=True),
    _at("next_replenishment_at", nullable=True),
    _balance("alert_below"),
    _balance("billing_version"),
    Index("ix_accounts_owing", "uncollected", postgresql_where=text("uncollected < 0")),
)
buckets = Table(
    "buckets",
    METADATA,
    Column("id", Uuid, primary_key=True),
    _team(),
    _text("kind"),
    Column("source_ref", Text, nullable=False, unique=True),
    _number("granted"),
    _number("remaining"),
    _number("held"),
    _at("expires_at", nullable=True),
    _at("period_start", nullable=True),
    _at("opened_at"),
    _at("closed_at", nullable=True),
    Column("close_reason", Text),
    _number("expired"),
    _number("demanded"),
    _number("owed"),
    Column("added", Boolean, nullable=False, server_default=text("false")),
    Index("ix_buckets_team_id", "team_id"),
    Index("ix_buckets_due", "expires_at", postgresql_where=text("closed_at is null")),
)
grants = Table(
    "grants",
    METADATA,
    Column("source_ref", Text, primary_key=True),
    _team(),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("superseded", Boolean, nullable=False),
    _at("granted_at"),
)
claims = Table(
    "claims",
    METADATA,
    Column("source_ref", Text, primary_key=True),
    _team(),
    _text("grant_ref"),
    Column("share", Numeric, nullable=False),
    _text("state"),
    _at("heard_at"),
    Column("demanded", BigInteger),
    Index("ix_claims_grant_ref", "grant_ref"),
)
requests = Table(
    "requests",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("team_id", Uuid, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("code", Text),
    _number("required"),
    _number("spendable"),
    Column("asked_by", Uuid, nullable=False),
    _at("decided_at"),
)
holds = Table(
    "holds",
    METADATA,
    Column("id", Uuid, primary_key=True),
    _team(),
    Column("request_id", Uuid),
    Column("operation", Text),
    _number("quantity"),
    _number("unit_price"),
    _number("amount"),
    Column("price_version", Integer, nullable=False),
    Column("key_id", Uuid),
    _at("key_start", nullable=True),
    _text("status"),
    _number("captured"),
    _number("released"),
    _number("uncollected"),
    _number("refunded"),
    _text("reason"),
    Column("entry_ids", ARRAY(Uuid), nullable=False),
    _at("created_at"),
    _at("expires_at", nullable=True),
    _at("settled_at", nullable=True),
    Column("settled_by", Uuid),
    Index("ix_holds_due", "expires_at", postgresql_where=text("status = 'held'")),
)
quotes = Table(
    "quotes",
    METADATA,
    Column("id", Uuid, primary_key=True),
    _team(),
    Column("items", JSONB, nullable=False),
    _number("total"),
    Column("price_version", Integer, nullable=False),
    Column("asked_by", Uuid, nullable=False),
    _at("quoted_at"),
    _at("expires_at"),
    Column("used_by", Uuid, unique=True),
    Index("ix_quotes_untaken", "expires_at", postgresql_where=text("used_by is null")),
)
hold_allocations = Table(
    "hold_allocations",
    METADATA,
    Column("hold_id", Uuid, ForeignKey("credits.holds.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("bucket_id", Uuid, ForeignKey("credits.buckets.id"), nullable=False),
    _number("amount"),
)
key_spend = Table(
    "key_spend",
    METADATA,
    Column("key_id", Uuid, primary_key=True),
    _at("start", primary_key=True),
    _number("amount"),
)
ledger_transactions = Table(
    "ledger_transactions",
    METADATA,
    Column("id", Uuid, primary_key=True),
    _team(),
    _number("version"),
    Column("n", Integer, nullable=False),
    _text("kind"),
    _number("amount"),
    _number("charged"),
    _number("balance_after"),
    Column("job_id", Uuid),
    Column("operation", Text),
    _text("reason"),
    _at("at"),
    Column("operator", Text),
    Column("key", Text),
    UniqueConstraint("team_id", "version", "n"),
    Index("uq_ledger_transactions_key", "key", unique=True, postgresql_where=text("key is not null")),
)
ledger_entries = Table(
    "ledger_entries",
    METADATA,
    Column("transaction_id", Uuid, ForeignKey("credits.ledger_transactions.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    _text("side"),
    _number("amount"),
    Column("bucket_id", Uuid),
    _number("balance_after"),
)
price_lists = Table(
    "price_lists",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _at("effective_at"),
    _at("announced_at", nullable=True),
)
prices = Table(
    "prices",
    METADATA,
    Column("version", Integer, ForeignKey("credits.price_lists.version"), primary_key=True),
    Column("operation", Text, primary_key=True),
    _number("base"),
    Column("qualities", JSONB, nullable=False),
    Column("sizes", JSONB, nullable=False),
)
outbox = outbox_table(METADATA)
lifts = lifts_table(METADATA)
