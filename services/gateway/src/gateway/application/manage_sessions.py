"""List and end the sessions of a person."""

from uuid import UUID

from gateway.application.identity import Identity
from gateway.domain.activity import Act
from gateway.domain.asks import NotFound
from gateway.domain.people import Session
from gateway.domain.permissions import Caller


async def list_sessions(caller: Caller, identity: Identity) -> list[Session]:
    """List where somebody is signed in, the device seen last at first."""
    async with identity.transaction() as work:
        return await work.sessions.of_user(caller.user_id, identity.clock())


async def end_session(session_id: UUID, caller: Caller, identity: Identity) -> None:
    """End one session at once. Raises NotFound."""
    async with identity.transaction() as work:
        if not await work.sessions.end(caller.user_id, session_id):
            raise NotFound("session")
        await work.activity.note(Act.SESSION_ENDED, caller, session_id)


async def end_other_sessions(caller: Caller, identity: Identity) -> None:
    """End all sessions but the caller's."""
    async with identity.transaction() as work:
        ended = await work.sessions.end_all(caller.user_id, but=caller.session_id)
        if ended:
            await work.activity.note(Act.OTHER_SESSIONS_ENDED, caller, detail=str(ended))
