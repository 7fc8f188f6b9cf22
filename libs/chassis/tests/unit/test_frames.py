"""What we write down ourselves, the library reads back."""

from dataclasses import replace
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
    _, _, *bodies = read(replace(SAID, body=b"a" * 400 + b"b" * 400 + b"c").frames(7, 400))
    found = [body.value for body in bodies if isinstance(body, ContentBody)]
    assert found == [b"a" * 400, b"b" * 400, b"c"]


@pytest.mark.parametrize("change", [{"routing_key": "x" * 256}, {"type": "x" * 256}, {"headers": {"a": 1}}])
def test_what_no_frame_can_carry_is_refused(change):
    with pytest.raises(Unwritable, match=r"0190a0b0-0000-7000-8000-000000000001"):
        replace(SAID, **change).frames(7, 131_064)


def test_properties_that_exceed_a_frame_are_refused_before_they_cost_the_connection():
    rest = len(SAID._header()) - len("Zoë".encode())
    most = {"ce-source": "credits", "ce-subject": "x" * (131_064 - rest)}
    _, header, _ = read(replace(SAID, headers=most).frames(7, 131_064))
    assert isinstance(header, ContentHeader)
    too_much = {"ce-source": "credits", "ce-subject": "x" * (131_065 - rest)}
    with pytest.raises(Unwritable, match="131065 bytes of properties, of which 131064 can be sent"):
        replace(SAID, headers=too_much).frames(7, 131_064)
