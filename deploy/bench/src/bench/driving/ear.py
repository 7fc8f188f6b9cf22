"""Hears what is said on a queue at next to no cost, so that it is not the listener that is measured."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from struct import Struct
from urllib.parse import unquote, urlsplit

from aiormq import spec
from pamqp.base import Frame
from pamqp.frame import marshal, unmarshal
from pamqp.header import ProtocolHeader

Heard = Callable[[str, str], None]
_FRAME, _CONTENT_HEADER, _OVERHEAD = Struct(">BHI"), 2, 8
_FLAGS_AT = 7 + 12
_SHORT, _TABLE = -1, -4
# The properties in their order on the wire, with the bytes each takes.
_PROPERTIES = (
    ("content_type", _SHORT), ("content_encoding", _SHORT), ("headers", _TABLE), ("delivery_mode", 1),
    ("priority", 1), ("correlation_id", _SHORT), ("reply_to", _SHORT), ("expiration", _SHORT),
    ("message_id", _SHORT), ("timestamp", 8), ("type", _SHORT),
)  # fmt: skip


class Ear:
    """One connection that consumes one queue and calls `heard` with type and correlation id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
        self._reader, self._writer, self._heard = reader, writer, heard

    async def greet(self, user: str, password: str, vhost: str, queue: str) -> None:
        """Open the connection and its channel, and consume the queue without acknowledgements."""
        self._writer.write(marshal(ProtocolHeader(0, 9, 1), 0))
        await self._next()
        response = f"\0{user}\0{password}"
        await self._ask(0, spec.Connection.StartOk(mechanism="PLAIN", response=response, locale="en_US"))
        self._writer.write(marshal(spec.Connection.TuneOk(channel_max=1, frame_max=131_072, heartbeat=0), 0))
        await self._ask(0, spec.Connection.Open(virtual_host=vhost))
        await self._ask(1, spec.Channel.Open())
        await self._ask(1, spec.Basic.Consume(queue=queue, no_ack=True))

    async def listen(self) -> None:
        """Hear until the connection ends."""
        rest = b""
        while data := await self._reader.read(1 << 18):
            rest = self._read(rest + data)

    async def _ask(self, channel: int, frame: Frame) -> None:
        self._writer.write(marshal(frame, channel))
        await self._next()

    async def _next(self) -> None:
        start = await self._reader.readexactly(7)
        size = _FRAME.unpack(start)[2]
        _, _, frame = unmarshal(start + await self._reader.readexactly(size + 1))
        if isinstance(frame, spec.Connection.Close | spec.Channel.Close):
            raise ConnectionError(frame.reply_text)

    def _read(self, data: bytes) -> bytes:
        at = 0
        while len(data) - at >= _OVERHEAD:
            kind, _, size = _FRAME.unpack_from(data, at)
            if len(data) - at < size + _OVERHEAD:
                break
            if kind == _CONTENT_HEADER:
                said = properties(data, at + _FLAGS_AT)
                self._heard(said.get("type", ""), said.get("correlation_id", ""))
            at += size + _OVERHEAD
        return data[at:]


def properties(data: bytes, at: int) -> dict[str, str]:
    """Read the short strings among a message's properties, from their flags on."""
    flags, found = int.from_bytes(data[at : at + 2]), {}
    at += 2
    for bit, (name, size) in zip(range(15, 4, -1), _PROPERTIES, strict=True):
        if not flags >> bit & 1:
            continue
        if size == _SHORT:
            end = at + 1 + data[at]
            found[name] = data[at + 1 : end].decode()
            at = end
        else:
            at += size if size > 0 else 4 + int.from_bytes(data[at : at + 4])
    return found


@asynccontextmanager
async def hearing(url: str, queue: str, heard: Heard) -> AsyncIterator[None]:
    """Hear a queue as long as this is open."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    ear = Ear(reader, writer, heard)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    await ear.greet(user, password, unquote(parts.path[1:]), queue)
    listening = asyncio.create_task(ear.listen())
    try:
        yield
    finally:
        writer.close()
        listening.cancel()
