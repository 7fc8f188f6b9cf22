"""The messages of billing: plans, and the periods and payments that bring credits."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.message import Command, Document, Fact, Value

Interval = Literal["month", "year"]


class Limits(Value):
    """What a plan allows: jobs running, jobs open (waiting or running), requests a minute, pinned images."""

    running: int
    open: int
    per_minute: int
    pin: bool = False


class PlanChanged(Document):
    """A team's plan and its limits."""

    type: ClassVar[str] = "billing.plan-changed.v1"

    team_id: UUID
    plan: str
    status: str
    limits: Limits

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class PeriodOpened(Fact):
    """A period is paid for (or free) and brings credits, once per `source_ref`.

    `reset` replaces what is left of earlier periods; of several of one start the one with the most credits
    stays. `add` adds to the period of that start, whichever of the two is heard first.
    """

    type: ClassVar[str] = "billing.period-opened.v1"

    team_id: UUID
    source_ref: str
    kind: Literal["reset", "add"]
    credits: int
    period_start: datetime
    period_end: datetime
    plan: str

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class TopUpPaid(Fact):
    """A pack of credits is paid for, once per `source_ref`; they survive renewals."""

    type: ClassVar[str] = "billing.top-up-paid.v1"

    team_id: UUID
    source_ref: str
    credits: int = Field(ge=1)
    expires_at: datetime | None = None

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class PaymentRefunded(Fact):
    """Money went back: `share` of the grant `grant_ref` is clawed back, once per `source_ref`.

    What is spent already is owed (uncollected). `failed`: the money did not arrive, so what was clawed back
    is given back, once; that stands, whatever is heard later of how it began.
    """

    type: ClassVar[str] = "billing.payment-refunded.v1"

    team_id: UUID
    source_ref: str
    grant_ref: str
    share: float = Field(gt=0, le=1)
    state: Literal["refunded", "failed"] = "refunded"

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class PaymentDisputed(Fact):
    """A payment is disputed: opened freezes the account, won unfreezes it, lost claws the grant back.

    `source_ref` names the dispute, the same in all its states.
    """

    type: ClassVar[str] = "billing.payment-disputed.v1"

    team_id: UUID
    source_ref: str
    grant_ref: str
    share: float = Field(gt=0, le=1)
    state: Literal["opened", "won", "lost"]

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class StripeEvent(Command):
    """Stripe says that something has happened; its signature and age are checked. Answered by nobody.

    It carries names only, never the body: what has happened is read from Stripe, and no secret or card
    travels. `customer` and `payment` (an intent or a charge) are who and what it is about, as far as it says.
    """

    type: ClassVar[str] = "billing.stripe-event.v1"

    event_id: str = Field(max_length=255)
    event_type: str = Field(max_length=255)
    object_id: str = Field(default="", max_length=255)
    customer: str | None = Field(default=None, max_length=255)
    payment: str | None = Field(default=None, max_length=255)
    created_at: datetime
    received_at: datetime

    @property
    def subject(self) -> str:
        """The event."""
        return self.event_id


class OpenCheckout(Command):
    """Asks billing for a page where a plan, or a pack of credits, can be paid for: one of the two is named.

    Answered by `billing.checkout-opened` or `billing.refused`.
    """

    type: ClassVar[str] = "billing.open-checkout.v1"

    request_id: UUID
    team_id: UUID
    plan: str | None = None
    interval: Interval = "month"
    pack: str | None = None
    success_url: str
    cancel_url: str

    @property
    def subject(self) -> str:
        """The team that wants to pay."""
        return str(self.team_id)


