"""`python -m <service> announce`: all documents of a service are said again, a page a transaction, paced."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.commands import Command

PAGE = 100
RATE = 200.0


@dataclass(frozen=True, slots=True)
class Page:
    """What was said of one page: how many documents, and the last one's id (None: there are no more)."""

    said: int
    last: UUID | None


SayPage = Callable[[UUID | None, int], Awaitable[Page]]
"""Says at most so many documents that follow an id (None: from the first one)."""


async def announce(parts: Sequence[SayPage], rate: float) -> int:
    """Say everything again, at most `rate` documents a second; returns how many it were."""
    total = 0
    for say_page in parts:
        last: UUID | None = None
        while True:
            began = time.monotonic()
            page = await say_page(last, min(PAGE, max(1, int(rate))))
            total += page.said
            if page.last is None:
                break
            last = page.last
            await asyncio.sleep(max(0.0, page.said / rate - (time.monotonic() - began)))
    return total


def announcing(run: Callable[[float], Awaitable[int]]) -> Command:
    """Offer to say everything again; `run` does it, at the rate it is given."""

    def say(given: argparse.Namespace) -> int:
        total = asyncio.run(_whole(run, given.rate))
        print(f"{total} documents are said again; a serving process sends them")  # noqa: T201 - its answer
        return 0

    return Command("say all documents again, to repair what others show of them", say, _options)


async def _whole(run: Callable[[float], Awaitable[int]], rate: float) -> int:
    return await run(rate)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=_positive, default=RATE, help=f"documents a second ({RATE:.0f})")


def _positive(written: str) -> float:
    if (number := float(written)) <= 0:
        raise ValueError(written)
    return number
