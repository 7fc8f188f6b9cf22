"""What is committed is carried out: bounded, also when the process stops in between."""

import asyncio
import time

import pytest
from services.jobs.tests.stories import SENT, submitting

from jobs.adapters.inbound.workers import Pace, Pool, Workers
from jobs.domain.effects import CancelCall, Nudge, Submit


class Outside:
    """Counts what is under way, and holds it until told to go on."""

    def __init__(self) -> None:
        self.going, self.most, self.done = 0, 0, 0
        self.go_on = asyncio.Event()

    async def call(self, _effect) -> list:
        self.going += 1
        self.most = max(self.most, self.going)
        await self.go_on.wait()
        self.going -= 1
        self.done += 1
        return []

    async def cancel(self, effect: CancelCall) -> None:
        await self.call(effect)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def workers(outside) -> Workers:
    return Workers(outside.call, outside.call, outside.cancel, submit_limit=3, store_limit=2)


def order() -> Submit:
    job = submitting()
    return Submit(job, job.attempts[0])


async def test_no_more_calls_than_allowed_are_under_way(workers, outside):
    workers.take([order() for _ in range(7)] + [CancelCall(SENT, None)])
    await asyncio.sleep(0.01)
    assert (outside.going, workers.submitting.free) == (3, 0)
    outside.go_on.set()
    await workers.drain(5)
    assert (outside.most, outside.done, workers.submitting.free) == (3, 8, 3)


async def test_a_stop_between_commit_and_call_loses_no_call(workers, outside):
    committed = asyncio.Event()

    async def decide() -> list:
        await committed.wait()
        return [order()]

    schedule = asyncio.create_task(workers.carry(decide()))
    await asyncio.sleep(0.01)
    schedule.cancel()
    committed.set()
    outside.go_on.set()
    await workers.drain(5)
    assert outside.done == 1


async def test_a_stop_waits_only_so_long(workers, outside):
    workers.take([order()])
    await asyncio.sleep(0.01)
    started = time.monotonic()
    await workers.drain(0.1)
    assert time.monotonic() - started < 1


async def test_one_failure_does_not_stop_the_others(caplog):
    pool, done = Pool("test", 1), []

    async def work(fails: bool) -> None:
        if fails:
            raise RuntimeError("broken")
        done.append(1)

    pool.start(work(fails=True))
    pool.start(work(fails=False))
    await pool.drain(5)
    assert done == [1]
    assert "broken" in caplog.text


async def test_whoever_waits_for_work_is_woken(workers):
    woken = []
    workers.listen(Nudge.STORE, lambda: woken.append(Nudge.STORE))
    workers.take([Nudge.STORE, Nudge.POLL])
    assert woken == [Nudge.STORE]


async def test_questions_keep_their_pace():
    pace = Pace(100)
    started = time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(11)))
    assert 0.1 <= time.monotonic() - started < 0.5
