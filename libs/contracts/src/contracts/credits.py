"""The messages of credits: accounts, holds and the ledger."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.message import Command, Document, Fact, Value
from contracts.orders import Operation, Order, Quality, Size, Terms

DeclineCode = Literal[
    "insufficient_credits",
    "key_budget_exceeded",
    "max_credits_exceeded",
    "quote_expired",
    "quote_mismatch",
    "account_frozen",
    "too_late",
]
Outcome = Literal["captured", "released", "expired", "late_captured", "uncollected"]
BucketKind = Literal["plan", "bonus", "topup", "adjustment"]
EntryKind = Literal[
    "reserve", "deduct", "refund", "replenish", "bonus", "top_up", "adjustment", "expire", "claw_back"
]


class HoldCredits(Command):
    """Asks credits to price the orders and set the credits aside: all of them or none."""

    type: ClassVar[str] = "credits.hold.v1"

    request_id: UUID
    team_id: UUID
    orders: tuple[Order, ...] = Field(min_length=1, max_length=20)
    terms: Terms

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)


class Forgotten(Value):
    """What was held for a job, as others remember it: so many units of an operation at a price."""

    operation: Operation
    quantity: int = Field(ge=1)
    unit_price: int = Field(ge=0)
    price_version: int = 0


class CaptureCredits(Command):
    """Asks credits to charge `quantity` delivered units of a hold and to give the rest back.

    With `held` also where credits has forgotten the hold, as after a restore: it is made once more first.
    """

    type: ClassVar[str] = "credits.capture.v1"

    job_id: UUID
    team_id: UUID
    quantity: int = Field(ge=1)
    held: Forgotten | None = None

    @property
    def subject(self) -> str:
        """The job whose hold is settled."""
        return str(self.job_id)


class ReleaseCredits(Command):
    """Asks credits to give a whole hold back; before its hold it leaves a tombstone."""

    type: ClassVar[str] = "credits.release.v1"

    job_id: UUID
    team_id: UUID
    reason: str

    @property
    def subject(self) -> str:
        """The job whose hold is settled."""
        return str(self.job_id)


class Hold(Value):
    """Credits set aside for one job; the order passes on as it came."""

    job_id: UUID
    amount: int
    unit_price: int
    price_version: int
    expires_at: datetime
    order: Order


class QuoteItem(Value):
    """Something a team may want to order: so many units of an operation with these options."""

    operation: Operation
    quantity: int = Field(ge=1, le=16)
    size: Size | None = None
    quality: Quality = "standard"


class QuoteCredits(Command):
    """Asks credits what orders would cost, as an offer that binds until it expires."""

    type: ClassVar[str] = "credits.quote.v1"

    request_id: UUID
    team_id: UUID
    items: tuple[QuoteItem, ...] = Field(min_length=1, max_length=20)

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)


class QuotedItem(QuoteItem):
    """An item with its price: `total = quantity x unit_price`."""

    unit_price: int
    total: int


class CreditsQuoted(Fact):
    """An offer: within its time one request for these items, or fewer of them, costs no more than this."""

    type: ClassVar[str] = "credits.quoted.v1"

    request_id: UUID
    team_id: UUID
    id: UUID
    items: tuple[QuotedItem, ...]
    total: int
    price_version: int
    expires_at: datetime

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)


class CreditsHeld(Fact):
    """The credits for a request are set aside: its jobs exist from now on."""

    type: ClassVar[str] = "credits.held.v1"

    request_id: UUID
    team_id: UUID
    holds: tuple[Hold, ...]

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)

    @property
    def routing_key(self) -> str:
        """Ends with the operation, so that a service hears only what concerns it."""
        return f"{self.type}.{self.holds[0].order.operation}"


class HoldDeclined(Fact):
    """The credits for a request cannot be held; nothing was set aside."""

    type: ClassVar[str] = "credits.hold-declined.v1"

    request_id: UUID
    team_id: UUID
    code: DeclineCode
    required: int
    spendable: int

    @property
    def subject(self) -> str:
        """The request that waits for the verdict."""
        return str(self.request_id)


class CreditsSettled(Fact):
    """A hold is decided, once and for ever; `held = captured + released + uncollected`."""

    type: ClassVar[str] = "credits.settled.v1"

    job_id: UUID
    team_id: UUID
    outcome: Outcome
    held: int
    captured: int
    released: int
    uncollected: int = 0
    entry_ids: tuple[UUID, ...] = ()

    @property
    def subject(self) -> str:
        """The job whose hold is settled."""
        return str(self.job_id)


class Bucket(Value):
    """Credits of one origin: `remaining` are free to spend, `held` are set aside for jobs."""

    id: UUID
    kind: BucketKind
    granted: int
    remaining: int
    held: int
    expires_at: datetime | None = None


class Entry(Value):
    """One line of a team's public credit history.

    `amount` is signed, as it changes what the team can spend (a deduct of credits already held is 0);
    `charged` is what was finally spent by it; `balance_after` is what can be spent afterwards.
    """

    id: UUID
    kind: EntryKind
    amount: int
    charged: int = 0
    balance_after: int
    version: int
    job_id: UUID | None = None
    operation: str | None = None
    reason: str = ""
    at: datetime


class AccountChanged(Document):
    """A team's account as it stands, with the history lines that are new in this version."""

    type: ClassVar[str] = "credits.account-changed.v1"

    team_id: UUID
    available: int
    bonus: int
    reserved: int
    buckets: tuple[Bucket, ...] = ()
    next_replenishment_at: datetime | None = None
    frozen: bool = False
    uncollected: int = 0
    entries: tuple[Entry, ...] = ()

    @property
    def subject(self) -> str:
        """The team whose account it is."""
        return str(self.team_id)


class SizeStep(Value):
    """What an image of at most so many pixels costs: the base times `factor`."""

    pixels: int
    factor: float


class Price(Value):
    """What a unit of an operation costs: `ceil(base x quality x size)`, sizes by the first step they fit."""

    operation: Operation
    base: int
    qualities: dict[Quality, float] = Field(default_factory=dict)
    sizes: tuple[SizeStep, ...] = ()


class PricingChanged(Document):
    """The price list in force from `effective_at`; `version` is the one that holds and quotes name."""

    type: ClassVar[str] = "credits.pricing-changed.v1"

    effective_at: datetime
    prices: tuple[Price, ...]

    @property
    def subject(self) -> str:
        """The one price list there is."""
        return "pricing"


class LowBalance(Fact):
    """What a team can spend has fallen below its threshold; said once until it has been above again.

    `version` is that of the account which is low; 0 where it is not told.
    """

    type: ClassVar[str] = "credits.low-balance.v1"
    public: ClassVar[bool] = True

    team_id: UUID
    spendable: int
    threshold: int
    at: datetime
    version: int = 0

    @property
    def subject(self) -> str:
        """The team."""
        return str(self.team_id)
