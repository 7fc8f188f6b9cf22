"""What Stripe knows of a team, in our words: the one thing every decision about money starts from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from billing.domain.plans import PlanName
from contracts.billing import Interval

DealStatus = Literal["incomplete", "trialing", "active", "past_due", "unpaid", "paused", "ended", "never"]
"""`ended` and `never` are over: the first after it had begun, the second because nobody paid."""
LIVE = ("trialing", "active", "past_due")
DisputeState = Literal["inquiry", "opened", "won", "lost"]


@dataclass(frozen=True, slots=True)
class Deal:
    """A subscription. Its months are counted from `anchor`; `unpaid_since` is when a payment failed."""

    id: str
    plan: PlanName
    interval: Interval
    status: DealStatus
    anchor: datetime
    period_start: datetime
    period_end: datetime
    created_at: datetime
    trial_start: datetime | None = None
    trial_end: datetime | None = None
    cancel_at: datetime | None = None
    ended_at: datetime | None = None
    unpaid_since: datetime | None = None
    next_plan: PlanName | None = None

    @property
    def is_live(self) -> bool:
        """Whether it gives its plan."""
        return self.status in LIVE

    def tries(self, moment: datetime) -> bool:
        """Tell whether a moment lies in its trial."""
        if self.trial_start is None or self.trial_end is None:
            return False
        return self.trial_start <= moment < self.trial_end


@dataclass(frozen=True, slots=True)
class Line:
    """What a bill asks money for: a plan for a time; `prorated` when it is the rest of a period."""

    id: str
    plan: PlanName
    interval: Interval
    start: datetime
    end: datetime
    amount: int
    prorated: bool = False


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice; `paid_at` says that it is paid, `payments` by what. `cause` is Stripe's billing reason."""

    id: str
    status: str
    cause: str
    total: int
    currency: str
    created_at: datetime
    deal: str | None = None
    paid_at: datetime | None = None
    lines: tuple[Line, ...] = ()
    payments: tuple[str, ...] = ()
    number: str | None = None
    description: str = ""
    url: str | None = None
    pdf_url: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that has gone back; `failed`, that came back to us again."""

    id: str
    amount: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Dispute:
    """Money that a card's holder wants back."""

    id: str
    amount: int
    state: DisputeState


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that was tried; `credits` are those of the pack it pays for, `purchase` our id of it."""

    id: str
    amount: int
    currency: str
    created_at: datetime
    paid: bool
    credits: int | None = None
    purchase: UUID | None = None
    receipt_url: str | None = None
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()


@dataclass(frozen=True, slots=True)
class Upcoming:
    """What will be charged next."""

    amount: int
    currency: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything Stripe knows of one customer, read at one time; empty for a team that never paid."""

    deals: tuple[Deal, ...] = ()
    bills: tuple[Bill, ...] = ()
    payments: tuple[Payment, ...] = ()
    card: str | None = None
    upcoming: Upcoming | None = None

    def deal(self, id_: str | None) -> Deal | None:
        """Find a subscription."""
        return next((deal for deal in self.deals if deal.id == id_), None)

    @property
    def is_new(self) -> bool:
        """Whether the team has never subscribed, so that it may try a plan."""
        return all(deal.status in ("never", "incomplete") for deal in self.deals)
