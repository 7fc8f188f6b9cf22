"""A team's credits as clients see them."""

from datetime import datetime
from typing import Self
from uuid import UUID

from contracts.credits import AccountChanged, Bucket, Entry, EntryKind
from contracts.orders import Operation
from gateway.adapters.inbound.http.bodies.common import Body
from gateway.application.reading import Standing
from gateway.domain.plans import FREE


class Account(Body):
    """Credits: `available` and `bonus` can be spent, `reserved` are held for jobs.

    `uncollected` was delivered and could not be charged; nothing is held for a `frozen` account.
    """

    version: int
    available: int
    bonus: int
    reserved: int
    uncollected: int
    frozen: bool
    buckets: list[Bucket]
    next_replenishment_at: datetime | None

    @classmethod
    def of(cls, account: AccountChanged) -> Self:
        """Show an account."""
        return cls(**account.model_dump(exclude={"team_id", "entries"}))


class Balance(Account):
    """Credits, and the jobs that run or are open, with their limits."""

    running: int
    running_limit: int
    open: int
    open_limit: int
    plan: str | None

    @classmethod
    def standing(cls, standing: Standing) -> Self:
        """Show where a team stands."""
        account = standing.account or AccountChanged(
            team_id=UUID(int=0), version=0, available=0, bonus=0, reserved=0
        )
        return cls(
            **account.model_dump(exclude={"team_id", "entries"}),
            running=standing.running,
            running_limit=standing.plan.limits.running if standing.plan else FREE.running,
            open=standing.open,
            open_limit=standing.open_allowed,
            plan=standing.plan.plan if standing.plan else None,
        )


class HistoryLine(Body):
    """One line of the history: `amount` is what it changed, `charged` what was spent for good."""

    id: UUID
    type: EntryKind
    amount: int
    charged: int
    balance_after: int
    operation: Operation | None
    job_id: UUID | None
    reason: str
    at: datetime

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Show a line."""
        return cls(type=entry.kind, **entry.model_dump(exclude={"kind", "version"}))
