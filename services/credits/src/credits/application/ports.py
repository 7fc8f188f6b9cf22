"""What the use cases need; the adapters stand behind it."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from contracts.envelope import Cause, Delivery
from contracts.message import Message
from credits.domain.books import Books, KeyWindow
from credits.domain.pricing import PriceList


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a batch must know: whose accounts, and what of which ids is on record."""

    teams: Collection[UUID]
    requests: Collection[UUID] = ()
    jobs: Collection[UUID] = ()
    grants: Collection[str] = ()
    keys: Collection[KeyWindow] = ()


class Bookkeeper(Protocol):
    """Keeps the books of all teams."""

    async def open(self, wanted: Wanted) -> Books:
        """Lock the teams' accounts, in one order for all; one that is new is opened at zero."""

    async def save(self, books: Books) -> None:
        """Write down what the batch added and changed."""


class PriceLists(Protocol):
    """Knows what things cost."""

    async def at(self, now: datetime) -> PriceList:
        """Find the list that is in force."""


class Due(Protocol):
    """Knows what time has run out for; to be checked again under lock."""

    async def holds(self, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Find team and job of holds nobody settled in time."""

    async def teams(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Find teams with buckets open beyond their time."""


class Outbox(Protocol):
    """Says messages once the transaction commits."""

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say a message, in answer to its cause."""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything one transaction can touch."""

    bookkeeper: Bookkeeper
    prices: PriceLists
    due: Due
    outbox: Outbox


Transaction = Callable[[], AbstractAsyncContextManager[Work]]


class Alarms(Protocol):
    """Calls a person."""

    def conflict(self, about: Message, why: str) -> None:
        """Report that an id came again with other content and nothing was applied."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the ledger: how many rows were looked at, and what does not hold."""

    name: str
    examined: int
    findings: tuple[str, ...]


class Audit(Protocol):
    """Compares the books with themselves, in one snapshot, changing nothing."""

    async def run(self) -> Sequence[Check]:
        """Do every check."""
