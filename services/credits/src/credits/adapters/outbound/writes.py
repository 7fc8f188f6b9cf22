"""The one statement that writes down what a batch did, whatever its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chassis.statement import text


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows passed as one array a column, under names that start with `name`."""

    name: str
    columns: Mapping[str, str]

    @property
    def source(self) -> str:
        """The rows as a FROM item."""
        arrays = (f"cast(:{self.name}_{column} as {type_}[])" for column, type_ in self.columns.items())
        return f"unnest({', '.join(arrays)}) as {self.name} ({', '.join(self.columns)})"

    def arrays(self, rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
        """Turn rows, each in the order of the columns, into parameters."""
        turned = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in self.columns]
        return {f"{self.name}_{column}": values for column, values in zip(self.columns, turned, strict=True)}

    def value(self, column: str) -> str:
        """Name a column of a row; arrays travel as text, since arrays of arrays do not unnest into arrays."""
        value = f"{self.name}.{column}"
        return f"cast({value} as uuid[])" if column == "entry_ids" else value

    def insert(self, table: str) -> str:
        """Insert the rows into a table with columns of the same names."""
        values = (self.value(column) for column in self.columns)
        return (
            f"insert into credits.{table} ({', '.join(self.columns)}) select {', '.join(values)} "  # noqa: S608 - our own names
            f"from {self.source}"
        )


ACCOUNTS = Rows(
    "account",
    {
        "team_id": "uuid",
        "version": "bigint",
        "issued": "bigint",
        "spendable": "bigint",
        "reserved": "bigint",
        "spent": "bigint",
        "expired": "bigint",
        "clawed_back": "bigint",
        "uncollected": "bigint",
        "frozen": "boolean",
        "disputes": "integer",
        "period_start": "timestamptz",
        "next_replenishment_at": "timestamptz",
    },
)
NEW_BUCKETS = Rows(
    "bucket",
    {
        "id": "uuid",
        "team_id": "uuid",
        "kind": "text",
        "source_ref": "text",
        "granted": "bigint",
        "remaining": "bigint",
        "held": "bigint",
        "expires_at": "timestamptz",
        "period_start": "timestamptz",
        "opened_at": "timestamptz",
        "closed_at": "timestamptz",
        "close_reason": "text",
        "expired": "bigint",
        "demanded": "bigint",
        "owed": "bigint",
        "added": "boolean",
    },
)
BUCKETS = Rows(
    "touched",
    {
        "id": "uuid",
        "remaining": "bigint",
        "held": "bigint",
        "closed_at": "timestamptz",
        "close_reason": "text",
        "expired": "bigint",
        "demanded": "bigint",
        "owed": "bigint",
    },
)
GRANTS = Rows(
    "granted",
    {
        "source_ref": "text",
        "team_id": "uuid",
        "fingerprint": "bytea",
        "superseded": "boolean",
        "granted_at": "timestamptz",
    },
)
CLAIMS = Rows(
    "claim",
    {
        "source_ref": "text",
        "team_id": "uuid",
        "grant_ref": "text",
        "share": "numeric",
        "state": "text",
        "heard_at": "timestamptz",
        "demanded": "bigint",
    },
)
REQUESTS = Rows(
    "request",
    {
        "id": "uuid",
        "team_id": "uuid",
        "fingerprint": "bytea",
        "code": "text",
        "required": "bigint",
        "spendable": "bigint",
        "asked_by": "uuid",
        "decided_at": "timestamptz",
    },
)
NEW_HOLDS = Rows(
    "hold",
    {
        "id": "uuid",
        "team_id": "uuid",
        "request_id": "uuid",
        "operation": "text",
        "quantity": "bigint",
        "unit_price": "bigint",
        "amount": "bigint",
        "price_version": "integer",
        "key_id": "uuid",
        "key_start": "timestamptz",
        "status": "text",
        "captured": "bigint",
        "released": "bigint",
        "uncollected": "bigint",
        "reason": "text",
        "entry_ids": "text",
        "refunded": "bigint",
        "created_at": "timestamptz",
        "expires_at": "timestamptz",
        "settled_at": "timestamptz",
        "settled_by": "uuid",
    },
)
SETTLED = Rows(
    "settled",
    {
        "id": "uuid",
        "status": "text",
        "captured": "bigint",
        "released": "bigint",
        "uncollected": "bigint",
        "reason": "text",
        "entry_ids": "text",
        "settled_at": "timestamptz",
        "settled_by": "uuid",
    },
)
NEW_QUOTES = Rows(
    "quote",
    {
        "id": "uuid",
        "team_id": "uuid",
        "items": "jsonb",
        "total": "bigint",
        "price_version": "integer",
        "asked_by": "uuid",
        "quoted_at": "timestamptz",
        "expires_at": "timestamptz",
    },
)
USED_QUOTES = Rows("used", {"id": "uuid", "used_by": "uuid"})
PRICES = Rows(
    "price",
    {"version": "integer", "operation": "text", "base": "bigint", "qualities": "jsonb", "sizes": "jsonb"},
)
REFUNDED = Rows("refunded", {"id": "uuid", "refunded": "bigint"})
ALLOCATIONS = Rows(
    "part", {"hold_id": "uuid", "position": "integer", "bucket_id": "uuid", "amount": "bigint"}
)
KEY_SPEND = Rows("key", {"key_id": "uuid", "start": "timestamptz", "amount": "bigint"})
TRANSACTIONS = Rows(
    "posting",
    {
        "id": "uuid",
        "team_id": "uuid",
        "version": "bigint",
        "n": "integer",
        "kind": "text",
        "amount": "bigint",
        "charged": "bigint",
        "balance_after": "bigint",
        "job_id": "uuid",
        "operation": "text",
        "reason": "text",
        "at": "timestamptz",
        "operator": "text",
        "key": "text",
    },
)
ENTRIES = Rows(
    "entry",
    {
        "transaction_id": "uuid",
        "line": "integer",
        "side": "text",
        "amount": "bigint",
        "bucket_id": "uuid",
        "balance_after": "bigint",
    },
)


