"""After a restore: what the restored service no longer knows of what is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from contracts.jobs import TERMINAL
from gateway.application.checking import Unknown
from gateway.application.ports import Transaction, Work

Owner = Literal["billing", "catalog", "credits", "jobs"]


class Fate(StrEnum):
    """What becomes of it."""

    DROPPED = "not shown any more"
    ASKED = "asked for again"
    KEPT = "shown as it is"


@dataclass(frozen=True, slots=True)
class Mended:
    """Something shown that its owner no longer knows, and what becomes of it."""

    what: Unknown
    fate: Fate


async def mend_views(owner: Owner, below: int, transaction: Transaction, *, apply: bool) -> list[Mended]:
    """List what `owner` did not say again after its versions were lifted; with `apply` also mend it.

    Models, exports and lines of history are dropped. Open jobs are asked for again by the requests they came
    from, and plans by saying that their team is open: whoever knows them already does nothing. Jobs that
    have ended stay, since their images do, and accounts, until what was paid is said again.
    """
    async with transaction() as work:
        unknown = await work.restored.unknown(owner, below)
        requests = await work.restored.requests([one.id for one in unknown if _is_open_job(one)])
        teams = {team.team_id: team for team in await work.restored.teams(_of("plan", unknown))}
        found = [Mended(one, _fate(one, set(requests) | set(teams))) for one in unknown]
        if apply:
            await _drop(work, [one.what for one in found if one.fate is Fate.DROPPED])
            for request_id, message in dict(requests.values()).items():
                work.outbox.say(message, request_id)
            for team in teams.values():
                work.outbox.say(team, team.team_id)
    return found


def _fate(one: Unknown, asked: set[UUID]) -> Fate:
    if one.id in asked:
        return Fate.ASKED
    return Fate.KEPT if one.kind in {"job", "plan", "account"} else Fate.DROPPED


def _is_open_job(one: Unknown) -> bool:
    return one.kind == "job" and one.state not in TERMINAL


def _of(kind: str, unknown: Sequence[Unknown]) -> list[UUID]:
    return [one.id for one in unknown if one.kind == kind]


async def _drop(work: Work, unknown: Sequence[Unknown]) -> None:
    for kind in sorted({one.kind for one in unknown}):
        await work.restored.drop(kind, _of(kind, unknown))
