"""Rows, read into what they stand for."""

from decimal import Decimal

from chassis.connection import RowMapping
from chassis.ids import new_id
from contracts.credits import QuotedItem
from contracts.orders import Operation
from credits.domain.account import Account
from credits.domain.books import Hold, KeyWindow
from credits.domain.bucket import Bucket, Part
from credits.domain.ledger import Side
from credits.domain.pricing import Price, Step
from credits.domain.quote import Quote


def read_account(row: RowMapping) -> Account:
    """Read an account, without its buckets."""
    return Account(
        team_id=row["team_id"],
        new_id=new_id,
        version=row["version"],
        balances={side: row[side] for side in Side},
        frozen=row["frozen"],
        disputes=row["disputes"],
        period_start=row["period_start"],
        next_replenishment_at=row["next_replenishment_at"],
        alert_below=row["alert_below"],
    )


def read_bucket(row: RowMapping) -> Bucket:
    """Read a bucket."""
    return Bucket(**{name: value for name, value in row.items() if name != "team_id"})


def read_hold(row: RowMapping) -> Hold:
    """Read a hold with the buckets it took from."""
    return Hold(
        id=row["id"],
        team_id=row["team_id"],
        created_at=row["created_at"],
        request_id=row["request_id"],
        operation=Operation(row["operation"]) if row["operation"] else None,
        quantity=row["quantity"],
        unit_price=row["unit_price"],
        price_version=row["price_version"],
        expires_at=row["expires_at"],
        key=KeyWindow(row["key_id"], row["key_start"]) if row["key_id"] else None,
        status=row["status"],
        captured=row["captured"],
        released=row["released"],
        uncollected=row["uncollected"],
        refunded=row["refunded"],
        reason=row["reason"],
        entry_ids=tuple(row["entry_ids"]),
        settled_by=row["settled_by"],
        settled_at=row["settled_at"],
        parts=tuple(Part(*pair) for pair in zip(row["bucket_ids"] or (), row["amounts"] or (), strict=True)),
    )


def read_quote(row: RowMapping) -> Quote:
    """Read a quote."""
    items = tuple(QuotedItem.model_validate(item) for item in row["items"])
    return Quote(**{**row, "items": items})


def read_price(row: RowMapping) -> Price:
    """Read the price of an operation."""
    return Price(
        base=row["base"],
        qualities={quality: Decimal(multiplier) for quality, multiplier in row["qualities"].items()},
        sizes=tuple(Step(step["pixels"], Decimal(step["multiplier"])) for step in row["sizes"]),
    )
