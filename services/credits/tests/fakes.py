"""Credits' books in memory: copied in and out, so that what is not saved is not there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from contracts.envelope import Cause, Delivery
from contracts.message import Message
from contracts.orders import Operation
from credits.application.ports import Wanted, Work
from credits.domain.account import Account
from credits.domain.books import Books, Grant, Hold, KeyWindow, Request
from credits.domain.pricing import Price, PriceList, Step

QUALITIES = {"draft": Decimal("0.5"), "standard": Decimal(1), "high": Decimal(2)}
SIZES = tuple(Step(Decimal(n), Decimal(n)) for n in (1, 2, 4))
PRICES = PriceList(
    version=1,
    effective_at=datetime(2026, 1, 1, tzinfo=UTC),
    prices={
        Operation.CREATE_MODEL: Price(Decimal(100)),
        Operation.REFINE_MODEL: Price(Decimal(50)),
        Operation.GENERATE_IMAGES: Price(Decimal(2), QUALITIES, SIZES),
    },
)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Alarms:
    raised: list[str] = field(default_factory=list)

    def conflict(self, about: Message, why: str) -> None:
        self.raised.append(f"{about.type}: {why}")


@dataclass
class State:
    accounts: dict[UUID, Account] = field(default_factory=dict)
    requests: dict[UUID, Request] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    key_spend: dict[KeyWindow, int] = field(default_factory=dict)
    said: list[Message] = field(default_factory=list)


@dataclass
class Outbox:
    messages: list[Message] = field(default_factory=list)
    causes: list[object] = field(default_factory=list)

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        self.messages.append(message)
        self.causes.append(cause)


class Prices:
    async def at(self, now: datetime) -> PriceList:
        assert now >= PRICES.effective_at
        return PRICES


@dataclass
class Bookkeeper:
    state: State

    async def open(self, wanted: Wanted) -> Books:
        state = self.state
        return deepcopy(
            Books(
                accounts={team: state.accounts.get(team) or Account(team, uuid4) for team in wanted.teams},
                requests={id_: state.requests[id_] for id_ in wanted.requests if id_ in state.requests},
                holds={id_: state.holds[id_] for id_ in wanted.jobs if id_ in state.holds},
                grants={ref: state.grants[ref] for ref in wanted.grants if ref in state.grants},
                key_spend={key: state.key_spend[key] for key in wanted.keys if key in state.key_spend},
            )
        )

    async def save(self, books: Books) -> None:
        state, books = self.state, deepcopy(books)
        for team, account in books.accounts.items():
            state.accounts[team] = replace(account, postings=[], opened=[], touched=set())
        state.requests |= {request.id: request for request in books.decided}
        state.holds |= {hold.id: hold for hold in (*books.held, *books.settled.values())}
        state.grants |= {grant.source_ref: grant for grant in books.granted}
        for key, amount in books.key_changes.items():
            state.key_spend[key] = state.key_spend.get(key, 0) + amount


@dataclass
class Due:
    state: State

    async def holds(self, now: datetime, limit: int) -> list[tuple[UUID, UUID]]:
        due = (h for h in self.state.holds.values() if h.status == "held" and h.expires_at <= now)
        return [(hold.team_id, hold.id) for hold in due][:limit]

    async def teams(self, now: datetime, limit: int) -> list[UUID]:
        accounts = self.state.accounts.values()
        return [a.team_id for a in accounts if any(b.has_expired(now) for b in a.buckets.values())][:limit]


@dataclass
class Memory:
    """The books, and what was said through them."""

    state: State = field(default_factory=State)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        state, outbox = deepcopy(self.state), Outbox()
        yield Work(Bookkeeper(state), Prices(), Due(state), outbox)
        state.said += outbox.messages
        self.state = state

    async def said(self) -> list[Message]:
        """Take what was said since the last time."""
        said, self.state.said = self.state.said, []
        return said
