"""One team's books in memory, and how they read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from uuid import UUID

import pytest
from services.credits.tests.stories import NOW, period

from credits.domain.account import Account
from credits.domain.books import Books
from credits.domain.ledger import Side
from credits.domain.limits import Limits
from credits.domain.replenishing import open_period

TEAM, OTHER = UUID(int=1), UUID(int=2)
MESSAGE, ANOTHER = UUID(int=11), UUID(int=12)
"""The messages that ask: the one at hand, and one that asks the same again."""


def opened(plan: int = 20, limits: Limits | None = None) -> Books:
    """Open books of a team with one period's credits, in a bucket with id 1; ids count on from there."""
    numbers = count(1)
    books = Books({TEAM: Account(TEAM, lambda: UUID(int=next(numbers)))}, limits=limits or Limits())
    open_period(books, period(TEAM, plan), NOW)
    return books


def next_batch(books: Books) -> Books:
    """Open the books again as the next batch finds them: nothing is new in them."""
    account = books.accounts[TEAM]
    account.postings, account.opened, account.touched = [], [], set()
    return Books(
        books.accounts,
        books.requests,
        books.holds,
        books.grants,
        books.claims,
        books.quotes,
        books.key_spend,
        limits=books.limits,
    )


def history(books: Books, skip: int = 1) -> list[tuple[str, int, int, int, str]]:
    """Read the team's history: kind, amount, charged, balance after, reason; without the first period."""
    agree(books)
    entries = [posting.entry() for posting in books.accounts[TEAM].postings[skip:]]
    return [(e.kind, e.amount, e.charged, e.balance_after, e.reason) for e in entries]


def moved(books: Books) -> list[tuple[Side, int, UUID | None]]:
    """Read what the last posting moved: side, amount, bucket."""
    return [(line.side, line.amount, line.bucket_id) for line in books.accounts[TEAM].postings[-1].lines]


def is_sound(balances: Mapping[Side, int]) -> bool:
    """Whether nothing is lost or invented and no side is on the wrong side of zero."""
    receivable = {Side.ISSUED, Side.UNCOLLECTED}
    signs = all(value <= 0 if side in receivable else value >= 0 for side, value in balances.items())
    return signs and sum(balances.values()) == 0


def agree(books: Books) -> None:
    """Check that the balances are sound and that the buckets say the same as they do."""
    account = books.accounts[TEAM]
    assert is_sound(account.balances)
    buckets = account.buckets.values()
    assert account.spendable == sum(bucket.remaining for bucket in buckets)
    assert account.balances[Side.RESERVED] == sum(bucket.held for bucket in buckets)
    for bucket in buckets:
        assert bucket.remaining >= 0
        assert bucket.held >= 0
        assert bucket.remaining + bucket.held <= bucket.granted
        assert bucket.is_open or bucket.remaining == 0


@contextmanager
def refused(error: type[Exception], why: str) -> Iterator[None]:
    """Expect the error with just these words: an operator reads them."""
    with pytest.raises(error) as raised:
        yield
    assert str(raised.value) == why