def _update(table: str, rows: Rows, key: str, where: str = "true") -> str:
    changes = (f"{column} = {rows.value(column)}" for column in rows.columns if column != key)
    return (
        f"update credits.{table} set {', '.join(changes)} from {rows.source} "  # noqa: S608 - our own names
        f"where {table}.{key} = {rows.name}.{key} and {where}"
    )


_PARTS = {
    "accounts_kept": _update("accounts", ACCOUNTS, "team_id"),
    "buckets_opened": NEW_BUCKETS.insert("buckets"),
    "buckets_kept": _update("buckets", BUCKETS, "id"),
    "grants_noted": GRANTS.insert("grants"),
    "claims_noted": CLAIMS.insert("claims")
    + " on conflict (source_ref) do update set state = excluded.state, heard_at = excluded.heard_at,"
    " demanded = excluded.demanded",
    "requests_decided": REQUESTS.insert("requests"),
    "holds_made": NEW_HOLDS.insert("holds"),
    # A hold ends once; only one that expired may still be captured.
    "holds_ended": _update("holds", SETTLED, "id", "holds.status in ('held', 'expired')"),
    "quotes_made": NEW_QUOTES.insert("quotes"),
    # A quote is good for one request.
    "quotes_used": _update("quotes", USED_QUOTES, "id", "quotes.used_by is null"),
    "holds_refunded": _update("holds", REFUNDED, "id", "holds.refunded = 0"),
    "parts_allocated": ALLOCATIONS.insert("hold_allocations"),
    "keys_counted": KEY_SPEND.insert("key_spend")
    + " on conflict (key_id, start) do update set amount = key_spend.amount + excluded.amount",
    "postings_made": TRANSACTIONS.insert("ledger_transactions"),
    "entries_made": ENTRIES.insert("ledger_entries"),
}
SAVE = text("with " + ", ".join(f"{name} as ({part})" for name, part in _PARTS.items()) + " select 1")
