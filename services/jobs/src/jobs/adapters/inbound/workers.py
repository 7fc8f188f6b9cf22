"""Does outside, after the commit, what was decided: bounded, traced, finished before the process stops."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from prometheus_client import Counter, Histogram

from chassis.metrics import REPLAYED
from chassis.telemetry import continued
from jobs.application.store_results import Stored
from jobs.domain.effects import (
    Answered,
    CancelCall,
    Effect,
    Ended,
    Ignored,
    Nudge,
    Store,
    Submit,
    Unsettled,
    Wasted,
)

logger = logging.getLogger(__name__)
WASTED = Counter("atelier_jobs_provider_waste", "Results of the provider that nobody wanted any more")
ANSWERED = Counter("atelier_jobs_provider_calls", "What came of calls of the provider", ["kind", "outcome"])
SECONDS = Histogram(
    "atelier_jobs_seconds",
    "From the request to the end of its job",
    ["operation", "status"],
    buckets=(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 10800, 86400),
)
UNSETTLED = Counter("atelier_jobs_unsettled", "Times credits had not answered for too long")

_RECORDED = 1_000
"""Far more than are stored at a time: recording is bounded by how much it takes in one go."""
LAST_WORDS = 2.0
"""Seconds that work which is cut off gets to hand itself back."""

Submits = Callable[[Submit], Awaitable[list[Effect]]]
Stores = Callable[[Store], Awaitable[Stored]]
Records = Callable[[Stored], Awaitable[list[Effect]]]
Cancels = Callable[[CancelCall], Awaitable[None]]


class Pool:
    """At most so many pieces of work at a time; what fails is logged, and a sweep finds it again.

    While it is `full` more may wait, and whatever ends wakes who hands work out, which is done in `turn`.
    """

    def __init__(self, name: str, limit: int, wake: Callable[[], None] = lambda: None) -> None:
        self._name, self._limit, self._wake = name, limit, wake
        self._turns = asyncio.Semaphore(limit)
        self._tasks: set[asyncio.Task[None]] = set()
        self._going = 0
        self.full = False
        self.turn = asyncio.Lock()

    @property
    def free(self) -> int:
        """How much more can be taken on without waiting."""
        return max(0, self._limit - self._going)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this as soon as there is room."""
        self._going += 1
        task = asyncio.create_task(self._run(work), name=self._name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, seconds: float) -> None:
        """Wait for what has begun; what takes longer is cut off, and taken up again by others."""
        deadline = time.monotonic() + seconds
        while self._tasks and (left := deadline - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS)

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._turns:
                await work
        except Exception:
            logger.exception("%s failed; it is taken up again when its time comes", self._name)
        finally:
            # At once and not when the task is done: whoever looks for room from here on finds this one.
            self._going -= 1
            if self.full:
                self._wake()


class Workers:
    """Carries effects out."""

    def __init__(
        self,
        submit: Submits,
        store: Stores,
        record: Records,
        cancel: Cancels,
        *,
        submit_limit: int,
        store_limit: int,
        export_limit: int = 1,
    ) -> None:
        self.submitting = Pool("submit", submit_limit, partial(self.nudge, Nudge.DISPATCH))
        self.storing = Pool("store", store_limit, partial(self.nudge, Nudge.STORE))
        self.exporting = Pool("export", export_limit)
        self.recording = Pool("record", _RECORDED)
        self._submit, self._store, self._record, self._cancel = submit, store, record, cancel
        self._nudges: dict[Nudge, Callable[[], None]] = {}
        self._deciding: set[asyncio.Task[None]] = set()

    def listen(self, nudge: Nudge, wake: Callable[[], None]) -> None:
        """Wake somebody when there is work for them."""
        self._nudges[nudge] = wake

    def nudge(self, nudge: Nudge) -> None:
        """Wake who does this kind of work."""
        if wake := self._nudges.get(nudge):
            wake()

    async def carry(self, decision: Coroutine[Any, Any, list[Effect]]) -> None:
        """Decide, and begin what follows; a stop in between must not lose what was just committed."""
        task = asyncio.create_task(self._carry(decision))
        self._deciding.add(task)
        task.add_done_callback(self._deciding.discard)
        await asyncio.shield(task)

    async def fill(
        self,
        pool: Pool,
        decide: Callable[[int], Coroutine[Any, Any, list[Effect]]],
        *,
        everybody: bool = False,
    ) -> None:
        """Decide what a pool's room is used for, one decision at a time, and begin it, as `carry` does.

        Who looks at `everybody` that waits knows whether more wait than there is room for.
        """

        async def in_turn() -> list[Effect]:
            async with pool.turn:
                others = pool.full and not everybody
                pool.full = True  # what ends from here on makes room that is not counted yet
                self.take(await decide(pool.free))
                pool.full = others or not pool.free
            return []

        await self.carry(in_turn())

    def take(self, effects: Iterable[Effect]) -> None:
        """Begin what follows from a committed decision."""
        for effect in effects:
            match effect:
                case Submit():
                    self.submitting.start(self._do_submit(effect))
                case Store():
                    self.storing.start(self._do_store(effect))
                case CancelCall():
                    self.submitting.start(self._do_cancel(effect))
                case Nudge():
                    self.nudge(effect)
                case _:
                    _count(effect)

    async def drain(self, seconds: float) -> None:
        """Wait for calls under way, so that none is left in doubt; results are taken up by others."""
        deadline = time.monotonic() + seconds
        if self._deciding:
            await asyncio.wait(self._deciding, timeout=seconds)
        await self.submitting.drain(deadline - time.monotonic())
        await asyncio.gather(self.storing.drain(0), self.exporting.drain(0))
        await self.recording.drain(LAST_WORDS)

    async def _carry(self, decision: Coroutine[Any, Any, list[Effect]]) -> None:
        self.take(await decision)

    async def _do_submit(self, order: Submit) -> None:
        job, attempt = order.job, order.attempt
        name = f"submit {job.kind}"
        with continued(job.traceparent, name, job_id=str(job.id), attempt_id=str(attempt.id)):
            self.take(await self._submit(order))

    async def _do_store(self, order: Store) -> None:
        with continued(order.job.traceparent, f"store {order.job.kind}", job_id=str(order.job.id)):
            self.recording.start(self._do_record(await self._store(order)))  # it makes room meanwhile

    async def _do_record(self, stored: Stored) -> None:
        self.take(await self._record(stored))

    async def _do_cancel(self, order: CancelCall) -> None:
        with continued(order.traceparent, "cancel call"):
            await self._cancel(order)


def _count(effect: Answered | Ended | Ignored | Unsettled | Wasted) -> None:
    match effect:
        case Answered():
            ANSWERED.labels(effect.kind.value, effect.outcome).inc()
        case Ended():
            SECONDS.labels(effect.operation.value, effect.status).observe(effect.after.total_seconds())
        case Ignored():
            REPLAYED.labels(effect.fact).inc()
        case Unsettled():
            UNSETTLED.inc()
            logger.error("credits has not settled job %s for too long", effect.job_id)
        case Wasted():
            WASTED.inc()
            logger.warning("attempt %s made a result that nobody wants any more", effect.attempt_id)


class Pace:
    """Lets one through at a time, so many a second."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        now = time.monotonic()
        self._next = max(self._next, now) + self._gap
        await asyncio.sleep(self._next - self._gap - now)
