"""The service as production builds it, on an event loop that ends the process at a chosen place.

What a process has done is what it has sent: to Postgres and to the broker, through its sockets. So its deaths
differ only by the last thing that was sent, and each write is two places to die: before it leaves, and after
it has taken effect while nobody has heard the answer. Whatever the code between the sockets looks like.
"""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from services.credits.tests.wire import Words

from chassis.health import Health
from chassis.service import run
from credits.bootstrap import build
from credits.settings import Settings


@dataclass(frozen=True, order=True)
class Point:
    """The place before, or after, the n-th time that something is sent."""

    name: str
    nth: int
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.name} ({self.nth})"


@dataclass
class Fate:
    """Ends the process at its point, counted from when it was told to; names all that is sent since then."""

    report: Callable[[str], None]
    point: Point | None = None
    armed: bool = False
    sent: Counter[str] = field(default_factory=Counter)

    def arm(self, point: Point | None) -> None:
        """Count from now on."""
        self.point, self.armed, self.sent = point, True, Counter()

    def strikes(self, name: str) -> bool:
        """Tell whether this is what the process must not survive."""
        if not self.armed:
            return False
        self.sent[name] += 1
        self.report(name)
        return self.point is not None and (name, self.sent[name]) == (self.point.name, self.point.nth)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Tap(asyncio.Protocol):
    """Stands between one connection and whoever holds it."""

    def __init__(self, held_by: asyncio.Protocol, fate: Fate) -> None:
        self.held_by, self.fate = held_by, fate
        self.words = Words()
        self.doomed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = Wire(transport, self)
        self.held_by.connection_made(self.transport)

    def data_received(self, data: bytes) -> None:
        if self.doomed:
            die()
        self.held_by.data_received(data)

    def eof_received(self) -> bool | None:
        return self.held_by.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.held_by.connection_lost(exc)

    def pause_writing(self) -> None:
        self.held_by.pause_writing()

    def resume_writing(self) -> None:
        self.held_by.resume_writing()


class Wire:
    """A transport that knows what it carries."""

    def __init__(self, transport: Any, tap: Tap) -> None:
        self._transport, self._tap = transport, tap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self._tap.held_by = protocol

    def write(self, data: bytes) -> None:
        fate = self._tap.fate
        name = self._tap.words.name(bytes(data))
        strikes = fate.strikes(name)
        if strikes and fate.point is not None and not fate.point.after:
            die()
        self._transport.write(data)
        if strikes and name == "ack":
            die()  # the broker does not answer to that
        self._tap.doomed |= strikes

    def writelines(self, lines: Any) -> None:
        self.write(b"".join(lines))


class MortalLoop(asyncio.SelectorEventLoop):
    """An event loop whose connections are all tapped."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    async def create_connection(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        _, tap = await super().create_connection(
            lambda: Tap(protocol_factory(), self._fate), *args, **options
        )
        return tap.transport, tap.held_by


def serve(database_url: str, rabbitmq_url: str, line: Connection) -> None:
    """Run until killed. Says `ready`; told a point, or None, it names all that it sends from then on."""
    settings = Settings(database_url=database_url, rabbitmq_url=rabbitmq_url, http_port=0, log_level="ERROR")
    fate = Fate(line.send)
    with asyncio.Runner(loop_factory=partial(MortalLoop, fate)) as runner:
        runner.run(_serve(settings, fate, line))


async def _serve(settings: Settings, fate: Fate, line: Connection) -> None:
    service = replace(build(settings), schedules=())  # what comes due is no part of the story
    asyncio.get_running_loop().add_reader(line.fileno(), _obey, fate, line)
    telling = asyncio.create_task(_tell_when_ready(service.health, line))
    await run(service)
    await telling


async def _tell_when_ready(health: Health, line: Connection) -> None:
    while any(health.parts.get(part, "not yet") for part in ("hot consumers", "consumers")):
        await asyncio.sleep(0.005)
    line.send("ready")


def _obey(fate: Fate, line: Connection) -> None:
    try:
        fate.arm(line.recv())
    except EOFError:
        die()  # nobody is there any more who could end it
