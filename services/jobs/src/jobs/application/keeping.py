"""What keeping images needs of its transaction and of the object store, beside the jobs themselves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.envelope import Cause
from jobs.domain.export import Export
from jobs.domain.keeping import Move


class Discards(Protocol):
    """Keys that nothing refers to any more, until their objects are deleted."""

    async def add(self, keys: Iterable[str]) -> None:
        """Note keys; jobs and exports do it by themselves when they are saved."""
        ...

    async def add_folder(self, folder: str, due: datetime) -> None:
        """Note everything below a folder, named with its last slash, to be deleted then."""
        ...

    async def take(self, now: datetime, until: datetime, limit: int) -> list[str]:
        """Lease keys and folders that are due: nobody else takes them before `until`."""
        ...

    async def done(self, keys: Sequence[str]) -> None:
        """Forget keys whose objects are gone."""
        ...


@dataclass(frozen=True, slots=True)
class Moving:
    """A move that is under way, and the request it answers."""

    move: Move
    cause: Cause


class Moves(Protocol):
    """Images on their way to where nothing expires, or back."""

    async def add(self, move: Move, cause: Cause) -> None:
        """Note a move, once for each request."""
        ...

    async def take(self, now: datetime, until: datetime, limit: int) -> list[Moving]:
        """Lease the oldest moves: nobody else takes them before `until`."""
        ...

    async def finish(self, request_id: UUID) -> bool:
        """End a move; False when somebody else has."""
        ...


class Exports(Protocol):
    """The exports. What is read here is locked until the transaction ends."""

    async def lock(self, ids: Iterable[UUID]) -> dict[UUID, Export]:
        """Read and lock exports, as far as they exist."""
        ...

    async def counts(self, team_id: UUID, since: datetime) -> tuple[int, int]:
        """Count a team's exports: under way, and begun since then. One asker of a team at a time."""
        ...

    async def save(self, exports: Iterable[Export]) -> None:
        """Write exports, new ones too."""
        ...

    async def take(self, now: datetime, until: datetime, limit: int) -> list[Export]:
        """Lease exports that are to be made: nobody else takes them before `until`."""
        ...

    async def lease(self, export_id: UUID, until: datetime) -> None:
        """Let nobody else take an export up before `until`."""
        ...

    async def due(self, now: datetime, limit: int) -> list[Export]:
        """Lock completed exports whose time is over, skipping those somebody else has."""
        ...

    async def page(self, after: UUID | None, limit: int) -> list[Export]:
        """Read the exports that follow an id, in the order of their ids, without locking them."""
        ...


class Parts(Protocol):
    """Writing an object of any size in parts. All raise StorageUnavailable."""

    async def begin_upload(self, key: str, content_type: str) -> str:
        """Begin; returns the id of the upload."""
        ...

    async def upload_part(self, key: str, upload_id: str, number: int, data: bytes) -> str:
        """Send a part, at least 5 MiB but for the last one; numbers count from 1. Returns its tag."""
        ...

    async def complete_upload(self, key: str, upload_id: str, tags: Sequence[str]) -> None:
        """Make the object of all parts; until then there is none."""
        ...

    async def abort_upload(self, key: str, upload_id: str) -> None:
        """Drop what was sent; fine when there is no such upload any more."""
        ...
