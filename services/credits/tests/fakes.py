"""Credits' books in memory: copied in and out, so that what is not saved is not there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from contracts.credits import Entry
from contracts.envelope import Cause, Delivery
from contracts.message import Fact, Message
from contracts.orders import Operation
from credits.application.ports import Wanted, Work
from credits.domain.account import Account
from credits.domain.books import Books, Claim, Grant, Hold, KeyWindow, Request
from credits.domain.limits import Limits
from credits.domain.pricing import Price, PriceList, Step
from credits.domain.quote import Quote
from credits.domain.repairing import Drift

QUALITIES = {"draft": Decimal("0.5"), "standard": Decimal(1), "high": Decimal(2)}
SIZES = tuple(Step(n * 1024 * 1024, Decimal(n)) for n in (1, 2, 4))
PRICES = PriceList(
    version=1,
    effective_at=datetime(2026, 1, 1, tzinfo=UTC),
    prices={
        Operation.CREATE_MODEL: Price(100),
        Operation.REFINE_MODEL: Price(50),
        Operation.GENERATE_IMAGES: Price(2, QUALITIES, SIZES),
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
    claims: dict[str, Claim] = field(default_factory=dict)
    ledger: list[tuple[UUID, Entry]] = field(default_factory=list)
    key_spend: dict[KeyWindow, int] = field(default_factory=dict)
    quotes: dict[UUID, Quote] = field(default_factory=dict)
    price_lists: list[PriceList] = field(default_factory=lambda: [PRICES])
    keys: set[str] = field(default_factory=set)
    announced: set[int] = field(default_factory=set)
    billing_versions: dict[UUID, int] = field(default_factory=dict)
    said: list[Message] = field(default_factory=list)
    said_again: list[Message] = field(default_factory=list)


@dataclass
class Outbox:
    messages: list[Message] = field(default_factory=list)
    causes: list[object] = field(default_factory=list)
    announced: list[Fact] = field(default_factory=list)

    def announce(self, fact: Fact) -> None:
        self.announced.append(fact)

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        self.messages.append(message)
        self.causes.append(cause)


@dataclass
class Prices:
    state: State

    async def at(self, now: datetime) -> PriceList:
        in_time = (each for each in self.state.price_lists if each.effective_at <= now)
        return max(in_time, key=lambda each: each.version)

    async def said(self) -> list[PriceList]:
        return [each for each in self.state.price_lists if each.version in self.state.announced]

    async def publish(self, prices: Mapping[Operation, Price], effective_at: datetime) -> PriceList:
        made = PriceList(self.state.price_lists[-1].version + 1, effective_at, prices)
        self.state.price_lists.append(made)
        return made

    async def overruled(self, by: PriceList) -> list[int]:
        older = (each for each in self.state.price_lists if each.version < by.version)
        return [each.version for each in older if each.effective_at >= by.effective_at]

    async def claim(self, now: datetime) -> bool:
        version = (await self.at(now)).version
        fresh = version not in self.state.announced
        self.state.announced.add(version)
        return fresh

    async def forget_offers(self, before: datetime) -> None:
        kept = (q for q in self.state.quotes.values() if q.used_by or q.expires_at >= before)
        self.state.quotes = {quote.id: quote for quote in kept}


@dataclass
class Bookkeeper:
    state: State
    limits: Limits

    async def open(self, wanted: Wanted) -> Books:
        state = self.state
        return deepcopy(
            Books(
                accounts={team: state.accounts.get(team) or Account(team, new_id) for team in wanted.teams},
                requests={id_: state.requests[id_] for id_ in wanted.requests if id_ in state.requests},
                holds={id_: state.holds[id_] for id_ in wanted.jobs if id_ in state.holds},
                grants={ref: state.grants[ref] for ref in wanted.grants if ref in state.grants},
                claims={
                    ref: claim
                    for ref, claim in state.claims.items()
                    if ref in wanted.claims or claim.grant_ref in wanted.grants
                },
                quotes={id_: state.quotes[id_] for id_ in wanted.quotes if id_ in state.quotes},
                limits=self.limits,
                key_spend={key: state.key_spend[key] for key in wanted.keys if key in state.key_spend},
            )
        )

    async def save(self, books: Books) -> None:
        state, books = self.state, deepcopy(books)
        for team, account in books.accounts.items():
            state.ledger += [(team, posting.entry()) for posting in account.postings]
            keys = [posting.about.key for posting in account.postings if posting.about.key]
            assert len(set(keys) | state.keys) == len(keys) + len(state.keys)
            state.keys |= set(keys)
            state.accounts[team] = replace(account, postings=[], opened=[], touched=set())
        state.requests |= {request.id: request for request in books.decided}
        ended = (*books.held, *books.settled.values(), *books.refunded.values())
        state.holds |= {hold.id: hold for hold in ended}
        state.claims |= books.claimed
        state.grants |= {grant.source_ref: grant for grant in books.granted}
        state.quotes |= {quote.id: quote for quote in (*books.offered, *books.used)}
        for key, amount in books.key_changes.items():
            state.key_spend[key] = state.key_spend.get(key, 0) + amount

    async def watch(self, account: Account, version: int) -> bool:
        newer = version > self.state.billing_versions.get(account.team_id, 0)
        if newer:
            self.state.billing_versions[account.team_id] = version
            kept = self.state.accounts.setdefault(account.team_id, Account(account.team_id, new_id))
            kept.alert_below = account.alert_below
        return newer


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
class History:
    state: State

    async def team_of(self, job_id: UUID) -> UUID | None:
        return self.state.holds[job_id].team_id if job_id in self.state.holds else None

    async def knows(self, team_id: UUID) -> bool:
        return team_id in self.state.accounts

    async def teams(self, after: UUID | None, limit: int) -> list[UUID]:
        return sorted(team for team in self.state.accounts if after is None or team > after)[:limit]

    async def balance(self, team_id: UUID, before: datetime) -> int:
        return sum(e.amount for team, e in self.state.ledger if team == team_id and e.at < before)

    async def entries(self, team_id: UUID, start: datetime, end: datetime) -> list[Entry]:
        return [entry for team, entry in self.state.ledger if team == team_id and start <= entry.at < end]

    async def versions(self, team_id: UUID, after: int, limit: int) -> list[Entry]:
        lines = [entry for team, entry in self.state.ledger if team == team_id and entry.version > after]
        return [entry for entry in lines if entry.version <= lines[:limit][-1].version]

    async def unsent(self) -> int:
        return 0


@dataclass
class Drifts:
    state: State

    async def find(self, team_id: UUID | None, limit: int) -> list[Drift]:
        found = []
        for hold in self.state.holds.values():
            booked = sum(entry.charged for _, entry in self.state.ledger if entry.job_id == hold.id)
            found.append(Drift("charged", hold.team_id, hold.id, booked, hold.captured - hold.refunded))
        return [d for d in found if d.excess and team_id in (None, d.team_id)][:limit]


@dataclass
class Memory:
    """The books, and what was said through them."""

    limits: Limits = field(default_factory=Limits)
    state: State = field(default_factory=State)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        state, outbox = deepcopy(self.state), Outbox()
        yield Work(
            Bookkeeper(state, self.limits), Prices(state), Due(state), History(state), Drifts(state), outbox
        )
        state.said += outbox.messages
        state.said_again += outbox.announced
        self.state = state

    async def said_again(self) -> list[Message]:
        said, self.state.said_again = self.state.said_again, []
        return said

    async def said(self) -> list[Message]:
        """Take what was said since the last time."""
        said, self.state.said = self.state.said, []
        return said
