"""The crowd asks as it was told, of a server that answers byte by byte if it must."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.driving.crowd import on_time, together
from bench.driving.lines import Lines, Turns, written


async def request(reader: asyncio.StreamReader) -> bytes:
    """Read the head of the next request; nothing when the client has gone."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


@asynccontextmanager
async def server(*, tears: bool = False) -> AsyncIterator[tuple[str, list[int]]]:
    """Answer each request with its path; tells how many were open at a time."""
    seen, now = [0], 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now
        while head := await request(reader):
            now += 1
            seen.append(now)
            path = head.split(b" ")[1]
            said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path)
            for part in [said[n : n + 1] for n in range(len(said))] if tears else [said]:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)
            now -= 1
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.1")
    async with serving:
        yield f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}", seen


async def test_an_answer_is_whole_however_its_bytes_arrive():
    async with server(tears=True) as (url, _):
        lines = Lines(url)
        answer = await lines.ask(written("GET", "/somewhere"))
        assert (answer.status, answer.body) == (200, b"/somewhere")
        lines.close()


async def test_as_many_ask_at_a_time_as_there_are_clients_and_each_is_answered():
    async with server(tears=True) as (url, seen):
        lines = Lines(url)
        answers = await together(lines, [written("GET", f"/{n}") for n in range(20)], 4)
        assert sorted(int(answer.body[1:]) for answer in answers) == list(range(20))
        assert max(seen) == 4
        lines.close()


async def test_what_nobody_answers_is_told_as_such():
    async with server() as (url, _):
        pass
    found = await on_time(Lines(url), [written("GET", "/")], rate=1000)
    assert [answer for _, answer in found] == [None]


async def test_clients_that_take_turns_have_a_connection_each():
    asked: list[list[bytes]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(mine := [])
        while head := await request(reader):
            mine.append(head.split(b" ")[1])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as serving:
        clients = Turns(f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}", 2)
        await clients.open()
        for n in range(4):
            await clients.ask(written("GET", f"/{n}"))
        clients.close()
    live = b"/health/live"
    assert asked == [[live, b"/0", b"/2"], [live, b"/1", b"/3"]]
