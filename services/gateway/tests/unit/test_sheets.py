import csv
import io
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from contracts.credits import Entry
from gateway.adapters.inbound.http import sheets

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def line(n: int, reason: str = "") -> tuple[int, int, Entry]:
    entry = Entry(id=uuid4(), kind="reserve", amount=-n, balance_after=0, version=n, reason=reason, at=NOW)
    return n, 0, entry


async def written(*lines: tuple[int, int, Entry]) -> list[list[str]]:
    """Write lines that come newest first, as the history does."""

    async def read(page):
        rest = [one for one in lines if page.after is None or one[:2] < page.after]
        return rest[: page.limit + 1]

    text = "".join([part async for part in sheets.history(read, None)])
    return list(csv.reader(io.StringIO(text, newline="")))


async def test_all_pages_are_written_once():
    lines = [line(n) for n in range(1203, 0, -1)]
    [head, *rows] = await written(*lines)

    assert tuple(head) == sheets.COLUMNS
    assert [row[5] for row in rows] == [str(-n) for n in range(1203, 0, -1)]


async def test_an_empty_history_is_a_header():
    assert await written() == [list(sheets.COLUMNS)]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@x", "\ttab", "\rreturn", "\uff1d1"])
async def test_no_text_becomes_a_formula(text: str):
    [_, row] = await written(line(4, text))

    assert row[4] == f"'{text}"
    assert row[5] == "-4"  # a number stays one


async def test_quotes_commas_and_line_breaks_come_back_as_they_were():
    [_, row] = await written(line(1, 'he said "2, not 3"\r\nand left'))

    assert row[4] == 'he said "2, not 3"\r\nand left'
