"""Webhooks to a client, from the running house to a server of its own."""

import asyncio

import pytest
from aiohttp import web


@pytest.fixture
async def shop(house):
    """A team whose owner is signed in, because webhooks are for those who manage the team."""
    team = await house.team()
    body = {"email": team.email, "password": "a long password"}
    signed = await team.http.post("/api/auth/sign-in", json=body)
    assert signed.status_code == 200, signed.text
    return team


async def register(shop, url: str, **more: object):
    made = await shop.http.post("/api/webhook-endpoints", json={"url": url, **more})
    assert made.status_code == 201, made.text
    return made.json()


async def test_a_client_is_told_each_state_of_its_job_in_order(shop, receiver):
    endpoint = await register(shop, receiver.url(), types=["job.changed"])
    job = await shop.generate("a webhook for each state")
    await shop.end(job)
    async with asyncio.timeout(20):
        while not receiver.bodies() or receiver.bodies()[-1]["data"]["status"] != "completed":
            await receiver.gets(len(receiver.bodies()) + 1)
    versions = [event["version"] for event in receiver.bodies()]
    assert versions == sorted(set(versions))
    event = receiver.verify(endpoint["secret"])
    assert event["data"]["receipt"] == (await shop.get(f"/api/jobs/{job['id']}"))["receipt"]
    picture = await shop.http.get(event["data"]["results"][0]["url"])
    assert picture.headers["Content-Type"].startswith("image/")


async def test_a_sender_killed_in_the_middle_sends_again_under_the_same_id(house, shop, receiver):
    held = asyncio.Event()

    async def hold(_: web.Request) -> web.StreamResponse:
        held.set()
        await asyncio.sleep(600)
        raise AssertionError

    receiver.answers["hook"] = hold
    endpoint = await register(shop, receiver.url())
    await shop.http.post(f"/api/webhook-endpoints/{endpoint['id']}/test")
    async with asyncio.timeout(10):
        await held.wait()
    receiver.answers["hook"] = 204
    await house.crash("deliverer")
    await receiver.gets(2)
    first, second = receiver.headers()
    assert first["webhook-id"] == second["webhook-id"]
    async with asyncio.timeout(10):
        path = f"/api/webhook-endpoints/{endpoint['id']}/deliveries"
        while (await shop.http.get(path)).json()["data"][0]["status"] != "delivered":
            await asyncio.sleep(0.1)
