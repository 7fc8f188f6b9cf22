"""The original: the rows that one customer, its model and its job really left, by what they belong to."""

import json
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from bench.growing.copies import JOBS, MODELS, TEAMS
from bench.growing.tokens import ids_in

Query = Callable[[str], str]
Rows = dict[str, list[str]]
TABLES = tuple(dict.fromkeys([*TEAMS, *MODELS, *JOBS]))
SETTLED_IN = 30.0
_EVENTS = "jobs.job-changed.v1"


@dataclass(frozen=True)
class Original:
    """Rows as JSON, by table, and the ids that are a team's, a model's and a job's own."""

    rows: Rows
    team_ids: list[str]
    model_ids: list[str]
    job_ids: list[str]

    @classmethod
    def between(cls, opened: Rows, made: Rows, done: Rows, shared: Collection[str]) -> "Original":
        """Tell apart what was there when the team was opened, its model made, its job done.

        What is `shared` with all others is nobody's own.
        """
        known, own = set(shared), []
        for rows in (opened, made, done):
            own.append([id_ for id_ in ids_in(_texts(rows)) if id_ not in known])
            known.update(own[-1])
        return cls(done, *own)

    @property
    def email(self) -> str:
        """What comes before the @ in the address of its one user."""
        return str(json.loads(self.rows["gateway.users"][0])["email"]).partition("@")[0]

    def of_job(self, table: str) -> list[str]:
        """Find the rows of a table that a job leaves."""
        found = [row for row in self.rows[table] if self._is_of_job(row)]
        if table == "gateway.event_log":
            return [row for row in found if json.loads(row)["type"] == _EVENTS]
        return found

    def of_team(self, table: str) -> list[str]:
        """Find the rows of a table that a team has before its first job."""
        return [row for row in self.rows[table] if not self._is_of_job(row)]

    def _is_of_job(self, row: str) -> bool:
        return any(id_ in row for id_ in self.job_ids)


def shared_ids(query: Query) -> list[str]:
    """Find the ids that all teams have in common: those of the curated models."""
    return ids_in(_read(query, "catalog.reference_models"))


def settled(query: Query, team_id: str) -> Rows:
    """Read what belongs to a team as soon as nothing changes any more."""
    deadline, before = time.monotonic() + SETTLED_IN, _connected(query, team_id)
    while time.monotonic() < deadline:
        time.sleep(1)
        now = _connected(query, team_id)
        if now == before:
            return now
        before = now
    raise TimeoutError(f"team {team_id} does not come to rest")


def _connected(query: Query, team_id: str) -> Rows:
    """Find the rows that name the team, those that name what these name, and so on."""
    everything = {table: _read(query, table) for table in TABLES}
    shared = set(shared_ids(query))
    known, found = {team_id}, 0
    while found < len(known):
        found = len(known)
        for rows in everything.values():
            for row in rows:
                ids = set(ids_in([row]))
                if ids & known:
                    known |= ids - shared
    return {
        table: sorted(row for row in rows if known & set(ids_in([row]))) for table, rows in everything.items()
    }


def _read(query: Query, table: str) -> list[str]:
    return query(f"select to_jsonb(x)::text from {table} as x").splitlines()  # noqa: S608 - names of ours


def _texts(rows: Rows) -> Iterable[str]:
    return (row for found in rows.values() for row in found)
