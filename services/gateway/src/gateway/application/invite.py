"""Invite people into a team by mail, and let them in."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chassis.ids import new_id
from gateway.application.identity import Identity, open_session
from gateway.application.ports import Work
from gateway.application.sign_in import SignedIn
from gateway.application.throttling import throttled
from gateway.domain import letters
from gateway.domain.activity import Act
from gateway.domain.asks import NotFound
from gateway.domain.people import (
    INVITATIONS_LAST,
    AlreadyMember,
    Device,
    Invitation,
    Membership,
    Team,
    User,
    WrongAddress,
    check_role_change,
)
from gateway.domain.permissions import Caller, Role
from gateway.domain.requests import Request
from gateway.domain.secrets import hash_of, new_token
from gateway.domain.throttle import Throttle, neighbourhood

PER_TEAM = Throttle("invitations", 50, timedelta(days=1))


class NewcomerUnknown(Exception):
    """Somebody without a session accepts an invitation and does not say who they are."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody without an account tells when they accept an invitation."""

    name: str
    password: str


async def invite(
    request: Request, email: str, role: Role, caller: Caller, identity: Identity
) -> tuple[Invitation, bool]:
    """Send an invitation; repeated, the same one is told (second value: True).

    Raises AlreadyMember, OwnersOnly, TooManyAttempts, KeyReused.
    """
    check_role_change(caller.role, Role.MEMBER, role, owners=1)
    await throttled(identity.transaction, request.created_at, {PER_TEAM: str(caller.team_id)})
    async with identity.transaction() as work:
        if earlier := await work.requests.earlier(request) or await work.requests.open(request):
            return await _known(work, earlier), True
        team = await work.teams.lock(caller.team_id)
        members = await work.teams.members(caller.team_id)
        inviter = next((one.user for one in members if one.user.id == caller.user_id), None)
        if team is None or inviter is None:
            raise NotFound("team")
        if any(member.user.email == email for member in members):
            raise AlreadyMember
        invitation = _invitation(request, email, role)
        await _send(work, invitation, inviter, team, identity.site)
        await work.activity.note(Act.MEMBER_INVITED, caller, email, role.value)
    return invitation, False


def _invitation(request: Request, email: str, role: Role) -> Invitation:
    return Invitation(
        id=request.subject,
        team_id=request.team_id,
        email=email,
        role=role,
        invited_by=request.user_id,
        created_at=request.created_at,
        expires_at=request.created_at + INVITATIONS_LAST,
    )


async def _send(work: Work, invitation: Invitation, inviter: User, team: Team, site: str) -> None:
    token = new_token()
    await work.invitations.add(invitation, hash_of(token))
    letter = letters.invitation(inviter.name, team.name, f"{site}/invitations/{token}")
    await work.post.write(invitation.email, letter, invitation.created_at)


async def _known(work: Work, earlier: Request) -> Invitation:
    for invitation in await work.invitations.of_team(earlier.team_id, earlier.created_at):
        if invitation.id == earlier.subject:
            return invitation
    raise NotFound("invitation")


async def list_invitations(team_id: UUID, identity: Identity) -> list[Invitation]:
    """List the invitations that can be accepted, newest first."""
    async with identity.transaction() as work:
        return await work.invitations.of_team(team_id, identity.clock())


async def revoke_invitation(caller: Caller, invitation_id: UUID, identity: Identity) -> None:
    """Make an invitation worthless. Raises NotFound."""
    async with identity.transaction() as work:
        removed = await work.invitations.remove(caller.team_id, invitation_id)
        if removed is None:
            raise NotFound("invitation")
        await work.activity.note(Act.INVITATION_REVOKED, caller, removed.email)


async def look_at_invitation(token: str, identity: Identity) -> tuple[Invitation, Team, bool]:
    """Show an invitation to whoever has its link, and whether there is an account for it. Raises NotFound."""
    async with identity.transaction() as work:
        invitation, team = await _open(work, token, identity)
        return invitation, team, await work.users.by_email(invitation.email) is not None


async def accept_as_member(token: str, caller: Caller, identity: Identity) -> Membership:
    """Join a team with the account one is signed in to; the session goes on in that team.

    Raises NotFound, WrongAddress.
    """
    async with identity.transaction() as work:
        invitation, team = await _open(work, token, identity)
        user = await work.users.by_id(caller.user_id)
        if user is None or user.email != invitation.email:
            raise WrongAddress
        membership = await _join(work, invitation, team, user, caller.address, identity)
        if caller.session_id:
            await work.sessions.switch(caller.session_id, team.id)
    return membership


async def accept_as_newcomer(token: str, newcomer: Newcomer, device: Device, identity: Identity) -> SignedIn:
    """Open an account for the invited address and join the team.

    Raises NotFound, EmailTaken, TooManyAttempts.
    """
    now = identity.clock()
    await throttled(identity.transaction, now, {identity.sign_ups: neighbourhood(device.address)})
    async with identity.transaction() as work:
        await _open(work, token, identity)
    password_hash = await identity.passwords.hash(newcomer.password)
    async with identity.transaction() as work:
        invitation, team = await _open(work, token, identity)
        # Who has the link has read the letter: the address is theirs.
        user = User(new_id(), invitation.email, newcomer.name, password_hash, verified=True)
        await work.users.add(user, now)
        membership = await _join(work, invitation, team, user, device.address, identity)
        return SignedIn(membership, await open_session(work, membership, device, now))


async def _open(work: Work, token: str, identity: Identity) -> tuple[Invitation, Team]:
    found = await work.invitations.by_token(hash_of(token), identity.clock())
    if found is None:
        raise NotFound("invitation")
    return found


async def _join(
    work: Work, invitation: Invitation, team: Team, user: User, address: str, identity: Identity
) -> Membership:
    now = identity.clock()
    if await work.teams.lock(team.id) is None:
        raise NotFound("invitation")
    await work.teams.join(team.id, user.id, invitation.role, now)
    await work.teams.use(team.id, user.id, now)
    await work.invitations.remove(team.id, invitation.id)
    membership = await work.teams.membership(user.id, team.id)
    if membership is None:
        raise NotFound("invitation")
    await work.activity.note_person(
        Act.INVITATION_ACCEPTED, membership, address, user.id, invitation.role.value
    )
    return membership
