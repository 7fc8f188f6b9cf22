"""Many clients at once: as fast as they are answered, or at a rate whatever the answers."""

import asyncio
import time
from collections.abc import Iterable, Sequence

from bench.driving.lines import Answer, Lines, Turns


async def together(lines: Lines, requests: Iterable[bytes], clients: int) -> list[Answer]:
    """Let so many clients ask, each as soon as it was answered."""
    left = iter(requests)
    answers: list[Answer] = []

    async def ask_rest() -> None:
        for request in left:
            answers.append(await lines.ask(request))  # noqa: PERF401 - they share the list

    await asyncio.gather(*(ask_rest() for _ in range(clients)))
    return answers


async def on_time(
    lines: Lines | Turns, requests: Sequence[bytes], rate: float
) -> list[tuple[float, Answer | None]]:
    """Ask `rate` times a second; returns for each the milliseconds from when it was due, and the answer.

    An open loop: what is late to be asked counts from when it was due; None is what was not answered.
    """
    began = time.perf_counter() + 0.1

    async def ask(request: bytes, due: float) -> tuple[float, Answer | None]:
        try:
            answer = await lines.ask(request)
        except (OSError, TimeoutError):
            return (time.perf_counter() - due) * 1000, None
        return (time.perf_counter() - due) * 1000, answer

    asking = []
    for n, request in enumerate(requests):
        due = began + n / rate
        await asyncio.sleep(max(0, due - time.perf_counter()))
        asking.append(asyncio.create_task(ask(request, due)))
    return list(await asyncio.gather(*asking))
