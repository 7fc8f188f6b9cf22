"""Show that an e-mail address is one's own, by following a link that was sent there."""

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.application.identity import Identity, prove
from gateway.application.ports import Work
from gateway.application.throttling import throttled
from gateway.domain import letters
from gateway.domain.activity import Act
from gateway.domain.asks import NotFound
from gateway.domain.people import User
from gateway.domain.permissions import Caller
from gateway.domain.proofs import ProofInvalid, Purpose
from gateway.domain.secrets import hash_of
from gateway.domain.throttle import Throttle

PER_PERSON = Throttle("verification", 5, timedelta(hours=1))


async def ask_verification(work: Work, user: User, email: str, site: str, now: datetime) -> None:
    """Send a link to an address that becomes, or stays, the account's once the link is followed."""
    token = await prove(work, Purpose.VERIFY, user, email, now)
    await work.post.write(email, letters.verification(user.name, f"{site}/verify/{token}"), now)


async def send_verification(caller: Caller, identity: Identity) -> None:
    """Send the link again; one that was sent before does not work any more. Raises TooManyAttempts."""
    await throttled(identity.transaction, identity.clock(), {PER_PERSON: str(caller.user_id)})
    async with identity.transaction() as work:
        if (user := await work.users.by_id(caller.user_id)) is None:
            raise NotFound("user")
        if not user.verified:
            await ask_verification(work, user, user.email, identity.site, identity.clock())


async def verify_email(token: str, address: str, identity: Identity) -> User:
    """Take an address for verified. Raises ProofInvalid, EmailTaken."""
    now = identity.clock()
    async with identity.transaction() as work:
        proof = await work.proofs.take(hash_of(token), Purpose.VERIFY, now)
        user = await work.users.by_id(proof.user_id) if proof else None
        if proof is None or user is None:
            raise ProofInvalid
        # Another address is verified anew, at the moment it becomes the account's.
        if proof.email != user.email:
            await work.users.change(replace(user, verified=False), now)
        changed = replace(user, email=proof.email, verified=True)
        await work.users.change(changed, now)
        for membership in (await work.teams.of_user(user.id))[:1]:
            await work.activity.note_person(Act.EMAIL_VERIFIED, membership, address, detail=proof.email)
    return changed
