"""What is handled is acknowledged, and nothing else ever is."""

import asyncio
from dataclasses import dataclass, field

import pytest

from chassis.acknowledging import Acknowledging


@dataclass(eq=False)
class Channel:
    is_closed: bool = False
    frames: list[tuple[int, bool]] = field(default_factory=list)

    async def basic_ack(self, tag: int, multiple: bool = False, **_: bool) -> None:
        self.frames.append((tag, multiple))


@dataclass
class Delivered:
    delivery_tag: int
    channel: Channel


@pytest.fixture
def channel() -> Channel:
    return Channel()


async def handle(acknowledging: Acknowledging, channel: Channel, *tags: int) -> None:
    for tag in tags:
        acknowledging.handled(Delivered(tag, channel))
    await asyncio.sleep(0.01)


async def test_a_batch_is_acknowledged_in_one_frame(channel):
    await handle(Acknowledging(), channel, 1, 2, 3)
    assert channel.frames == [(3, True)]


async def test_what_lies_beyond_a_message_under_way_is_acknowledged_alone(channel):
    acknowledging = Acknowledging()
    await handle(acknowledging, channel, 1, 3, 4)
    assert channel.frames == [(1, True), (3, False), (4, False)]
    await handle(acknowledging, channel, 2, 5)
    assert channel.frames[3:] == [(5, True)]


async def test_the_frame_never_names_a_message_that_is_settled_already(channel):
    acknowledging = Acknowledging()
    await handle(acknowledging, channel, 2)
    await handle(acknowledging, channel, 1)
    assert channel.frames == [(2, False), (1, True)]


async def test_a_message_given_back_holds_nothing_up_and_is_not_acknowledged(channel):
    acknowledging = Acknowledging()
    acknowledging.given_back(Delivered(1, channel))
    await handle(acknowledging, channel, 2, 3)
    assert channel.frames == [(3, True)]


async def test_a_new_channel_counts_anew_and_the_old_one_is_left_alone(channel):
    acknowledging, new = Acknowledging(), Channel()
    await handle(acknowledging, channel, 1, 2)
    channel.is_closed = True
    await handle(acknowledging, new, 1)
    await handle(acknowledging, channel, 3)
    await handle(acknowledging, new, 2)
    assert (channel.frames, new.frames) == ([(2, True)], [(1, True), (2, True)])


async def test_a_channel_that_lingers_takes_nothing_from_the_next(channel):
    acknowledging, new = Acknowledging(), Channel()
    await handle(acknowledging, channel, 1)
    await handle(acknowledging, new, 1, 2)
    acknowledging.handled(Delivered(3, new))
    await handle(acknowledging, channel, 2)
    await handle(acknowledging, new, 4)
    assert (channel.frames, new.frames) == ([(1, True), (2, True)], [(2, True), (3, True), (4, True)])


@pytest.mark.parametrize("error", [Exception(), asyncio.CancelledError(), OSError()])
async def test_an_acknowledgement_lost_with_its_channel_takes_no_other_along(channel, error):
    class Stuck(Channel):
        async def basic_ack(self, *_: object, **__: object) -> None:
            await asyncio.sleep(0.02)
            raise error

    acknowledging = Acknowledging()
    lost = Stuck()
    await handle(acknowledging, lost, 1)
    lost.is_closed = True
    await handle(acknowledging, channel, 1, 2)
    await acknowledging.flushed()
    assert channel.frames == [(2, True)]
