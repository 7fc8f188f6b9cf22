"""Who may do what: roles within a team, and the scopes that narrow an API key."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from contracts.orders import KeyTerms


class Permission(StrEnum):
    """One thing a caller may do; the first three are also the scopes an API key can have."""

    READ = "read"
    GENERATE = "generate"
    MODELS = "models"
    MANAGE_KEYS = "manage_keys"


class Role(StrEnum):
    """What a person is in a team."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


SCOPES = frozenset({Permission.READ, Permission.GENERATE, Permission.MODELS})
GRANTS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission),
    Role.MEMBER: SCOPES,
}


class NotPermitted(Exception):
    """The caller is known, and may not do this."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(f"This needs the permission '{permission}'.")
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for which team, with what permissions; `key` is the API key that will be charged."""

    user_id: UUID
    team_id: UUID
    role: Role
    permissions: frozenset[Permission]
    per_minute: int
    key: KeyTerms | None = None

    def require(self, permission: Permission) -> None:
        """Raise NotPermitted unless this caller may."""
        if permission not in self.permissions:
            raise NotPermitted(permission)


def permissions_of(role: Role, scopes: Iterable[str] | None = None) -> frozenset[Permission]:
    """List what a role may do; for an API key never more than its scopes and its maker's role."""
    if scopes is None:
        return GRANTS[role]
    return GRANTS[role] & SCOPES & {Permission(scope) for scope in scopes}
