"""The network between jobs and its provider, which can be cut and slowed."""

import asyncio
from contextlib import suppress

DELAY = 1.0
"""Seconds by which a slow wire holds back what is sent."""


class Wire:
    """A port that leads to another one, as long as it is not cut."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.StreamWriter] = set()
        self._cut = self._slow = False

    @property
    def port(self) -> int:
        """Where it begins."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def lay(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)

    def cut(self) -> None:
        """Reset what is open, and whatever comes."""
        self._cut = True
        for writer in self._busy:
            writer.transport.abort()

    def slow(self) -> None:
        """Hold everything back from now on."""
        self._slow = True

    def mend(self) -> None:
        """Be a good wire again."""
        self._cut = self._slow = False

    async def close(self) -> None:
        """Take it away."""
        self.cut()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._busy |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        finally:
            self._busy -= {writer, back}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if self._slow:
                    await asyncio.sleep(DELAY)
                writer.write(data)
                await writer.drain()
        writer.close()
