"""What closing a team needs of its transaction and of the object store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from jobs.domain.job import Job


@dataclass(frozen=True, slots=True)
class Closing:
    """A team that is closed, and since when."""

    team_id: UUID
    closed_at: datetime


class Closings(Protocol):
    """Closed teams, as long as something of them may come late."""

    async def note(self, closed: Mapping[UUID, datetime]) -> None:
        """Note teams, each once."""
        ...

    async def take(self, now: datetime, until: datetime, limit: int) -> list[Closing]:
        """Lease teams that are due: nobody else takes them before `until`."""
        ...

    async def open_jobs(self, team_id: UUID) -> list[Job]:
        """Lock the jobs of a team that have not ended."""
        ...

    async def untold_jobs(self, team_id: UUID, limit: int) -> list[Job]:
        """Lock ended jobs of a team that still say what was asked."""
        ...

    async def clear(self, team_id: UUID, next_look: datetime | None) -> None:
        """Forget exports, moves, models and weights of a team; look again then, or never."""
        ...


class Listing(Protocol):
    """Finding objects without knowing their keys."""

    async def keys(self, prefix: str) -> list[str]:
        """List up to 1,000 keys that begin so. Raises StorageUnavailable."""
        ...

    async def delete(self, keys: Sequence[str]) -> set[str]:
        """Delete objects; returns the keys that could not be. Raises StorageUnavailable."""
        ...
