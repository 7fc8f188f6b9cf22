"""How much a client may send at once, and how long that may take."""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.http import Problem

PATIENCE = 30.0
"""Seconds in which a body must have come; whoever sends more slowly only holds a connection."""


class BodyLimit:
    """Refuses bodies that are too large, before and while they are read, and those that take too long."""

    def __init__(
        self, app: ASGIApp, usual: int, exceptions: Mapping[str, int], patience: float = PATIENCE
    ) -> None:
        self._app, self._usual, self._exceptions, self._patience = app, usual, exceptions, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, unless its body is refused."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._exceptions.get(scope["path"], self._usual)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        body = _Body(receive, limit, self._patience)

        async def answered(message: Message) -> None:
            if body.refused is None:  # whatever was made of the error meanwhile, this is what is told
                await send(message)

        await self._app(scope, body.receive, answered)
        if body.refused:
            raise body.refused


class _Body:
    """One body as it comes, and why no more of it is taken."""

    def __init__(self, receive: Receive, limit: int, patience: float) -> None:
        self._receive, self._limit, self._patience = receive, limit, patience
        self._until = asyncio.get_running_loop().time() + patience
        self._size, self._whole = 0, False
        self.refused: Problem | None = None

    async def receive(self) -> Message:
        """Receive the next part. Raises Problem."""
        if self._whole:
            return await self._receive()  # which waits until the client hangs up
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.refused = _too_slow(self._patience)
            raise self.refused from None
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._size > self._limit:
            self.refused = _too_large(self._limit)
            raise self.refused
        return message


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"The body may have at most {limit} bytes.", limit=limit)


def _too_slow(patience: float) -> Problem:
    return Problem(408, "body_too_slow", f"The body did not come within {patience:.0f} seconds.")
