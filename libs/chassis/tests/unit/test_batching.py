"""What is handled in one go and fails, fails alone."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from asyncpg.exceptions import DeadlockDetectedError

from chassis.batching import Batches
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


def cancel(team: int) -> Delivery[CancelJob]:
    return delivery(CancelJob(request_id=uuid4(), team_id=UUID(int=team), job_id=uuid4()))


async def outcomes(handler: Handler, *teams: int) -> list[str | None]:
    """Handle what these teams said in one go; say for each what became of it: None, or the error."""
    async with asyncio.timeout(10):
        failures = await Batches("part", Health()).handle(handler, [cancel(team) for team in teams])
    return [None if failure is None else str(failure) for failure in failures]


async def test_of_a_batch_that_fails_only_the_one_to_blame_fails():
    handler = Handler(bad=UUID(int=1))
    assert await outcomes(handler, 0, 1, 2) == [None, "bad team", None]
    assert handler.batches == [[0, 1, 2], [0], [1], [2]]


async def test_one_that_fails_alone_is_not_tried_again_here():
    handler = Handler(bad=UUID(int=1))
    assert await outcomes(handler, 1) == ["bad team"]
    assert handler.batches == [[1]]


@pytest.mark.parametrize(
    ("conflicts", "calls", "told"), [(2, 3, None), (3, 3, "deadlock")], ids=["two", "three"]
)
async def test_transactions_that_meet_are_tried_three_times_at_once(conflicts, calls, told):
    handler = Handler(*(DeadlockDetectedError("deadlock") for _ in range(conflicts)))
    assert await outcomes(handler, 1) == [told]
    assert handler.batches == [[1]] * calls


async def test_an_outage_is_waited_out_and_makes_the_process_unready_until_it_is_over():
    health, seen = Health(), []

    async def handler(_: Sequence[Delivery[CancelJob]]) -> None:
        seen.append(health.parts.get("part"))
        if len(seen) == 1:
            raise ConnectionRefusedError("the database is away")

    async with asyncio.timeout(10):
        assert await Batches("part", health).handle(handler, [cancel(1)]) == [None]
    assert seen == [None, "ConnectionRefusedError: the database is away"]
    assert health.parts == {"part": None}


async def test_a_handler_cancelled_from_within_fails_and_its_queue_goes_on():
    handler = Handler(asyncio.CancelledError())
    assert await outcomes(handler, 1) == ["something it waited for was cancelled"]
    assert await outcomes(handler, 2) == [None]
