from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from gateway.domain.cursor import InvalidCursor, decode, encode


def test_a_cursor_gives_back_what_it_was_made_of():
    id_, at = uuid4(), datetime(2026, 11, 22, tzinfo=UTC)

    assert decode(encode(7, str(id_)), int, UUID) == (7, id_)
    assert decode(encode(at.isoformat(), "Übung"), datetime, str) == (at, "Übung")


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "!",
        "é",
        "bm90IGpzb24",
        encode(1),
        encode("7", str(uuid4())),
        encode(2**63, str(uuid4())),
        encode(7, "no id"),
        "W" * 400,
    ],
)
def test_a_cursor_of_another_list_is_refused(foreign: str):
    with pytest.raises(InvalidCursor):
        decode(foreign, int, UUID)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yesterday"])
def test_a_cursor_cannot_lead_beyond_the_calendar(at: str):
    with pytest.raises(InvalidCursor):
        decode(encode(at), datetime)


def test_a_cursor_cannot_smuggle_half_a_character_into_the_database():
    with pytest.raises(InvalidCursor):
        decode(encode("\ud800"), str)


def test_a_cursor_cannot_smuggle_a_nul_character_into_the_database():
    with pytest.raises(InvalidCursor):
        decode(encode("a\x00b", str(uuid4())), str, UUID)
