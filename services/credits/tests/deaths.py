"""A story of holds, captures and releases told to a service that dies in the middle of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any
from uuid import UUID, uuid4

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from services.credits.tests import mortal
from services.credits.tests.mortal import Point
from services.credits.tests.processes import now_asked
from services.credits.tests.stories import captured, order, period, released

from chassis.clock import utc_now
from chassis.testing import Bus
from contracts.credits import CreditsHeld, CreditsSettled, HoldDeclined, ReleaseCredits
from contracts.message import Message
from contracts.orders import Operation
from contracts.registry import message_class
from contracts.topology import FACTS

SPAWN = get_context("forkserver")
"""Each service is a process of its own, that does not have to import everything first."""
SPAWN.set_forkserver_preload([mortal.__name__])


@dataclass
class Life:
    """One process of the service, from its start to its death."""

    process: ForkServerProcess
    line: Connection
    sent: list[str] = field(default_factory=list)

    @classmethod
    async def begin(cls, database_url: str, rabbitmq_url: str) -> "Life":
        """Start a process and wait until it is ready."""
        line, other = SPAWN.Pipe()
        process = SPAWN.Process(target=mortal.serve, args=(database_url, rabbitmq_url, other), daemon=True)
        process.start()
        other.close()
        life = cls(process, line)
        assert await asyncio.to_thread(line.poll, 30)
        assert line.recv() == "ready"
        asyncio.get_running_loop().add_reader(line.fileno(), life._note)
        return life

    def arm(self, point: Point | None = None) -> None:
        """Note what it sends from now on, and let it die at a point."""
        self.sent.clear()
        self.line.send(point)

    async def dies(self) -> None:
        """Wait for its death."""
        await asyncio.to_thread(self.process.join)

    async def kill(self) -> None:
        """End it if it lives."""
        self.process.kill()
        await self.dies()
        asyncio.get_running_loop().remove_reader(self.line.fileno())
        self.line.close()

    def _note(self) -> None:
        try:
            self.sent.append(self.line.recv())
        except (EOFError, ConnectionResetError):
            asyncio.get_running_loop().remove_reader(self.line.fileno())


@dataclass
class Heard:
    """Every copy of every fact that was said, by team."""

    bus: Bus
    copies: dict[str, list[AbstractIncomingMessage]] = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hear(self, incoming: AbstractIncomingMessage) -> None:
        """Keep one copy."""
        message = fact(incoming)
        async with self.changed:
            self.copies.setdefault(str(getattr(message, "team_id", None)), []).append(incoming)
            self.changed.notify_all()

    def about(self, team: UUID) -> dict[str, list[AbstractIncomingMessage]]:
        """Sort what was said about a team by message."""
        found: dict[str, list[AbstractIncomingMessage]] = {}
        for incoming in self.copies.get(str(team), []):
            found.setdefault(incoming.message_id or "", []).append(incoming)
        return found

    def facts(self, team: UUID, *kinds: type[Message]) -> list[Any]:
        """List what was said about a team, each message once."""
        messages = (fact(copies[0]) for copies in self.about(team).values())
        return [message for message in messages if isinstance(message, kinds)]

    async def until(self, told: Callable[[], bool], within: float = 30) -> None:
        """Wait until something is true of what was heard."""
        async with asyncio.timeout(within), self.changed:
            await self.changed.wait_for(told)

    async def everything(self) -> None:
        """Wait until all that was sent to the service has been handled, and all it said is here."""
        team = uuid4()
        await self.bus.say(period(team, 1, utc_now()))
        await self.bus.say(ReleaseCredits(job_id=uuid4(), team_id=team, reason="never held"))
        await self.until(lambda: len(self.about(team)) == 2)


def fact(incoming: AbstractIncomingMessage) -> Message:
    """Read what was heard."""
    kind = message_class(incoming.type or "")
    assert kind is not None, incoming.type
    return kind.model_validate_json(incoming.body)


@asynccontextmanager
async def hearing(url: str) -> AsyncIterator[Heard]:
    """Hear all that credits says from now on."""
    async with await aio_pika.connect(url) as connection:
        channel: AbstractChannel = await connection.channel()
        heard = Heard(Bus(channel, asyncio.Queue()))
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(FACTS, "credits.#")
        await queue.consume(heard.hear, no_ack=True)
        yield heard


@dataclass
class Said:
    """A command, the answer it must get, and whether that may be said again (to one that asks again)."""

    command: Message
    answer: str
    twice: bool = False
    again: bool = False
    id: UUID = field(default_factory=uuid4)


@dataclass
class Story:
    """A team, and three acts with everything that can become of a hold; each waits for its answers."""

    heard: Heard
    team: UUID = field(default_factory=uuid4)

    def __post_init__(self) -> None:
        chairs = now_asked(self.team, order(4), order(4), order(2))
        tables = now_asked(self.team, order(4), order(2))
        dear = now_asked(self.team, order(1, Operation.CREATE_MODEL))
        overtaken = now_asked(self.team, order(4))
        self.acts = (
            (
                Said(chairs, "held 8 + 8 + 4"),
                Said(tables, "held 8 + 4", twice=True),
                Said(dear, "declined insufficient_credits, 100 required"),
                Said(released(overtaken), "released 0 of 0, 0 back"),
            ),
            (
                Said(captured(chairs, 4, 0), "captured 8 of 8, 0 back"),
                Said(captured(chairs, 3, 1), "captured 6 of 8, 2 back", twice=True),
                Said(released(chairs, 2), "released 0 of 4, 4 back", twice=True),
                Said(captured(tables, 1, 0), "captured 2 of 8, 6 back"),
                Said(overtaken, "declined too_late, 8 required"),
            ),
            (
                Said(chairs, "held 8 + 8 + 4", again=True),
                Said(captured(chairs, 3, 1), "captured 6 of 8, 2 back", again=True),
                Said(released(chairs, 0), "captured 8 of 8, 0 back", again=True),
            ),
        )

    async def tell(self) -> None:
        """Tell it to its end."""
        await self.heard.bus.say(period(self.team, 50, utc_now()))
        await self.heard.until(lambda: len(self.heard.about(self.team)) == 1)
        for act in self.acts:
            for said in act:
                for _ in range(2 if said.twice else 1):
                    await self.heard.bus.say(said.command, said.id)
            await self.heard.until(lambda act=act: all(self.answers(said) for said in act))

    async def tell_to_the_end(self) -> None:
        """Tell it, and wait until nothing of it is left to be handled."""
        await self.tell()
        await self.heard.everything()

    def unanswered(self) -> list[Message]:
        """List what has not been answered yet."""
        return [said.command for act in self.acts for said in act if not self.answers(said)]

    def answers(self, said: Said) -> list[str]:
        """Return what a command was answered, each message once."""
        caused = (
            c[0] for c in self.heard.about(self.team).values() if c[0].headers["causation_id"] == f"{said.id}"
        )
        return [answer for incoming in caused if (answer := in_words(fact(incoming)))]


def in_words(message: Message) -> str | None:
    """Put an answer in a few words; None for what is none."""
    match message:
        case CreditsHeld():
            return f"held {' + '.join(str(hold.amount) for hold in message.holds)}"
        case HoldDeclined():
            return f"declined {message.code}, {message.required} required"
        case CreditsSettled():
            return f"{message.outcome} {message.captured} of {message.held}, {message.released} back"
    return None
