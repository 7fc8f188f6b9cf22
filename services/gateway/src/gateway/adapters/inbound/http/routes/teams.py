"""Teams, who is in them, and what they did."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery
from gateway.adapters.inbound.http.bodies.people import Session, Team, team_of
from gateway.adapters.inbound.http.bodies.teams import (
    Activity,
    CloseTeamBody,
    Member,
    RoleBody,
    TeamBody,
    Teams,
)
from gateway.adapters.inbound.http.caller import (
    ActivityReader,
    IdempotencyKey,
    Leaver,
    Person,
    Reader,
    SessionCookie,
    TeamCloser,
    TeamManager,
    fingerprint,
    replayed,
    wish,
)
from gateway.adapters.inbound.http.description import also
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.adapters.inbound.http.signing import forget_cookie, shown
from gateway.application.close_team import close_team
from gateway.application.manage_team import (
    change_role,
    find_membership,
    list_members,
    remove_member,
    rename_team,
    see_activity,
)
from gateway.application.open_team import open_team, switch_team, teams_of
from gateway.domain.requests import Kind

router = APIRouter(tags=["team"])
UserId = Annotated[UUID, Path(alias="id")]


@router.get("/teams", name="list_teams")
async def get_teams(caller: Person, api: Ports) -> Teams:
    """List the teams of the account, the one used last at first. Needs a session."""
    return Teams.of(await teams_of(caller.user_id, api.identity.transaction))


@router.post(
    "/teams",
    status_code=201,
    response_model=Session,
    responses=also(202, "Opened; its first credits are on their way", model=Session),
    name="open_team",
)
async def post_team(
    body: TeamBody,
    caller: Person,
    request: Request,
    response: Response,
    api: Ports,
    key: IdempotencyKey = None,
    session: SessionCookie = None,
) -> Session:
    """Open a further team and go on in it. Needs a session and a verified e-mail address."""
    now = api.asking.clock()
    asked = wish(caller, Kind.OPEN_TEAM, now, fingerprint("team", body), key)
    asked = replace(asked, scope=caller.user_id, team_id=asked.subject)
    answer = await open_team(asked, body.name, caller, api.asking)
    replayed(request, again=answer.replayed)
    response.status_code = 201 if answer.granted else 202
    membership = await find_membership(caller.user_id, answer.request.subject, api.identity.transaction)
    return await shown(membership, session or "", api)


@router.post("/teams/{id}/switch", name="switch_team")
async def post_switch(team_id: UserId, caller: Person, api: Ports, session: SessionCookie = None) -> Session:
    """Let this session act for another team of the account. Needs a session."""
    now, transaction = api.asking.clock(), api.identity.transaction
    return await shown(await switch_team(team_id, caller, now, transaction), session or "", api)


@router.get("/team", name="get_team")
async def get_team(caller: Reader, api: Ports) -> Team:
    """Show the team."""
    return team_of(await find_membership(caller.user_id, caller.team_id, api.identity.transaction))


@router.patch("/team", name="update_team")
async def patch_team(body: TeamBody, caller: TeamManager, api: Ports) -> Team:
    """Rename the team."""
    await rename_team(caller, body.name, api.identity)
    return team_of(await find_membership(caller.user_id, caller.team_id, api.identity.transaction))


@router.delete("/team", status_code=204, name="close_team")
async def delete_team(body: CloseTeamBody, caller: TeamCloser, response: Response, api: Ports) -> None:
    """Close the team for good: jobs are cancelled, images and models deleted, sessions and keys end.

    Its only member, an owner, types its name and gives the password. Needs a session.
    """
    await close_team(caller, body.name, body.password, api.identity)
    forget_cookie(response, api)


@router.get("/team/members", name="list_members")
async def get_members(caller: Reader, api: Ports) -> PageOf[Member]:
    """List who is in the team, who joined first at first."""
    members = await list_members(caller.team_id, api.identity.transaction)
    return PageOf(data=[Member.of(member) for member in members])


@router.patch("/team/members/{id}", name="change_role")
async def patch_member(user_id: UserId, body: RoleBody, caller: TeamManager, api: Ports) -> Member:
    """Give a member another role, which counts at once; only owners decide about owners."""
    return Member.of(await change_role(caller, user_id, body.role, api.identity))


@router.delete("/team/members/{id}", status_code=204, name="remove_member")
async def delete_member(user_id: UserId, caller: Leaver, api: Ports) -> None:
    """Take a member out of the team, with the API keys they made; everybody may leave."""
    await remove_member(caller, user_id, api.identity)


@router.get("/team/activity", name="list_activity")
async def get_activity(
    query: Annotated[PageQuery, Query()], caller: ActivityReader, api: Ports
) -> PageOf[Activity]:
    """List who did what to the people, the keys and the team, newest first; for a year."""
    found = await see_activity(caller.team_id, wanted(query, UUID), api.identity.transaction)
    return page_of(found, query, Activity.of, lambda event: (str(event.id),))
