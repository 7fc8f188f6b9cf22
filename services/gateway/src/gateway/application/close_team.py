"""Close a team for good, everywhere, and forget what was shown of it."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.clock import Clock
from chassis.ids import new_id
from contracts.gateway import TeamClosed
from gateway.application.identity import Identity
from gateway.application.ports import Transaction, Work
from gateway.domain.asks import NotFound
from gateway.domain.people import HandOverFirst, NameMismatch
from gateway.domain.permissions import Caller

LOOKED_FOR = timedelta(days=30)
_AT_ONCE = 20


async def close_team(caller: Caller, name: str, password: str, identity: Identity) -> None:
    """Close the caller's team; its name must be typed and the password given again.

    Raises NameMismatch, WrongPassword, TooManyAttempts, HandOverFirst.
    """
    async with identity.transaction() as work:
        user = await work.users.by_id(caller.user_id)
    if user is None:
        raise NotFound("user")
    await identity.check_password(user, password, caller.address)
    async with identity.transaction() as work:
        if (team := await work.teams.lock(caller.team_id)) is None:
            raise NotFound("team")
        if name != team.name:
            raise NameMismatch
        if len(await work.teams.members(team.id)) > 1:
            raise HandOverFirst
        await end_team(work, team.id, identity.clock())


async def end_team(work: Work, team_id: UUID, now: datetime) -> None:
    """End what a team's people have here, at once, and tell all others."""
    await work.teams.close(team_id, now)
    await work.endpoints.delete_of_team(team_id)
    work.outbox.say(TeamClosed(team_id=team_id, closed_at=now), new_id())


async def forget_closed_teams(transaction: Transaction, clock: Clock) -> bool:
    """Delete what the views, the log and the requests show of closed teams; tells whether there were many.

    The others may still be telling of them, so it looks again, ever more rarely, for a month.
    """
    now = clock()
    async with transaction() as work:
        closed = await work.teams.closed(now, _AT_ONCE)
        for team_id, closed_at in closed:
            await work.teams.forget(team_id, next_look(closed_at, now))
    return len(closed) == _AT_ONCE


def next_look(closed_at: datetime, now: datetime) -> datetime | None:
    """Say when to look again: first after seconds, later after as long as the team has been closed."""
    age = now - closed_at
    return now + max(timedelta(seconds=2), age / 2) if age < LOOKED_FOR else None
