"""What webhooks to clients need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from gateway.application.reading import Event, Page
from gateway.domain.webhooks import Answer, Endpoint, Status


class AddressRefused(Exception):
    """Nothing may be sent to this address; the message says why."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery, and how it ended."""

    n: int
    at: datetime
    answer: Answer


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint; its id is the `webhook-id`, the same with every try."""

    id: UUID
    endpoint_id: UUID
    seq: int | None
    type: str
    subject: str
    version: int
    status: Status
    created_at: datetime
    due_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery to try now, and for this process alone until its lease ends; a ping has no `event`."""

    id: UUID
    endpoint: Endpoint
    type: str
    created_at: datetime
    event: Event | None


class Endpoints(Protocol):
    """Where teams want their events."""

    async def add(self, endpoint: Endpoint) -> None:
        """Add one; it gets what happens from now on. Raises TooManyEndpoints."""

    async def of_team(self, team_id: UUID) -> list[Endpoint]:
        """List a team's, newest first."""

    async def lock(self, id_: UUID, team_id: UUID | None = None) -> Endpoint | None:
        """Find one, of a team if given, and keep others from changing it meanwhile."""

    async def save(self, endpoint: Endpoint) -> None:
        """Keep what has changed."""

    async def delete(self, id_: UUID) -> None:
        """Delete one, with all its deliveries."""

    async def delete_of_team(self, team_id: UUID) -> None:
        """Delete all of a team's."""


class Deliveries(Protocol):
    """What is on its way to endpoints, and what became of it."""

    async def anybody(self) -> bool:
        """Tell whether any endpoint is there to be told."""

    async def skip(self) -> None:
        """Let what was logged pass, as there is nobody to tell of it."""

    async def fan_out(self, names: Mapping[str, str], now: datetime) -> bool:
        """Make deliveries of what was logged since; True when there may be more.

        `names` are what types of facts are called; the others are nobody's. One process at a time does it.
        """

    async def lease(self, now: datetime, until: datetime, limit: int, each: int) -> list[Due]:
        """Take up to `limit` that are due, at most `each` of an endpoint at a time, in turn, newest states.

        What nobody has recorded by `until` is due again.
        """

    async def add(self, delivery: Delivery) -> None:
        """Add one that no event has led to."""

    async def lock(self, endpoint_id: UUID, id_: UUID) -> Delivery | None:
        """Find one of an endpoint, without its attempts, and keep others from changing it meanwhile."""

    async def record(self, id_: UUID, answer: Answer, now: datetime) -> int | None:
        """Note how a try ended; returns how many there were in this round, None without such a delivery."""

    async def end(self, id_: UUID, status: Status, now: datetime) -> None:
        """End one."""

    async def retry(self, id_: UUID, at: datetime) -> None:
        """Let it be tried again then."""

    async def send_again(self, id_: UUID, now: datetime) -> None:
        """Start another round of tries at once."""

    async def abandon(self, endpoint_id: UUID, now: datetime) -> None:
        """End all that wait for an endpoint as failed."""

    async def page(self, endpoint_id: UUID, page: Page, status: Status | None) -> list[Delivery]:
        """List an endpoint's, newest first, up to one more than asked; `after` is (id)."""

    async def forget(self, before: datetime) -> None:
        """Drop those made before then."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent: a body, signed with each of these secrets."""

    id: str
    url: str
    body: str
    secrets: Sequence[str]
    at: datetime


class Receivers(Protocol):
    """Where letters go."""

    async def check(self, url: str) -> None:
        """Raise AddressRefused when nothing may be sent there."""

    async def send(self, letter: Letter) -> Answer:
        """Send a letter once and tell what was answered; never raises for what is wrong over there."""
