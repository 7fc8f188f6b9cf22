"""Who may do what: roles within a team, and the scopes that narrow an API key."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import Self
from uuid import UUID

from contracts.orders import KeyTerms, Operation


class Permission(StrEnum):
    """One thing a caller may do."""

    READ = "read"
    GENERATE = "generate"
    MODELS = "models"
    BILLING = "billing"
    MANAGE_TEAM = "manage_team"
    MANAGE_WEBHOOKS = "manage_webhooks"
    SEE_ACTIVITY = "see_activity"
    MANAGE_KEYS = "manage_keys"
    CLOSE_TEAM = "close_team"
    OWN_ACCOUNT = "own_account"


class Scope(StrEnum):
    """What an API key can be made for."""

    READ = "read"
    GENERATE = "generate"
    MODELS = "models"
    BILLING = "billing"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person is in a team."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"

    @property
    def rank(self) -> "Rank":
        """Where the role stands: who ranks higher may do all that lower roles may."""
        return Rank[self.name]


class Rank(IntEnum):
    """The order of the roles."""

    MEMBER = 1
    ADMIN = 2
    OWNER = 3


# What is done: the lowest role that may do it, and the scope that lets an API key (None: only in person).
RULES: dict[Permission, tuple[Role, Scope | None]] = {
    Permission.READ: (Role.MEMBER, Scope.READ),
    Permission.GENERATE: (Role.MEMBER, Scope.GENERATE),
    Permission.MODELS: (Role.MEMBER, Scope.MODELS),
    Permission.BILLING: (Role.ADMIN, Scope.BILLING),
    Permission.MANAGE_TEAM: (Role.ADMIN, Scope.ADMIN),
    Permission.MANAGE_WEBHOOKS: (Role.ADMIN, Scope.ADMIN),
    Permission.SEE_ACTIVITY: (Role.ADMIN, Scope.ADMIN),
    Permission.MANAGE_KEYS: (Role.ADMIN, None),
    Permission.CLOSE_TEAM: (Role.OWNER, None),
    Permission.OWN_ACCOUNT: (Role.MEMBER, None),
}
# What it takes to stop a job: what it takes to start it.
STOPS: dict[Operation, Permission] = {
    Operation.GENERATE_IMAGES: Permission.GENERATE,
    Operation.CREATE_MODEL: Permission.MODELS,
    Operation.REFINE_MODEL: Permission.MODELS,
}


class NotPermitted(Exception):
    """The caller is known, and may not do this; any one of `permissions` would do."""

    def __init__(self, *permissions: Permission) -> None:
        names = " or ".join(f"'{permission}'" for permission in permissions)
        super().__init__(f"This needs the permission {names}.")
        self.permissions = permissions


class EmailNotVerified(Exception):
    """Credits are spent only by who has shown that their e-mail address is theirs."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for which team, with what permissions.

    `key` is the API key that will be charged, `session_id` the session of a person; `may_spend` is false
    while an e-mail address must be verified first, `address` is where the request came from.
    """

    user_id: UUID
    team_id: UUID
    role: Role
    permissions: frozenset[Permission]
    per_minute: int
    key: KeyTerms | None = None
    session_id: UUID | None = None
    may_spend: bool = True
    address: str = ""

    def require(self, *permissions: Permission) -> Self:
        """Raise NotPermitted unless this caller has one of these permissions."""
        if self.permissions.isdisjoint(permissions):
            raise NotPermitted(*permissions)
        return self

    def require_verified(self) -> Self:
        """Raise EmailNotVerified unless this caller may spend credits."""
        if not self.may_spend:
            raise EmailNotVerified
        return self


@lru_cache(maxsize=256)  # there are few, and every request asks
def permissions_of(role: Role, scopes: tuple[str, ...] | None = None) -> frozenset[Permission]:
    """List what a role may do; for an API key never more than its scopes and its maker's role."""
    allowed = {permission: scope for permission, (lowest, scope) in RULES.items() if role.rank >= lowest.rank}
    if scopes is None:
        return frozenset(allowed)
    given = {Scope(scope) for scope in scopes}
    return frozenset(permission for permission, scope in allowed.items() if scope in given)
