"""Sign up: a user, a team of their own, and the team's first credits."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from chassis.ids import new_id
from contracts.gateway import TeamOpened
from gateway.application.ask import Asking, Backlogged
from gateway.application.ports import EmailTaken, Membership, Passwords, Team, User, Work
from gateway.application.sign_in import SESSIONS_LAST, SignedIn
from gateway.application.throttling import throttled
from gateway.domain.permissions import Role
from gateway.domain.plans import FREE
from gateway.domain.requests import KeyReused, Kind, Request, sign_up_scope
from gateway.domain.secrets import hash_of, new_token
from gateway.domain.throttle import Throttle


@dataclass(frozen=True, slots=True)
class SignUp:
    """Who wants in, and from where; `body_hash` covers everything but the password."""

    name: str
    email: str
    password: str
    team_name: str
    address: str
    body_hash: bytes
    key: str | None = None
    user_id: UUID = field(default_factory=new_id)
    team_id: UUID = field(default_factory=new_id)


def per_address(limit: int) -> Throttle:
    """Limit how many sign up from one address within an hour."""
    return Throttle("sign-up", limit, timedelta(hours=1))


async def sign_up(wish: SignUp, limit: Throttle, passwords: Passwords, asking: Asking) -> SignedIn:
    """Open an account and wait for its first credits.

    Repeated with the same key and password it signs in to the account it made. Raises EmailTaken, KeyReused,
    TooManyAttempts, Backlogged.
    """
    if asking.backlogged():
        raise Backlogged
    now = asking.clock()
    await throttled(asking.transaction, now, {limit: wish.address})
    password_hash, token = await passwords.hash(wish.password), new_token()
    request = Request(
        new_id(),
        Kind.SIGN_UP,
        sign_up_scope(wish.email),
        wish.team_id,
        wish.user_id,
        wish.team_id,
        wish.body_hash,
        now,
        wish.key,
    )
    async with asking.transaction() as work:
        message = TeamOpened(team_id=wish.team_id, name=wish.team_name, owner_email=wish.email)
        if earlier := await work.requests.earlier(request) or await work.requests.open(request, message):
            membership = await _repeated(work, wish, passwords)
        else:
            membership = await _opened(work, wish, password_hash, now)
            work.outbox.say(message, request.id)
        await work.people.open_session(hash_of(token), membership, now, now + SESSIONS_LAST)
    noted = earlier or request
    verdict = noted.verdict or await asking.verdicts.wait(noted.id, asking.patience)
    return SignedIn(membership, token, ready=verdict is not None, replayed=earlier is not None)


async def _opened(work: Work, wish: SignUp, password_hash: str, now: datetime) -> Membership:
    user = User(wish.user_id, wish.email, wish.name, password_hash)
    membership = Membership(user, Team(wish.team_id, wish.team_name), Role.OWNER)
    await work.people.add(membership, now)
    await work.slots.prepare(wish.team_id, FREE.open)
    return membership


async def _repeated(work: Work, wish: SignUp, passwords: Passwords) -> Membership:
    membership = await work.people.by_email(wish.email)
    if membership is None:
        raise EmailTaken
    if not await passwords.matches(membership.user.password_hash, wish.password):
        raise KeyReused
    return membership
