"""A period brings credits and replaces what is left of the plan; held credits stay held."""

from datetime import datetime, timedelta
from uuid import UUID

from contracts.billing import PeriodOpened
from credits.domain.account import Account
from credits.domain.books import Books
from credits.domain.bucket import Bucket
from credits.domain.granting import book, is_booked
from credits.domain.ledger import About

FREE_PLAN = "free"
GRACE = timedelta(days=3)
"""How long paid credits live beyond their period: renewals are paid some time after they are due."""


def open_period(books: Books, period: PeriodOpened, now: datetime) -> None:
    """Book a period's credits, once per `source_ref`.

    A period older than the newest one is booked and expires at once; so does, of two that replace and start
    together, the one with fewer credits. In whatever order periods arrive, the balances are the same.
    Raises ConflictingContent when the reference came before with other content.
    """
    if is_booked(books, period):
        return
    account = books.accounts[period.team_id]
    superseded = _is_superseded(account, period)
    if period.kind == "reset" and not superseded:
        _replace(account, period, now)
    account.grant(_bucket(account.new_id(), period, now), "replenish", About(reason=_reason(period)))
    if superseded:
        account.close(account.buckets[account.opened[-1]], "replaced", now)
    account.expire_due(now)
    book(books, period, now, superseded=superseded)


def _is_superseded(account: Account, period: PeriodOpened) -> bool:
    if account.period_start is None or period.period_start > account.period_start:
        return False
    if period.period_start < account.period_start:
        return True
    rank = (period.credits, period.source_ref)
    rivals = (b for b in account.buckets.values() if b.kind == "plan" and b.is_open and not b.added)
    return period.kind == "reset" and any(
        (rival.granted, rival.source_ref) > rank
        for rival in rivals
        if rival.period_start == period.period_start
    )


def _replace(account: Account, period: PeriodOpened, now: datetime) -> None:
    for bucket in sorted(account.buckets.values(), key=lambda bucket: bucket.rank):
        if bucket.is_replaced_by(period.period_start):
            account.close(bucket, "replaced", now)
    account.period_start, account.next_replenishment_at = period.period_start, period.period_end


def _bucket(id_: UUID, period: PeriodOpened, now: datetime) -> Bucket:
    grace = timedelta(0) if period.plan == FREE_PLAN else GRACE
    return Bucket(
        id=id_,
        kind="plan",
        source_ref=period.source_ref,
        granted=period.credits,
        remaining=period.credits,
        opened_at=now,
        expires_at=period.period_end + grace,
        period_start=period.period_start,
        added=period.kind == "add",
    )


def _reason(period: PeriodOpened) -> str:
    return f"{period.plan}: {'a new period' if period.kind == 'reset' else 'added to the period'}"
