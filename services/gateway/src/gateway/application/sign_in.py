"""Sign in and out."""

from dataclasses import dataclass
from datetime import timedelta

from chassis.clock import Clock
from gateway.application.ports import Membership, Passwords, Transaction
from gateway.application.throttling import throttled
from gateway.domain.secrets import hash_of, new_token
from gateway.domain.throttle import Throttle

SESSIONS_LAST = timedelta(days=30)
PER_ACCOUNT = Throttle("sign-in-account", 10, timedelta(minutes=15))


class InvalidCredentials(Exception):
    """No such address, or not its password; which of the two is not told."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user in a team, and the token of their new session; `ready` when the team has its first credits."""

    membership: Membership
    token: str
    ready: bool = True
    replayed: bool = False


def per_address(limit: int) -> Throttle:
    """Limit how often anybody at one address may try within a quarter of an hour."""
    return Throttle("sign-in-address", limit, timedelta(minutes=15))


async def sign_in(
    email: str,
    password: str,
    address: str,
    *,
    limit: Throttle,
    passwords: Passwords,
    transaction: Transaction,
    clock: Clock,
) -> SignedIn:
    """Open a session. Raises InvalidCredentials, TooManyAttempts."""
    now = clock()
    # Counted before the password is looked at, so that parallel guesses count too.
    await throttled(transaction, now, {PER_ACCOUNT: email, limit: address})
    async with transaction() as work:
        membership = await work.people.by_email(email)
    known = membership.user.password_hash if membership else None
    if not await passwords.matches(known, password) or membership is None:
        raise InvalidCredentials
    token = new_token()
    async with transaction() as work:
        await work.throttles.clear(PER_ACCOUNT.key(email))
        await work.people.open_session(hash_of(token), membership, now, now + SESSIONS_LAST)
    return SignedIn(membership, token)


async def sign_out(token: str, transaction: Transaction) -> None:
    """End a session."""
    async with transaction() as work:
        await work.people.close_session(hash_of(token))
