"""The team's credits."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from contracts.credits import EntryKind
from contracts.orders import Operation
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, PageQuery
from gateway.adapters.inbound.http.bodies.credits import Balance, HistoryLine
from gateway.adapters.inbound.http.caller import Reader
from gateway.adapters.inbound.http.description import problems
from gateway.adapters.inbound.http.paging import page_of, wanted

router = APIRouter(tags=["credits"])


class HistoryQuery(PageQuery):
    """Which lines of the history are wanted."""

    type: EntryKind | None = None
    operation: Operation | None = None
    job: UUID | None = None


@router.get("/credits/balance", name="get_balance")
async def get_balance(caller: Reader, api: Ports) -> Balance:
    """Show what the team can spend, what is held, and how many jobs it has."""
    return Balance.standing(await api.views.standing(caller.team_id))


@router.get("/credits/history", responses=problems(400), name="list_credit_history")
async def get_history(
    query: Annotated[HistoryQuery, Query()], caller: Reader, api: Ports
) -> PageOf[HistoryLine]:
    """List everything that changed the team's credits, newest first."""
    found = await api.lists.entries(
        caller.team_id, wanted(query, int, int), kind=query.type, operation=query.operation, job_id=query.job
    )
    return page_of(found, query, lambda row: HistoryLine.of(row[2]), lambda row: (row[0], row[1]))
