"""Plans, packs, and what a team pays, as clients see and choose them."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, StringConstraints, Tag

from contracts import billing as messages
from contracts.billing import BillingChanged, Interval, Limits, Money, PlansChanged
from gateway.adapters.inbound.http.bodies.common import Body, Strict, Whole

PageUrl = Annotated[
    str,
    StringConstraints(
        max_length=2000, pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][\x21-\x7e]*)?$"
    ),
]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
_RETURN = "Where the browser goes afterwards; without it, to the dashboard"


class PlanOffer(Body):
    """A plan anyone may choose; `prices` is empty for the one that costs nothing.

    A trial, once in a team's life, lasts `trial_days` and brings `trial_credits`.
    """

    key: str
    name: str
    credits: int
    limits: Limits
    prices: dict[Interval, Money]
    trial_days: int
    trial_credits: int


class PackOffer(Body):
    """Credits that are bought once and survive renewals."""

    key: str
    credits: int
    price: Money


class Offers(Body):
    """What is on offer, cheapest first; amounts are in the smallest unit of their currency."""

    plans: list[PlanOffer]
    packs: list[PackOffer]

    @classmethod
    def of(cls, offers: PlansChanged) -> Self:
        """Show what is on offer."""
        return cls.model_validate(offers.model_dump(exclude={"version"}))


class Invoice(Body):
    """What the team was asked to pay; `url` is Stripe's own page of it."""

    id: str
    number: str | None
    status: str
    total: Money
    description: str
    created_at: datetime
    url: str | None
    pdf_url: str | None


class NextInvoice(Body):
    """What will be charged next, as far as is known."""

    total: Money
    due_at: datetime


class PaymentProblem(Body):
    """What is wrong with the team's payments, in plain words, and the page where it can be mended."""

    code: str
    detail: str
    since: datetime
    url: str | None


class AutoTopUp(Body):
    """Whether packs are bought by themselves; `stopped` says why not now, `resumes_at` when it goes on."""

    enabled: bool
    threshold: int
    pack: str | None
    monthly_cap: int
    spent_this_month: int
    stopped: str
    stopped_at: datetime | None
    resumes_at: datetime | None

    @classmethod
    def of(cls, wish: messages.AutoTopUp) -> Self:
        """Show what the team wants."""
        return cls.model_validate(wish.model_dump())


class Billing(Body):
    """What the team pays for: its plan, the paid period, its invoices, and what is wrong with payments."""

    plan: str
    interval: Interval | None
    status: str
    period_start: datetime | None
    period_end: datetime | None
    trial_end: datetime | None
    cancel_at: datetime | None
    next_plan: str | None
    next_invoice: NextInvoice | None
    card: str | None
    problem: PaymentProblem | None
    invoices: list[Invoice]
    auto_top_up: AutoTopUp

    @classmethod
    def of(cls, billing: BillingChanged) -> Self:
        """Show what a team pays for."""
        return cls.model_validate(billing.model_dump(exclude={"version", "team_id"}))


class CheckoutBody(Strict):
    """Which plan the team wants to pay for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"plan": "pro", "interval": "month"}]})

    plan: Key
    interval: Interval = "month"
    success_url: PageUrl | None = Field(default=None, description=_RETURN)
    cancel_url: PageUrl | None = Field(default=None, description=_RETURN)


class TopUpBody(Strict):
    """Which pack of credits the team wants to pay for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"pack": "medium"}]})

    pack: Key
    success_url: PageUrl | None = Field(default=None, description=_RETURN)
    cancel_url: PageUrl | None = Field(default=None, description=_RETURN)


class PortalBody(Strict):
    """Where the portal leads back to."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    return_url: PageUrl | None = Field(default=None, description=_RETURN)


def _yes_or_no(value: object) -> object:
    """Take JSON's true and false alone: to Python 1 and 0 are the same."""
    if value is not True and value is not False:
        raise ValueError("must be true or false")
    return value


YesOrNo = BeforeValidator(_yes_or_no)


class AutoTopUpOn(Strict):
    """Buy a pack whenever what can be spent falls below `threshold`.

    `monthly_cap` is the most it may cost in a calendar month, in the smallest unit of the pack's currency.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"enabled": True, "threshold": 100, "pack": "small", "monthly_cap": 3000}]
        }
    )

    enabled: Annotated[Literal[True], YesOrNo]
    threshold: Annotated[int, Field(ge=1, le=1_000_000, strict=True), Whole]
    pack: Key
    monthly_cap: Annotated[int, Field(ge=1, le=10_000_000, strict=True), Whole]


class AutoTopUpOff(Strict):
    """Buy nothing by itself any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    enabled: Annotated[Literal[False], YesOrNo]


def _which(body: object) -> str:
    """Tell one from the other by what `enabled` says; a description can do that by texts only."""
    enabled = body.get("enabled") if isinstance(body, dict) else getattr(body, "enabled", None)
    return "on" if enabled else "off"


AutoTopUpBody = Annotated[
    Annotated[AutoTopUpOn, Tag("on")] | Annotated[AutoTopUpOff, Tag("off")], Discriminator(_which)
]


class Page(Body):
    """A page of Stripe's to send the browser to; what happens there takes effect without its coming back."""

    url: str
