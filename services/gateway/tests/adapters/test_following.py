"""Following a team's events over real connections, which break."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
import uvicorn
from services.gateway.tests.stage import Person, Stage, make_stage

from chassis.clock import utc_now
from chassis.statement import text
from contracts.credits import LowBalance
from gateway.adapters.inbound.http.routes import events
from gateway.adapters.outbound.postgres.work import transaction
from gateway.application.tidy_up import tidy_up

STREAM = {"Accept": "text/event-stream"}


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[str]:
    """Serve a stage on a port of its own."""
    config = uvicorn.Config(stage.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    stage.news.let_go()
    server.should_exit = True
    await serving


@pytest.fixture
async def both(stage, database, gateway_url, signer) -> AsyncIterator[list[str]]:
    """Two gateways on one database."""
    other = make_stage(database, gateway_url, signer)
    async with other.news.running(), served(stage) as one, served(other) as two:
        yield [one, two]


def low(person: Person, spendable: int) -> LowBalance:
    return LowBalance(team_id=person.team_id, spendable=spendable, threshold=20, at=utc_now())


async def listen(url: str, person: Person, last: int, heard: list[int], seconds: float) -> int:
    """Follow from the last event heard, and hang up in the middle of whatever happens then."""
    cookies = dict(person.client.cookies)
    headers = STREAM | {"Last-Event-ID": str(last)}
    async with httpx.AsyncClient(base_url=url, cookies=cookies) as client:
        with suppress(TimeoutError):
            asked = client.stream("GET", "/api/events?type=account.low_balance", headers=headers)
            async with asyncio.timeout(seconds), asked as stream:
                assert stream.status_code == 200
                async for line in stream.aiter_lines():
                    if line.startswith("data: "):
                        event = json.loads(line[6:])
                        heard.append(event["data"]["spendable"])
                        last = event["seq"]
    return last


async def test_who_is_cut_off_fifty_times_while_five_hundred_facts_happen_hears_each_once_in_order(
    stage, both
):
    ada = await stage.person()
    last = int((await ada.client.get("/api/events")).json()["next_cursor"])
    dice, heard = random.Random(7), []

    async def happen() -> None:
        for first in range(0, 500, 5):
            await stage.hear(*(low(ada, n) for n in range(first, first + 5)))

    happening = asyncio.create_task(happen())
    for cut in range(50):
        last = await listen(both[cut % 2], ada, last, heard, dice.uniform(0.01, 0.15))
    await happening
    async with asyncio.timeout(60):
        while len(heard) < 500:
            last = await listen(both[0], ada, last, heard, 0.5)
    assert heard == list(range(500))


async def test_who_is_cut_off_before_the_first_event_misses_nothing(stage, both):
    ada = await stage.person()
    await stage.hear(low(ada, 9))
    begun = await first_lines(both[0], ada, STREAM, 3)
    start = int((await ada.client.get("/api/events")).json()["next_cursor"])
    assert begun == ["retry: 2000", f"id: {start}", ""]

    await stage.hear(low(ada, 8))
    resumed = await first_lines(both[1], ada, STREAM | {"Last-Event-ID": str(start)}, 6)
    assert resumed[4] == "event: account.low_balance"
    assert json.loads(resumed[5].removeprefix("data: "))["data"]["spendable"] == 8


async def test_a_sign_of_life_says_from_where_to_resume(stage, both, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT", 0.1)
    ada, grace = await stage.person(), await stage.person()
    resume = STREAM | {"Last-Event-ID": (await ada.client.get("/api/events")).json()["next_cursor"]}
    await stage.hear(low(grace, 5))
    lines = await first_lines(both[0], ada, resume, 6)
    head = (await stage.rows("select seq from gateway.log_head"))[0].seq
    assert lines[3:] == [": still here", f"id: {head}", ""]  # what others did is behind it as well


async def first_lines(url: str, person: Person, headers: dict[str, str], number: int) -> list[str]:
    """Open a stream, read so many lines, and hang up."""
    cookies = dict(person.client.cookies)
    async with (
        httpx.AsyncClient(base_url=url, cookies=cookies) as client,
        client.stream("GET", "/api/events", headers=headers) as stream,
    ):
        lines = stream.aiter_lines()
        return [await anext(lines) for _ in range(number)]


async def test_a_team_may_have_so_many_streams_open_and_no_more(stage, both):
    stage.app.state.api.streams.allowed = 1
    ada = await stage.person()
    async with httpx.AsyncClient(base_url=both[0], cookies=dict(ada.client.cookies), timeout=8) as client:
        async with client.stream("GET", "/api/events", headers=STREAM) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 2000"
            refused = await client.get("/api/events", headers=STREAM)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert refused.headers["Retry-After"] == "10"
        async with asyncio.timeout(10):
            while (await opened(client)) == 429:
                await asyncio.sleep(0.05)


async def opened(client: httpx.AsyncClient) -> int:
    async with client.stream("GET", "/api/events", headers=STREAM) as stream:
        return stream.status_code


async def test_events_can_be_read_by_type_from_cursor_to_cursor(stage):
    ada = await stage.person()
    await stage.hear(low(ada, 3), low(ada, 2))
    query = {"type": ["account.low_balance"], "limit": 1}
    first = (await ada.client.get("/api/events", params=query)).json()
    second = (await ada.client.get("/api/events", params=query | {"after": first["next_cursor"]})).json()
    third = (await ada.client.get("/api/events", params=query | {"after": second["next_cursor"]})).json()
    assert [page["data"][0]["data"]["spendable"] for page in (first, second)] == [3, 2]
    assert third["data"] == []
    refused = await ada.client.get("/api/events", params={"type": "job.teleported"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_events_are_kept_for_thirty_days_and_then_who_asks_for_them_is_told_the_oldest(stage):
    ada = await stage.person()
    old = await sequence(ada)
    await grow_older(stage, "29 days")
    assert await sequence(ada) == old
    await grow_older(stage, "1 day 1 minute")
    assert await sequence(ada) == []
    await stage.hear(low(ada, 3))
    for headers in ({}, STREAM):
        gone = await ada.client.get("/api/events", params={"after": 1}, headers=headers)
        assert (gone.status_code, gone.json()["code"]) == (410, "events_expired")
        assert gone.json()["oldest"] == str(old[-1])
    [left] = (await ada.client.get("/api/events", params={"after": gone.json()["oldest"]})).json()["data"]
    assert left["type"] == "account.low_balance"


async def sequence(person: Person) -> list[int]:
    return [event["seq"] for event in (await person.client.get("/api/events")).json()["data"]]


async def grow_older(stage: Stage, time: str) -> None:
    async with stage.database.begin() as connection:
        await connection.execute(text(f"update gateway.event_log set at = at - interval '{time}'"))
    await tidy_up(transaction(stage.database), utc_now)
