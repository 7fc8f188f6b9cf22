"""The messages of billing: plans, and the periods and payments that bring credits."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.message import Document, Fact, Value


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

    `reset` replaces what is left of the plan, `add` adds to it.
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

    What is spent already is owed (uncollected).
    """

    type: ClassVar[str] = "billing.payment-refunded.v1"

    team_id: UUID
    source_ref: str
    grant_ref: str
    share: float = Field(gt=0, le=1)

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
