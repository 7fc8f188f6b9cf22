"""What is committed is carried out: bounded, also when the process stops in between."""

import asyncio
import random
import time
from types import SimpleNamespace

import pytest
from services.jobs.tests.stories import SENT, submitting

from chassis.health import Health
from chassis.schedule import Schedule
from jobs.adapters.inbound.workers import Pace, Pool, Workers
from jobs.domain.effects import CancelCall, Nudge, Store, Submit


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
    return Workers(outside.call, outside.call, outside.call, outside.cancel, submit_limit=3, store_limit=2)


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


async def test_work_that_is_cancelled_from_within_leaves_its_room(caplog):
    pool = Pool("test", 1)

    async def work() -> None:
        raise asyncio.CancelledError

    pool.start(work())
    await pool.drain(5)
    assert pool.free == 1


async def test_whoever_waits_for_work_is_woken(workers):
    woken = []
    workers.listen(Nudge.STORE, lambda: woken.append(Nudge.STORE))
    workers.take([Nudge.STORE, Nudge.POLL])
    assert woken == [Nudge.STORE]


@pytest.mark.parametrize("seed", range(50))
async def test_room_is_never_lost_while_work_waits(seed: int):
    """Whatever ends in whichever moment of a decision: all that waits is taken up, and nobody asks twice."""
    chance = random.Random(seed)
    waiting, done = list(range(30)), []

    async def a_moment() -> None:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)

    async def store(order: Store) -> int:
        await a_moment()
        return order.job.n

    async def record(number: int) -> list:
        done.append(number)
        return []

    async def take(room: int) -> list:
        await a_moment()
        taken = [Store(work(waiting.pop())) for _ in range(min(room, len(waiting)))]
        await a_moment()
        return taken

    workers = Workers(store, store, record, store, submit_limit=1, store_limit=2)
    schedule = Schedule("store", 3600, lambda: workers.fill(workers.storing, take, everybody=True))
    workers.listen(Nudge.STORE, schedule.nudge)
    kept = asyncio.create_task(schedule.keep(Health()))
    async with asyncio.timeout(5):
        while len(done) < 30:
            await workers.fill(workers.storing, lambda _: nobody())  # a callback that brings nothing
            await asyncio.sleep(0)
    kept.cancel()
    await asyncio.wait([kept])
    assert sorted(done) == list(range(30))


def work(n: int) -> SimpleNamespace:
    return SimpleNamespace(id=n, n=n, kind="generate", traceparent=None)


async def nobody() -> list:
    return []


async def test_questions_keep_their_pace():
    pace = Pace(100)
    started = time.monotonic()
    await asyncio.gather(*(pace.turn() for _ in range(11)))
    assert 0.1 <= time.monotonic() - started < 0.5
