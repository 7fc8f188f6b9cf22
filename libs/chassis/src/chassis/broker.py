"""Consuming: each queue on its own channel, and a watchdog that trusts no open connection.

A line that has lost any part is replaced whole instead of being repaired part by part.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NoReturn

from chassis.consumer import Reception
from chassis.direct_line import DirectLine
from chassis.health import Health
from chassis.lines import Line
from chassis.publisher import Publisher
from chassis.supervision import end, stuck_is_an_error
from contracts.topology import QUEUES

logger = logging.getLogger(__name__)
CHECK_EVERY = 5.0
GIVE_UP_AFTER = 20.0
START_WITHIN = 20.0
WATCH_ENDS_WITHIN, REST_WITHIN = 2.0, 10.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
SHARED = frozenset(queue.name for queue in QUEUES if not queue.single_active)
"""Queues whose messages any of their consumers gets; of the others one replica's idleness says nothing."""


class ConsumersLost(Exception):
    """A queue has been without its consumer for too long: the process must be started anew."""


def listen(
    url: str, receptions: Sequence[Reception], publisher: Publisher, health: Health
) -> "list[Listening]":
    """Put hot queues on a direct line and all others on FastStream's; neither waits for the other."""
    hot = [reception for reception in receptions if reception.consumer.hot]
    others = [reception for reception in receptions if not reception.consumer.hot]
    kinds: list[tuple[str, Callable[[str], Line], list[Reception]]] = [
        ("hot consumers", DirectLine, hot),
        ("consumers", _on_faststream, others),
    ]
    return [
        Listening(part, partial(line, url), served, publisher, health)
        for part, line, served in kinds
        if served
    ]


def _on_faststream(url: str) -> Line:
    from chassis.faststream_line import FastStreamLine  # here: 5 MB for the processes that use it

    return FastStreamLine(url)


class Listening:
    """Keeps a line and the consumers on it alive from the process's start to its end."""

    def __init__(
        self,
        part: str,
        new_line: Callable[[], Line],
        receptions: Sequence[Reception],
        publisher: Publisher,
        health: Health,
    ) -> None:
        self.part, self._new_line, self._receptions = part, new_line, receptions
        self._publisher, self._health = publisher, health
        self._line: Line | None = None
        self._began, self._pause = 0.0, 0.0
        self._unheard: dict[str, int] = {}
        self._over = False

    async def run(self) -> None:
        """Listen until cancelled; raises ConsumersLost when a lost consumer does not come back in 20 s.

        What ends a reception ends it too: a queue nobody works on looks served from outside.
        """
        watching = asyncio.create_task(self._keep(), name=f"watch of {self.part}")
        workers = [asyncio.create_task(reception.run()) for reception in self._receptions]
        try:
            ended, _ = await asyncio.wait([watching, *workers], return_when=asyncio.FIRST_COMPLETED)
            _raise_why(ended)
        finally:
            self._over = True  # a watch that outlives its cancellation must not begin anew
            await end([watching], WATCH_ENDS_WITHIN)
            await self._rest()
            await self._hang_up()
            for worker in workers:
                worker.cancel()

    async def _keep(self) -> None:
        await self._start()
        await self._watch()

    async def _start(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._over:
            try:
                async with asyncio.timeout(START_WITHIN):
                    await self._serve()
            except Exception as error:  # noqa: BLE001 - the broker may be away when we start; we wait for it
                self._health.down(self.part, f"{type(error).__name__}: {error}")
                await self._hang_up()
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._began = time.monotonic()
                self._health.up(self.part)
                return

    async def _serve(self) -> None:
        self._line = self._new_line()
        with stuck_is_an_error():
            await self._line.serve(self._receptions)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(REST_WITHIN):
                await asyncio.gather(*(reception.rest() for reception in self._receptions))
        except TimeoutError:
            logger.warning("a batch did not end in time: its messages come again")

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is None:
            return
        try:
            # A broker that does not answer is not waited for long.
            async with asyncio.timeout(CHECK_EVERY):
                with stuck_is_an_error():
                    await line.close()
        except Exception as error:  # noqa: BLE001 - it is thrown away; whatever it says, a new one follows
            logger.info("the line ended with %s: %s", type(error).__name__, error)

    async def _watch(self) -> None:
        lost_for = 0.0
        while not self._over:
            if await self._is_broken_within(CHECK_EVERY):
                await self._renew("a consumer, its channel or its connection is lost")
                continue
            missing = await self._missing()
            if missing is None:  # the broker itself is away: nothing to heal on our side
                continue
            lost_for = lost_for + CHECK_EVERY if missing else 0.0
            if missing:
                self._health.down(self.part, f"nothing comes from {', '.join(missing)}")
            else:
                self._health.up(self.part)
            if lost_for >= GIVE_UP_AFTER:
                raise ConsumersLost(", ".join(missing))
            if lost_for > CHECK_EVERY:
                await self._renew("the consumers did not come back by themselves")

    async def _is_broken_within(self, seconds: float) -> bool:
        if self._line is None:
            return True
        try:
            async with asyncio.timeout(seconds):
                await self._line.broken.wait()
        except TimeoutError:
            return False
        return True

    async def _renew(self, reason: str) -> None:
        self._health.down(self.part, reason)
        await self._hang_up()
        lived = time.monotonic() - self._began
        # What breaks as soon as it stands is not built again and again without a breath.
        again = min(max(SHORTEST_PAUSE, self._pause * 2), LONGEST_PAUSE)
        self._pause = again if lived < CHECK_EVERY else 0.0
        await asyncio.sleep(self._pause)
        await self._start()

    async def _missing(self) -> list[str] | None:
        try:
            async with asyncio.timeout(CHECK_EVERY):
                with stuck_is_an_error():
                    return [each.consumer.queue for each in self._receptions if not await self._hears(each)]
        except Exception as error:  # noqa: BLE001 - any failure means the same: we could not ask
            self._health.down(self.part, f"{type(error).__name__}: {error}")
            return None

    async def _hears(self, reception: Reception) -> bool:
        """Tell whether a queue has a consumer, and as far as can be seen from here, whether that is ours.

        The broker does not say whose it is. But it lets nothing wait while a consumer has nothing to do: when
        messages wait at two looks, and we were idle and got none in between, it is another replica's.
        """
        queue, received = reception.consumer.queue, reception.received
        waiting, consumers = await self._publisher.look_at(queue)
        before = self._unheard.pop(queue, None)
        if waiting and reception.is_idle and queue in SHARED:
            self._unheard[queue] = received
            return consumers > 0 and before != received
        return consumers > 0


def _raise_why(ended: Iterable[asyncio.Task[None]]) -> NoReturn:
    for part in ended:
        if not part.cancelled() and (error := part.exception()):
            raise error
    raise ConsumersLost("a part of it ended without a word")
