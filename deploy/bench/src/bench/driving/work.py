"""Jobs carried out from POST to receipt, as the view shows them."""

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle

import asyncpg

from atelier_local.stack import Stack
from bench.driving.crowd import together
from bench.driving.customers import Customer
from bench.driving.lines import Answer, Lines

CLIENTS = 32
LOOK_EVERY = 0.1
STUCK_AFTER = 60.0
_ENDED = """
    select count(*) from gateway.view_jobs
    where id = any($1::uuid[]) and status in ('completed', 'failed', 'cancelled')
"""
_COMPLETED = "select count(*) from gateway.view_jobs where id = any($1::uuid[]) and status = 'completed'"


async def complete(stack: Stack, customers: Sequence[Customer], number: int, prompts: Sequence[str]) -> float:
    """Have so many jobs of one image done, by 32 clients, for all teams in turn; returns jobs per second."""
    teams, texts = cycle(customers), cycle(prompts)
    wishes = [next(teams).wish(next(texts)) for _ in range(number)]
    lines = Lines(stack.url)
    began = time.perf_counter()
    answers = await together(lines, wishes, CLIENTS)
    await ended(stack, [job for answer in answers for job in jobs_of(answer)])
    passed = time.perf_counter() - began
    lines.close()
    return number / passed


def jobs_of(answer: Answer) -> list[str]:
    """Read the ids of the jobs that were asked for."""
    return [job["id"] for job in answer.json()["jobs"]]


async def ended(stack: Stack, jobs: Sequence[str]) -> None:
    """Wait until the view shows all of them completed; raises TimeoutError, RuntimeError when one is not."""
    view = await asyncpg.connect(stack.nodes.postgres.dsn(stack.plan.database))
    try:
        await _all_end(view, jobs)
        if (completed := await view.fetchval(_COMPLETED, jobs)) != len(jobs):
            raise RuntimeError(f"{len(jobs) - completed} of {len(jobs)} jobs were not completed")
    finally:
        await view.close()


async def _all_end(view: asyncpg.Connection, jobs: Sequence[str]) -> None:
    known, since = 0, time.perf_counter()
    while known < len(jobs):
        await asyncio.sleep(LOOK_EVERY)
        now = await view.fetchval(_ENDED, jobs)
        if now > known:
            known, since = now, time.perf_counter()
        elif time.perf_counter() - since > STUCK_AFTER:
            raise TimeoutError(f"{len(jobs) - known} of {len(jobs)} jobs do not end")
