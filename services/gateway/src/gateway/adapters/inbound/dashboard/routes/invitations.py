"""Inviting people into the team; each answer is the list as it is then."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Response
from pydantic import ValidationError

from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import part
from gateway.adapters.inbound.dashboard.visitor import Acting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.teams import InvitationBody
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.application.invite import invite, list_invitations, revoke_invitation
from gateway.application.manage_team import list_members
from gateway.domain.asks import NotFound
from gateway.domain.permissions import Caller, Permission
from gateway.domain.requests import GRANTED, Kind

router = APIRouter()
Text = Annotated[str, Form(max_length=300)]


@router.post("/team/invitations")
async def invite_form(
    caller: Acting, api: Ports, email: Text = "", role: Text = "member", key: Text = ""
) -> Response:
    """Send an invitation."""
    caller.require(Permission.MANAGE_TEAM)
    try:
        body = InvitationBody.model_validate({"email": email.strip(), "role": role})
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await _invite(body, caller, api, key or None)
    return await _listed(caller, api, f"The invitation to {body.email} is on its way.")


@router.post("/team/invitations/{invitation_id}/again")
async def invite_again(invitation_id: UUID, caller: Acting, api: Ports) -> Response:
    """Send an invitation again; the link sent before does not work any more."""
    caller.require(Permission.MANAGE_TEAM)
    for one in await list_invitations(caller.team_id, api.identity):
        if one.id == invitation_id:
            await _invite(InvitationBody(email=one.email, role=one.role), caller, api, None)
            return await _listed(caller, api, f"Sent again to {one.email}; only the new link works.")
    raise NotFound("invitation")


@router.delete("/team/invitations/{invitation_id}")
async def revoke(invitation_id: UUID, caller: Acting, api: Ports) -> Response:
    """Make an invitation worthless."""
    caller.require(Permission.MANAGE_TEAM)
    await revoke_invitation(caller, invitation_id, api.identity)
    return await _listed(caller, api, "The invitation is revoked; its link does not work any more.")


async def _invite(body: InvitationBody, caller: Caller, api: Api, key: str | None) -> None:
    now, hashed = api.asking.clock(), fingerprint("page invitation", body)
    asked = wish(caller, Kind.INVITATION, now, hashed, key, verdict=GRANTED)
    await invite(asked, body.email, body.role, caller, api.identity)


async def _listed(caller: Caller, api: Api, said: str) -> Response:
    members = await list_members(caller.team_id, api.identity.transaction)
    return part(
        "parts/invitations.html",
        invitations=await list_invitations(caller.team_id, api.identity),
        names={member.user.id: member.user.name for member in members},
        role=caller.role,
        said=said,
    )
