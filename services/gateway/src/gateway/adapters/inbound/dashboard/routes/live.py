"""What keeps pages up to date: short news of what has changed; a page then loads the part anew."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from contracts.billing import BillingChanged, PlanChanged
from contracts.catalog import ModelChanged
from contracts.credits import AccountChanged
from contracts.jobs import ExportChanged, JobChanged
from contracts.message import Fact
from gateway.adapters.inbound.dashboard.pages import part
from gateway.adapters.inbound.dashboard.visitor import Acting, Visiting, place_of
from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.caller import SessionCookie, identify
from gateway.application.reading import EventsExpired

router = APIRouter()
HEARTBEAT = 15.0
PACE = 0.5
"""Seconds between news, so that a part that changes all the time is not loaded all the time."""
_BATCH = 100


@router.get("/live")
async def live(
    caller: Acting,
    api: Ports,
    session: SessionCookie,
    after: Annotated[int, Query(ge=0, lt=10**18)],
    place: Annotated[str, Query(max_length=100)] = "",
    last_event_id: Annotated[str | None, Header(pattern=r"^[0-9]{1,18}$")] = None,
) -> Response:
    """Stream the names of what changes after an event; after a lost connection it goes on where it was."""
    since = after if last_event_id is None else int(last_event_id)
    stream = _stream(api, _Page(caller.team_id, session or "", place or place_of(caller)), since)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/here")
async def here(caller: Acting, place: Annotated[str, Query(max_length=100)]) -> Response:
    """Say whether a page still fits who looks at it; else it is loaded anew, for what they are now."""
    if place == place_of(caller):
        return Response(status_code=204)
    same_team = place.startswith(f"{caller.team_id}.")
    return Response(headers={"HX-Refresh": "true"} if same_team else {"HX-Redirect": "/"})


@router.get("/parts/balance")
async def balance(me: Visiting) -> Response:
    """Show the balance in the head of every page."""
    return part("parts/balance.html", me=me)


@router.get("/parts/banners")
async def banners(me: Visiting) -> Response:
    """Show what everybody should know, at the top of every page."""
    return part("parts/banners.html", me=me)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page that listens: whose session it has, and which team and role it was made for."""

    team_id: UUID
    session: str
    place: str

    async def fits(self, api: Api) -> bool:
        """Tell whether whoever has the session is still what they were."""
        caller = await identify(api, None, self.session)
        return caller is not None and place_of(caller) == self.place


async def _stream(api: Api, page: _Page, after: int) -> AsyncIterator[str]:
    with api.watch(page.team_id) as watch:
        yield "retry: 2000\n\n"
        while not watch.over:
            watch.changed.clear()
            if not await page.fits(api):
                yield _news("gone", after)
                await _changed(watch.changed)  # the page leaves; to cut it off would look like a fault
                return
            if watch.people:
                watch.people = False
                yield _news("team", after)
            try:
                events = await api.events.events(page.team_id, after, _BATCH)
            except EventsExpired as expired:
                after = expired.oldest
                yield _news("everything", after)
                continue
            names = dict.fromkeys(name for event in events for name in names_of(event.fact))
            after = events[-1].seq if events else after
            for name in names:
                yield _news(name, after)
            if names:
                await asyncio.sleep(PACE)
            if len(events) < _BATCH and not await _changed(watch.changed):
                yield ": still here\n\n"


def names_of(fact: Fact) -> tuple[str, ...]:
    """Name what a fact changes on pages: the thing itself, and the lists it is in."""
    match fact:
        case JobChanged(id=id_):
            return f"job-{id_}", "jobs"
        case ModelChanged(id=id_):
            return f"model-{id_}", "models"
        case ExportChanged(id=id_):
            return (f"export-{id_}",)
        case AccountChanged():
            return ("balance",)
        case BillingChanged() | PlanChanged():
            return ("billing", "balance")
        case _:
            return ()


def _news(name: str, seq: int) -> str:
    return f"id: {seq}\nevent: {name}\ndata: {seq}\n\n"


async def _changed(changed: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await changed.wait()
    except TimeoutError:
        return False
