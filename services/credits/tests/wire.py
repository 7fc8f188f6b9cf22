"""What is said on the wires, by name: frames of AMQP, and messages of Postgres' protocol."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from pamqp import commands, frame
from pamqp.heartbeat import Heartbeat

STARTUP = 196608
"""Version 3.0, with which a session begins; what comes before it, or with it, has no type."""


@dataclass
class Words:
    """Names what one connection sends."""

    is_broker: bool | None = None
    statements: dict[bytes, str] = field(default_factory=dict)
    last: str = ""

    def name(self, data: bytes) -> str:
        """Say in a few words what is being sent."""
        if self.is_broker is None:
            self.is_broker = data.startswith(b"AMQP")
        named = self._frames(data) if self.is_broker else self._queries(data)
        return ", ".join(dict.fromkeys(word for word in named if word)) or "protocol"

    def _frames(self, data: bytes) -> Iterator[str]:
        while data and not data.startswith(b"AMQP"):
            size, _, said = frame.unmarshal(data)
            data = data[size:]
            if isinstance(said, commands.Basic.Publish):
                yield f"publish {said.routing_key}"
            elif isinstance(said, commands.Basic.Ack):
                yield "ack"
            elif isinstance(said, Heartbeat):
                yield "heartbeat"

    def _queries(self, data: bytes) -> Iterator[str]:
        for kind, body in _messages(data):
            if kind == b"Q":
                yield self._executed(_named(body.rstrip(b"\0").decode()))
            elif kind == b"P":
                statement, query, *_ = body.split(b"\0")
                self.statements[statement] = _named(query.decode())
                yield f"prepare {self.statements[statement]}"
            elif kind == b"B":
                _, statement, *_ = body.split(b"\0")
                yield self._executed(self.statements.get(statement, "a statement"))

    def _executed(self, name: str) -> str:
        if name == "commit":
            return f"commit after {self.last}"
        self.last = name
        return name


def _messages(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(data) >= 8 and struct.unpack("!I", data[4:8])[0] >= STARTUP and data[:1] == b"\0":
        return
    while data:
        (size,) = struct.unpack("!I", data[1:5])
        yield data[:1], data[5 : size + 1]
        data = data[size + 1 :]


def _named(sql: str) -> str:
    words = sql.lower().replace(";", "").split()
    tables = re.findall(r"credits\.(\w+)", sql)
    own = words and (tables or words[0] in ("begin", "commit", "rollback"))
    return " ".join([words[0], *tables[:1]]) if own else "connect"
