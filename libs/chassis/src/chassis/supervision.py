"""Loops that never end silently: one that fails backs off, turns readiness red, and heals."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from chassis.health import Health

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 10.0


def being_cancelled() -> bool:
    """Tell whether the task that asks is being cancelled.

    aiormq raises a stray CancelledError into whoever waits on a connection that it finds stuck; this tells
    a real one from that.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


@contextmanager
def stuck_is_an_error() -> Iterator[None]:
    """Raise ConnectionError where aiormq cancels whoever waits on a connection that it finds stuck."""
    try:
        yield
    except asyncio.CancelledError:
        if being_cancelled():
            raise
        raise ConnectionError("the broker's connection is stuck") from None


async def end(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
    """Cancel tasks together and wait so long for them; what a library does not let end is named."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    _, left = await asyncio.wait(ending, timeout=seconds) if ending else ((), ())
    for task in left:
        logger.warning("%s did not end in time", task.get_name())


async def _at_once() -> None:
    return


async def keep_running(
    part: str,
    once: Callable[[], Awaitable[object]],
    health: Health,
    rest: Callable[[], Awaitable[None]] = _at_once,
) -> None:
    """Call `once` again and again, and `rest` in between, when it is known to work already.

    After a failure it waits 0.1 s, doubling up to 10 s, until it works.
    """
    pause = 0.1
    while True:
        try:
            with stuck_is_an_error():
                await once()
            pause = 0.1
            health.up(part)
            await rest()
        except Exception as error:
            logger.debug("%s failed", part, exc_info=True)
            pause = await _fail(part, error, health, pause)


async def _fail(part: str, error: Exception, health: Health, pause: float) -> float:
    health.down(part, f"{type(error).__name__}: {error}")
    await asyncio.sleep(pause)
    return min(pause * 2, LONGEST_PAUSE)
