"""Users, teams and API keys as clients see them."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, ConfigDict, EmailStr, Field, StringConstraints

from chassis.clock import utc_now
from gateway.adapters.inbound.http.bodies.common import Body, Clean, Name, Strict
from gateway.adapters.inbound.http.bodies.credits import Balance
from gateway.application.ports import ApiKey as StoredKey
from gateway.application.ports import Membership
from gateway.domain.permissions import Permission, Role, Scope

Email = Annotated[EmailStr, StringConstraints(max_length=254), AfterValidator(str.lower)]
Password = Annotated[str, StringConstraints(min_length=10, max_length=200), Clean]


def _to_come(time: datetime) -> datetime:
    if time <= utc_now():
        raise ValueError("must be in the future")
    return time


Future = Annotated[AwareDatetime, AfterValidator(_to_come)]


class SignUpBody(Strict):
    """Who wants an account; `team_name` is what the first team is called."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Ada", "email": "ada@example.com", "password": "a long password"}]
        }
    )

    name: Name
    email: Email
    password: Password
    team_name: Name | None = None


class SignInBody(Strict):
    """Who wants in."""

    email: Email
    password: Annotated[str, StringConstraints(max_length=200), Clean]


class User(Body):
    """A person."""

    id: UUID
    name: str
    email: str


class Team(Body):
    """A team, and what the caller is in it."""

    id: UUID
    name: str
    role: Role


class Session(Body):
    """A signed-in user; `balance` is null while the first credits are on their way."""

    user: User
    team: Team
    balance: Balance | None

    @classmethod
    def of(cls, membership: Membership, balance: Balance | None) -> Self:
        """Show a membership."""
        return cls(user=user_of(membership), team=team_of(membership), balance=balance)


class Me(Body):
    """Who asks, through what, and what they may do."""

    user: User
    team: Team
    via: Literal["session", "api_key"]
    permissions: list[Permission]


class ApiKeyBody(Strict):
    """What a new API key may do; a budget is the most it may spend in total, or in each calendar month."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "shop", "credit_budget": 500}]})

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))] = (
        Scope.READ,
        Scope.GENERATE,
        Scope.MODELS,
    )
    expires_at: Future | None = None
    credit_budget: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True)] | None = None
    budget_period: Literal["total", "month"] = "total"


class ApiKey(Body):
    """An API key; `prefix` is how it begins."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    credit_budget: int | None
    budget_period: Literal["total", "month"]
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: StoredKey, **further: str | None) -> Self:
        """Show a key."""
        names = set(cls.model_fields) - set(further)
        return cls.model_validate({name: getattr(key, name) for name in names} | further)


class NewApiKey(ApiKey):
    """A new API key; `secret` is shown here and never again, and null when the request was repeated."""

    secret: str | None


def user_of(membership: Membership) -> User:
    """Show who it is."""
    return User(id=membership.user.id, name=membership.user.name, email=membership.user.email)


def team_of(membership: Membership) -> Team:
    """Show which team it is."""
    return Team(id=membership.team.id, name=membership.team.name, role=membership.role)
