"""What we write down ourselves, the library reads back."""

from datetime import UTC, datetime

import pytest
from aiormq import spec
from pamqp.body import ContentBody
from pamqp.frame import unmarshal
from pamqp.header import ContentHeader

from chassis.frames import Outgoing, Unwritable

SAID = Outgoing(
    exchange="facts",
    routing_key="credits.held.v1.generate_images",
    type="credits.held.v1",
    message_id="0190a0b0-0000-7000-8000-000000000001",
    correlation_id="0190a0b0-0000-7000-8000-000000000002",
    timestamp=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
    headers={"ce-source": "credits", "ce-subject": "Zoë"},
    body=b'{"holds": []}',
)


def read(written: bytes) -> list[object]:
    frames = []
    while written:
        used, channel, frame = unmarshal(written)
        assert channel == 7
        frames.append(frame)
        written = written[used:]
    return frames


def test_a_message_is_read_back_as_it_was():
    publish, header, body = read(SAID.frames(7, 131_064))
    assert isinstance(publish, spec.Basic.Publish)
    assert (publish.exchange, publish.routing_key) == ("facts", "credits.held.v1.generate_images")
    assert publish.mandatory
    assert isinstance(header, ContentHeader)
    assert header.body_size == 13
    assert dict(header.properties) == dict(
        spec.Basic.Properties(
            content_type="application/json",
            delivery_mode=2,
            message_id="0190a0b0-0000-7000-8000-000000000001",
            correlation_id="0190a0b0-0000-7000-8000-000000000002",
            message_type="credits.held.v1",
            timestamp=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
            headers={"ce-source": "credits", "ce-subject": "Zoë"},
        )
    )
    assert isinstance(body, ContentBody)
    assert body.value == b'{"holds": []}'


def test_a_long_body_is_split_into_frames_the_broker_takes():
    _, _, *bodies = read(SAID.frames(7, 5))
    assert [body.value for body in bodies if isinstance(body, ContentBody)] == [b'{"hol', b'ds": ', b"[]}"]


@pytest.mark.parametrize("change", [{"routing_key": "x" * 256}, {"type": "x" * 256}, {"headers": {"a": 1}}])
def test_what_no_frame_can_carry_is_refused(change):
    from dataclasses import replace

    with pytest.raises(Unwritable, match=r"0190a0b0-0000-7000-8000-000000000001"):
        replace(SAID, **change).frames(7, 131_064)
