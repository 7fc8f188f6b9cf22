"""Closed teams in Postgres."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.connection import Connection
from chassis.statement import Statement, text
from jobs.application.closing import Closing
from jobs.domain.closing import FORGOTTEN
from jobs.domain.job import Job

_NOTE = text(
    "insert into jobs.closed_teams (team_id, closed_at, look_at) values (:team_id, :closed_at, :closed_at)"
    " on conflict do nothing"
)
_TAKE = text(
    "update jobs.closed_teams set look_at = :until where team_id in (select team_id from jobs.closed_teams"
    " where look_at <= :now order by look_at limit :most for no key update skip locked)"
    " returning team_id, closed_at"
)
_OF_TEAM = (
    "select id, cast(data as text) as data, due_at, poll_at from jobs.jobs where team_id = :team_id and"
)
_OPEN = text(f"{_OF_TEAM} due_at is not null order by id for no key update")
_UNTOLD = text(
    f"{_OF_TEAM} due_at is null and data -> 'recipe' <> cast(:forgotten as jsonb)"
    " order by id limit :most for no key update"
)
_CLEAR = (
    text("delete from jobs.exports where team_id = :team_id"),
    text("delete from jobs.moves where team_id = :team_id"),
    text(
        "delete from jobs.model_versions where model_id in"
        " (select id from jobs.models where team_id = :team_id)"
    ),
    text("delete from jobs.models where team_id = :team_id"),
    text("delete from jobs.weights where team_id = :team_id"),
)
_LOOK = text("update jobs.closed_teams set look_at = :next_look where team_id = :team_id")


class Reader(Protocol):
    """Reads jobs so that what is changed of them can be saved."""

    async def read(self, statement: Statement, **parameters: object) -> list[Job]:
        """Read the jobs a statement finds."""
        ...


class PostgresClosings:
    """Closed teams, within one transaction."""

    def __init__(self, connection: Connection, jobs: Reader) -> None:
        self._connection, self._jobs = connection, jobs

    async def note(self, closed: Mapping[UUID, datetime]) -> None:
        """Note teams, each once."""
        rows = [{"team_id": id_, "closed_at": closed[id_]} for id_ in sorted(closed)]
        await self._connection.execute(_NOTE, rows)

    async def take(self, now: datetime, until: datetime, limit: int) -> list[Closing]:
        """Lease teams that are due: nobody else takes them before `until`."""
        rows = await self._connection.execute(_TAKE, {"now": now, "until": until, "most": limit})
        return [Closing(row.team_id, row.closed_at) for row in rows]

    async def open_jobs(self, team_id: UUID) -> list[Job]:
        """Lock the jobs of a team that have not ended."""
        return await self._jobs.read(_OPEN, team_id=team_id)

    async def untold_jobs(self, team_id: UUID, limit: int) -> list[Job]:
        """Lock ended jobs of a team that still say what was asked."""
        forgotten = FORGOTTEN.model_dump_json()
        return await self._jobs.read(_UNTOLD, team_id=team_id, forgotten=forgotten, most=limit)

    async def clear(self, team_id: UUID, next_look: datetime | None) -> None:
        """Forget exports, moves, models and weights of a team; look again then, or never."""
        for statement in _CLEAR:
            await self._connection.execute(statement, {"team_id": team_id})
        await self._connection.execute(_LOOK, {"team_id": team_id, "next_look": next_look})
