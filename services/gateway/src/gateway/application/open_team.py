"""Open a further team, look at the teams one is in, and switch between them."""

from datetime import datetime, timedelta
from uuid import UUID

from contracts.gateway import TeamOpened
from gateway.application.ask import Asked, Asking, Backlogged
from gateway.application.ports import Transaction, Work
from gateway.application.throttling import throttled
from gateway.domain.activity import Act
from gateway.domain.asks import NotFound
from gateway.domain.people import TEAMS_OWNED, Membership, Team, TooManyTeams, User
from gateway.domain.permissions import Caller, Role
from gateway.domain.plans import FREE
from gateway.domain.requests import Request
from gateway.domain.throttle import Throttle

PER_PERSON = Throttle("teams", 5, timedelta(days=1))
"""Each team starts with free credits."""


async def open_team(request: Request, name: str, caller: Caller, asking: Asking) -> Asked:
    """Open a team and wait for its first credits; the caller's session goes on in it.

    Raises EmailNotVerified, TooManyTeams, TooManyAttempts, KeyReused, Backlogged.
    """
    if asking.backlogged():
        raise Backlogged
    caller.require_verified()
    async with asking.transaction() as work:
        earlier = await work.requests.earlier(request)
    if earlier is None:
        await throttled(asking.transaction, asking.clock(), {PER_PERSON: str(caller.user_id)})
        earlier = await _write_down(request, name, caller, asking.transaction)
    noted = earlier or request
    verdict = noted.verdict or await asking.verdicts.wait(noted.id, asking.patience)
    return Asked(noted, granted=verdict is not None, replayed=earlier is not None)


async def _write_down(
    request: Request, name: str, caller: Caller, transaction: Transaction
) -> Request | None:
    async with transaction() as work:
        user = await work.users.by_id(caller.user_id)
        if user is None:
            raise NotFound("user")
        team = Team(request.subject, name)
        if earlier := await work.requests.open(request, _opened(team, user)):
            return earlier
        owned = [one for one in await work.teams.of_user(user.id) if one.role is Role.OWNER]
        if len(owned) >= TEAMS_OWNED:
            raise TooManyTeams
        await begin_team(work, team, user, request.created_at, request.id)
        if caller.session_id:
            await work.sessions.switch(caller.session_id, team.id)
        await work.activity.note_person(Act.TEAM_OPENED, Membership(user, team, Role.OWNER), caller.address)
        return None


async def begin_team(work: Work, team: Team, owner: User, now: datetime, correlation_id: UUID) -> None:
    """Add a team with its owner, and say so: its plan and first credits follow."""
    await work.teams.open(team, owner.id, now)
    await work.slots.prepare(team.id, FREE.open)
    work.outbox.say(_opened(team, owner), correlation_id)


def _opened(team: Team, owner: User) -> TeamOpened:
    return TeamOpened(team_id=team.id, name=team.name, owner_email=owner.email)


async def teams_of(user_id: UUID, transaction: Transaction) -> list[Membership]:
    """List the teams somebody is in, the one used last at first."""
    async with transaction() as work:
        return await work.teams.of_user(user_id)


async def switch_team(team_id: UUID, caller: Caller, now: datetime, transaction: Transaction) -> Membership:
    """Let the caller's session act for another team they are in. Raises NotFound."""
    async with transaction() as work:
        membership = await work.teams.membership(caller.user_id, team_id)
        if membership is None or caller.session_id is None:
            raise NotFound("team")
        await work.sessions.switch(caller.session_id, team_id)
        await work.teams.use(team_id, caller.user_id, now)
    return membership
