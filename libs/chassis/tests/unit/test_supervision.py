import asyncio

import pytest

from chassis import supervision
from chassis.health import Health
from chassis.schedule import Schedule
from chassis.supervision import keep_running


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervision, "LONGEST_PAUSE", 0.01)


async def until(condition, within: float = 5) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.001)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("trouble", [RuntimeError("bug"), asyncio.CancelledError()])
async def test_a_loop_that_fails_turns_readiness_red_goes_on_and_heals(trouble: BaseException):
    health, calls = Health(), []

    async def once() -> None:
        calls.append(health.ready)
        if len(calls) == 1:
            raise trouble
        await asyncio.sleep(0.001)

    task = asyncio.create_task(keep_running("part", once, health))
    await until(lambda: len(calls) == 2)
    assert calls[1] is False
    await until(lambda: health.ready)
    await ended(task)


async def test_a_real_cancellation_ends_the_loop():
    async def once() -> None:
        await asyncio.sleep(10)

    task = asyncio.create_task(keep_running("part", once, Health()))
    await asyncio.sleep(0)
    await ended(task)


async def test_a_schedule_runs_when_nudged_and_again_while_there_is_more():
    runs = []

    async def run() -> bool:
        runs.append(1)
        return len(runs) in (2, 3)

    schedule = Schedule("work", 60, run)
    task = asyncio.create_task(schedule.keep(Health()))
    await until(lambda: len(runs) == 1)
    schedule.nudge()
    await until(lambda: len(runs) == 4)
    await asyncio.sleep(0.02)
    assert len(runs) == 4
    await ended(task)


async def test_a_schedule_that_works_again_says_so_before_it_rests():
    health, runs = Health(), []

    async def run() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise RuntimeError("away")

    task = asyncio.create_task(Schedule("work", 3600, run).keep(health))
    await until(lambda: len(runs) == 2 and health.ready)
    await ended(task)
