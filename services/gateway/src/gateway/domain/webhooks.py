"""Webhooks to clients: when an endpoint is tried again, which secrets sign, and when it is given up."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=8),
    timedelta(hours=8),
)
"""How long after each failure the next try is made: within a day in all."""
JITTER = 0.1
OLD_SECRETS_SIGN = timedelta(hours=24)
MOST_OLD_SECRETS = 4
GIVEN_UP_AFTER, GIVEN_UP_FAILURES = timedelta(days=3), 10
MOST_ENDPOINTS = 20
_GONE = 410

Status = Literal["pending", "delivered", "failed", "superseded"]


class EndpointDisabled(Exception):
    """Nothing is sent to this endpoint until it is enabled again."""


class TooManyEndpoints(Exception):
    """The team has as many endpoints as one may have."""


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A secret that was replaced and still signs, until its receiver knows the new one."""

    secret: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a team wants its events; `types` are the names of those wanted, none: all."""

    id: UUID
    team_id: UUID
    url: str
    description: str
    types: tuple[str, ...]
    secret: str
    created_at: datetime
    old_secrets: tuple[OldSecret, ...] = ()
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    failures: int = 0

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """List the secrets that sign now, the newest first."""
        return (self.secret, *(old.secret for old in self.old_secrets if old.until > now))

    def rotated(self, secret: str, now: datetime) -> "Endpoint":
        """Replace the secret; the one it had signs too for a day."""
        known = (OldSecret(self.secret, now + OLD_SECRETS_SIGN), *self.old_secrets)
        still = tuple(old for old in known if old.until > now)[:MOST_OLD_SECRETS]
        return replace(self, secret=secret, old_secrets=still)

    def enabled(self) -> "Endpoint":
        """Start anew, with nothing held against it."""
        return replace(self, disabled_at=None, disabled_reason=None, failing_since=None, failures=0)

    def disabled(self, reason: str, now: datetime) -> "Endpoint":
        """Send nothing more, and say why."""
        return replace(self, disabled_at=now, disabled_reason=reason)

    def answered(self, answer: "Answer", now: datetime) -> "Endpoint":
        """Learn from one try: a success forgives everything; being gone, or failing for days, disables."""
        if answer.taken:
            return replace(self, failing_since=None, failures=0) if self.failing_since else self
        failing = replace(self, failing_since=self.failing_since or now, failures=self.failures + 1)
        if self.disabled_at is None and (reason := _given_up(failing, answer, now)):
            return failing.disabled(reason, now)
        return failing


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try ended: `error` says in words why it failed, and is empty when it was taken."""

    status: int | None
    milliseconds: int
    excerpt: str = ""
    error: str = ""

    @property
    def taken(self) -> bool:
        """Tell whether the endpoint has taken it."""
        return not self.error


def _given_up(endpoint: Endpoint, answer: Answer, now: datetime) -> str | None:
    if answer.status == _GONE:
        return "The endpoint answered 410: it is gone."
    since = endpoint.failing_since or now
    if now - since < GIVEN_UP_AFTER or endpoint.failures < GIVEN_UP_FAILURES:
        return None
    return (
        f"Nothing has been taken since {since:%Y-%m-%d %H:%M} UTC, in {endpoint.failures} tries. "
        f"The last one: {answer.error}"
    )


def next_try(failures: int, now: datetime, spread: float) -> datetime | None:
    """Say when to try again after so many failures; `spread` (0 to 1) parts those that failed together."""
    if failures > len(RETRIES):
        return None
    return now + RETRIES[failures - 1] * (1 + JITTER * spread)
