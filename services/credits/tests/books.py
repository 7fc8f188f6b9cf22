"""One team's books in memory, and how they read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import NOW, ask, captured, order, period, spending_key

from contracts.credits import HoldDeclined
from credits.domain.account import Account
from credits.domain.books import Books, Hold
from credits.domain.bucket import Bucket
from credits.domain.holding import hold
from credits.domain.ledger import About, Side
from credits.domain.limits import Limits
from credits.domain.replenishing import open_period
from credits.domain.settling import capture

TEAM, OTHER = UUID(int=1), UUID(int=2)
MESSAGE, ANOTHER = UUID(int=11), UUID(int=12)
"""The messages that ask: the one at hand, and one that asks the same again."""
KEY = UUID(int=5)
PLAN = UUID(int=1)
SOON = NOW + timedelta(minutes=1)


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


def code(books: Books, command) -> str | None:
    """Why the request is declined; None when its credits are held."""
    verdict = hold(books, PRICES, command, MESSAGE, NOW)
    return verdict.code if isinstance(verdict, HoldDeclined) else None


def newest(books: Books) -> Bucket:
    account = books.accounts[TEAM]
    return account.buckets[account.opened[-1]]


def about(books: Books) -> About:
    return books.accounts[TEAM].postings[-1].about


def charged(plan: int = 20) -> tuple[Books, Hold]:
    """Books of the batch after a job was charged 6 of 8 credits."""
    books = opened(plan)
    asked = ask(TEAM, order(4), api_key=spending_key(100))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, 3), MESSAGE, NOW)
    return next_batch(books), books.holds[asked.orders[0].job_id]
