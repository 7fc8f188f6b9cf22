"""What a client asked for, once: the request, its verdict, and what a repetition of it means."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

KEYS_LIVE = timedelta(hours=24)
_SIGN_UPS = UUID("5f6f1c1e-0d0c-4d6e-8a3b-6f0f6c1f5a10")


class Kind(StrEnum):
    """What was asked for."""

    SIGN_UP = "sign_up"
    GENERATE = "generate"
    CREATE_MODEL = "create_model"
    REFINE_MODEL = "refine_model"
    CHANGE_MODEL = "change_model"
    CANCEL_JOB = "cancel_job"
    CHANGE_IMAGES = "change_images"
    EXPORT = "export"
    QUOTE = "quote"
    UPLOAD = "upload"
    API_KEY = "api_key"
    OPEN_TEAM = "open_team"
    INVITATION = "invitation"
    CHECKOUT = "checkout"
    PORTAL = "portal"
    AUTO_TOP_UP = "auto_top_up"
    WEBHOOK_ENDPOINT = "webhook_endpoint"
    WEBHOOK_SECRET = "webhook_secret"  # noqa: S105 - what was asked for
    WEBHOOK_PING = "webhook_ping"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a request ended; `required` and `spendable` say what a decline of credits was about.

    `url` is the page that was asked for.
    """

    outcome: Literal["granted", "declined", "refused"]
    code: str = ""
    detail: str = ""
    required: int | None = None
    spendable: int | None = None
    url: str | None = None


GRANTED = Verdict("granted")


class KeyReused(Exception):
    """The idempotency key was used before, for something else."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client; its id is the correlation id of everything said because of it.

    `scope` is what idempotency keys belong to: the team, or the e-mail address that signs up. `subject` is
    what it is about: a team, a model, a job, an upload, an API key.
    """

    id: UUID
    kind: Kind
    scope: UUID
    team_id: UUID
    user_id: UUID
    subject: UUID
    body_hash: bytes
    created_at: datetime
    key: str | None = None
    jobs: tuple[UUID, ...] = ()
    verdict: Verdict | None = None

    def repeats(self, earlier: "Request") -> bool:
        """Tell whether this is `earlier` again, or a new request because its key is old enough to be free.

        Raises KeyReused when the key still belongs to another request.
        """
        if self.created_at - earlier.created_at >= KEYS_LIVE:
            return False
        if (self.kind, self.body_hash) != (earlier.kind, earlier.body_hash):
            raise KeyReused
        return True


def sign_up_scope(email: str) -> UUID:
    """Name the scope of the idempotency keys of whoever signs up with this address."""
    return uuid5(_SIGN_UPS, email)
