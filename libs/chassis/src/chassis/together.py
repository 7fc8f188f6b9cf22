"""What many ask for one by one, done in one go."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from chassis.pause import Pause

A = TypeVar("A")
B = TypeVar("B")


class Together(Generic[A, B]):
    """Does what comes while it is at it in one go, next.

    It begins `pause` seconds after it last began, at once when that is over or `most` wait. `do` takes pieces
    of work and returns what came of each, in their order. When it fails for several, each is done alone, so
    that only the one to blame fails.
    """

    def __init__(
        self, do: Callable[[Sequence[A]], Awaitable[Sequence[B]]], most: int = 50, pause: float = 0.0
    ) -> None:
        self._do, self._most, self._pause = do, most, Pause(pause)
        self._waiting: list[tuple[A, asyncio.Future[B]]] = []
        self._working: asyncio.Task[None] | None = None

    async def __call__(self, piece: A) -> B:
        """Have this done; raises what `do` raises for it. It is done also for those who are cancelled."""
        done: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((piece, done))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._pause.over(full=len(self._waiting) >= self._most)
                taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                if not await self._done(taken, last=len(taken) == 1):
                    for one in taken:
                        await self._done([one], last=True)
        finally:
            self._working = None

    async def _done(self, taken: Sequence[tuple[A, asyncio.Future[B]]], *, last: bool) -> bool:
        """Do these and tell who waits; False when each of them has to be tried alone."""
        try:
            results = await self._do([piece for piece, _ in taken])
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            if last:
                _tell(taken[0][1], error)
            return last
        for (_, done), result in zip(taken, results, strict=True):
            _tell(done, result)
        return True


def _tell(done: "asyncio.Future[B]", result: B | Exception) -> None:
    if done.done():  # nobody waits for it any more
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)
