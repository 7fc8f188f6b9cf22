"""Billing's stores in memory: copied in and out, so that what is not saved is not there."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.application.ports import Work
from billing.domain.subscription import Subscription
from contracts.billing import PeriodOpened
from contracts.envelope import Cause, Delivery
from contracts.message import Fact, Message


@dataclass
class State:
    subscriptions: dict[UUID, Subscription] = field(default_factory=dict)
    periods: dict[str, PeriodOpened] = field(default_factory=dict)
    said: list[Message] = field(default_factory=list)


@dataclass
class MemorySubscriptions:
    state: State

    async def add(self, subscriptions: Sequence[Subscription]) -> set[UUID]:
        stored = self.state.subscriptions
        new = {each.team_id: each for each in subscriptions if each.team_id not in stored}
        stored.update(new)
        return set(new)

    async def lock(self, team_id: UUID) -> Subscription | None:
        return self.state.subscriptions.get(team_id)

    async def lock_due(self, now: datetime, limit: int) -> list[Subscription]:
        due = [each for each in self.state.subscriptions.values() if each.period_end <= now]
        return sorted(due, key=lambda each: each.period_end)[:limit]

    async def page(self, after: UUID | None, limit: int) -> list[Subscription]:
        stored = sorted(self.state.subscriptions.values(), key=lambda each: each.team_id)
        return [each for each in stored if after is None or each.team_id > after][:limit]

    async def save(self, subscriptions: Sequence[Subscription]) -> None:
        self.state.subscriptions.update({each.team_id: each for each in subscriptions})


@dataclass
class MemoryPeriods:
    state: State

    async def add(self, periods: Sequence[PeriodOpened]) -> None:
        for period in periods:
            assert period.source_ref not in self.state.periods
            self.state.periods[period.source_ref] = period


@dataclass
class MemoryOutbox:
    state: State

    def add(self, message: Message, cause: Delivery[Any] | Cause | None = None) -> None:
        assert cause is None or cause.correlation_id
        self.state.said.append(message)

    def announce(self, fact: Fact) -> None:
        self.state.said.append(fact)


@dataclass
class Memory:
    state: State = field(default_factory=State)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        state = deepcopy(self.state)
        yield Work(MemorySubscriptions(state), MemoryPeriods(state), MemoryOutbox(state))
        self.state = state

    async def said(self) -> list[Message]:
        """Take what was said since the last time."""
        said, self.state.said = self.state.said, []
        return said
