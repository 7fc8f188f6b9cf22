"""Connections of HTTP, kept for the next request."""

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator
from typing import cast

import httpcore
import httpx

Connection = httpcore.AsyncConnectionInterface


class Pool(httpcore.AsyncConnectionPool):
    """A pool that takes the connection that was used last, and looks at that one alone.

    httpcore's own asks each idle connection whether it is still good, and counts all of them for each, for
    every request; and it closes idle ones as soon as more than `max_keepalive_connections` are open at all,
    so that each burst above it begins with handshakes. Here as many are in use as `max_connections` says,
    and as many more are idle as `max_keepalive_connections` says; the one unused for longest goes first.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        *,
        max_connections: int,
        max_keepalive_connections: int,
        keepalive_expiry: float,
        network_backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        super().__init__(ssl_context, keepalive_expiry=keepalive_expiry, network_backend=network_backend)
        self._room = asyncio.Semaphore(max_connections)
        self._most_idle = max_keepalive_connections
        self._idle: list[Connection] = []  # in the order of their last use

    @property
    def connections(self) -> list[Connection]:
        """Return the idle connections; last is the one that was used last."""
        return self._idle[:]

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send one request, once. Raises PoolTimeout when no room came in time, and httpcore's errors."""
        await self._wait_for_room(request.extensions.get("timeout", {}).get("pool"))
        origin = request.url.origin
        connection = self._take(origin) or self.create_connection(origin)
        try:
            answer = await connection.handle_async_request(request)
        except BaseException:
            await self.give_back(connection)
            raise
        body = _Body(cast("AsyncIterable[bytes]", answer.stream), connection, self)
        return httpcore.Response(
            answer.status, headers=answer.headers, content=body, extensions=answer.extensions
        )

    async def give_back(self, connection: Connection) -> None:
        """Keep a connection that can serve again, close any other, and let the next request in."""
        self._room.release()
        unwanted = []
        if connection.is_idle() and not connection.is_closed():
            self._idle.append(connection)
        else:
            unwanted.append(connection)
        while self._idle and (len(self._idle) > self._most_idle or self._idle[0].has_expired()):
            unwanted.append(self._idle.pop(0))
        for each in unwanted:
            await each.aclose()

    async def aclose(self) -> None:
        """Close what is idle; what is in use is closed when it comes back."""
        self._most_idle = 0
        while self._idle:
            await self._idle.pop().aclose()

    async def _wait_for_room(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
        except TimeoutError:
            raise httpcore.PoolTimeout from None

    def _take(self, origin: httpcore.Origin) -> Connection | None:
        for place in reversed(range(len(self._idle))):
            connection = self._idle[place]
            # One that has ended comes to be the oldest, and is closed then.
            if connection.can_handle_request(origin) and not connection.has_expired():
                return self._idle.pop(place)
        return None


class Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport, on a pool of ours."""

    def __init__(self, pool: Pool, verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify)
        self._pool = pool


class _Body:
    """The body of an answer; its connection can serve again once it is closed."""

    def __init__(self, parts: AsyncIterable[bytes], connection: Connection, pool: Pool) -> None:
        self._parts = parts
        self._connection: Connection | None = connection
        self._pool = pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._parts)

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await self._parts.aclose()  # type: ignore[attr-defined] # each body of httpcore has it
        finally:
            await self._pool.give_back(connection)
