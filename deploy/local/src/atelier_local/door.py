"""One address for several gateways, as a load balancer is: each connection goes to the next that is ready.

`python -m atelier_local.door serve` listens on DOOR_PORT before the ports that DOOR_TO names.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from itertools import cycle

from atelier_local.ports import HOST

LOOK_EVERY = 0.25
PATIENCE = 2.0
_QUESTION = b"GET /health/ready HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Door:
    """Passes bytes on to those that say they are ready, in turn; to whichever answers when none does."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports, self.url = list(ports), ""
        self.used = dict.fromkeys(ports, 0)
        self._ready = set(ports)
        self._turn = cycle(range(len(ports)))
        self._server: asyncio.Server | None = None
        self._looking: list[asyncio.Task[None]] = []
        self._busy: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> frozenset[int]:
        """The ports that said so when they were last asked."""
        return frozenset(self._ready)

    async def open(self, port: int = 0) -> None:
        """Listen, and look from now on who is ready."""
        self._looking = [asyncio.create_task(self._watch(each)) for each in self.ports]
        self._server = await asyncio.start_server(self._serve, HOST, port)
        self.url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Hang up on everybody; when this returns, no connection is left."""
        for task in self._looking:
            task.cancel()
        if self._server is not None:
            self._server.close()
            for writer in self._busy:
                writer.close()
            await self._server.wait_closed()
        await asyncio.gather(*self._looking, *self._passing, return_exceptions=True)

    async def _watch(self, port: int) -> None:
        while True:
            (self._ready.add if await _is_ready(port) else self._ready.discard)(port)
            await asyncio.sleep(LOOK_EVERY)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(passing)
        passing.add_done_callback(self._passing.discard)
        await passing

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await self._connected()
        if there is None:
            await _hang_up(writer)
            return
        self._busy |= {writer, there[1]}
        try:
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        finally:
            self._busy -= {writer, there[1]}

    async def _connected(self) -> Streams | None:
        first = next(self._turn)
        in_turn = self.ports[first:] + self.ports[:first]
        for port in sorted(in_turn, key=lambda port: port not in self._ready):
            with contextlib.suppress(OSError):
                found = await asyncio.open_connection(HOST, port)
                self.used[port] += 1
                return found
        return None


async def _is_ready(port: int) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(_QUESTION)
                return b" 200 " in await reader.readline()
            finally:
                await _hang_up(writer)
    return False


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    await _hang_up(writer)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def serve(port: int, ports: Sequence[int]) -> None:
    """Be the door until told to stop."""
    stop = asyncio.Event()
    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stop.set)
    door = Door(ports)
    await door.open(port)
    await stop.wait()
    await door.close()


if __name__ == "__main__":
    asyncio.run(serve(int(os.environ["DOOR_PORT"]), [int(port) for port in os.environ["DOOR_TO"].split(",")]))
