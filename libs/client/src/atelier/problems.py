"""What can go wrong, as errors that say what happened and what to do."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from atelier.documents import Export, Job


class AtelierError(Exception):
    """Anything this client raises by itself."""


class Unreachable(AtelierError):
    """No answer came, also after repeating: the server cannot be reached, or the line is broken."""


class Misplaced(AtelierError):
    """The address is none of a server, or the API key has signs that no key has."""


class NotUnderstood(AtelierError):
    """The answer is no answer of this API: somebody else is at that address."""


class TookTooLong(AtelierError):
    """What was waited for did not end in the time given; it goes on."""


class JobFailed(AtelierError):
    """A job ended without what was asked for; `job` tells why, and what was charged."""

    def __init__(self, job: Job) -> None:
        said = ": ".join(word for word in (job.code, job.reason) if word)
        super().__init__(f"job {job.id} is {job.status}{f' ({said})' if said else ''}")
        self.job = job


class ExportFailed(AtelierError):
    """An export ended without a file; `export` tells why."""

    def __init__(self, export: Export) -> None:
        super().__init__(f"export {export.id} is {export.status}: {export.reason or 'its time has passed'}")
        self.export = export


class FileRefused(AtelierError):
    """A file cannot be handed in, or a link gives nothing to keep."""


class Problem(AtelierError):
    """The server's "no" (RFC 9457): a stable `code`, `detail` in words, further `members` by code."""

    def __init__(self, status: int, members: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.members = dict(members)
        self.code = str(members.get("code") or "http_error")
        self.detail = str(members.get("detail") or f"the server answered {status}")
        self.request_id: str | None = members.get("request_id")
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.detail}")


class NotAuthenticated(Problem):
    """No API key was sent, or one that is not valid (401)."""


class Declined(Problem):
    """Credits said no (402): it costs `required`, and `spendable` can be spent."""

    @property
    def required(self) -> int | None:
        """Say what it would cost."""
        return self.members.get("required")

    @property
    def spendable(self) -> int | None:
        """Say what can be spent."""
        return self.members.get("spendable")


class NotPermitted(Problem):
    """Neither the key's scopes nor the plan allow this (403)."""


class NotFound(Problem):
    """There is no such thing in this team (404), or not any more (410)."""


class NotPossible(Problem):
    """It cannot be done in this state (409)."""


class Invalid(Problem):
    """The request is not as it must be (400, 413, 422); `members["errors"]` names the fields."""


class TooMuch(Problem):
    """Too many requests or open jobs (429), also after waiting as asked."""


class ServerFailed(Problem):
    """The server failed or is not itself for the moment (5xx), also after repeating."""


_KINDS: dict[int, type[Problem]] = {
    HTTPStatus.BAD_REQUEST: Invalid,
    HTTPStatus.UNAUTHORIZED: NotAuthenticated,
    HTTPStatus.PAYMENT_REQUIRED: Declined,
    HTTPStatus.FORBIDDEN: NotPermitted,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: NotPossible,
    HTTPStatus.GONE: NotFound,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Invalid,
    HTTPStatus.UNPROCESSABLE_ENTITY: Invalid,
    HTTPStatus.TOO_MANY_REQUESTS: TooMuch,
}


def problem(status: int, content: bytes, retry_after: float | None = None) -> Problem:
    """Read a problem from an answer, whoever answered: a proxy writes none of ours."""
    try:
        found = json.loads(content)
    except ValueError:
        found = {}
    members = found if isinstance(found, dict) else {}
    usual = ServerFailed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Problem
    return _KINDS.get(status, usual)(status, members, retry_after)
