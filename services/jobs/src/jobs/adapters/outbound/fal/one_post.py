"""One attempt is one POST.

fal knows no idempotency key, and fal-client sends a POST again, up to ten times, after every broken
connection and every error page of a proxy: each time fal may have accepted the one before, and would bill
both. So hooks on fal-client's own HTTP client watch each attempt: the second POST never leaves, and what is
known about the first decides what is told.
"""

import httpx

from jobs.adapters.outbound.fal import answers
from jobs.application.ports import NotAccepted, SubmitInDoubt, SubmitRefused

ATTEMPT = "X-Atelier-Attempt"
_BUSY, _LOCKED = frozenset({409, 429}), frozenset({401, 402, 403})
_CODES = {401: "provider_unauthorized", 402: "provider_locked", 403: "provider_locked"}


class SecondPost(Exception):
    """An attempt was about to be sent again; fal-client retries after httpx' errors, not after this."""


class Attempt:
    """What is known about one POST: whether it left, and what was answered."""

    def __init__(self) -> None:
        self.posts = 0
        self.left = False
        self.answer: httpx.Response | None = None

    async def trace(self, event: str, _info: object) -> None:
        """Follow the connection (httpx' `trace` extension): from the first header on, fal may have it."""
        if event.endswith("send_request_headers.started"):
            self.left = True

    def verdict(self, broken: str) -> SubmitRefused | NotAccepted | SubmitInDoubt:
        """Judge an attempt that brought no request id; `broken` names how it ended."""
        if self.answer is not None:
            return _judge(self.answer)
        if not self.left:
            return NotAccepted("provider_unreachable", f"no connection: {broken}")
        return SubmitInDoubt(f"no answer: {broken}")


class OnePost:
    """The hooks, and the attempts under way."""

    def __init__(self) -> None:
        self._attempts: dict[str, Attempt] = {}

    def open(self, attempt_id: str) -> Attempt:
        """Begin to watch an attempt."""
        if attempt_id in self._attempts:
            raise SubmitInDoubt("this attempt is being submitted already")
        return self._attempts.setdefault(attempt_id, Attempt())

    def close(self, attempt_id: str) -> None:
        """Forget an attempt."""
        del self._attempts[attempt_id]

    def install(self, http: httpx.AsyncClient) -> None:
        """Hang the hooks on a client."""
        http.event_hooks = {"request": [self._leaving], "response": [self._answered]}

    async def _leaving(self, request: httpx.Request) -> None:
        attempt = self._of(request)
        if attempt is None:
            return
        attempt.posts += 1
        if attempt.posts > 1:
            raise SecondPost
        request.extensions = {**request.extensions, "trace": attempt.trace}

    async def _answered(self, response: httpx.Response) -> None:
        attempt = self._of(response.request)
        if attempt is not None:
            await response.aread()  # half an answer is none
            attempt.answer = response

    def _of(self, request: httpx.Request) -> Attempt | None:
        return self._attempts.get(request.headers.get(ATTEMPT, "")) if request.method == "POST" else None


def _judge(answer: httpx.Response) -> SubmitRefused | NotAccepted | SubmitInDoubt:
    """Judge an answer without a request id.

    Below 500 fal has looked at the request and said no. From 500 on something broke on the way, before or
    after the request was queued: nobody can tell, whether the page is nginx' or fal's own.
    """
    status = answer.status_code
    if status >= 500 or status < 300 or status == 408:
        return SubmitInDoubt(f"answered {status}")
    if status in _LOCKED:
        return NotAccepted(_CODES[status], _detail(answer))
    if status in _BUSY:
        return NotAccepted("provider_busy", _detail(answer))
    failed = answers.failure(_json(answer), answer.headers)
    if failed is not None:
        return SubmitRefused(failed.code, failed.detail, retryable=failed.retryable)
    code = "invalid_input" if status in {400, 413, 422} else "provider_error"
    return SubmitRefused(code, _detail(answer))


def _json(answer: httpx.Response) -> object:
    try:
        body: object = answer.json()
    except ValueError:
        return None
    return body


def _detail(answer: httpx.Response) -> str:
    body = _json(answer)
    detail = body.get("detail") if isinstance(body, dict) else None
    return f"{answer.status_code} {detail if isinstance(detail, str) else answer.reason_phrase}"[:300]
