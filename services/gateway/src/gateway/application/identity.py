"""What the use cases about people share."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.clock import Clock
from chassis.ids import new_id
from gateway.application.ports import Passwords, Transaction, Work
from gateway.application.throttling import throttled
from gateway.domain.people import SESSIONS_LAST, Device, Membership, Session, User
from gateway.domain.proofs import LASTS, Proof, Purpose
from gateway.domain.secrets import hash_of, new_token
from gateway.domain.throttle import Throttle, neighbourhood

PER_PAIR = Throttle("password", 10, timedelta(minutes=15))
"""Guesses at one account from one place: too many, and that place waits; the owner elsewhere does not."""
PER_ACCOUNT = Throttle("password-account", 100, timedelta(minutes=15))
"""Guesses at one account from everywhere."""


class InvalidCredentials(Exception):
    """No such address, or not its password; which of the two is not told."""


class WrongPassword(Exception):
    """Somebody who is signed in did not give the account's password."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Transactions, the time, passwords, how often one place may try, and where people find our pages."""

    transaction: Transaction
    clock: Clock
    passwords: Passwords
    site: str
    sign_ups: Throttle
    sign_ins: Throttle

    async def count_guess(self, account: str, device: Device) -> None:
        """Count a guess at a password before it is looked at, so that parallel ones count too.

        Raises TooManyAttempts.
        """
        place = neighbourhood(device.address)
        attempts = {PER_PAIR: f"{account} {place}", PER_ACCOUNT: account, self.sign_ins: place}
        await throttled(self.transaction, self.clock(), attempts)

    async def check_password(self, user: User, password: str, address: str) -> None:
        """Let somebody who is signed in show again who they are. Raises WrongPassword, TooManyAttempts."""
        await self.count_guess(user.email, Device(address))
        if not await self.passwords.matches(user.password_hash, password):
            raise WrongPassword
        async with self.transaction() as work:
            await work.throttles.clear(PER_PAIR.key(f"{user.email} {neighbourhood(address)}"))


async def open_session(work: Work, who: Membership, device: Device, now: datetime) -> str:
    """Let somebody act for a team from a device; returns the session's token."""
    token = new_token()
    session = Session(
        id=new_id(),
        token_hash=hash_of(token),
        user_id=who.user.id,
        team_id=who.team.id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + SESSIONS_LAST,
        device=device,
    )
    await work.sessions.open(session)
    await work.teams.use(who.team.id, who.user.id, now)
    return token


async def prove(work: Work, purpose: Purpose, user: User, email: str, now: datetime) -> str:
    """Make the token of a link that only whoever reads the mail of an address can follow."""
    token = new_token()
    await work.proofs.add(Proof(purpose, user.id, email, now + LASTS[purpose]), hash_of(token))
    return token
