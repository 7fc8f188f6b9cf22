"""The team: who is in it as what, who is invited, what they did, and its end; other teams of one's own."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response
from pydantic import ValidationError

from gateway.adapters.inbound.dashboard.forms import complaints
from gateway.adapters.inbound.dashboard.pages import page, part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageQuery
from gateway.adapters.inbound.http.bodies.teams import Activity, CloseTeamBody, RoleBody, TeamBody
from gateway.adapters.inbound.http.caller import fingerprint, wish
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.adapters.inbound.http.signing import forget_cookie
from gateway.application.close_team import close_team
from gateway.application.invite import list_invitations
from gateway.application.manage_team import (
    change_role,
    list_members,
    remove_member,
    rename_team,
    see_activity,
)
from gateway.application.open_team import open_team, switch_team
from gateway.domain.permissions import Caller, Permission
from gateway.domain.requests import Kind
from gateway.domain.requests import Request as Wish

router = APIRouter()
Text = Annotated[str, Form(max_length=300)]
_SHOWN = 30


@router.get("/team")
async def team(me: Visiting, api: Ports) -> Response:
    """Show who is in the team, and to who manages it, who is invited."""
    manages = me.may(Permission.MANAGE_TEAM)
    members = await list_members(me.team.id, api.identity.transaction)
    return page(
        "team.html",
        me,
        title="Team",
        members=members,
        names={member.user.id: member.user.name for member in members},
        invitations=await list_invitations(me.team.id, api.identity) if manages else [],
        role=me.caller.role,
        said="",
    )


@router.get("/team/activity")
async def activity(
    me: Visiting, api: Ports, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> Response:
    """Show who did what to the people, the keys and the team, newest first."""
    me.caller.require(Permission.SEE_ACTIVITY)
    query = PageQuery(limit=_SHOWN, cursor=cursor)
    found = await see_activity(me.team.id, wanted(query, UUID), api.identity.transaction)
    members = await list_members(me.team.id, api.identity.transaction)
    return page(
        "activity.html",
        me,
        title="Activity",
        here="Team",
        events=page_of(found, query, Activity.of, lambda event: (str(event.id),)),
        names={str(member.user.id): member.user.name for member in members},
    )


@router.post("/team")
async def rename(caller: Acting, api: Ports, name: Text = "") -> Response:
    """Give the team another name."""
    caller.require(Permission.MANAGE_TEAM)
    try:
        body = TeamBody(name=name)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await rename_team(caller, body.name, api.identity)
    return _on("/team")


@router.post("/team/members/{user_id}")
async def change(user_id: UUID, caller: Acting, api: Ports, role: Text = "") -> Response:
    """Give a member another role."""
    caller.require(Permission.MANAGE_TEAM)
    try:
        body = RoleBody.model_validate({"role": role})
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await change_role(caller, user_id, body.role, api.identity)
    return _on("/team")


@router.delete("/team/members/{user_id}")
async def remove(user_id: UUID, caller: Acting, api: Ports) -> Response:
    """Take a member out of the team, or leave it."""
    await remove_member(caller, user_id, api.identity)
    return _on("/" if user_id == caller.user_id else "/team")


@router.post("/team/close")
async def close(caller: Acting, api: Ports, name: Text = "", password: Text = "") -> Response:
    """Close the team for good."""
    caller.require(Permission.CLOSE_TEAM)
    try:
        body = CloseTeamBody(name=name, password=password)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await close_team(caller, body.name, body.password, api.identity)
    answer = _on("/sign-in")
    forget_cookie(answer, api)
    return answer


@router.get("/teams/new")
async def new_team(me: Visiting) -> Response:
    """Ask what a further team is called."""
    return page("team-new.html", me, title="New team", here="Team")


@router.post("/teams")
async def open_another(caller: Acting, api: Ports, name: Text = "", key: Text = "") -> Response:
    """Open a further team, and go on in it."""
    try:
        body = TeamBody(name=name)
    except ValidationError as error:
        return part("parts/complaints.html", 422, complaints=complaints(error))
    await open_team(_wish(caller, body, key, api), body.name, caller, api.asking)
    return _on("/")


@router.post("/teams/{team_id}/switch")
async def switch(team_id: UUID, caller: Acting, api: Ports) -> Response:
    """Go on in another team."""
    await switch_team(team_id, caller, api.asking.clock(), api.identity.transaction)
    return _on("/")


def _wish(caller: Caller, body: TeamBody, key: str, api: Api) -> Wish:
    asked = wish(caller, Kind.OPEN_TEAM, api.asking.clock(), fingerprint("page team", body), key or None)
    return replace(asked, scope=caller.user_id, team_id=asked.subject)


def _on(there: str) -> Response:
    return Response(headers={"HX-Redirect": there})
