"""What was charged is given back by a new transaction, never by changing an old one."""

from datetime import datetime

from credits.domain.books import Books, ConflictingContent, Hold
from credits.domain.bucket import Part, split
from credits.domain.ledger import About


class NothingToRefund(Exception):
    """The job was not charged anything, or not as much as is to be given back."""


def refund_job(
    books: Books, hold: Hold, amount: int | None, reason: str, now: datetime, by: str | None = None
) -> int:
    """Give back what a job was charged, or `amount` of it, once; returns how much.

    The last credits charged return first. Asked again it changes nothing. Raises NothingToRefund, and
    ConflictingContent when it was refunded before with another amount.
    """
    if not reason:
        raise ValueError("a refund needs a reason")
    if hold.refunded:
        if amount not in (None, hold.refunded):
            raise ConflictingContent(f"job {hold.id} was refunded {hold.refunded} credits before")
        return hold.refunded
    amount = hold.captured if amount is None else amount
    if not 0 < amount <= hold.captured:
        raise NothingToRefund(f"job {hold.id} was charged {hold.captured} credits")
    about = About(hold.id, hold.operation, f"refund: {reason}", by, f"refund:{hold.id}")
    books.accounts[hold.team_id].give_again(_charged(hold, amount), amount, about, now)
    hold.refunded = amount
    books.refund(hold)
    books.count(hold.key, -amount)
    return amount


def _charged(hold: Hold, amount: int) -> tuple[Part, ...]:
    """Which credits to give back; none of what was charged late, from other buckets than it was held."""
    if hold.status != "captured":
        return ()
    charged, _ = split(hold.parts, hold.captured)
    return split(tuple(reversed(charged)), amount)[0]
