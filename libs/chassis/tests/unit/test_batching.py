"""What waits is handled in one go, and what fails, fails alone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from asyncpg.exceptions import DeadlockDetectedError

from chassis.batching import Batcher, Waiting
from chassis.health import Health
from chassis.testing import delivery
from contracts.envelope import Delivery
from contracts.jobs import CancelJob


class Handler:
    """Notes which teams it was given together; raises what is told for a batch, one error after another."""

    def __init__(self, *errors: BaseException | None, bad: UUID | None = None) -> None:
        self.batches: list[list[int]] = []
        self.errors, self.bad = list(errors), bad

    async def __call__(self, deliveries: Sequence[Delivery[CancelJob]]) -> None:
        self.batches.append([each.message.team_id.int for each in deliveries])
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        if any(each.message.team_id == self.bad for each in deliveries):
            raise ValueError("bad team")


def waiting(team: int) -> Delivery[CancelJob]:
    return delivery(CancelJob(request_id=uuid4(), team_id=UUID(int=team), job_id=uuid4()))


@asynccontextmanager
async def working(batcher: Batcher) -> AsyncIterator[None]:
    task = asyncio.create_task(batcher.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def outcomes(batcher: Batcher, *submitted: tuple[Handler, int]) -> list[str | None]:
    """Submit all before the work begins; say for each what it was told: None, or the error."""
    async with asyncio.timeout(10):
        tasks = [asyncio.create_task(batcher.submit(handler, waiting(team))) for handler, team in submitted]
        await asyncio.sleep(0)
        async with working(batcher):
            ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [None if error is None else str(error) for error in ended]


async def test_what_waits_is_handled_together_up_to_the_size_of_a_batch_in_its_order():
    handler = Handler()
    told = await outcomes(Batcher("part", 3, Health()), *((handler, n) for n in range(7)))
    assert handler.batches == [[0, 1, 2], [3, 4, 5], [6]]
    assert told == [None] * 7


async def test_one_batch_is_handled_at_a_time_and_the_next_forms_meanwhile():
    started, go_on, batches = asyncio.Event(), asyncio.Event(), []

    async def handler(deliveries: Sequence[Delivery[CancelJob]]) -> None:
        batches.append(len(deliveries))
        started.set()
        await go_on.wait()

    batcher = Batcher("part", 10, Health())
    async with working(batcher), asyncio.timeout(10):
        first = asyncio.create_task(batcher.submit(handler, waiting(0)))
        await started.wait()
        others = [asyncio.create_task(batcher.submit(handler, waiting(n))) for n in range(1, 5)]
        await asyncio.sleep(0)
        assert batches == [1]
        go_on.set()
        await asyncio.gather(first, *others)
    assert batches == [1, 4]


async def test_each_handler_is_given_its_own_of_a_batch():
    one, other = Handler(), Handler()
    submitted = [(one, 0), (other, 1), (one, 2), (other, 3)]
    assert await outcomes(Batcher("part", 10, Health()), *submitted) == [None] * 4
    assert (one.batches, other.batches) == ([[0, 2]], [[1, 3]])


async def test_of_a_batch_that_fails_only_the_one_to_blame_fails():
    handler = Handler(bad=UUID(int=1))
    told = await outcomes(Batcher("part", 10, Health()), *((handler, n) for n in range(3)))
    assert told == [None, "bad team", None]
    assert handler.batches == [[0, 1, 2], [0], [1], [2]]


async def test_one_that_fails_alone_is_not_tried_again_here():
    handler = Handler(bad=UUID(int=1))
    assert await outcomes(Batcher("part", 10, Health()), (handler, 1)) == ["bad team"]
    assert handler.batches == [[1]]


@pytest.mark.parametrize(
    ("conflicts", "calls", "told"), [(2, 3, None), (3, 3, "deadlock")], ids=["two", "three"]
)
async def test_transactions_that_meet_are_tried_three_times_at_once(conflicts, calls, told):
    handler = Handler(*(DeadlockDetectedError("deadlock") for _ in range(conflicts)))
    assert await outcomes(Batcher("part", 10, Health()), (handler, 1)) == [told]
    assert handler.batches == [[1]] * calls


async def test_an_outage_is_waited_out_and_makes_the_process_unready_until_it_is_over():
    health, seen = Health(), []

    async def handler(_: Sequence[Delivery[CancelJob]]) -> None:
        seen.append(health.parts.get("part"))
        if len(seen) == 1:
            raise ConnectionRefusedError("the database is away")

    async with asyncio.timeout(10):
        batcher = Batcher("part", 10, health)
        async with working(batcher):
            await batcher.submit(handler, waiting(1))
    assert seen == [None, "ConnectionRefusedError: the database is away"]
    assert health.parts == {"part": None}


async def test_a_handler_cancelled_from_within_fails_and_its_queue_goes_on():
    handler = Handler(asyncio.CancelledError())
    told = await outcomes(Batcher("part", 1, Health()), (handler, 1), (handler, 2))
    assert told == ["something it waited for was cancelled", None]


async def test_whoever_does_not_wait_any_more_is_not_told():
    entry = Waiting(Handler(), waiting(1))
    entry.done.cancel()
    entry.finish()
    entry.finish(ValueError("too late"))
    assert entry.done.cancelled()
