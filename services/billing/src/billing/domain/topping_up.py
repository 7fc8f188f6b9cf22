"""Packs that are bought by themselves: when the credits run low, one at a time, up to a monthly cap."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from billing.domain.months import months_after
from billing.domain.plans import CURRENCY, PACKS
from contracts.billing import AutoTopUp, SetAutoTopUp
from contracts.credits import LowBalance


class Refused(Exception):
    """Billing will not do what was asked; `code` is stable, the words are for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Purchase:
    """One pack that is bought without the team being there; in flight until it is paid or declined.

    It answers that the team's account was low in `account_version`. Its id is that of the message which told
    it: heard again, it is the same purchase.
    """

    id: UUID
    team_id: UUID
    pack: str
    credits: int
    amount: int
    currency: str
    started_at: datetime
    state: Literal["started", "paid", "declined"] = "started"
    account_version: int = 0

    @classmethod
    def of(cls, id_: UUID, low: LowBalance, key: str | None, now: datetime) -> Self | None:
        """Write down what a pack is and costs now; None when it is not sold any more."""
        if (pack := PACKS.get(key or "")) is None:
            return None
        return cls(
            id=id_,
            team_id=low.team_id,
            pack=pack.key,
            credits=pack.credits,
            amount=pack.amount,
            currency=CURRENCY,
            started_at=now,
            account_version=low.version,
        )

    def ended(self, *, paid: bool) -> Self:
        """Note how it ended."""
        return replace(self, state="paid" if paid else "declined")


def wished(command: SetAutoTopUp, before: AutoTopUp, card: str | None) -> AutoTopUp:
    """Take over what a team wants; to ask again starts what had stopped. Raises Refused."""
    if not command.enabled:
        return before.model_copy(update={"enabled": False, "stopped": "", "resumes_at": None})
    pack = PACKS.get(command.pack or "")
    if pack is None:
        raise Refused("pack_not_found", "There is no such pack of credits.")
    if command.threshold < 1:
        raise Refused("threshold_too_low", "Say below how many credits a pack is to be bought.")
    if command.monthly_cap < pack.amount:
        raise Refused("cap_too_low", "The monthly cap is less than one pack costs.")
    if card is None:
        raise Refused("no_card", "Pay for something once first, so that there is a card to charge.")
    return AutoTopUp(
        enabled=True,
        threshold=command.threshold,
        pack=pack.key,
        monthly_cap=command.monthly_cap,
        spent_this_month=before.spent_this_month,
    )


def is_wanted(wish: AutoTopUp, low: LowBalance, answered: int) -> bool:
    """Tell whether a pack is to be bought now: not when it is off, nothing is low, or one was bought since.

    `answered` is the newest version of the account that a pack was bought for: what was low until then has
    been answered, however late it is heard. No clock is asked, for ours and that of credits may differ. What
    falls below another threshold than the team's own wants nothing more: it fell below that one before.
    """
    is_new = low.version == 0 or low.version > answered
    return wish.is_on and is_new and low.threshold == wish.threshold and low.spendable < wish.threshold


def paused(wish: AutoTopUp, now: datetime) -> AutoTopUp:
    """Wait for the next month, because another pack would cost more than the cap of this one allows."""
    resumes = months_after(month_of(now), 1)
    words = f"Automatic top-ups wait until {resumes:%d %B %Y}: another pack would exceed the monthly cap."
    return wish.model_copy(update={"stopped": words, "stopped_at": now, "resumes_at": resumes})


def resumed(wish: AutoTopUp, now: datetime) -> AutoTopUp:
    """Go on when the month that was waited for has begun."""
    if wish.resumes_at is None or now < wish.resumes_at:
        return wish
    return wish.model_copy(update={"stopped": "", "stopped_at": None, "resumes_at": None})


def month_of(now: datetime) -> datetime:
    """Say when the calendar month began that caps are counted in (UTC)."""
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
