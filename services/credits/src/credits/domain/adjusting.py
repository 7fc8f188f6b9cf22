"""Operators give and take, and say why."""

from datetime import datetime

from credits.domain.account import Account
from credits.domain.bucket import Bucket
from credits.domain.ledger import About


def adjust(account: Account, amount: int, reason: str, now: datetime) -> None:
    """Give credits in a bucket of their own that never expires, or take what can be spent.

    Raises NotEnoughCredits when more is to be taken than there is, ValueError when nothing is to be done.
    """
    if amount == 0 or not reason:
        raise ValueError("an adjustment needs an amount and a reason")
    account.expire_due(now)
    if amount < 0:
        account.withdraw(-amount, About(reason=reason), now)
        return
    id_ = account.new_id()
    bucket = Bucket(
        id=id_,
        kind="adjustment",
        source_ref=f"adjustment:{id_}",
        granted=amount,
        remaining=amount,
        opened_at=now,
    )
    account.grant(bucket, "adjustment", About(reason=reason))
