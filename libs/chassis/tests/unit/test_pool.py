import asyncio
import ssl
from collections.abc import AsyncIterator

import httpcore
import httpx
import pytest

from chassis.pool import Pool, Transport

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Door:
    """A server that counts who came, and answers each request when all that are waited for are there."""

    def __init__(self) -> None:
        self.came = self.here = self.asked = self.most = 0
        self.company = 1
        self.all_here = asyncio.Event()
        self.url = ""
        self.writers: list[asyncio.StreamWriter] = []

    def expect(self, company: int) -> None:
        self.company, self.asked = company, 0
        self.all_here = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        self.here += 1
        self.most = max(self.most, self.here)
        self.writers.append(writer)
        try:
            while path := (await reader.readuntil(b"\r\n\r\n")).split()[1]:
                await self._answer(path, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.here -= 1
            writer.close()

    async def _answer(self, path: bytes, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        if self.asked >= self.company:
            self.all_here.set()
        await self.all_here.wait()
        writer.write(_ANSWER)
        writer.write(path[-4:] if path != b"/half" else b"ha")


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    async with await asyncio.start_server(door.serve, "127.0.0.1", 0) as server:
        door.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield door
        for writer in door.writers:
            writer.close()


def client_of(pool: Pool, pool_timeout: float = 5.0) -> httpx.AsyncClient:
    transport = Transport(pool, ssl.create_default_context())
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(5.0, pool=pool_timeout))


def pool_of(most: int = 32, idle: int = 32, seconds: float = 60.0) -> Pool:
    return Pool(
        ssl.create_default_context(),
        max_connections=most,
        max_keepalive_connections=idle,
        keepalive_expiry=seconds,
    )


async def together(client: httpx.AsyncClient, door: Door, number: int) -> None:
    door.expect(number)
    answers = await asyncio.gather(*(client.get(f"{door.url}/{n:04}") for n in range(number)))
    assert [answer.text for answer in answers] == [f"{n:04}" for n in range(number)]


async def test_what_served_a_burst_serves_the_next(door):
    async with client_of(pool_of()) as client:
        for _ in range(3):
            await together(client, door, 24)
        assert door.came == 24


async def test_the_connection_that_was_used_last_is_used_again(door):
    pool = pool_of()
    async with client_of(pool) as client:
        await together(client, door, 3)
        *others, last = pool.connections
        await client.get(f"{door.url}/once")
        assert pool.connections == [*others, last]


async def test_who_finds_no_room_waits_for_it(door):
    async with client_of(pool_of(most=2)) as client:
        answers = await asyncio.gather(*(client.get(f"{door.url}/{n:04}") for n in range(10)))
    assert [answer.text for answer in answers] == [f"{n:04}" for n in range(10)]
    assert (door.came, door.most) == (2, 2)


async def test_who_finds_no_room_in_time_is_told(door):
    async with client_of(pool_of(most=1), pool_timeout=0.05) as client:
        door.expect(2)
        first = asyncio.create_task(client.get(f"{door.url}/0001"))
        await asyncio.sleep(0)
        with pytest.raises(httpx.PoolTimeout):
            await client.get(f"{door.url}/0002")
        door.all_here.set()
        assert (await first).text == "0001"
        assert (await client.get(f"{door.url}/0003")).text == "0003"


async def test_no_more_stay_idle_than_may(door):
    pool = pool_of(idle=3)
    async with client_of(pool) as client:
        await together(client, door, 8)
        assert len(pool.connections) == 3
        await _until(lambda: door.here == 3)


async def test_one_that_the_server_closed_is_not_used_again(door):
    async with client_of(pool_of()) as client:
        await client.get(f"{door.url}/0001")
        door.writers[0].close()
        await _until(lambda: door.here == 0)
        assert (await client.get(f"{door.url}/0002")).text == "0002"
        assert door.came == 2


async def test_those_unused_for_too_long_are_closed(door):
    pool = pool_of(seconds=0.1)
    async with client_of(pool) as client:
        await together(client, door, 3)
        await asyncio.sleep(0.2)
        await client.get(f"{door.url}/once")
        assert (door.came, len(pool.connections)) == (4, 1)


async def test_one_whose_request_was_given_up_is_not_used_again_and_gives_its_room(door):
    async with client_of(pool_of(most=1)) as client:
        door.expect(2)
        given_up = asyncio.create_task(client.get(f"{door.url}/0001"))
        await _until(lambda: door.asked == 1)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert (await client.get(f"{door.url}/0002")).text == "0002"
        assert door.came == 2


async def test_one_whose_answer_was_not_read_to_its_end_is_not_used_again(door):
    pool = pool_of(most=1)
    async with client_of(pool) as client:
        async with client.stream("GET", f"{door.url}/half") as answer:
            assert answer.status_code == 200
        assert pool.connections == []
        assert (await client.get(f"{door.url}/0002")).text == "0002"


async def test_a_connection_that_fails_gives_its_room(door, unused_tcp_port):
    pool = pool_of(most=1)
    async with client_of(pool) as client:
        for _ in range(2):
            with pytest.raises(httpx.ConnectError):
                await client.get(f"http://127.0.0.1:{unused_tcp_port}/")
        assert pool.connections == []
        assert (await client.get(f"{door.url}/0002")).text == "0002"


async def test_a_closed_pool_leaves_nothing_open(door):
    pool = pool_of()
    async with client_of(pool) as client:
        door.expect(2)
        late = asyncio.create_task(client.get(f"{door.url}/late"))
        await _until(lambda: door.asked == 1)
    door.all_here.set()
    assert (await late).text == "late"
    await _until(lambda: door.here == 0)
    assert pool.connections == []


async def test_a_connection_serves_only_where_it_leads(door):
    pool = pool_of()
    async with client_of(pool) as client:
        await client.get(f"{door.url}/0001")
        await client.get(f"{door.url.replace('127.0.0.1', 'localhost')}/0002")
    assert door.came == 2
    assert isinstance(pool, httpcore.AsyncConnectionPool)


async def _until(true) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)
