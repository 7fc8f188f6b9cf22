"""What the audit reads and keeps: the books of jobs and accounts, and what was found wrong with them."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from contracts.credits import HoldCredits
from contracts.gateway import TeamOpened
from gateway.domain.books import AccountBooks, Finding, JobBooks


class Books(Protocol):
    """Jobs and accounts with what the history of credits says of them; each as of one moment."""

    def moved(self, since: datetime) -> AsyncIterator[JobBooks]:
        """Go through the jobs that anything moved for since then, and those with findings."""

    async def jobs(self, ids: Collection[UUID]) -> list[JobBooks]:
        """Read these jobs."""

    async def changed(self) -> list[AccountBooks]:
        """Read the accounts that are newer than their last balanced reading, adding what is new to that."""

    async def accounts(self, team_ids: Collection[UUID] | None = None) -> list[AccountBooks]:
        """Read these accounts, or all, adding up their whole history."""

    async def balanced(self, accounts: Sequence[AccountBooks]) -> None:
        """Note readings that balance, so that the next ones can start from them."""


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding, when it was first seen, and when a remedy was asked for it."""

    finding: Finding
    first_seen_at: datetime
    healed_at: datetime | None


class Findings(Protocol):
    """What the audit found."""

    async def begin(self, *, wait: bool) -> datetime | None:
        """Become the one who looks, until the transaction ends; tells when one last looked.

        None when another looks now and waiting is not wanted.
        """

    async def note(self, found: Sequence[Finding], now: datetime, grace: timedelta) -> None:
        """Note all that is wrong now: what lasts beyond its grace counts, what is not found any more ends."""

    async def standing(self) -> list[StoredFinding]:
        """List what counts and lasts, the oldest first."""

    async def healed(self, findings: Sequence[Finding], now: datetime) -> None:
        """Note that a remedy was asked for."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something shown that its restored owner has not said again: what it is, whose, and how it stands."""

    kind: str
    id: UUID
    team_id: UUID | None
    state: str


class Restored(Protocol):
    """What is shown of a service that was restored."""

    async def unknown(self, owner: str, below: int) -> list[Unknown]:
        """Find what was last said in a version below the one that everything was lifted to."""

    async def requests(self, job_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, HoldCredits]]:
        """Find, by job, the request it came from with what was asked then."""

    async def teams(self, team_ids: Collection[UUID]) -> list[TeamOpened]:
        """Describe those of the teams that are open."""

    async def drop(self, kind: str, ids: Collection[UUID]) -> None:
        """Show them no more."""
