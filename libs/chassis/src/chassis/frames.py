"""Our messages as AMQP 0-9-1 frames, written straight down.

The library's codec serves every property there is and takes ten times as long for the few that we send.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from struct import Struct, error

from aiormq import spec
from pamqp.frame import marshal

_FRAME, _HEADER, _LONG, _TIMESTAMP = Struct(">BHI"), Struct(">HHQH"), Struct(">I"), Struct(">Q")
_CONTENT_HEADER, _BODY, _END = 2, 3, b"\xce"
_BASIC = 60
# content-type, headers, delivery-mode, correlation-id, message-id, timestamp and type, in this order.
_PRESENT = 0b1011_0100_1110_0000
_CONTENT_TYPE, _PERSISTENT = b"\x10application/json", b"\x02"


class Unwritable(Exception):
    """A message that no frame can carry."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A persistent JSON message, ready to be sent."""

    exchange: str
    routing_key: str
    type: str
    message_id: str
    correlation_id: str
    timestamp: datetime
    headers: Mapping[str, str]
    body: bytes

    def frames(self, channel: int, most: int) -> bytes:
        """Write it for a channel whose frames take so many bytes; raises Unwritable."""
        try:
            head, header = _published(self.exchange, self.routing_key, channel), self._header()
            if len(header) > most:  # a body may be split into frames, a header may not
                raise ValueError(f"{len(header)} bytes of properties, of which {most} can be sent")
            return b"".join((head, _frame(_CONTENT_HEADER, channel, header), *self._body(channel, most)))
        except (ValueError, TypeError, AttributeError, error) as problem:
            raise Unwritable(f"{self.type} {self.message_id}: {problem}") from problem

    def _header(self) -> bytes:
        table = b"".join(_short(name) + b"S" + _long(value) for name, value in self.headers.items())
        return b"".join(
            (
                _HEADER.pack(_BASIC, 0, len(self.body), _PRESENT),
                _CONTENT_TYPE,
                _LONG.pack(len(table)),
                table,
                _PERSISTENT,
                _short(self.correlation_id),
                _short(self.message_id),
                _TIMESTAMP.pack(int(self.timestamp.timestamp())),
                _short(self.type),
            )
        )

    def _body(self, channel: int, most: int) -> Iterator[bytes]:
        return (
            _frame(_BODY, channel, self.body[start : start + most])
            for start in range(0, len(self.body), most)
        )


@lru_cache(maxsize=1024)
def _published(exchange: str, routing_key: str, channel: int) -> bytes:
    # Mandatory: what no queue takes comes back.
    return marshal(spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True), channel)


def _frame(kind: int, channel: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, channel, len(payload)) + payload + _END


def _short(text: str) -> bytes:
    written = text.encode()
    return bytes((len(written),)) + written


def _long(text: str) -> bytes:
    written = text.encode()
    return _LONG.pack(len(written)) + written
