"""One's own account, and where it is signed in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageOf
from gateway.adapters.inbound.http.bodies.people import (
    DeleteMeBody,
    Device,
    Me,
    MeBody,
    team_of,
    user_of,
)
from gateway.adapters.inbound.http.caller import Identified, Person, SessionCookie
from gateway.adapters.inbound.http.signing import forget_cookie
from gateway.application.manage_account import (
    change_email,
    choose_notices,
    delete_account,
    rename_account,
)
from gateway.application.manage_sessions import end_other_sessions, end_session, list_sessions
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller
from gateway.domain.secrets import csrf_token

router = APIRouter(tags=["auth"])


@router.get("/me", name="get_me")
async def get_me(caller: Identified, api: Ports, session: SessionCookie = None) -> Me:
    """Tell who asks, and what they may do."""
    return await _me(caller, api, session)


@router.patch("/me", name="update_me")
async def patch_me(body: MeBody, caller: Person, api: Ports, session: SessionCookie = None) -> Me:
    """Change the name, what letters are wanted about, or the e-mail address: a link is sent there.

    Needs a session.
    """
    if body.email is not None and body.password is not None:
        await change_email(caller, body.email, body.password, api.identity)
    if body.name is not None:
        await rename_account(caller, body.name, api.identity)
    if body.notices is not None:
        await choose_notices(caller, body.notices, api.identity)
    return await _me(caller, api, session)


@router.delete("/me", status_code=204, name="delete_me")
async def delete_me(body: DeleteMeBody, caller: Person, response: Response, api: Ports) -> None:
    """Delete the account, and the teams nobody else is in; the address can sign up again. Needs a session."""
    await delete_account(caller, body.password, api.identity)
    forget_cookie(response, api)


@router.get("/me/sessions", name="list_sessions")
async def get_sessions(caller: Person, api: Ports) -> PageOf[Device]:
    """List where the account is signed in, the device seen last at first. Needs a session."""
    found = await list_sessions(caller, api.identity)
    return PageOf(data=[Device.of(one, caller.session_id) for one in found])


@router.delete("/me/sessions", status_code=204, name="end_other_sessions")
async def delete_sessions(caller: Person, api: Ports) -> None:
    """End all sessions but this one, at once. Needs a session."""
    await end_other_sessions(caller, api.identity)


@router.delete("/me/sessions/{id}", status_code=204, name="end_session")
async def delete_session(session_id: Annotated[UUID, Path(alias="id")], caller: Person, api: Ports) -> None:
    """End one session at once. Needs a session."""
    await end_session(session_id, caller, api.identity)


async def _me(caller: Caller, api: Api, session: str | None) -> Me:
    async with api.identity.transaction() as work:
        membership = await work.teams.membership(caller.user_id, caller.team_id)
    if membership is None:
        raise NotFound("user")
    return Me(
        user=user_of(membership),
        team=team_of(membership),
        via="api_key" if caller.key else "session",
        permissions=sorted(caller.permissions),
        notices=sorted(membership.notices),
        csrf_token=csrf_token(session) if session and caller.session_id else None,
    )
