"""The connection that only publishes: a memory alarm that blocks it leaves consuming alone."""

import asyncio

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractRobustChannel, AbstractRobustConnection
from aio_pika.connection import make_url
from aio_pika.robust_connection import RobustConnection

from chassis.supervision import being_cancelled

CONFIRM_WITHIN = 10.0


class Publisher:
    """Publishes with confirms; a message no queue takes raises instead of vanishing."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractRobustConnection | None = None
        self._channel: AbstractRobustChannel | None = None
        self._exchanges: dict[str, AbstractExchange] = {}
        self._lock = asyncio.Lock()

    async def publish(self, exchange: str, routing_key: str, message: aio_pika.Message) -> None:
        """Send one message and wait, at most 10 s, until the broker has it safe.

        Raises DeliveryError when it is refused or reaches no queue, and connection errors as they come.
        """
        target = await self.exchange(exchange)
        try:
            # Our own timeout: the libraries' own ones do not cover a connection blocked by an alarm.
            async with asyncio.timeout(CONFIRM_WITHIN):
                await target.publish(message, routing_key, mandatory=True)
        except asyncio.CancelledError:
            if being_cancelled():
                raise
            raise ConnectionError("the broker's connection is stuck") from None

    async def exchange(self, name: str) -> AbstractExchange:
        """Get an exchange by name on a channel that is open now; declared nowhere here."""
        channel = await self.channel()
        if name not in self._exchanges:
            self._exchanges[name] = (
                await channel.get_exchange(name, ensure=False) if name else channel.default_exchange
            )
        return self._exchanges[name]

    async def channel(self) -> AbstractRobustChannel:
        """Open the connection and its channel if they are not; raises TimeoutError after 10 s of silence."""
        async with self._lock:
            if self._connection is None or self._connection.is_closed:
                self._connection = await _connected(self._url)
                self._channel = None
            if self._channel is None or self._channel.is_closed:
                self._exchanges.clear()
                async with asyncio.timeout(CONFIRM_WITHIN):
                    channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                assert isinstance(channel, AbstractRobustChannel)  # noqa: S101 - narrows the library's type
                self._channel = channel
            return self._channel

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


async def _connected(url: str) -> AbstractRobustConnection:
    connection = RobustConnection(make_url(url, reconnect_interval=1))
    try:
        await connection.connect(timeout=10)
    except BaseException:
        await connection.close()  # else it is closed by the garbage collector, wherever that runs
        raise
    return connection
