"""People, their teams and what they may do to each other there."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gateway.domain.permissions import Role

SESSIONS_LAST = timedelta(days=30)
SESSIONS_IDLE = timedelta(days=7)
INVITATIONS_LAST = timedelta(days=7)
TEAMS_OWNED = 10
"""Each team starts with the credits of the Free plan; nobody may collect them without end."""


class EmailTaken(Exception):
    """Somebody has signed up with this address already."""


class AlreadyMember(Exception):
    """Who is invited is in the team already."""


class LastOwner(Exception):
    """A team has at least one owner."""


class OwnersOnly(Exception):
    """Only owners decide about owners."""


class HandOverFirst(Exception):
    """Others work in the team: it is handed over, not closed over their heads."""


class WrongAddress(Exception):
    """The invitation is for somebody else's address."""


class NameMismatch(Exception):
    """What was typed is not the name of the team."""


class TooManyTeams(Exception):
    """Somebody owns as many teams as anybody may."""


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account; `email` is lower case and unique, `verified` when shown to be theirs."""

    id: UUID
    email: str
    name: str
    password_hash: str
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """Who owns everything here, and pays for it."""

    id: UUID
    name: str


class Topic(StrEnum):
    """What members of a team may want letters about."""

    LOW_BALANCE = "low_balance"


@dataclass(frozen=True, slots=True)
class Membership:
    """A person in a team; `notices` are what they want letters about."""

    user: User
    team: Team
    role: Role
    joined_at: datetime | None = None
    notices: frozenset[Topic] = frozenset()


@dataclass(frozen=True, slots=True)
class Device:
    """Where a request comes from: a network address, and what the browser calls itself."""

    address: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """What a signed-in person has on one device; the team is the one they look at."""

    id: UUID
    token_hash: bytes
    user_id: UUID
    team_id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    device: Device


@dataclass(frozen=True, slots=True)
class Invitation:
    """A place in a team for whoever has an address; open until it is taken, revoked or too old."""

    id: UUID
    team_id: UUID
    email: str
    role: Role
    invited_by: UUID
    created_at: datetime
    expires_at: datetime


def check_role_change(by: Role, now: Role, wanted: Role, owners: int) -> None:
    """Raise OwnersOnly or LastOwner unless somebody with the role `by` may turn `now` into `wanted`."""
    if Role.OWNER in (now, wanted) and by is not Role.OWNER:
        raise OwnersOnly
    if now is Role.OWNER and wanted is not Role.OWNER and owners == 1:
        raise LastOwner


def check_removal(by: Role, member: Role, owners: int, *, leaves: bool) -> None:
    """Raise OwnersOnly or LastOwner unless a member may be removed; everybody may leave."""
    if member is Role.OWNER and by is not Role.OWNER and not leaves:
        raise OwnersOnly
    if member is Role.OWNER and owners == 1:
        raise LastOwner


def check_leaving(user_id: UUID, members: Collection[Membership]) -> bool:
    """Tell whether a team ends with this member; raises HandOverFirst when it would be left without owner."""
    others = [member for member in members if member.user.id != user_id]
    if not others:
        return True
    owns = any(member.user.id == user_id and member.role is Role.OWNER for member in members)
    if owns and not any(member.role is Role.OWNER for member in others):
        raise HandOverFirst
    return False
