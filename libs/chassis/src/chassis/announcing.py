"""`python -m <service> announce`: all documents of a service are said again, a page a transaction, paced."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from chassis.commands import Command

PAGE = 100
RATE = 200.0


SayPage = Callable[[UUID | None, int], Awaitable[Sequence[UUID]]]
"""Says at most so many documents that follow an id (None: from the first one); returns their ids."""


async def announce(parts: Sequence[SayPage], rate: float) -> int:
    """Say everything again, at most `rate` documents a second; returns how many it were."""
    total, most = 0, min(PAGE, max(1, int(rate)))
    for say_page in parts:
        last: UUID | None = None
        while said := await say_page(last, most):
            total, last = total + len(said), said[-1]
            await asyncio.sleep(len(said) / rate)
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
