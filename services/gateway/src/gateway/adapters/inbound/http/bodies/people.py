"""Users, teams and API keys as clients see them."""

import unicodedata
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    EmailStr,
    Field,
    StringConstraints,
    model_validator,
)

from chassis.clock import utc_now
from gateway.adapters.inbound.http.bodies.common import Body, Clean, Name, Strict, Whole, Written, example
from gateway.adapters.inbound.http.bodies.credits import Balance
from gateway.adapters.inbound.http.bodies.rules import all_of, any_of, given, left_out, ruled
from gateway.application.ports import ApiKey as StoredKey
from gateway.domain.people import Membership, Topic
from gateway.domain.people import Session as StoredSession
from gateway.domain.permissions import Permission, Role, Scope
from gateway.domain.secrets import csrf_token


def _composed(text: str) -> str:
    """Let a password be the same on every keyboard."""
    return unicodedata.normalize("NFC", text)


Email = Annotated[EmailStr, StringConstraints(max_length=254), AfterValidator(str.lower)]
Password = Annotated[str, StringConstraints(min_length=10, max_length=200), Clean, AfterValidator(_composed)]
GivenPassword = Annotated[
    str, StringConstraints(min_length=1, max_length=200), Clean, AfterValidator(_composed)
]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,100}$")]


def _to_come(time: datetime) -> datetime:
    if time <= utc_now():
        raise ValueError("must be in the future")
    return time


Future = Annotated[AwareDatetime, Written, AfterValidator(_to_come)]


class SignUpBody(Strict):
    """Who wants an account; `team_name` is what the first team is called."""

    model_config = example({"name": "Ada", "email": "ada@example.com", "password": "a long password"})

    name: Name
    email: Email
    password: Password
    team_name: Name | None = None


class SignInBody(Strict):
    """Who wants in."""

    model_config = example({"email": "ada@example.com", "password": "a long password"})

    email: Email
    password: GivenPassword


class PasswordBody(Strict):
    """A new password, and the present one."""

    model_config = example({"current_password": "a long password", "new_password": "a longer password"})

    current_password: GivenPassword
    new_password: Password


class ResetBody(Strict):
    """Whose password was forgotten."""

    model_config = example({"email": "ada@example.com"})

    email: Email


class NewPasswordBody(Strict):
    """The token of the letter's link, and the new password."""

    model_config = example(
        {"token": "uJ5m1cUBn0hHk8o5p2bqPzG0sSgk6aYx4w3v2u1t0sR", "password": "a longer password"}
    )

    token: Token
    password: Password


class VerifyBody(Strict):
    """The token of the letter's link."""

    model_config = example({"token": "uJ5m1cUBn0hHk8o5p2bqPzG0sSgk6aYx4w3v2u1t0sR"})

    token: Token


class MeBody(Strict):
    """What changes; another address needs the password, and counts once the link sent there is followed.

    `notices` are what the team of this session writes letters about to this person; an empty list: nothing.
    """

    model_config = ruled(
        any_of(all_of(given("email"), given("password")), left_out("email", "password")),
        any_of(given("name"), given("email"), given("notices")),
        examples=[
            {"name": "Ada Lovelace"},
            {"email": "ada.lovelace@example.com", "password": "a long password"},
        ],
    )

    name: Name | None = None
    email: Email | None = None
    password: GivenPassword | None = None
    notices: Annotated[tuple[Topic, ...], Field(max_length=len(Topic))] | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.email is None) != (self.password is None):
            raise ValueError("email and password are given together")
        if self.name is None and self.email is None and self.notices is None:
            raise ValueError("nothing is to be changed")
        return self


class DeleteMeBody(Strict):
    """The password, as proof."""

    model_config = example({"password": "a long password"})

    password: GivenPassword


class User(Body):
    """A person; `email_verified` once they have shown that the address is theirs."""

    id: UUID
    name: str
    email: str
    email_verified: bool


class Team(Body):
    """A team, and what the caller is in it."""

    id: UUID
    name: str
    role: Role


class Session(Body):
    """A signed-in user; `balance` is null while the first credits are on their way.

    A form that is posted with the session's cookie carries the `csrf_token`.
    """

    user: User
    team: Team
    balance: Balance | None
    csrf_token: str

    @classmethod
    def of(cls, membership: Membership, balance: Balance | None, token: str) -> Self:
        """Show a membership, seen through the session with this token."""
        return cls(
            user=user_of(membership),
            team=team_of(membership),
            balance=balance,
            csrf_token=csrf_token(token),
        )


class Device(Body):
    """Where somebody is signed in; `current` is the session that asks."""

    id: UUID
    current: bool
    address: str
    agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, session: StoredSession, current: UUID | None) -> Self:
        """Show a session."""
        return cls(
            id=session.id,
            current=session.id == current,
            address=session.device.address,
            agent=session.device.agent,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
        )


class Me(Body):
    """Who asks, through what, what they may do, and what the team writes letters about to them."""

    user: User
    team: Team
    via: Literal["session", "api_key"]
    permissions: list[Permission]
    notices: list[Topic]
    csrf_token: str | None


class ApiKeyBody(Strict):
    """What a new API key may do; a budget is the most it may spend in total, or in each calendar month."""

    model_config = example({"name": "shop", "scopes": ["read", "generate"], "credit_budget": 500})

    name: Name
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))] = (
        Scope.READ,
        Scope.GENERATE,
        Scope.MODELS,
    )
    expires_at: Future | None = None
    credit_budget: Annotated[int, Field(ge=0, le=1_000_000_000, strict=True), Whole] | None = None
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
    user = membership.user
    return User(id=user.id, name=user.name, email=user.email, email_verified=user.verified)


def team_of(membership: Membership) -> Team:
    """Show which team it is."""
    return Team(id=membership.team.id, name=membership.team.name, role=membership.role)
