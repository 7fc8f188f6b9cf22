"""What is read from the views: each document by one indexed read, and only the asking team's."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Protocol
from uuid import UUID

from contracts.billing import BillingChanged, PlanChanged, PlansChanged
from contracts.catalog import ModelChanged, ReferenceModelChanged
from contracts.credits import AccountChanged, CreditsQuoted, Entry, PricingChanged
from contracts.jobs import Cost, JobChanged
from contracts.message import Fact
from gateway.domain.people import Membership
from gateway.domain.permissions import Caller


@dataclass(frozen=True)
class JobView:
    """A job as its owner last described it, and what is held for it; both as they are stored, in JSON.

    Who only shows it need not read it into objects.
    """

    document: str
    priced: str | None

    @cached_property
    def job(self) -> JobChanged:
        """The description."""
        return JobChanged.model_validate_json(self.document)

    @property
    def cost(self) -> Cost | None:
        """What is held, if anything is yet."""
        if self.priced is None:
            return None
        held = json.loads(self.priced)
        return Cost(held=held["amount"], unit_price=held["unit_price"], price_version=held["price_version"])


@dataclass(frozen=True, slots=True)
class Standing:
    """A team's account, plan and use, as far as the views tell."""

    account: AccountChanged | None
    plan: PlanChanged | None
    running: int
    open: int
    open_allowed: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands on every page of the dashboard.

    `billing` of a team that never paid is its plan, and None while not even that is known; `head` is the
    newest event.
    """

    teams: tuple[Membership, ...]
    standing: Standing
    billing: BillingChanged | None
    head: int


class Frames(Protocol):
    """What stands on every page, at once."""

    async def frame(self, user_id: UUID, team_id: UUID) -> Frame:
        """Find the teams somebody is in, how one of them stands, what it pays for, and the newest event."""


JobsByKey = Callable[[tuple[bytes, str]], Awaitable[tuple[Caller, JobView] | None]]
"""Finds, for the SHA-256 of an API key and the id of a job, who has the key and the job, if it is their
team's; None unless both are there. One read, which those who ask meanwhile share."""


class Sources(Protocol):
    """What images are made with."""

    async def model(self, team_id: UUID, id_: UUID) -> ModelChanged | None:
        """Find a model of a team that is not deleted."""

    async def reference_model(self, id_: UUID) -> ReferenceModelChanged | None:
        """Find a reference model."""


@dataclass(frozen=True, slots=True)
class Found:
    """What images are made with, as it was found for one request."""

    own: ModelChanged | None = None
    reference: ReferenceModelChanged | None = None

    async def model(self, team_id: UUID, id_: UUID) -> ModelChanged | None:
        """Return the team's model."""
        return self.own if self.own and (self.own.team_id, self.own.id) == (team_id, id_) else None

    async def reference_model(self, id_: UUID) -> ReferenceModelChanged | None:
        """Return the reference model."""
        return self.reference if self.reference and self.reference.id == id_ else None


SourcesByKey = Callable[[tuple[bytes, UUID | None, UUID | None]], Awaitable[tuple[Caller, Found] | None]]
"""Finds, for the SHA-256 of an API key, the id of a model and that of a reference model, who has the key, and
what the team has of the two; None without such a key. One read, which those who ask meanwhile share."""


class Views(Protocol):
    """Single documents, each found by one indexed read, and only the asking team's."""

    async def job(self, team_id: UUID, id_: UUID) -> JobView | None:
        """Find a job."""

    async def jobs(self, team_id: UUID, ids: Sequence[UUID]) -> list[JobView]:
        """Find the jobs of one request, in this order, as far as they are there."""

    async def busy_with(self, team_id: UUID, model_id: UUID) -> bool:
        """Tell whether a job that trains a model, or draws with it, is open."""

    async def model(self, team_id: UUID, id_: UUID) -> ModelChanged | None:
        """Find a model that is not deleted."""

    async def reference_model(self, id_: UUID) -> ReferenceModelChanged | None:
        """Find a reference model."""

    async def standing(self, team_id: UUID) -> Standing:
        """Find a team's balance and limits."""

    async def quote(self, team_id: UUID, request_id: UUID) -> CreditsQuoted | None:
        """Find the offer that answered a request."""

    async def pricing(self, now: datetime) -> PricingChanged | None:
        """Find the price list in force."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted: `after` is the sort key of the last row seen."""

    limit: int
    after: tuple[object, ...] | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Which lines of a history are wanted; from `since` on, and before `before`."""

    kind: str | None = None
    operation: str | None = None
    job_id: UUID | None = None
    since: datetime | None = None
    before: datetime | None = None


class Lists(Protocol):
    """Pages of documents, newest first unless said otherwise; each returns up to one row more than asked."""

    async def jobs(
        self,
        team_id: UUID,
        page: Page,
        *,
        status: str | None,
        operation: str | None,
        model_id: UUID | None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[JobView]:
        """List jobs, made from `since` on and before `before`; `after` is (id)."""

    async def models(
        self, team_id: UUID, page: Page, *, status: str | None, category: str | None, search: str | None
    ) -> list[ModelChanged]:
        """List models that are not deleted; `after` is (id)."""

    async def reference_models(
        self, page: Page, *, sort: str, category: str | None, search: str | None, tag: str | None
    ) -> list[ReferenceModelChanged]:
        """List reference models by `sort`; `after` is its value and the id."""

    async def entries(self, team_id: UUID, page: Page, lines: Lines) -> list[tuple[int, int, Entry]]:
        """List history lines with the version and position that sort them; `after` is those two."""


class Usage(Protocol):
    """What was spent when."""

    async def spent(self, team_id: UUID, since: datetime) -> dict[date, int]:
        """Add up what was charged on each day (UTC) since then; days without are left out."""


class Payments(Protocol):
    """What teams pay for, and what is on offer."""

    async def billing(self, team_id: UUID) -> BillingChanged | None:
        """Find what a team pays for."""

    async def offers(self) -> PlansChanged | None:
        """Find what is on offer."""


class Previews(Protocol):
    """Pictures of reference models."""

    async def preview(self, reference_model_id: UUID) -> tuple[str, str, bytes] | None:
        """Find the name (SHA-256), content type and bytes of a picture."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the event log: a document, or a notice, whose version is its time in microseconds."""

    seq: int
    type: str
    subject: str
    version: int
    at: datetime
    fact: Fact


class EventsExpired(Exception):
    """The events asked for are older than what is kept."""

    def __init__(self, oldest: int) -> None:
        super().__init__(
            "These events are no longer kept. Read the lists again and continue from the oldest."
        )
        self.oldest = oldest


class Events(Protocol):
    """The event log, as it is read."""

    async def events(self, team_id: UUID, after: int, limit: int, types: Sequence[str] = ()) -> list[Event]:
        """Read a team's events beyond `after`, of these types or all. Raises EventsExpired."""

    async def head(self) -> int:
        """Tell the number of the newest event of all."""
