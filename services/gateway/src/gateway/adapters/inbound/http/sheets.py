"""The credit history as a CSV file (RFC 4180), written line by line."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from contracts.credits import Entry
from gateway.application.reading import Page

COLUMNS = ("at", "type", "operation", "job_id", "reason", "amount", "charged", "balance_after", "id")
_AT_ONCE = 500
# A spreadsheet takes a text that starts with one of these, full-width too, for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
Read = Callable[[Page], Awaitable[list[tuple[int, int, Entry]]]]


async def history(read: Read, after: tuple[object, ...] | None) -> AsyncIterator[str]:
    """Write all lines from there on, page after page, so that any number of them needs little memory."""
    yield row(COLUMNS)
    while True:
        found = await read(Page(_AT_ONCE, after))
        if shown := found[:_AT_ONCE]:
            yield "".join(row(_cells(entry)) for _, _, entry in shown)
            after = shown[-1][:2]
        if len(found) <= _AT_ONCE:
            return


def row(cells: Sequence[str | int]) -> str:
    """Write one row; texts cannot become formulas."""
    line = io.StringIO()
    csv.writer(line).writerow([_safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()


def _cells(entry: Entry) -> Sequence[str | int]:
    return (
        entry.at.isoformat(),
        entry.kind,
        entry.operation or "",
        str(entry.job_id or ""),
        entry.reason,
        entry.amount,
        entry.charged,
        entry.balance_after,
        str(entry.id),
    )


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULAS) else text
