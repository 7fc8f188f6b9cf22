"""A message that came through FastStream is what the broker delivered."""

from datetime import UTC, datetime

import pytest
from aio_pika import IncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp.header import ContentHeader

from chassis.faststream_line import delivered


class Channel:
    is_closed = False


def came(channel: Channel) -> DeliveredMessage:
    properties = spec.Basic.Properties(
        content_type="application/json",
        delivery_mode=2,
        priority=0,
        headers={"traceparent": "00-1-2-01", "ce-subject": "a job", "x-attempt": 2},
        message_id="one",
        correlation_id="two",
        message_type="jobs.cancel.v1",
        timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    where = spec.Basic.Deliver("tag", 7, True, "commands", "jobs.cancel.v1")
    return DeliveredMessage(where, ContentHeader(0, 2, properties), b"{}", channel)


def test_nothing_of_it_is_lost_on_the_way():
    message = came(channel := Channel())
    passed_on = delivered(IncomingMessage(message))
    assert dict(passed_on.delivery) == dict(message.delivery)
    assert dict(passed_on.header.properties) == dict(message.header.properties)
    assert (passed_on.header.body_size, passed_on.body, passed_on.channel) == (2, b"{}", channel)


def test_one_whose_channel_is_closed_is_left_to_come_again():
    incoming = IncomingMessage(came(channel := Channel()))
    channel.is_closed = True
    with pytest.raises(ChannelInvalidStateError):
        delivered(incoming)
