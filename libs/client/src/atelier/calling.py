"""One call that gets through: the same request, with the same Idempotency-Key, until it is answered."""

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from atelier.documents import Page
from atelier.flow import Answer, Finding, Flow, Found, Params, Request, Send, Sleep
from atelier.problems import NotUnderstood, Unreachable, problem

Body = TypeVar("Body", bound=BaseModel)

# An internal error is repeated too: nothing was done, or the key finds what was.
AGAIN = frozenset({429, 500, 502, 503, 504})
# Verdicts: whoever asks again under the same key is told the same again.
FINAL = frozenset({"too_many_exports"})
PAGE = 100


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent, and how many seconds are waited in all between the tries."""

    tries: int = 5
    seconds: float = 60.0
    first: float = 0.25
    longest: float = 8.0

    def pauses(self) -> Iterator[float]:
        """Say how long to wait before each further try: ever longer, never the same for two clients."""
        for n in range(self.tries - 1):
            yield min(self.longest, self.first * 2**n) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads tries


def call(patience: Patience, request: Request) -> Flow[Answer]:
    """Ask until there is an answer that will not change by asking again.

    Raises Problem with the last refusal, Unreachable when nothing was answered.
    """
    request, left = _keyed(request), patience.seconds
    for pause in (*patience.pauses(), None):
        answer: Answer | None = None
        try:
            answer = yield Send(request)
        except httpx.TransportError as error:
            if pause is None:
                raise Unreachable(_unanswered(request, error)) from error
        if answer is not None:
            if answer.ok:
                return answer
            wait = retry_after(answer.headers)
            refused = problem(answer.status, answer.content, wait)
            final = answer.status not in AGAIN or refused.code in FINAL or _replayed(answer)
            if pause is None or final or (wait or 0.0) > left:
                raise refused
            pause = max(pause, wait or 0.0)
        left -= pause or 0.0
        yield Sleep(pause or 0.0)
    raise AssertionError("the last try returns or raises")


def ask(patience: Patience, body: type[Body], request: Request) -> Flow[Body]:
    """Ask, and read the answer. Raises NotUnderstood when it is none of this API."""
    answer = yield from call(patience, request)
    try:
        return body.model_validate_json(answer.content)
    except ValidationError as error:
        raise NotUnderstood(f"{request.path} was answered, but not by Atelier's API") from error


def pages(
    patience: Patience, item: type[Body], path: str, params: Params, most: int | None = None
) -> Finding[Body]:
    """Find everything in a list, page by page, or at most so many."""
    cursor: str | None = None
    left = most
    while left is None or left > 0:
        limit = PAGE if left is None else min(PAGE, left)
        wanted = known({**params, "limit": limit, "cursor": cursor})
        page = yield from ask(patience, Page[item], Request("GET", path, params=wanted))  # type: ignore[valid-type]
        for one in page.data:
            yield Found(one)
        left = None if left is None else left - len(page.data)
        if (cursor := page.next_cursor) is None:
            return


def known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not given."""
    return {name: value for name, value in fields.items() if value is not None}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read in how many seconds the server wants to be asked again: it says seconds, or a date."""
    given = headers.get("retry-after", "")
    if given.isdecimal():
        return float(given)
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _keyed(request: Request) -> Request:
    if request.method != "POST" or "Idempotency-Key" in request.headers:
        return request
    return replace(request, headers={**request.headers, "Idempotency-Key": str(uuid.uuid4())})


def _replayed(answer: Answer) -> bool:
    """Tell whether this is a stored refusal: it stays what it is."""
    stored = answer.headers.get("idempotency-replayed") == "true"
    return stored and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR


def _unanswered(request: Request, error: httpx.TransportError) -> str:
    said = str(error) or type(error).__name__
    return f"{request.method} {request.path} was not answered: {said}"
