"""The whole service as a process, on Postgres, RabbitMQ, fal and S3; the test plays its neighbours."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from services.jobs.tests.neighbours import Neighbours, Process, environment, neighbours

from contracts.jobs import JobChanged
from contracts.orders import Operation

pytestmark = pytest.mark.timeout(120)


IMPATIENT = {
    "SWEEP_EVERY": "0.2",
    "PROGRESS_EVERY": "0.2",
    "PLAN_SLOTS": "3",
    "STORE_RETRY": "1",
    **{f"{kind}_START_TIMEOUT": "4" for kind in ("IMAGE", "TRAINING")},
    **{f"{kind}_USUAL_TIME": "2" for kind in ("IMAGE", "TRAINING")},
    **{f"{kind}_POLL_FIRST": "0.5" for kind in ("IMAGE", "TRAINING")},
    **{f"{kind}_POLL_MAX": "1" for kind in ("IMAGE", "TRAINING")},
    **{f"{kind}_STORE_LEASE": "4" for kind in ("IMAGE", "TRAINING")},
}


@pytest.fixture(scope="module")
async def process(
    fresh_database, fresh_vhost, running_sandbox, unused_tcp_port_factory, tmp_path_factory
) -> AsyncIterator[Process]:
    """The migrated service, not yet started."""
    gateway, own = unused_tcp_port_factory(), unused_tcp_port_factory()
    variables = running_sandbox.environment("jobs") | {
        "DATABASE_URL": fresh_database.url("jobs"),
        "RABBITMQ_URL": fresh_vhost,
        "HTTP_PORT": str(own),
        "PUBLIC_URL": f"http://127.0.0.1:{gateway}",
        "CALLBACK_KEY": "a key of the tests",
        **IMPATIENT,
    }
    process = Process(environment(**variables), tmp_path_factory.mktemp("jobs") / "jobs.log", gateway)
    assert await process.run("migrate") == 0, process.log.read_text()
    yield process
    await process.kill()


@pytest.fixture
async def world(process, sandbox) -> AsyncIterator[Neighbours]:
    """The service running, its neighbours, and the sandbox at its beginning."""
    await sandbox.s3_faults()
    if process.running is None:
        await process.start()
    async with neighbours(process.environment["RABBITMQ_URL"], process.gateway_port) as played:
        yield played


async def lose_all_webhooks(sandbox, *more: dict) -> None:
    await sandbox.faults({"fault": "webhook_lost"}, *more)


async def until(condition, within: float = 15) -> None:
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.02)


def check_images(done: JobChanged, delivered: int, quantity: int) -> None:
    """A completed job: so many images stored and paid for, the rest given back."""
    assert (done.status, len([r for r in done.results if not r.withheld])) == ("completed", delivered)
    assert done.receipt is not None
    assert (done.receipt.held, done.receipt.captured) == (quantity * 2, delivered * 2)
    assert done.receipt.released == (quantity - delivered) * 2


async def test_a_held_order_becomes_images_paid_for(world, sandbox):
    job = await world.order(quantity=4, prompt="a red chair")
    done = await world.ends(job)
    check_images(done, 4, 4)
    assert [capture.quantity for capture in world.captures] == [4]
    assert len(world.callbacks) == 1
    stored = set(await sandbox.objects("images/")) | set(await sandbox.objects("thumbs/"))
    assert {r.key for r in done.results} | {r.thumbnail_key for r in done.results} <= stored
    assert [said.status for said in world.documents[job]] == ["processing", "completed"]
    assert [said.version for said in world.documents[job]] == [done.version - 1, done.version]


async def test_an_unsafe_image_is_not_paid_for(world, sandbox):
    await sandbox.faults({"fault": "unsafe", "params": {"images": [1]}})
    done = await world.ends(await world.order(quantity=3, prompt="three"))
    check_images(done, 2, 3)


async def test_a_refused_input_is_given_back_whole(world, sandbox):
    await sandbox.faults({"fault": "validation_422", "at": "submit"})
    job = await world.order(quantity=2, prompt="forbidden")
    done = await world.ends(job)
    assert (done.status, done.code) == ("failed", "content_policy")
    assert done.receipt is not None
    assert (done.receipt.captured, done.receipt.released) == (0, 4)
    assert [release.job_id for release in world.releases] == [job]


async def test_without_any_webhook_a_job_completes(world, sandbox):
    await lose_all_webhooks(sandbox)
    job = await world.order(quantity=2, prompt="unheard")
    check_images(await world.ends(job), 2, 2)
    assert world.callbacks == []


async def test_a_lost_answer_is_joined_again_by_its_webhook(world, sandbox):
    await sandbox.faults({"fault": "accept_then_close"})
    job = await world.order(prompt="lost answer")
    check_images(await world.ends(job), 1, 1)
    assert len(await sandbox.requests()) == 1


async def test_a_duplicated_webhook_changes_nothing(world, sandbox):
    await sandbox.faults({"fault": "webhook_duplicated", "params": {"copies": 3}})
    job = await world.order(prompt="thrice told")
    check_images(await world.ends(job), 1, 1)
    await until(lambda: _at_least(world.callbacks, 3))
    await asyncio.sleep(0.3)
    assert len(world.captures) == 1
    assert max(said.version for said in world.documents[job]) == (await world.ends(job)).version


async def _at_least(found, count: int) -> bool:
    return len(found) >= count


async def test_a_kill_while_the_provider_works_loses_nothing_and_pays_nothing_twice(
    world, process, sandbox, fresh_database
):
    await sandbox.timing(image_seconds=1.5)
    await lose_all_webhooks(sandbox)
    job = await world.order(prompt="killed while running")
    await until(lambda: _is(fresh_database, job, "running"))
    await process.kill()
    await process.start()
    check_images(await world.ends(job), 1, 1)
    assert len(await sandbox.requests()) == 1


async def _is(database, job, state: str, step: int = 1) -> bool:
    """Whether the service has written this down; what the provider shows is a moment ahead of it."""
    return database.query(f"select state, step from jobs.jobs where id = '{job}'") == f"{state}|{step}"


async def test_a_kill_before_the_answer_is_written_down_is_joined_again_by_the_webhook(
    world, process, sandbox
):
    await sandbox.faults({"fault": "slow", "at": "submit", "params": {"seconds": 3}})
    job = await world.order(prompt="killed while submitting")
    await until(lambda: _at_least_accepted(sandbox))
    await process.kill()
    await process.start()
    check_images(await world.ends(job), 1, 1)
    assert len(await sandbox.requests()) == 1


async def test_a_kill_before_the_answer_is_written_down_costs_one_more_call_without_webhook(
    world, process, sandbox
):
    await lose_all_webhooks(sandbox, {"fault": "slow", "at": "submit", "times": 1, "params": {"seconds": 3}})
    job = await world.order(prompt="killed while submitting, unheard")
    await until(lambda: _at_least_accepted(sandbox))
    await process.kill()
    await process.start()
    check_images(await world.ends(job), 1, 1)
    assert [seen["posts"] for seen in await sandbox.requests()] == [1, 1]  # an attempt each


async def _at_least_accepted(sandbox) -> bool:
    return any(seen["request_id"] for seen in await sandbox.requests())


async def test_a_kill_while_images_are_stored_stores_them_after_the_restart(world, process, sandbox):
    await sandbox.s3_faults(slow_ms=1500, methods=["PUT"])
    job = await world.order(quantity=2, prompt="killed while storing")
    await until(lambda: _completed(sandbox))
    await asyncio.sleep(0.5)
    await process.kill()
    await sandbox.s3_faults()
    await process.start()
    check_images(await world.ends(job, within=60), 2, 2)
    assert len(await sandbox.requests()) == 1


async def _completed(sandbox) -> bool:
    return any(seen["state"] == "COMPLETED" for seen in await sandbox.requests())


async def test_a_kill_before_the_settlement_ends_with_one_receipt(world, process, sandbox):
    world.credits_answer.clear()
    job = await world.order(prompt="killed while settling")
    await until(lambda: _at_least(world.captures, 1))
    await process.kill()
    world.credits_answer.set()
    await process.start()
    check_images(await world.ends(job), 1, 1)
    assert len({capture.quantity for capture in world.captures}) == 1


async def test_a_kill_in_the_middle_of_many_jobs_leaves_each_with_what_it_paid_for(world, process, sandbox):
    await sandbox.timing(image_seconds=0.4)
    await sandbox.faults({"fault": "webhook_lost", "match": {"nth": [1, 3, 5, 7]}})
    team = (await world.ends(await world.order(prompt="first"))).team_id
    orders = [await world.order(prompt=f"crowd {n}") for n in range(6)]
    orders += [await world.order(prompt=f"of one team {n}", team=team) for n in range(3)]
    for _ in range(2):
        await asyncio.sleep(0.7)
        await process.kill()
        await process.start()
    for job in orders:
        check_images(await world.ends(job, within=90), 1, 1)
    paid = {capture.job_id: capture.quantity for capture in world.captures}
    assert set(orders) <= set(paid)
    assert set(paid.values()) == {1}
    assert {seen["posts"] for seen in await sandbox.requests()} == {1}


async def test_a_model_is_made_across_a_kill_between_its_steps(world, process, sandbox, fresh_database):
    await sandbox.timing(training_seconds=1.5)
    reference = await world.reference_model()
    job = await world.order(
        Operation.CREATE_MODEL,
        reference_model_id=reference,
        model_id=reference,
        name="Ada",
        description="a woman in her thirties",
    )
    await until(lambda: _is(fresh_database, job, "running", step=4))
    await process.kill()
    await process.start()
    done = await world.ends(job, within=60)
    assert (done.status, done.receipt is not None) == ("completed", True)
    assert [capture.quantity for capture in world.captures] == [1]
    asked = [seen["endpoint"] for seen in await sandbox.requests()]
    assert asked == ["fal-ai/flux/dev"] * 3 + ["fal-ai/flux-lora-portrait-trainer"]
    assert any(key.endswith(".safetensors") for key in await sandbox.objects("models/"))


async def test_it_stops_in_peace_when_asked(world, process, sandbox):
    check_images(await world.ends(await world.order(prompt="last")), 1, 1)
    assert await process.stop() == 0
