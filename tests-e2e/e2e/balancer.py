"""One address for several gateways: each connection goes to the next of them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle


@dataclass
class Balancer:
    """Passes bytes on; connects to whichever answers, beginning with the next in turn."""

    ports: list[int]
    url: str = ""
    used: dict[int, int] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _busy: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._turn = cycle(range(len(self.ports)))

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._busy:
            writer.close()
        await self._server.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await self._connected()
        if there is None:
            writer.close()
            return
        self._busy |= {writer, there[1]}
        try:
            await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
        finally:
            self._busy -= {writer, there[1]}

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for port in self.ports[first:] + self.ports[:first]:
            with suppress(OSError):
                found = await asyncio.open_connection("127.0.0.1", port)
                self.used[port] = self.used.get(port, 0) + 1
                return found
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
