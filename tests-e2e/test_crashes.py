"""kill -9 of every process, the broker and the database while jobs run: all jobs end, the books are clean."""

import asyncio
from collections import Counter

import pytest
from e2e.client import Client
from e2e.provider import TRAINER

WORK = 6


async def begin(team, mark, *, spread: float = 0.15):
    """Ask for a model and images, a little apart, so that what comes next meets them at different steps."""
    jobs = [await team.create_model(f"{mark} model")]
    for n in range(WORK):
        jobs.append(await team.generate(f"{mark} {n}.", 2))
        await asyncio.sleep(spread)
    return jobs


async def all_end_well(house, team, jobs, mark):
    """Assert that each job is completed and charged once, by as few provider calls as its doubts allow."""
    ended = await team.ends(jobs)
    assert Counter(job["status"] for job in ended) == {"completed": len(jobs)}, [
        (job["status"], job["code"], house.fates(job)) for job in ended if job["status"] != "completed"
    ]
    for job in ended:
        assert all(fates.count("succeeded") == 1 for fates in house.fates(job)), house.fates(job)
        await house.is_charged_once(team, job)
        assert job["receipt"]["captured"] == job["receipt"]["held"]
    # An attempt is written down before it is posted, and posted once.
    written = sum(len(fates) for job in ended for fates in house.fates(job))
    assert len(await house.submits_are_explained(mark)) <= written
    await house.is_settled()


@pytest.mark.parametrize("name", ["credits", "jobs", "catalog", "billing", "projector", "gateway"])
async def test_a_killed_process_loses_nothing(house, studio, name):
    mark = f"{name} killed"
    async with house.provider.behaving(image_seconds=0.6):
        begun = asyncio.create_task(begin(studio, mark))
        await asyncio.sleep(0.5)
        await house.crash(name)
        jobs = await begun
        await all_end_well(house, studio, jobs, mark)
        await studio.until(jobs[0]["model_id"], 1)


async def test_a_team_that_signs_up_without_billing_gets_its_credits_later(house):
    await asyncio.to_thread(house.stack.kill, "billing")
    client = await Client.sign_up(house.stack.url, house.stack.sandbox_url)
    house.clients.append(client)
    assert (await client.balance())["available"] == 0
    refused = await client.post("/api/generate", await client.wish("too early"))
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
    await asyncio.to_thread(house.stack.start_service, "billing")
    async with asyncio.timeout(20):
        while (await client.balance())["available"] != 200:
            await asyncio.sleep(0.2)
    await house.is_settled()


async def test_a_training_killed_between_its_steps_goes_on(house, studio):
    async with house.provider.behaving(training_seconds=1.5):
        jobs = [await studio.create_model(f"torn {n}.") for n in range(3)]
        await house.provider.request("COMPLETED", "torn 0.")  # drawn: being stored, or the next step begins
        await house.crash("jobs", pause=0.2)
        await house.provider.request("IN_PROGRESS", "", TRAINER)
        await house.crash("jobs", pause=0.2)
        await all_end_well(house, studio, jobs, "torn")
        models = [await studio.until(job["model_id"], 1) for job in jobs]
    assert [len(model["versions"]) for model in models] == [1, 1, 1]


async def test_a_killed_broker_loses_nothing(house, studio):
    async with house.provider.behaving(image_seconds=0.6):
        begun = asyncio.create_task(begin(studio, "broker killed", spread=0.3))
        await asyncio.sleep(0.6)
        await asyncio.to_thread(house.stack.nodes.rabbitmq.restart, kill=True)
        jobs = await begun
        await all_end_well(house, studio, jobs, "broker killed")
    await asyncio.to_thread(house.stack.await_ready)


async def test_a_killed_database_loses_nothing(house, studio):
    async with house.provider.behaving(image_seconds=0.6):
        begun = asyncio.create_task(begin(studio, "database killed", spread=0.3))
        await asyncio.sleep(0.6)
        await asyncio.to_thread(house.stack.nodes.postgres.restart, kill=True)
        jobs = await begun
        await all_end_well(house, studio, jobs, "database killed")
    await asyncio.to_thread(house.stack.await_ready)


async def test_everything_killed_at_once_comes_back(house, studio):
    jobs = await begin(studio, "all killed", spread=0)
    names = ["gateway", "projector", "jobs", "credits", "catalog", "billing"]
    await asyncio.gather(*(asyncio.to_thread(house.stack.kill, name) for name in names))
    await asyncio.gather(*(asyncio.to_thread(house.stack.start_service, name) for name in names))
    await all_end_well(house, studio, jobs, "all killed")
