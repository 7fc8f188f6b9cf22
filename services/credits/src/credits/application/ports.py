"""What the use cases need; the adapters stand behind it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from contracts.credits import Entry
from contracts.envelope import Cause, Delivery
from contracts.message import Fact, Message
from contracts.orders import Operation
from credits.domain.account import Account
from credits.domain.books import Books, KeyWindow
from credits.domain.pricing import Price, PriceList
from credits.domain.repairing import Drift


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a batch must know: whose accounts, and what of which ids is on record.

    With `grants` come the claims on them, with `claims` the buckets of the grants, with `refunds` the buckets
    that those jobs were paid from.
    """

    teams: Collection[UUID]
    requests: Collection[UUID] = ()
    jobs: Collection[UUID] = ()
    grants: Collection[str] = ()
    keys: Collection[KeyWindow] = ()
    quotes: Collection[UUID] = ()
    claims: Collection[str] = ()
    refunds: Collection[UUID] = ()


class Bookkeeper(Protocol):
    """Keeps the books of all teams."""

    async def open(self, wanted: Wanted) -> Books:
        """Lock the teams' accounts, in one order for all; one that is new is opened at zero."""

    async def save(self, books: Books) -> None:
        """Write down what the batch added and changed."""

    async def watch(self, account: Account, version: int) -> bool:
        """Write down below what its team wants to hear; False when a newer `version` is known."""


class PriceLists(Protocol):
    """Knows what things cost."""

    async def at(self, now: datetime) -> PriceList:
        """Find the list that is in force."""

    async def said(self) -> Sequence[PriceList]:
        """List what has been said to be in force, oldest first."""

    async def publish(self, prices: Mapping[Operation, Price], effective_at: datetime) -> PriceList:
        """Add a list that comes into force at a time, with the next version."""

    async def overruled(self, by: PriceList) -> Sequence[int]:
        """Find the versions of planned lists that never come into force because of a newer one."""

    async def claim(self, now: datetime) -> bool:
        """Take it upon this transaction to say the list in force; False when that is done."""

    async def forget_offers(self, before: datetime) -> None:
        """Forget the quotes nobody took that ended before a time."""


class Due(Protocol):
    """Knows what time has run out for; to be checked again under lock."""

    async def holds(self, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Find team and job of holds nobody settled in time."""

    async def teams(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Find teams with buckets open beyond their time."""


class History(Protocol):
    """Knows what has happened; reads only, and waits for nobody."""

    async def team_of(self, job_id: UUID) -> UUID | None:
        """Find the team of a job that credits were held for."""

    async def knows(self, team_id: UUID) -> bool:
        """Tell whether the team has an account."""

    async def teams(self, after: UUID | None, limit: int) -> Sequence[UUID]:
        """List the teams that have an account, in the order of their ids."""

    async def balance(self, team_id: UUID, before: datetime) -> int:
        """Tell what the team could spend at a moment."""

    async def entries(self, team_id: UUID, start: datetime, end: datetime) -> Sequence[Entry]:
        """List the team's history lines of a time, in their order."""

    async def versions(self, team_id: UUID, after: int, limit: int) -> Sequence[Entry]:
        """List the history lines of the versions that follow one, about `limit`, each version whole."""

    async def unsent(self) -> int:
        """Count the messages that wait to be sent."""


class Drifts(Protocol):
    """Knows where the ledger disagrees with the holds."""

    async def find(self, team_id: UUID | None, limit: int) -> Sequence[Drift]:
        """Find what is booked otherwise than the holds say, for one team or for all."""


class Outbox(Protocol):
    """Says messages once the transaction commits."""

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        """Say a message, in answer to its cause."""

    def announce(self, fact: Fact) -> None:
        """Say a document as it stands once more, to those who repair what they keep of it."""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything one transaction can touch."""

    bookkeeper: Bookkeeper
    prices: PriceLists
    due: Due
    history: History
    drifts: Drifts
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


class Turns(Protocol):
    """Lets one of many processes do what only one should."""

    async def mine(self) -> bool:
        """Tell whether it is this process's turn, and take it when it is nobody's."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How the books stand: open holds, the age of the oldest in seconds, and credits that are owed."""

    holds: int
    oldest_hold: float
    uncollected: int


class Audit(Protocol):
    """Compares the books with themselves, in one snapshot, changing nothing."""

    async def run(self) -> Sequence[Check]:
        """Do every check."""
