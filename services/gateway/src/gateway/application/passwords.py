"""Change a password, and choose a new one when it was forgotten."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from gateway.application.identity import Identity, prove
from gateway.application.throttling import throttled
from gateway.domain import letters
from gateway.domain.activity import Act
from gateway.domain.asks import NotFound
from gateway.domain.people import Device, User
from gateway.domain.permissions import Caller
from gateway.domain.proofs import ProofInvalid, Purpose
from gateway.domain.secrets import hash_of
from gateway.domain.throttle import Throttle, neighbourhood

RESETS = Throttle("reset", 5, timedelta(hours=1))
RESETS_FROM = Throttle("reset-address", 30, timedelta(hours=1))

ANSWERED_IN = 0.1
"""Seconds: longer than it takes to write the letter, so that nobody sees whether one was written."""


async def change_password(caller: Caller, current: str, wanted: str, identity: Identity) -> None:
    """Set another password and end all other sessions. Raises WrongPassword, TooManyAttempts."""
    async with identity.transaction() as work:
        user = await work.users.by_id(caller.user_id)
    if user is None:
        raise NotFound("user")
    await identity.check_password(user, current, caller.address)
    changed = replace(user, password_hash=await identity.passwords.hash(wanted))
    now = identity.clock()
    async with identity.transaction() as work:
        await work.users.change(changed, now)
        await work.sessions.end_all(user.id, but=caller.session_id)
        await work.activity.note(Act.PASSWORD_CHANGED, caller)
        await work.post.write(user.email, letters.password_changed(user.name), now)


async def ask_reset(email: str, device: Device, identity: Identity) -> None:
    """Send a link with which a new password can be chosen, if there is such an account.

    Whether there is one cannot be told from the answer, nor from how long it takes. Raises TooManyAttempts.
    """
    attempts = {RESETS: email, RESETS_FROM: neighbourhood(device.address)}
    await throttled(identity.transaction, identity.clock(), attempts)
    await asyncio.gather(_send_reset(email, device, identity), asyncio.sleep(ANSWERED_IN))


async def _send_reset(email: str, device: Device, identity: Identity) -> None:
    now = identity.clock()
    async with identity.transaction() as work:
        if (user := await work.users.by_email(email)) is None:
            return
        token = await prove(work, Purpose.RESET, user, email, now)
        link = f"{identity.site}/reset/{token}"
        await work.post.write(email, letters.reset(user.name, link), now)
        for membership in (await work.teams.of_user(user.id))[:1]:
            await work.activity.note_person(Act.PASSWORD_RESET_ASKED, membership, device.address)


async def reset_password(token: str, wanted: str, device: Device, identity: Identity) -> User:
    """Set a new password with the link of a letter, and end all sessions. Raises ProofInvalid."""
    now = identity.clock()
    await throttled(identity.transaction, now, {RESETS_FROM: neighbourhood(device.address)})
    password_hash = await identity.passwords.hash(wanted)
    async with identity.transaction() as work:
        proof = await work.proofs.take(hash_of(token), Purpose.RESET, now)
        user = await work.users.by_id(proof.user_id) if proof else None
        if proof is None or user is None or user.email != proof.email:
            raise ProofInvalid
        changed = replace(user, password_hash=password_hash, verified=True)
        await work.users.change(changed, now)
        await work.sessions.end_all(user.id)
        await work.post.write(user.email, letters.password_changed(user.name), now)
        for membership in (await work.teams.of_user(user.id))[:1]:
            await work.activity.note_person(Act.PASSWORD_RESET, membership, device.address)
    return changed
