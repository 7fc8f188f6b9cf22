"""Sign in and out."""

from dataclasses import dataclass
from uuid import UUID

from chassis.ids import new_id
from gateway.application.identity import PER_PAIR, Identity, InvalidCredentials, open_session
from gateway.application.open_team import begin_team
from gateway.application.ports import Work
from gateway.domain.activity import Act
from gateway.domain.people import Device, Membership, Team, User
from gateway.domain.permissions import Role
from gateway.domain.secrets import hash_of
from gateway.domain.throttle import neighbourhood

_NOWHERE = UUID(int=0)
_NOBODY = Membership(User(_NOWHERE, "", "", ""), Team(_NOWHERE, ""), Role.MEMBER)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user in a team, and the token of their new session; `ready` when the team has its first credits."""

    membership: Membership
    token: str
    ready: bool = True
    replayed: bool = False


async def sign_in(email: str, password: str, device: Device, identity: Identity) -> SignedIn:
    """Open a session in the team used last. Raises InvalidCredentials, TooManyAttempts."""
    await identity.count_guess(email, device)
    async with identity.transaction() as work:
        user = await work.users.by_email(email)
    known = user.password_hash if user else None
    if not await identity.passwords.matches(known, password) or user is None:
        await _note_failure(user, device, identity)
        raise InvalidCredentials
    now = identity.clock()
    async with identity.transaction() as work:
        membership = await _home(work, user, identity)
        token = await open_session(work, membership, device, now)
        await work.throttles.clear(PER_PAIR.key(f"{email} {neighbourhood(device.address)}"))
        await work.activity.note_person(Act.SIGNED_IN, membership, device.address)
    return SignedIn(membership, token)


async def _note_failure(user: User | None, device: Device, identity: Identity) -> None:
    """Note a wrong password; a guess at nobody's writes as much, so that its time tells no address."""
    async with identity.transaction() as work:
        teams = await work.teams.of_user(user.id if user else _NOBODY.user.id)
        await work.activity.note_person(Act.SIGN_IN_FAILED, teams[0] if teams else _NOBODY, device.address)


async def _home(work: Work, user: User, identity: Identity) -> Membership:
    """Find the team to look at; who was removed from their last one gets a team of their own."""
    teams = await work.teams.of_user(user.id)
    if teams:
        return teams[0]
    team = Team(new_id(), f"{user.name}'s team"[:80])
    await begin_team(work, team, user, identity.clock(), new_id())
    return Membership(user, team, Role.OWNER)


async def sign_out(token: str, address: str, identity: Identity) -> None:
    """End a session."""
    async with identity.transaction() as work:
        session = await work.sessions.by_token(hash_of(token))
        if session is None or not await work.sessions.end(session.user_id, session.id):
            return
        membership = await work.teams.membership(session.user_id, session.team_id)
        if membership is not None:
            await work.activity.note_person(Act.SIGNED_OUT, membership, address)
