"""Answers that a client has already are not sent again: ETag and If-None-Match (RFC 9110, 13.1.2)."""

from hashlib import blake2b

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CACHED = "private, no-cache"


class Conditional:
    """Gives each document and list an ETag; who names it again gets 304 while nothing has changed.

    The tag is a digest of the body, so it changes with everything that is shown, signed links included.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; only what is got as a whole JSON document is tagged."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Answer(Headers(scope=scope).get("if-none-match"), send))


class _Answer:
    """One answer on its way: its head waits for its body."""

    def __init__(self, known: str | None, send: Send) -> None:
        self._known, self._send = known, send
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _taggable(message):
            self._head = message
            return
        if self._head is not None and message["type"] == "http.response.body":
            head, self._head = self._head, None
            if not message.get("more_body"):
                head, message = self._tagged(head, message)
            await self._send(head)
        await self._send(message)

    def _tagged(self, head: Message, message: Message) -> tuple[Message, Message]:
        tag = tag_of(message.get("body", b""))
        headers = MutableHeaders(raw=head["headers"])
        headers["ETag"] = tag
        headers.setdefault("Cache-Control", CACHED)
        if not names(self._known, tag):
            return {**head, "headers": headers.raw}, message
        del headers["content-length"]
        del headers["content-type"]
        return {**head, "status": 304, "headers": headers.raw}, {**message, "body": b""}


def _taggable(head: Message) -> bool:
    headers = Headers(raw=head["headers"])
    is_json = headers.get("content-type", "").startswith("application/json")
    return head["status"] == 200 and is_json and "etag" not in headers


def tag_of(body: bytes) -> str:
    """Tag a body with its digest."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'


def names(known: str | None, tag: str) -> bool:
    """Tell whether a client's If-None-Match names this tag."""
    if known is None:
        return False
    named = {one.strip().removeprefix("W/") for one in known.split(",")}
    return "*" in named or tag in named
