"""Two gateways behind one address: whichever answers, it is the same Atelier."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from e2e.client import Client

from atelier_local.door import Door

ALONE = httpx.Limits(max_keepalive_connections=0)
EXCHANGE = 0.25


@pytest.fixture(scope="module")
async def balancer(house) -> AsyncIterator[Door]:
    """Both gateways in turn, one connection each."""
    second = await asyncio.to_thread(house.stack.add_replica, "gateway")
    balancer = Door([urlsplit(house.stack.url).port, house.stack.plan.ports[second]])
    await balancer.open()
    yield balancer
    await balancer.close()
    await asyncio.to_thread(house.stack.remove_replica, second)


@pytest.fixture
async def browser(balancer) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every request takes a connection of its own, and so goes to the other gateway."""
    async with httpx.AsyncClient(base_url=balancer.url, timeout=30, limits=ALONE) as client:
        yield client


async def through(balancer: Door, team: Client) -> Client:
    """Let a team ask both gateways in turn."""
    http = httpx.AsyncClient(base_url=balancer.url, timeout=30, limits=ALONE)
    return Client(http, team.email, team.team_id, team.headers)


async def test_a_session_of_one_is_a_session_of_both(balancer, browser):
    before = dict(balancer.used)
    body = {"name": "Ada", "email": f"{uuid4().hex[:8]}@example.com", "password": "a long password"}
    assert (await browser.post("/api/auth/sign-up", json=body)).status_code in {201, 202}
    assert [(await browser.get("/api/me")).status_code for _ in range(4)] == [200] * 4
    assert (await browser.post("/api/auth/sign-out")).status_code == 204
    assert [(await browser.get("/api/me")).status_code for _ in range(4)] == [401] * 4
    assert all(balancer.used[port] > before.get(port, 0) for port in balancer.ports)


async def test_the_same_request_to_both_at_once_is_one_request(house, balancer):
    team = await through(balancer, await house.team())
    wish, key = await team.wish("one request, two gateways"), uuid4().hex
    answers = await asyncio.gather(*(team.post("/api/generate", wish, key) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [202] * 6
    assert len({answer.json()["jobs"][0]["id"] for answer in answers}) == 1
    job = await team.end(answers[0].json()["jobs"][0])
    assert job["status"] == "completed"
    assert len([line for line in await team.history() if line["type"] == "reserve"]) == 1
    await team.close()


async def test_a_limit_is_one_limit(house, balancer):
    limit = 40
    team = await through(balancer, await house.team(per_minute=limit))
    passed = refused = 0
    async with asyncio.timeout(60):
        while not refused:
            answer = await team.http.get("/api/me", headers=team.headers)
            passed, refused = passed + (answer.status_code == 200), refused + (answer.status_code == 429)
    assert answer.json()["code"] == "rate_limited"
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["RateLimit-Limit"] == str(limit)
    # Each of both would let a whole limit pass; together they share what one has, and what refills meanwhile.
    await asyncio.sleep(2 * EXCHANGE)
    more = [(await team.http.get("/api/me", headers=team.headers)).status_code for _ in range(6)]
    assert 429 in more
    assert passed + more.count(200) < 2 * limit
    await team.close()


async def test_asking_one_is_answered_while_the_other_is_killed(house, balancer):
    team = await through(balancer, await house.team())
    job = await team.generate("asked of two")
    await asyncio.to_thread(house.stack.kill, "gateway")
    assert (await team.get(f"/api/jobs/{job['id']}"))["id"] == job["id"]
    second = await team.generate("asked of the one that is left")
    await asyncio.to_thread(house.stack.start_service, "gateway")
    assert [one["status"] for one in await team.ends([job, second])] == ["completed"] * 2
    await team.close()


async def test_a_follower_hears_everything_once_and_in_order_whichever_gateway_dies(house, balancer):
    team = await through(balancer, await house.team(running=5))
    heard: list[int] = []
    start = last = (await team.get("/api/events", after=0, limit=500))["next_cursor"]
    jobs = [await team.generate(f"followed {n}") for n in range(3)]
    for _ in range(5):
        last = await listen(team, last, heard, 0.3)
    listening = asyncio.create_task(listen(team, last, heard, 5))
    await house.crash("gateway", pause=0)
    last = await listening
    await team.ends(jobs)
    everything = [event["seq"] for event in await all_events(team, start)]
    async with asyncio.timeout(30):
        while not heard or heard[-1] < everything[-1]:
            last = await listen(team, last, heard, 1)
    assert heard == everything
    assert len(heard) > 10
    await team.close()


async def all_events(team: Client, after: str) -> list:
    found = []
    while page := (await team.get("/api/events", after=after, limit=500))["data"]:
        found, after = found + page, str(page[-1]["seq"])
    return found


async def listen(team: Client, last: str, heard: list[int], seconds: float) -> str:
    """Follow for a moment from the last event heard, then hang up, wherever that is."""
    headers = team.headers | {"Accept": "text/event-stream", "Last-Event-ID": last}
    with suppress(TimeoutError, httpx.TransportError):
        async with (
            asyncio.timeout(seconds),
            team.http.stream("GET", "/api/events", headers=headers) as stream,
        ):
            assert stream.status_code == 200
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    heard.append(json.loads(line[6:])["seq"])
                    last = str(heard[-1])
    return last
