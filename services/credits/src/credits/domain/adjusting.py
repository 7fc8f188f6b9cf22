"""Operators give and take, and say why."""

from datetime import datetime

from credits.domain.account import Account
from credits.domain.bucket import Bucket, adjustment
from credits.domain.ledger import About


def adjust(account: Account, amount: int, reason: str, now: datetime, by: str | None = None) -> None:
    """Give credits in a bucket of their own that never expires, or take what can be spent.

    Raises NotEnoughCredits when more is to be taken than there is, ValueError when nothing is to be done.
    """
    if amount == 0 or not reason:
        raise ValueError("an adjustment needs an amount and a reason")
    account.expire_due(now)
    about = About(reason=reason, by=by)
    if amount < 0:
        account.withdraw(-amount, about, now)
    else:
        account.grant(adjustment(account.new_id(), amount, now), "adjustment", about)


def grant_bonus(
    account: Account, amount: int, expires_at: datetime, reason: str, now: datetime, by: str | None = None
) -> None:
    """Give credits that last until the next replenishment or until they expire, whatever comes first.

    Raises ValueError when there is nothing to give, no reason, or no time left to spend it.
    """
    if amount <= 0 or not reason:
        raise ValueError("a bonus needs an amount above zero and a reason")
    if expires_at <= now:
        raise ValueError("a bonus must expire later than now")
    account.expire_due(now)
    id_ = account.new_id()
    bucket = Bucket(
        id=id_,
        kind="bonus",
        source_ref=f"bonus:{id_}",
        granted=amount,
        remaining=amount,
        opened_at=now,
        expires_at=expires_at,
    )
    account.grant(bucket, "bonus", About(reason=reason, by=by))


def set_frozen(account: Account, reason: str, now: datetime, by: str | None = None, *, frozen: bool) -> bool:
    """Let nothing new be set aside any more, or let it again; returns whether that changed anything.

    What is held already may be captured and released. Raises ValueError without a reason.
    """
    if not reason:
        raise ValueError("a reason is needed")
    if account.frozen == frozen:
        return False
    account.frozen = frozen
    account.note(About(reason=f"{'frozen' if frozen else 'unfrozen'}: {reason}", by=by), now)
    return True
