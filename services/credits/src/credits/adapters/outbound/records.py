"""The books as rows for the one statement that saves them."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from credits.adapters.outbound import writes
from credits.domain.account import Account
from credits.domain.books import Books, Hold
from credits.domain.bucket import Bucket
from credits.domain.ledger import Posting, Side
from credits.domain.pricing import PriceList
from credits.domain.quote import Quote

Row = tuple[Any, ...]


def parameters(books: Books) -> dict[str, list[Any]]:
    """Everything the batch added and changed, one array a column."""
    accounts = [account for account in books.accounts.values() if account.postings]
    made = [(account, n, posting) for account in accounts for n, posting in enumerate(account.postings)]
    return {
        **writes.ACCOUNTS.arrays([_account(account) for account in accounts]),
        **writes.NEW_BUCKETS.arrays(
            [_opened(a.team_id, a.buckets[id_]) for a in accounts for id_ in a.opened]
        ),
        **writes.BUCKETS.arrays(
            [_touched(bucket) for a in books.accounts.values() for bucket in _changed(a)]
        ),
        **writes.GRANTS.arrays([_attributes(grant, writes.GRANTS) for grant in books.granted]),
        **writes.CLAIMS.arrays([_attributes(claim, writes.CLAIMS) for claim in books.claimed.values()]),
        **writes.REFUNDED.arrays([(hold.id, hold.refunded) for hold in books.refunded.values()]),
        **writes.REQUESTS.arrays([_attributes(request, writes.REQUESTS) for request in books.decided]),
        **writes.NEW_HOLDS.arrays([_held(hold) for hold in books.held]),
        **writes.SETTLED.arrays([_settled(hold) for hold in books.settled.values()]),
        **writes.NEW_QUOTES.arrays([_offered(quote) for quote in books.offered]),
        **writes.USED_QUOTES.arrays([_attributes(quote, writes.USED_QUOTES) for quote in books.used]),
        **writes.ALLOCATIONS.arrays([part for hold in books.held for part in _parts(hold)]),
        **writes.KEY_SPEND.arrays([(*key, amount) for key, amount in books.key_changes.items()]),
        **writes.TRANSACTIONS.arrays([_posting(account.team_id, n, posting) for account, n, posting in made]),
        **writes.ENTRIES.arrays([line for _, _, posting in made for line in _lines(posting)]),
    }


def price_rows(published: PriceList) -> list[Row]:
    """Turn a price list into rows, one an operation."""
    return [
        (
            published.version,
            operation,
            price.base,
            json.dumps({quality: str(multiplier) for quality, multiplier in price.qualities.items()}),
            json.dumps([{"pixels": s.pixels, "multiplier": str(s.multiplier)} for s in price.sizes]),
        )
        for operation, price in published.prices.items()
    ]


def _offered(quote: Quote) -> Row:
    items = json.dumps([item.model_dump(mode="json") for item in quote.items])
    attributes = {name: getattr(quote, name) for name in writes.NEW_QUOTES.columns} | {"items": items}
    return tuple(attributes.values())


def _attributes(record: object, rows: writes.Rows) -> Row:
    return tuple(getattr(record, column) for column in rows.columns)


def _account(account: Account) -> Row:
    balances = (account.balances[side] for side in Side)
    return (
        account.team_id,
        account.version,
        *balances,
        account.frozen,
        account.disputes,
        account.period_start,
        account.next_replenishment_at,
    )


def _opened(team_id: UUID, bucket: Bucket) -> Row:
    columns = (column for column in writes.NEW_BUCKETS.columns if column not in ("id", "team_id"))
    return (bucket.id, team_id, *(getattr(bucket, column) for column in columns))


def _changed(account: Account) -> Iterator[Bucket]:
    return (account.buckets[id_] for id_ in account.touched.difference(account.opened))


def _touched(bucket: Bucket) -> Row:
    return _attributes(bucket, writes.BUCKETS)


def _held(hold: Hold) -> Row:
    return (
        hold.id,
        hold.team_id,
        hold.request_id,
        hold.operation,
        hold.quantity,
        hold.unit_price,
        hold.amount,
        hold.price_version,
        hold.key.key_id if hold.key else None,
        hold.key.start if hold.key else None,
        *_settled(hold)[1:-2],
        hold.refunded,
        hold.created_at,
        hold.expires_at,
        hold.settled_at,
        hold.settled_by,
    )


def _settled(hold: Hold) -> Row:
    entry_ids = f"{{{','.join(map(str, hold.entry_ids))}}}"
    return (
        hold.id,
        hold.status,
        hold.captured,
        hold.released,
        hold.uncollected,
        hold.reason,
        entry_ids,
        hold.settled_at,
        hold.settled_by,
    )


def _parts(hold: Hold) -> Iterator[Row]:
    return ((hold.id, n, part.bucket_id, part.amount) for n, part in enumerate(hold.parts))


def _posting(team_id: UUID, n: int, posting: Posting) -> Row:
    about = posting.about
    return (
        posting.id,
        team_id,
        posting.version,
        n,
        posting.kind,
        posting.amount,
        posting.charged,
        posting.balance_after,
        about.job_id,
        about.operation,
        about.reason,
        posting.at,
        about.by,
        about.key,
    )


def _lines(posting: Posting) -> Iterator[Row]:
    return (
        (posting.id, n, line.side, line.amount, line.bucket_id, line.balance_after)
        for n, line in enumerate(posting.lines)
    )
