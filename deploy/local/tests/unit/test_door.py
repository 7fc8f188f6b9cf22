"""The door before several gateways: whoever is ready is asked in turn, whoever says it leaves no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from atelier_local import door
from atelier_local.door import Door


@dataclass
class Gateway:
    """Answers every question with its name, and whether it is ready."""

    name: str
    ready: bool = True
    port: int = 0
    answering: list[asyncio.Task[None]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Gateway"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()
        await asyncio.gather(*self.answering)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.answering.append(asyncio.create_task(self._answer(reader, writer)))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        status = 503 if b"/health/ready" in line and not self.ready else 200
        writer.write(f"HTTP/1.1 {status} {self.name}\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def house(*gateways: Gateway) -> AsyncIterator[Door]:
    async with AsyncExitStack() as stack:
        ports = [(await stack.enter_async_context(gateway.open())).port for gateway in gateways]
        before = Door(ports)
        await before.open()
        yield before
        await before.close()


async def who_answers(before: Door) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(before.url.rpartition(":")[2]))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    answer = (await reader.readline()).decode().split()
    writer.close()
    await writer.wait_closed()
    return answer[-1] if answer else ""


async def answered_by(before: Door, wanted: set[str]) -> None:
    async with asyncio.timeout(10):
        while {await who_answers(before) for _ in range(4)} != wanted:
            await asyncio.sleep(0.01)


async def test_connections_go_to_each_in_turn():
    async with house(Gateway("one"), Gateway("two")) as before:
        assert [await who_answers(before) for _ in range(4)] == ["one", "two", "one", "two"]
        assert list(before.used.values()) == [2, 2]


async def test_one_that_is_ready_no_more_is_given_no_connection_until_it_is_again(monkeypatch):
    monkeypatch.setattr(door, "LOOK_EVERY", 0.01)
    leaving = Gateway("leaving")
    async with house(leaving, Gateway("staying")) as before:
        leaving.ready = False
        await answered_by(before, {"staying"})
        leaving.ready = True
        await answered_by(before, {"leaving", "staying"})


async def test_when_none_is_ready_whichever_answers_is_asked(monkeypatch):
    monkeypatch.setattr(door, "LOOK_EVERY", 0.01)
    async with house(Gateway("one", ready=False)) as before:
        while before.ready:
            await asyncio.sleep(0.01)
        assert await who_answers(before) == "one"


async def test_when_there_is_nobody_the_connection_is_closed():
    before = Door([1])
    await before.open()
    assert await who_answers(before) == ""
    await before.close()
