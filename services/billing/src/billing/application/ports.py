"""What the use cases need."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from billing.domain.subscription import Subscription
from contracts.billing import PeriodOpened
from contracts.envelope import Cause, Delivery
from contracts.message import Fact, Message


class Subscriptions(Protocol):
    """The teams' plans."""

    async def add(self, subscriptions: Sequence[Subscription]) -> set[UUID]:
        """Store those of teams that have none yet; return these teams."""

    async def lock(self, team_id: UUID) -> Subscription | None:
        """Lock and load a team's subscription."""

    async def lock_due(self, now: datetime, limit: int) -> list[Subscription]:
        """Lock and load Free subscriptions whose month is over, at most `limit`; skip locked ones."""

    async def page(self, after: UUID | None, limit: int) -> list[Subscription]:
        """Load those of the teams that follow an id, in the order of the ids."""

    async def save(self, subscriptions: Sequence[Subscription]) -> None:
        """Store what has changed in them."""


class Periods(Protocol):
    """Every period that was ever opened, once by its `source_ref`."""

    async def add(self, periods: Sequence[PeriodOpened]) -> None:
        """Note that they are open."""


class Outbox(Protocol):
    """What is said once the transaction commits."""

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say the message, in answer to its cause."""

    def announce(self, fact: Fact) -> None:
        """Say a document once more, to those who repair what they keep of it."""


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction on everything billing owns."""

    subscriptions: Subscriptions
    periods: Periods
    outbox: Outbox


Transaction = Callable[[], AbstractAsyncContextManager[Work]]
