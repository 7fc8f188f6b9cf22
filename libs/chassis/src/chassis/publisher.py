"""The connection that only publishes: a memory alarm that blocks it leaves consuming alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractRobustChannel, AbstractRobustConnection
from aio_pika.connection import make_url
from aio_pika.robust_connection import RobustConnection
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel as UnderlayChannel
from aiormq.exceptions import ChannelClosed

from chassis.frames import Outgoing, Unwritable
from chassis.supervision import stuck_is_an_error

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
        with stuck_is_an_error():
            target = await self.exchange(exchange)
        # Our own timeout: the libraries' own ones do not cover a connection blocked by an alarm.
        async with asyncio.timeout(CONFIRM_WITHIN):
            with stuck_is_an_error():
                await target.publish(message, routing_key, mandatory=True)

    async def publish_all(self, messages: Sequence[Outgoing]) -> list[BaseException | None]:
        """Send messages in one write and wait, at most 10 s, for all confirms; returns what failed of each.

        Goes past aio-pika and aiormq's own publishing, which take ten times as long for a message.
        """
        failures = await self._together(messages)
        if len(messages) > 1:
            for number, failure in enumerate(failures):
                # One of them cost the channel, and with it the others: alone it costs only itself.
                if isinstance(failure, ChannelClosed):
                    failures[number] = (await self._together([messages[number]]))[0]
        return failures

    async def _together(self, messages: Sequence[Outgoing]) -> list[BaseException | None]:
        channel = await self._open_channel()
        sent = [Sent.of(message, channel) for message in messages]
        try:
            async with asyncio.timeout(CONFIRM_WITHIN), channel.lock:
                written = b"".join(one.frames for one in sent)
                await channel.write_queue.put(ChannelFrame(written, should_close=False))
                for one in sent:  # nothing has run in between: no confirm can have come yet
                    one.expect(channel)
            await _settle(channel, [one.confirm for one in sent])
            return [one.failure() for one in sent]
        finally:
            for one in sent:
                one.forget(channel)

    async def _open_channel(self) -> UnderlayChannel:
        """Wait, at most 10 s, for a channel that is open on a connection that is not blocked."""
        async with asyncio.timeout(CONFIRM_WITHIN):
            while True:
                channel = await self.channel()
                await channel.ready()
                underlay = await channel.get_underlay_channel()
                assert isinstance(underlay, UnderlayChannel)  # noqa: S101 - narrows the library's type
                if not underlay.is_closed:
                    await underlay.connection.ready()
                    return underlay
                await asyncio.sleep(0.01)  # it is being replaced

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

    async def look_at(self, queue: str) -> tuple[int, int]:
        """Count the messages that wait in a queue (some seconds late), and its consumers (at once).

        On a channel of its own: asking for a queue that is not there costs the channel. Whoever asks may be
        cancelled, the question is not: aiormq can take ten seconds to close a channel in the middle of one.
        """
        looking = asyncio.create_task(self._look_at(queue), name=f"look at {queue}")
        looking.add_done_callback(_seen)
        return await asyncio.shield(looking)

    async def _look_at(self, queue: str) -> tuple[int, int]:
        connection = (await self._open_channel()).connection
        channel = await connection.channel(publisher_confirms=False)
        try:
            declared = await channel.queue_declare(queue, passive=True)
            return declared.message_count or 0, declared.consumer_count or 0
        finally:
            await channel.close()

    async def fresh_channel(self) -> AbstractChannel:
        """Open one more channel, for whoever wants to close it."""
        await self.channel()
        assert self._connection is not None  # noqa: S101 - it has just been opened
        return await self._connection.channel()

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


@dataclass(frozen=True, slots=True)
class Sent:
    """A message on its way: its frames, and what becomes of it."""

    message_id: str
    frames: bytes
    confirm: asyncio.Future[object]

    @classmethod
    def of(cls, message: Outgoing, channel: UnderlayChannel) -> "Sent":
        """Write a message as frames; one that cannot be written fails alone."""
        confirm: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        try:
            frames = message.frames(channel.number, channel.max_content_size)
        except Unwritable as error:
            confirm.set_exception(error)
            frames = b""
        return cls(message.message_id, frames, confirm)

    def expect(self, channel: UnderlayChannel) -> None:
        """Count the message as the broker does, which confirms by number and returns by id."""
        if self.frames:
            channel.delivery_tag += 1
            channel.confirmations[channel.delivery_tag] = self.confirm
            channel.message_id_delivery_tag[self.message_id] = channel.delivery_tag

    def failure(self) -> BaseException | None:
        """Tell what went wrong, if anything."""
        if not self.confirm.done():
            return TimeoutError(f"no confirm within {CONFIRM_WITHIN:.0f} s")
        # A stuck connection cancels whoever waits for a confirm.
        stuck = ConnectionError("the confirm was cancelled")
        return stuck if self.confirm.cancelled() else self.confirm.exception()

    def forget(self, channel: UnderlayChannel) -> None:
        """Wait for it no longer."""
        self.confirm.cancel()
        channel.message_id_delivery_tag.pop(self.message_id, None)


async def _settle(channel: UnderlayChannel, confirms: Sequence[asyncio.Future[object]]) -> None:
    """Wait until each is confirmed or refused, the channel is gone, or it takes too long."""

    def give_up(gone: asyncio.Future[object]) -> None:
        if not gone.cancelled():
            for confirm in confirms:
                if not confirm.done():
                    confirm.set_exception(gone.exception() or ConnectionError("the channel was closed"))

    gone = channel.closing
    gone.add_done_callback(give_up)
    try:
        if confirms:
            await asyncio.wait(confirms, timeout=CONFIRM_WITHIN)
    finally:
        gone.remove_done_callback(give_up)
        gone.cancel()


def _seen(looking: asyncio.Task[tuple[int, int]]) -> None:
    """Take note of how it ended, also when nobody waits any more."""
    if not looking.cancelled():
        looking.exception()


async def _connected(url: str) -> AbstractRobustConnection:
    connection = RobustConnection(make_url(url, reconnect_interval=1))
    try:
        await connection.connect(timeout=10)
    except BaseException:
        await connection.close()  # else it is closed by the garbage collector, wherever that runs
        raise
    return connection
