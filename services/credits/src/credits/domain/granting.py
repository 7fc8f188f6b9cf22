"""Credits that were paid for: booked once, whatever their payment's later fate."""

from datetime import datetime
from hashlib import sha256

from contracts.billing import PeriodOpened, TopUpPaid
from credits.domain.books import Books, ConflictingContent, Grant
from credits.domain.bucket import Bucket
from credits.domain.ledger import About
from credits.domain.refunding import demand_pending


def is_booked(books: Books, fact: PeriodOpened | TopUpPaid) -> bool:
    """Whether the fact was booked before; raises ConflictingContent when it had other content then."""
    known = books.grants.get(fact.source_ref)
    if known is not None and known.fingerprint != _fingerprint(fact):
        raise ConflictingContent(f"{fact.source_ref} came before with other content")
    return known is not None


def book(books: Books, fact: PeriodOpened | TopUpPaid, now: datetime, *, superseded: bool = False) -> None:
    """Note that the fact's credits are in, and take back what was refunded before they came."""
    books.grant(
        Grant(
            source_ref=fact.source_ref,
            team_id=fact.team_id,
            fingerprint=_fingerprint(fact),
            superseded=superseded,
            granted_at=now,
        )
    )
    demand_pending(books, fact.source_ref, now)


def add_top_up(books: Books, top_up: TopUpPaid, now: datetime) -> None:
    """Book a bought pack of credits, once per `source_ref`; no renewal touches it.

    Raises ConflictingContent when the reference came before with other content.
    """
    if is_booked(books, top_up):
        return
    account = books.accounts[top_up.team_id]
    bucket = Bucket(
        id=account.new_id(),
        kind="topup",
        source_ref=top_up.source_ref,
        granted=top_up.credits,
        remaining=top_up.credits,
        opened_at=now,
        expires_at=top_up.expires_at,
    )
    account.grant(bucket, "top_up", About(reason="a pack of credits"))
    account.expire_due(now)
    book(books, top_up, now)


def _fingerprint(fact: PeriodOpened | TopUpPaid) -> bytes:
    return sha256(fact.model_dump_json(exclude_defaults=True).encode()).digest()
