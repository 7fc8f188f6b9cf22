"""HTTP at next to no cost, so that it is the server that is measured: prepared requests, kept connections."""

import asyncio
import json
from dataclasses import dataclass
from itertools import cycle
from typing import Any, cast
from urllib.parse import urlsplit

Json = dict[str, Any]
_END, _LENGTH = b"\r\n\r\n", b"\r\ncontent-length:"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    head: bytes
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever was answered
        """Read the body; raises RuntimeError when the answer is an error."""
        if not 200 <= self.status < 300:
            raise RuntimeError(f"answered {self.status}: {self.body[:500].decode()}")
        return json.loads(self.body or b"null")


class Line(asyncio.Protocol):
    """One connection that answers one request at a time, each with a known length."""

    def __init__(self) -> None:
        self._data = b""
        self._asked: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._transport = None
        if not self._asked.done():
            self._asked.set_exception(exc or ConnectionError("hung up"))
            self._asked.exception()  # nobody may be waiting

    def data_received(self, data: bytes) -> None:
        """Answer as soon as the body is there."""
        self._data += data
        if (end := self._data.find(_END)) < 0:
            return
        head = self._data[:end].lower()
        at = head.find(_LENGTH)
        size = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._data) >= end + len(_END) + size and not self._asked.done():
            answer = Answer(int(head[9:12]), self._data[:end], self._data[end + len(_END) :])
            self._data = b""
            self._asked.set_result(answer)

    @property
    def is_open(self) -> bool:
        """Whether it can be asked again."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer; raises ConnectionError and TimeoutError."""
        if self._transport is None:
            raise ConnectionError("hung up")
        self._asked = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(PATIENCE):
            return await self._asked

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class Lines:
    """Connections to one server, opened when all others are busy."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._free: list[Line] = []

    async def ask(self, request: bytes) -> Answer:
        """Ask on a free connection."""
        while self._free and not self._free[-1].is_open:
            self._free.pop()
        line = self._free.pop() if self._free else await self.open()
        answer = await line.ask(request)
        self._free.append(line)
        return answer

    async def open(self) -> Line:
        """Open one more connection."""
        _, line = await asyncio.get_running_loop().create_connection(Line, self._host, self._port)
        return line

    def close(self) -> None:
        """Close those that are free."""
        for line in self._free:
            line.close()


class Turns:
    """Clients with a connection each, who ask in turn: all that stand behind the address are asked."""

    def __init__(self, url: str, clients: int) -> None:
        self._lines = [Lines(url) for _ in range(clients)]
        self._turn = cycle(self._lines)

    async def open(self) -> None:
        """Open the connection of each, so that no answer waits for it."""
        for lines in self._lines:
            await lines.ask(written("GET", "/health/live"))

    async def ask(self, request: bytes) -> Answer:
        """Let the next client ask."""
        return await next(self._turn).ask(request)

    def close(self) -> None:
        """Hang up."""
        for lines in self._lines:
            lines.close()


def written(
    method: str, path: str, headers: str = "", body: Json | None = None, host: str = "bench"
) -> bytes:
    """Write a request; each line of `headers` ends with CRLF."""
    data = b"" if body is None else json.dumps(body).encode()
    kind = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{kind}\r\n".encode() + data
