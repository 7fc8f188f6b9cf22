"""Rename a team, and change who is in it as what."""

from uuid import UUID

from gateway.application.identity import Identity
from gateway.application.ports import Transaction, Work
from gateway.application.reading import Page
from gateway.domain.activity import Act, Event
from gateway.domain.asks import NotFound
from gateway.domain.people import Membership, check_removal, check_role_change
from gateway.domain.permissions import Caller, Permission, Role


async def rename_team(caller: Caller, name: str, identity: Identity) -> None:
    """Give the caller's team another name."""
    async with identity.transaction() as work:
        if (team := await work.teams.lock(caller.team_id)) is None:
            raise NotFound("team")
        await work.teams.rename(team.id, name)
        await work.activity.note(Act.TEAM_RENAMED, caller, detail=name)


async def find_membership(user_id: UUID, team_id: UUID, transaction: Transaction) -> Membership:
    """Find somebody in a team. Raises NotFound."""
    async with transaction() as work:
        membership = await work.teams.membership(user_id, team_id)
    if membership is None:
        raise NotFound("team")
    return membership


async def list_members(team_id: UUID, transaction: Transaction) -> list[Membership]:
    """List who is in a team, who joined first at first."""
    async with transaction() as work:
        return await work.teams.members(team_id)


async def change_role(caller: Caller, user_id: UUID, role: Role, identity: Identity) -> Membership:
    """Give a member another role, which counts at once. Raises NotFound, OwnersOnly, LastOwner."""
    async with identity.transaction() as work:
        members, member = await _find(work, caller, user_id)
        check_role_change(_role_of(caller, members), member.role, role, _owners(members))
        await work.teams.assign(caller.team_id, user_id, role)
        await work.activity.note(Act.ROLE_CHANGED, caller, user_id, f"{member.role} to {role}")
        changed = await work.teams.membership(user_id, caller.team_id)
    if changed is None:
        raise NotFound("member")
    return changed


async def remove_member(caller: Caller, user_id: UUID, identity: Identity) -> None:
    """Take a member out of the team, with the keys they made; everybody may leave.

    Raises NotPermitted, NotFound, OwnersOnly, LastOwner.
    """
    leaves = user_id == caller.user_id
    caller.require(Permission.OWN_ACCOUNT if leaves else Permission.MANAGE_TEAM)
    async with identity.transaction() as work:
        members, member = await _find(work, caller, user_id)
        check_removal(_role_of(caller, members), member.role, _owners(members), leaves=leaves)
        await work.keys.revoke_of(caller.team_id, user_id, identity.clock())
        await work.teams.leave(caller.team_id, user_id)
        await work.sessions.leave(caller.team_id, user_id)
        await work.activity.note(Act.MEMBER_LEFT if leaves else Act.MEMBER_REMOVED, caller, user_id)


async def see_activity(team_id: UUID, page: Page, transaction: Transaction) -> list[Event]:
    """List what was done in a team, newest first."""
    async with transaction() as work:
        return await work.activity.of_team(team_id, page)


async def _find(work: Work, caller: Caller, user_id: UUID) -> tuple[list[Membership], Membership]:
    # One change of a team's members at a time, so that the last two owners cannot remove each other.
    await work.teams.lock(caller.team_id)
    members = await work.teams.members(caller.team_id)
    for member in members:
        if member.user.id == user_id:
            return members, member
    raise NotFound("member")


def _role_of(caller: Caller, members: list[Membership]) -> Role:
    """Find what the caller is now, which may be less than when the request arrived."""
    return next((one.role for one in members if one.user.id == caller.user_id), Role.MEMBER)


def _owners(members: list[Membership]) -> int:
    return sum(member.role is Role.OWNER for member in members)
