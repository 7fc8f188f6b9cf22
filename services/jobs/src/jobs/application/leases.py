"""Work that takes its time keeps its lease, so that a lease can be short."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from jobs.application.tools import Tools
from jobs.domain.job import Job

logger = logging.getLogger(__name__)


def leased_until(job: Job, tools: Tools) -> datetime:
    """Tell how long nobody else stores what a job's step made."""
    return tools.clock() + tools.rules.timing(job.kind).store_lease


@asynccontextmanager
async def renewing(extend: Callable[[], Awaitable[None]], lease: timedelta) -> AsyncIterator[None]:
    """Extend a lease again and again while the work under it goes on.

    Where that fails the work goes on: if somebody else takes it up too, what is recorded first counts.
    """

    async def keep() -> None:
        while True:
            await asyncio.sleep(lease.total_seconds() / 3)
            try:
                await extend()
            except Exception:
                logger.warning("a lease could not be extended", exc_info=True)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
