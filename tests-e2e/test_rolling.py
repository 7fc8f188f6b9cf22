"""Every process of every service is stopped and started anew, one after the other, while clients go on."""

import asyncio
import time

import pytest
from e2e.house import HURRIED, PLENTY, opened
from e2e.load import asking

from atelier_local.stack import Stack

RATE = 50.0


@pytest.fixture(scope="module")
async def pair(nodes, tmp_path_factory):
    """A house with two of everything but what stands in for others."""
    stack = Stack(tmp_path_factory.mktemp("pair"), env_overrides=HURRIED, nodes=nodes, replicas=2)
    try:
        await asyncio.to_thread(stack.start)
        async with opened(stack) as house:
            yield house
    finally:
        await asyncio.to_thread(stack.stop)
        await asyncio.to_thread(stack.forget)


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_a_rolling_restart_fails_no_request_and_loses_no_job(pair):
    team = await pair.team(credits_added=100_000, **PLENTY)
    took = {}
    async with asking(team, await team.wish("rolled over"), RATE) as load:
        for name in pair.stack.processes():
            began = time.monotonic()
            statuses = await asyncio.to_thread(pair.stack.stop_service, name)
            took[name] = time.monotonic() - began
            assert statuses == [0], (name, pair.stack.log(name).read_text()[-2000:])
            await asyncio.to_thread(pair.stack.start_service, name)
    print(
        f"{load.answered} answers, slowest {load.slowest:.1f} s; {len(load.accepted)} jobs; stopped in {took}"
    )
    assert not load.failed, load.failed
    assert len(load.accepted) > RATE
    ended = await team.ends(load.accepted)
    assert {job["status"] for job in ended} == {"completed"}
    await pair.is_settled()
    assert set(pair.outboxes().values()) == {0}
