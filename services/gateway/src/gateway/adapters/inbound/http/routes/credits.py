"""The team's credits, and what they buy."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from chassis.http import Problem
from contracts.credits import Entry, EntryKind
from contracts.orders import Operation
from gateway.adapters.inbound.http import sheets
from gateway.adapters.inbound.http.api import Ports
from gateway.adapters.inbound.http.bodies.common import Moment, PageOf, PageQuery
from gateway.adapters.inbound.http.bodies.credits import Balance, HistoryLine
from gateway.adapters.inbound.http.bodies.prices import Pricing, Quote, QuoteBody
from gateway.adapters.inbound.http.caller import IdempotencyKey, Reader, fingerprint, replayed, wish
from gateway.adapters.inbound.http.description import also
from gateway.adapters.inbound.http.paging import page_of, wanted
from gateway.application.ask_quote import ask_quote
from gateway.application.reading import Lines, Page
from gateway.domain.requests import Kind

router = APIRouter(tags=["credits"])


class HistoryQuery(PageQuery):
    """Which lines of the history are wanted; times without an offset, and dates, are UTC."""

    type: EntryKind | None = None
    operation: Operation | None = None
    job: UUID | None = None
    since: Moment | None = Field(default=None, alias="from", description="At this time or later")
    before: Moment | None = Field(default=None, alias="to", description="Before this time")
    format: Literal["json", "csv"] | None = Field(
        default=None, description="`csv`, like `Accept: text/csv`: all lines as one file, whatever the limit"
    )

    def lines(self) -> Lines:
        """Say which lines that are."""
        return Lines(self.type, self.operation, self.job, self.since, self.before)


@router.get("/credits/balance", name="get_balance")
async def get_balance(caller: Reader, api: Ports) -> Balance:
    """Show what the team can spend, what is held, and how many jobs it has."""
    return Balance.standing(await api.views.standing(caller.team_id))


@router.get(
    "/credits/history",
    response_model=PageOf[HistoryLine],
    responses=also(200, "Lines", content={"text/csv": {"schema": {"type": "string"}}}),
    name="list_credit_history",
)
async def get_history(
    query: Annotated[HistoryQuery, Query()],
    caller: Reader,
    api: Ports,
    accept: Annotated[str, Header()] = "",
) -> PageOf[HistoryLine] | StreamingResponse:
    """List everything that changed the team's credits, newest first; as CSV too."""
    page, lines = wanted(query, int, int), query.lines()

    async def read(page: Page) -> list[tuple[int, int, Entry]]:
        return await api.lists.entries(caller.team_id, page, lines)

    if query.format == "csv" or (query.format is None and "text/csv" in accept):
        headers = {"Content-Disposition": 'attachment; filename="credit-history.csv"', "Vary": "Accept"}
        return StreamingResponse(sheets.history(read, page.after), media_type="text/csv", headers=headers)
    return page_of(await read(page), query, lambda row: HistoryLine.of(row[2]), lambda row: (row[0], row[1]))


@router.get(
    "/credits/pricing",
    response_model=Pricing,
    responses=also(304, "Not modified"),
    name="get_pricing",
)
async def get_pricing(
    _caller: Reader,
    response: Response,
    api: Ports,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Pricing | Response:
    """Show the price list in force."""
    if (found := await api.views.pricing(api.asking.clock())) is None:
        raise Problem(
            503, "pricing_unknown", "The price list is not known yet.", headers={"Retry-After": "5"}
        )
    headers = {"ETag": f'"{found.version}"', "Cache-Control": "private, no-cache"}
    if if_none_match and (headers["ETag"] in if_none_match or if_none_match.strip() == "*"):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return Pricing.of(found)


@router.post("/credits/quotes", status_code=201, name="request_quote")
async def post_quote(
    body: QuoteBody, caller: Reader, request: Request, api: Ports, key: IdempotencyKey = None
) -> Quote:
    """Get an offer that binds until it expires."""
    asked = wish(caller, Kind.QUOTE, api.asking.clock(), fingerprint("quote", body), key)
    items = tuple(item.item() for item in body.items)
    answer, quoted = await ask_quote(asked, items, api.asking, api.views)
    if quoted is None:
        words = "The offer is not there yet. Repeat the request with its Idempotency-Key."
        raise Problem(503, "quote_pending", words, headers={"Retry-After": "2"})
    replayed(request, again=answer.replayed)
    return Quote.of(quoted)
