"""A period and a pack of one team, and books in which they were spent."""

from datetime import timedelta
from uuid import UUID

from services.credits.tests.books import MESSAGE, TEAM, next_batch, opened
from services.credits.tests.fakes import PRICES
from services.credits.tests.stories import NOW, ask, captured, order, period, top_up

from credits.domain.books import Books
from credits.domain.bucket import Bucket
from credits.domain.holding import hold
from credits.domain.ledger import About
from credits.domain.settling import capture

PLAN = UUID(int=1)
SOON = NOW + timedelta(minutes=1)
FIRST, PACK = period(TEAM, 20), top_up(TEAM, 12)


def bucket_of(books: Books, ref: str) -> Bucket:
    """Find the bucket of a grant."""
    (found,) = [bucket for bucket in books.accounts[TEAM].buckets.values() if bucket.source_ref == ref]
    return found


def spent(quantity: int = 4) -> Books:
    """Books in which a job was charged two credits a unit of a period's 20."""
    books, asked = opened(), ask(TEAM, order(quantity))
    hold(books, PRICES, asked, MESSAGE, NOW)
    capture(books, captured(asked, quantity), MESSAGE, NOW)
    return next_batch(books)


def about(books: Books) -> About:
    """Say what the last posting is about."""
    return books.accounts[TEAM].postings[-1].about
