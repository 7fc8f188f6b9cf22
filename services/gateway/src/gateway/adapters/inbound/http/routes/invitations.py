"""Invitations into a team."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Request, Response

from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageOf
from gateway.adapters.inbound.http.bodies.people import Session, Token
from gateway.adapters.inbound.http.bodies.teams import AcceptBody, Invitation, InvitationBody, Welcome
from gateway.adapters.inbound.http.caller import (
    IdempotencyKey,
    MaybePerson,
    SessionCookie,
    TeamManager,
    check_origin,
    device_of,
    fingerprint,
    replayed,
    wish,
)
from gateway.adapters.inbound.http.signing import shown, signed_in
from gateway.application.invite import (
    Newcomer,
    NewcomerUnknown,
    accept_as_member,
    accept_as_newcomer,
    invite,
    list_invitations,
    look_at_invitation,
    revoke_invitation,
)
from gateway.domain.requests import GRANTED, Kind

router = APIRouter(tags=["team"])
InToken = Annotated[Token, Path(alias="token")]


@router.post("/team/invitations", status_code=201, name="invite")
async def post_invitation(
    body: InvitationBody, caller: TeamManager, request: Request, api: Ports, key: IdempotencyKey = None
) -> Invitation:
    """Invite somebody by mail, in place of an earlier invitation; the link works for 7 days."""
    now = api.asking.clock()
    asked = wish(caller, Kind.INVITATION, now, fingerprint("invitation", body), key, verdict=GRANTED)
    invitation, again = await invite(asked, body.email, body.role, caller, api.identity)
    replayed(request, again=again)
    return Invitation.of(invitation)


@router.get("/team/invitations", name="list_invitations")
async def get_invitations(caller: TeamManager, api: Ports) -> PageOf[Invitation]:
    """List the invitations that can be accepted, newest first."""
    found = await list_invitations(caller.team_id, api.identity)
    return PageOf(data=[Invitation.of(one) for one in found])


@router.delete("/team/invitations/{id}", status_code=204, name="revoke_invitation")
async def delete_invitation(
    invitation_id: Annotated[UUID, Path(alias="id")], caller: TeamManager, api: Ports
) -> None:
    """Make an invitation worthless at once."""
    await revoke_invitation(caller, invitation_id, api.identity)


@router.get("/invitations/{token}", name="get_invitation")
async def get_invitation(token: InToken, api: Ports) -> Welcome:
    """Show an invitation to whoever has its link."""
    invitation, team, has_account = await look_at_invitation(token, api.identity)
    return Welcome.of(invitation, team, has_account=has_account)


@router.post(
    "/invitations/{token}/accept",
    dependencies=[Depends(check_origin)],
    openapi_extra={"security": [{}]},  # the link is enough
    name="accept_invitation",
)
async def post_acceptance(
    token: InToken,
    caller: MaybePerson,
    request: Request,
    response: Response,
    api: Ports,
    body: Annotated[AcceptBody | None, Body()] = None,
    session: SessionCookie = None,
) -> Session:
    """Join the team: with a session as oneself, without one as a new user, who is signed in thereby."""
    if caller is not None and session:
        return await shown(await accept_as_member(token, caller, api.identity), session, api)
    if body is None:
        raise NewcomerUnknown
    newcomer = Newcomer(body.name, body.password)
    signed = await accept_as_newcomer(token, newcomer, device_of(request), api.identity)
    return await signed_in(signed.membership, signed.token, response, api)
