"""Pages of lists: one row more than shown tells whether there is another page."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery
from gateway.application.reading import Page
from gateway.domain.cursor import decode, encode

Row = TypeVar("Row")
Shown = TypeVar("Shown")


def wanted(query: PageQuery, *kinds: type) -> Page:
    """Read which page is wanted; `kinds` are the parts of the list's cursors. Raises InvalidCursor."""
    return Page(query.limit, decode(query.cursor, *kinds) if query.cursor else None)


def part_of(
    rows: Sequence[Row], query: PageQuery, key: Callable[[Row], tuple[str | int, ...]]
) -> tuple[Sequence[Row], str | None]:
    """Tell which rows are shown, and where the next page starts."""
    shown = rows[: query.limit]
    return shown, encode(*key(shown[-1])) if len(rows) > query.limit else None


def page_of(
    rows: Sequence[Row],
    query: PageQuery,
    show: Callable[[Row], Shown],
    key: Callable[[Row], tuple[str | int, ...]],
) -> PageOf[Shown]:
    """Show a page, and where the next one starts."""
    shown, more = part_of(rows, query, key)
    return PageOf(data=[show(row) for row in shown], next_cursor=more)
