"""Teams, their members, invitations and activity as clients see them."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import StringConstraints

from gateway.adapters.inbound.http.bodies.common import Body, Clean, Name, Strict, example
from gateway.adapters.inbound.http.bodies.people import Email, GivenPassword, Password, Team, team_of
from gateway.domain.activity import Act, Event
from gateway.domain.people import Invitation as StoredInvitation
from gateway.domain.people import Membership
from gateway.domain.people import Team as StoredTeam
from gateway.domain.permissions import Role


class TeamBody(Strict):
    """What a team is called."""

    model_config = example({"name": "Harbour studio"})

    name: Name


class CloseTeamBody(Strict):
    """The name of the team, typed, and the password of whoever closes it."""

    model_config = example({"name": "Harbour studio", "password": "a long password"})

    name: Annotated[str, StringConstraints(max_length=200), Clean]
    password: GivenPassword


class RoleBody(Strict):
    """What a member is to be."""

    model_config = example({"role": "admin"})

    role: Role


class InvitationBody(Strict):
    """Who is invited, and as what."""

    model_config = example({"email": "grace@example.com", "role": "member"})

    email: Email
    role: Role = Role.MEMBER


class AcceptBody(Strict):
    """Who somebody without an account is; with an account, sign in first and send no body."""

    model_config = example({"name": "Grace", "password": "a long password"})

    name: Name
    password: Password


class Member(Body):
    """A person in the team."""

    id: UUID
    name: str
    email: str
    role: Role
    joined_at: datetime | None

    @classmethod
    def of(cls, member: Membership) -> Self:
        """Show a member."""
        user = member.user
        return cls(id=user.id, name=user.name, email=user.email, role=member.role, joined_at=member.joined_at)


class Teams(Body):
    """The teams somebody is in, the one used last at first."""

    data: list[Team]

    @classmethod
    def of(cls, memberships: list[Membership]) -> Self:
        """Show memberships."""
        return cls(data=[team_of(one) for one in memberships])


class Invitation(Body):
    """An open invitation."""

    id: UUID
    email: str
    role: Role
    invited_by: UUID
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: StoredInvitation) -> Self:
        """Show an invitation to the team."""
        return cls(
            id=invitation.id,
            email=invitation.email,
            role=invitation.role,
            invited_by=invitation.invited_by,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


class Welcome(Body):
    """An invitation as whoever is invited sees it; `has_account` says whether to sign in or to sign up."""

    team: str
    email: str
    role: Role
    expires_at: datetime
    has_account: bool

    @classmethod
    def of(cls, invitation: StoredInvitation, team: StoredTeam, *, has_account: bool) -> Self:
        """Show an invitation to whoever has its link."""
        return cls(
            team=team.name,
            email=invitation.email,
            role=invitation.role,
            expires_at=invitation.expires_at,
            has_account=has_account,
        )


class Actor(Body):
    """Who did it; name and address are null when the account is gone."""

    id: UUID
    name: str | None
    email: str | None


class Activity(Body):
    """One thing that was done; `subject` says to whom or what, `detail` what became of it."""

    id: UUID
    at: datetime
    action: Act
    by: Actor | None
    via: Literal["session", "api_key"]
    api_key_id: UUID | None
    address: str
    subject: str
    detail: str

    @classmethod
    def of(cls, event: Event) -> Self:
        """Show a line of the activity log."""
        by = Actor(id=event.user_id, name=event.name, email=event.email) if event.user_id else None
        return cls(
            id=event.id,
            at=event.at,
            action=event.act,
            by=by,
            via="api_key" if event.key_id else "session",
            api_key_id=event.key_id,
            address=event.address,
            subject=event.subject,
            detail=event.detail,
        )
