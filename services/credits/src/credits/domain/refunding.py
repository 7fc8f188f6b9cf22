"""Money that goes back takes its credits back, in whatever order refunds, grants and holds are heard."""

from dataclasses import replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from contracts.billing import PaymentDisputed, PaymentRefunded
from credits.domain.account import Account
from credits.domain.books import Books, Claim, ClaimState, ConflictingContent
from credits.domain.bucket import Bucket
from credits.domain.ledger import About

_ROUNDING = Decimal("1e-6")
"""A share travels as a binary fraction: what exceeds a whole credit by less than this does not exceed it."""

_REASONS = {"refunded": "the payment was refunded", "lost": "a dispute of the payment was lost"}


def refund_payment(books: Books, refund: PaymentRefunded, now: datetime) -> None:
    """Take back the refunded share of a grant, once per `source_ref`; of one not known yet, when it comes.

    A refund that failed gives back what it took, and takes nothing when it is heard of again. Raises
    ConflictingContent when the reference came before with other content or the grant is another's.
    """
    known = _known(books, refund)
    if known is not None and (known.state == refund.state or known.state == "failed"):
        return
    claim = _claim(books, refund, refund.state, now)
    _demand(books, claim, now)
    if known is not None:
        _give_back(books, known, now)


def dispute_payment(books: Books, dispute: PaymentDisputed, now: datetime) -> None:
    """Freeze the account while a payment is disputed; a lost dispute takes its credits back.

    How it ended stands, whatever is heard later of its beginning. A lost one ends the freeze as well: whether
    what is owed then stands in the way of new holds is for the limit of what a team may owe to say. Raises
    ConflictingContent when it ended otherwise before or has other content.
    """
    known = _known(books, dispute)
    if known is not None and (known.state == dispute.state or dispute.state == "opened"):
        return
    if known is not None and known.state != "opened":
        raise ConflictingContent(f"{dispute.source_ref} was {known.state} before")
    claim = _claim(books, dispute, dispute.state, now)
    account = books.accounts[dispute.team_id]
    if dispute.state == "opened":
        _count(account, 1, "frozen: a payment is disputed", now)
    elif known is not None:
        _count(account, -1, f"a dispute of a payment was {dispute.state}", now)
    _demand(books, claim, now)


def demand_pending(books: Books, grant_ref: str, now: datetime) -> None:
    """Take back of a new grant what was refunded before it was heard of."""
    for claim in [claim for claim in books.claims.values() if claim.grant_ref == grant_ref]:
        _demand(books, replace(claim), now)


def _known(books: Books, fact: PaymentRefunded | PaymentDisputed) -> Claim | None:
    known = books.claims.get(fact.source_ref)
    grant = books.grants.get(fact.grant_ref)
    if grant is not None and grant.team_id != fact.team_id:
        raise ConflictingContent(f"{fact.grant_ref} was granted to another team")
    if known is None:
        return None
    same = (known.team_id, known.grant_ref, known.share) == (fact.team_id, fact.grant_ref, _share(fact))
    if not same or (known.state in ("refunded", "failed")) != isinstance(fact, PaymentRefunded):
        raise ConflictingContent(f"{fact.source_ref} came before with other content")
    return known


def _claim(books: Books, fact: PaymentRefunded | PaymentDisputed, state: ClaimState, now: datetime) -> Claim:
    claim = Claim(fact.source_ref, fact.team_id, fact.grant_ref, _share(fact), state, now)
    books.claim(claim)
    return claim


def _demand(books: Books, claim: Claim, now: datetime) -> None:
    bucket = _bucket(books, claim)
    if claim.demanded is not None or claim.state not in _REASONS or bucket is None:
        return
    # Two refunds may be rounded up to more than there was.
    claim.demanded = min(_credits(bucket, claim.share), bucket.granted - bucket.demanded)
    books.claim(claim)
    if claim.demanded:
        about = About(reason=_REASONS[claim.state], key=f"claim:{claim.source_ref}")
        books.accounts[claim.team_id].claw_back(bucket, claim.demanded, about, now)


def _give_back(books: Books, claim: Claim, now: datetime) -> None:
    bucket = _bucket(books, claim)
    if claim.demanded and bucket is not None:
        about = About(reason="the refund of the payment failed", key=f"claim:{claim.source_ref}:failed")
        books.accounts[claim.team_id].undo_claw_back(bucket, claim.demanded, about, now)


def _bucket(books: Books, claim: Claim) -> Bucket | None:
    buckets = books.accounts[claim.team_id].buckets.values()
    return next((bucket for bucket in buckets if bucket.source_ref == claim.grant_ref), None)


def _credits(bucket: Bucket, share: Decimal) -> int:
    return int((share * bucket.granted - _ROUNDING).to_integral_value(ROUND_CEILING))


def _share(fact: PaymentRefunded | PaymentDisputed) -> Decimal:
    return Decimal(str(fact.share))


def _count(account: Account, change: int, reason: str, now: datetime) -> None:
    account.disputes += change
    account.note(About(reason=reason), now)
