"""Credits: what is there, what is held, what was spent, and every change."""

from datetime import UTC, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from contracts.billing import PlansChanged
from gateway.adapters.inbound.dashboard.chart import bars
from gateway.adapters.inbound.dashboard.pages import page
from gateway.adapters.inbound.dashboard.visitor import Visiting, Visitor
from gateway.adapters.inbound.dashboard.words import price
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import PageQuery
from gateway.adapters.inbound.http.bodies.credits import HistoryLine
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.reading import Lines

router = APIRouter()
DAYS = 30
_SHOWN = 30
PAID = {
    "plan": "Thank you. Your plan and its credits appear here by themselves as soon as the payment is "
    "confirmed, usually within seconds. There is nothing else to do.",
    "pack": "Thank you. Your credits appear here by themselves as soon as the payment is confirmed, usually "
    "within seconds. There is nothing else to do.",
    "nothing": "Nothing was paid, and nothing has changed.",
}
"""What is said to who comes back from paying; what really happened is shown by the billing beneath."""
DONE = {
    "auto": "From now on a pack is bought when the credits run low.",
    "no-auto": "Nothing is bought by itself any more.",
}


@router.get("/credits")
async def credits(
    me: Visiting,
    api: Ports,
    kind: str = "",
    operation: str = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    paid: Annotated[str, Query(max_length=20)] = "",
    done: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Show the team's credits, what it pays for, and their history."""
    today = api.asking.clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spent = await api.usage.spent(me.team.id, today - timedelta(days=DAYS - 1))
    query = PageQuery(limit=_SHOWN, cursor=cursor)
    lines = Lines(kind=kind or None, operation=operation or None)
    found = await api.lists.entries(me.team.id, wanted(query, int, int), lines)
    offers = await api.payments.offers()
    return page(
        "credits.html",
        me,
        **_paying(me, offers),
        paid=PAID.get(paid, ""),
        done=DONE.get(done, ""),
        title="Credits",
        account=me.standing.account,
        spent=sum(spent.values()),
        bars=bars(spent, today.date(), DAYS),
        history=page_of(found, query, lambda row: HistoryLine.of(row[2]), lambda row: (row[0], row[1])),
        given={"kind": kind, "operation": operation},
    )


def _paying(me: Visitor, offers: PlansChanged | None) -> dict[str, Any]:
    """Say what is known of plans and payments; of the team's own only to who may see that."""
    plan = me.standing.plan.plan if me.standing.plan else "free"
    names = {offer.key: offer.name for offer in offers.plans} if offers else {}
    packs = [
        (pack.key, f"{pack.credits:,} credits, {price(pack.price.amount, pack.price.currency)}")
        for pack in (offers.packs if offers else ())
    ]
    return {
        "billing": me.billing,
        "offers": offers,
        "packs": packs,
        "plan_name": names.get(plan, plan.capitalize()),
    }
