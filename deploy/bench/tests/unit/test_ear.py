"""The ear reads what a listener needs of a frame, and steps over the rest."""

import asyncio
from datetime import UTC, datetime

from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from bench.driving.ear import Ear


def delivered(correlation_id: str, body: bytes) -> bytes:
    properties = Basic.Properties(
        content_type="application/json",
        headers={"ce-source": "credits", "x-attempt": 1},
        delivery_mode=2,
        priority=3,
        correlation_id=correlation_id,
        reply_to="nobody",
        expiration="60000",
        message_id="m",
        timestamp=datetime(2026, 11, 22, tzinfo=UTC),
        message_type="credits.held.v1",
    )
    frames = [
        Basic.Deliver("tag", 1, False, "facts", "credits.held.v1.generate_images"),
        ContentHeader(body_size=len(body), properties=properties),
        ContentBody(body),
    ]
    return b"".join(marshal(frame, 1) for frame in frames)


async def test_every_message_is_heard_however_its_bytes_arrive():
    heard: list[tuple[str, str]] = []
    reader = asyncio.StreamReader()
    listening = asyncio.create_task(Ear(reader, None, lambda *said: heard.append(said)).listen())
    written = delivered("first", b"{}") + delivered("second", b"[1]")
    for start in range(0, len(written), 7):
        reader.feed_data(written[start : start + 7])
        await asyncio.sleep(0)
    reader.feed_eof()
    await listening
    assert heard == [("credits.held.v1", "first"), ("credits.held.v1", "second")]
