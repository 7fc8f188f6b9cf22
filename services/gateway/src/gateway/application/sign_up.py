"""Sign up: a user, a team of their own, and the team's first credits."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.ids import new_id
from contracts.gateway import TeamOpened
from gateway.application.ask import Asking, Backlogged
from gateway.application.identity import Identity, open_session
from gateway.application.open_team import begin_team
from gateway.application.ports import Work
from gateway.application.sign_in import SignedIn
from gateway.application.throttling import throttled
from gateway.application.verify_email import ask_verification
from gateway.domain.activity import Act
from gateway.domain.people import Device, EmailTaken, Membership, Team, User
from gateway.domain.permissions import Role
from gateway.domain.requests import KeyReused, Kind, Request, sign_up_scope
from gateway.domain.throttle import neighbourhood


@dataclass(frozen=True, slots=True)
class SignUp:
    """Who wants in, and from where; `body_hash` covers everything but the password."""

    name: str
    email: str
    password: str
    team_name: str
    device: Device
    body_hash: bytes
    key: str | None = None
    user_id: UUID = field(default_factory=new_id)
    team_id: UUID = field(default_factory=new_id)


async def sign_up(wish: SignUp, identity: Identity, asking: Asking) -> SignedIn:
    """Open an account and wait for its first credits; a letter asks to verify its address.

    Repeated with the same key and password it signs in to the account it made. Raises EmailTaken, KeyReused,
    TooManyAttempts, Backlogged.
    """
    if asking.backlogged():
        raise Backlogged
    now = asking.clock()
    place = neighbourhood(wish.device.address)
    await throttled(asking.transaction, now, {identity.sign_ups: place})
    request = _request(wish, now)
    async with asking.transaction() as work:
        earlier = await work.requests.earlier(request)
    if earlier is not None:
        # Comparing is guessing, and counted as such.
        await identity.count_guess(wish.email, wish.device)
    password_hash = await identity.passwords.hash(wish.password)
    async with asking.transaction() as work:
        message = TeamOpened(team_id=wish.team_id, name=wish.team_name, owner_email=wish.email)
        if earlier := await work.requests.earlier(request) or await work.requests.open(request, message):
            membership = await _repeated(work, wish, identity)
        else:
            membership = await _opened(work, wish, password_hash, identity, request)
        token = await open_session(work, membership, wish.device, now)
    noted = earlier or request
    verdict = noted.verdict or await asking.verdicts.wait(noted.id, asking.patience)
    return SignedIn(membership, token, ready=verdict is not None, replayed=earlier is not None)


def _request(wish: SignUp, now: datetime) -> Request:
    return Request(
        id=new_id(),
        kind=Kind.SIGN_UP,
        scope=sign_up_scope(wish.email),
        team_id=wish.team_id,
        user_id=wish.user_id,
        subject=wish.team_id,
        body_hash=wish.body_hash,
        created_at=now,
        key=wish.key,
    )


async def _opened(
    work: Work, wish: SignUp, password_hash: str, identity: Identity, request: Request
) -> Membership:
    user = User(wish.user_id, wish.email, wish.name, password_hash)
    membership = Membership(user, Team(wish.team_id, wish.team_name), Role.OWNER)
    await work.users.add(user, request.created_at)
    await begin_team(work, membership.team, user, request.created_at, request.id)
    await ask_verification(work, user, user.email, identity.site, request.created_at)
    await work.activity.note_person(Act.SIGNED_UP, membership, wish.device.address)
    return membership


async def _repeated(work: Work, wish: SignUp, identity: Identity) -> Membership:
    user = await work.users.by_email(wish.email)
    teams = await work.teams.of_user(user.id) if user else []
    if user is None or not teams:
        raise EmailTaken
    if not await identity.passwords.matches(user.password_hash, wish.password):
        raise KeyReused
    return teams[0]
