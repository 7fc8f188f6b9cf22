"""Credits: what is there, what is held, what was spent, and every change."""

from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from gateway.adapters.inbound.dashboard.chart import bars
from gateway.adapters.inbound.dashboard.pages import page
from gateway.adapters.inbound.dashboard.visitor import Visiting
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageQuery
from gateway.adapters.inbound.http.bodies.credits import HistoryLine
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.reading import Lines

router = APIRouter()
DAYS = 30
_SHOWN = 30


@router.get("/credits")
async def credits(
    me: Visiting,
    api: Ports,
    kind: str = "",
    operation: str = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Show the team's credits and their history."""
    today = api.asking.clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = await api.usage.spent(me.team.id, today - timedelta(days=DAYS - 1))
    query = PageQuery(limit=_SHOWN, cursor=cursor)
    lines = Lines(kind=kind or None, operation=operation or None)
    found = await api.lists.entries(me.team.id, wanted(query, int, int), lines)
    return page(
        "credits.html",
        me,
        title="Credits",
        account=me.standing.account,
        spent=sum(spent.values()),
        bars=bars(spent, today.date(), DAYS),
        history=page_of(found, query, lambda row: HistoryLine.of(row[2]), lambda row: (row[0], row[1])),
        given={"kind": kind, "operation": operation},
    )
