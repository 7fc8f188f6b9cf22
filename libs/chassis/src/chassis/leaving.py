"""How a process leaves: it says so, answers on for a while, and sends its clients elsewhere meanwhile."""

import asyncio
import signal
from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.health import Health


class Stop:
    """What the process was told: SIGTERM to leave politely, a second one or SIGINT to leave at once."""

    def __init__(self) -> None:
        self.told, self._hurried = asyncio.Event(), asyncio.Event()

    def listen(self) -> "Stop":
        """Hear the signals from now on."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._politely)
        loop.add_signal_handler(signal.SIGINT, self._at_once)
        return self

    async def drained(self, seconds: float, parts: Iterable[asyncio.Task[object]]) -> None:
        """Wait so long for those who route requests to notice; less in a hurry, or when a part ends."""
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait([hurried, *parts], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()

    def _politely(self) -> None:
        if self.told.is_set():
            self._hurried.set()
        self.told.set()

    def _at_once(self) -> None:
        self._hurried.set()
        self.told.set()


class LastAnswers:
    """Ends each connection with the answer that is given on it while the process leaves.

    So whoever keeps connections has none left when we close them, where a request could be on its way.
    """

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app, self._health = app, health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does."""
        await self._app(scope, receive, self._closing(send) if self._health.leaving else send)

    def _closing(self, send: Send) -> Send:
        async def closing(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        return closing
