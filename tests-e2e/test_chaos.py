"""Everything breaks at random for minutes while a studio works: all jobs end, nobody is charged twice."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from random import Random

import pytest
from e2e.business import RULES, Business
from e2e.chaos import PROBE, Chaos
from e2e.house import PLENTY
from e2e.till import Till
from e2e.wire import Wire

SECONDS = float(os.environ.get("CHAOS_SECONDS", "600"))
SEED = int(os.environ.get("CHAOS_SEED", str(time.time_ns() % 1_000_000)))
PAUSE = 1.0
"""Seconds between two things the studio does, on average."""
ALL_OVER_WITHIN = 300.0


@pytest.fixture
async def wire(house) -> AsyncIterator[Wire]:
    """A wire between jobs and the provider."""
    wire = Wire(house.stack.plan.ports["fal"])
    await wire.lay()
    await reached(house, wire.port)
    yield wire
    await reached(house, house.stack.plan.ports["fal"])
    await wire.close()


async def reached(house, port: int) -> None:
    """Let jobs reach the provider at this port."""
    await asyncio.to_thread(house.stack.stop_service, "jobs")
    house.stack.override("jobs", FAL_QUEUE_RUN_HOST=f"localhost:{port}")
    await asyncio.to_thread(house.stack.start_service, "jobs")


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 3 * ALL_OVER_WITHIN)
async def test_chaos_loses_no_job_and_charges_nobody_twice(house, wire):
    print(f"\nCHAOS_SEED={SEED} CHAOS_SECONDS={SECONDS:.0f}", flush=True)
    team, till = await house.team(credits_added=1_000_000, **PLENTY), Till(house)
    wish = await team.wish(PROBE)
    business = Business(team, till, wish, Random(SEED))
    chaos = Chaos(house, wire, team, wish, Random(SEED + 1))
    await house.provider.follow(*RULES)
    working = asyncio.create_task(business.run(PAUSE))
    try:
        await chaos.run(SECONDS)
    finally:
        working.cancel()
        await asyncio.wait([working])
    ended = await team.ends(business.accepted, within=ALL_OVER_WITHIN)
    await house.provider.follow()
    if not working.cancelled():
        working.result()
    print(f"{business.done}; {Counter(job['status'] for job in ended)}; {len(chaos.recovered)} faults")
    assert {probe["status"] for probe in chaos.probes} == {"completed"}
    for job in (*ended, *chaos.probes):
        await house.is_charged_once(team, job)
    await house.submits_are_explained("chaos")
    await house.operate("billing", "reconcile", "--days", "1")  # what no webhook told, as every day
    await paid(team, business.bought)
    await house.is_settled()
    assert set(house.outboxes().values()) == {0}
    await till.close()


async def paid(team, packs: int) -> None:
    """Wait until each pack that was paid for has been credited, and find that none was twice."""
    async with asyncio.timeout(ALL_OVER_WITHIN):
        while len(bought := await team.history(type="top_up")) < packs:
            await asyncio.sleep(1)
    assert len(bought) == packs