class OpenPortal(Command):
    """Asks billing for the page where a team changes its plan, its card, and sees its invoices.

    Answered by `billing.portal-opened` or `billing.refused`.
    """

    type: ClassVar[str] = "billing.open-portal.v1"

    request_id: UUID
    team_id: UUID
    return_url: str

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class SetAutoTopUp(Command):
    """Asks billing to buy a pack whenever what the team can spend falls below `threshold`, or to stop that.

    `monthly_cap` is the most it may cost in a calendar month, in the smallest unit of the pack's currency.
    Answered by the team's `billing.billing-changed` or `billing.refused`.
    """

    type: ClassVar[str] = "billing.set-auto-top-up.v1"

    request_id: UUID
    team_id: UUID
    enabled: bool
    threshold: int = Field(default=0, ge=0)
    pack: str | None = None
    monthly_cap: int = Field(default=0, ge=0)

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)


class CheckoutOpened(Fact):
    """The page where a team can pay."""

    type: ClassVar[str] = "billing.checkout-opened.v1"

    request_id: UUID
    team_id: UUID
    url: str
    expires_at: datetime

    @property
    def subject(self) -> str:
        """The request that waits for it."""
        return str(self.request_id)


class PortalOpened(Fact):
    """The page where a team manages what it pays."""

    type: ClassVar[str] = "billing.portal-opened.v1"

    request_id: UUID
    team_id: UUID
    url: str

    @property
    def subject(self) -> str:
        """The request that waits for it."""
        return str(self.request_id)


class BillingRefused(Fact):
    """Billing will not do what a request asked."""

    type: ClassVar[str] = "billing.refused.v1"

    request_id: UUID
    about: UUID
    code: str
    detail: str

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)


class Money(Value):
    """An amount in the smallest unit of its currency (cents), the currency in lower case (`usd`)."""

    amount: int
    currency: str


class PlanOffer(Value):
    """A plan anyone may choose; `prices` is empty for the one that costs nothing."""

    key: str
    name: str
    credits: int
    limits: Limits
    prices: dict[Interval, Money] = Field(default_factory=dict)
    trial_days: int = 0
    trial_credits: int = 0


class PackOffer(Value):
    """Credits that can be bought once."""

    key: str
    credits: int
    price: Money


class PlansChanged(Document):
    """The plans and packs on offer, cheapest first."""

    type: ClassVar[str] = "billing.plans-changed.v1"

    plans: tuple[PlanOffer, ...]
    packs: tuple[PackOffer, ...] = ()

    @property
    def subject(self) -> str:
        """The one list there is."""
        return "plans"


class Invoice(Value):
    """What a team was asked to pay, newest first; `url` is Stripe's own page of it."""

    id: str
    number: str | None = None
    status: str
    total: Money
    description: str = ""
    created_at: datetime
    url: str | None = None
    pdf_url: str | None = None


class PaymentProblem(Value):
    """What is wrong with a team's payments, in plain words, and the page where it can be mended."""

    code: str
    detail: str
    since: datetime
    url: str | None = None


class NextInvoice(Value):
    """What will be charged next, as far as is known."""

    total: Money
    due_at: datetime


class AutoTopUp(Value):
    """Whether packs are bought by themselves; `stopped` says why not now, `resumes_at` when it goes on."""

    enabled: bool = False
    threshold: int = 0
    pack: str | None = None
    monthly_cap: int = 0
    spent_this_month: int = 0
    stopped: str = ""
    stopped_at: datetime | None = None
    resumes_at: datetime | None = None

    @property
    def is_on(self) -> bool:
        """Whether a pack would be bought now if the credits ran low."""
        return self.enabled and not self.stopped


class BillingChanged(Document):
    """What a team pays for: its plan, the paid period, its invoices, and what is wrong with its payments."""

    type: ClassVar[str] = "billing.billing-changed.v1"

    team_id: UUID
    plan: str
    interval: Interval | None = None
    status: str
    period_start: datetime | None = None
    period_end: datetime | None = None
    trial_end: datetime | None = None
    cancel_at: datetime | None = None
    next_plan: str | None = None
    next_invoice: NextInvoice | None = None
    card: str | None = None
    problem: PaymentProblem | None = None
    invoices: tuple[Invoice, ...] = ()
    auto_top_up: AutoTopUp = AutoTopUp()

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)
