"""What happens in a team: read page by page, or streamed as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, Strict
from gateway.adapters.inbound.http.bodies.events import Event
from gateway.adapters.inbound.http.caller import Bearer, Reader, SessionCookie, identify
from gateway.adapters.inbound.http.description import also, problems
from gateway.application.reading import Event as StoredEvent
from gateway.domain.cursor import InvalidCursor
from gateway.domain.permissions import Caller

router = APIRouter(tags=["events"])
HEARTBEAT = 15.0
_BATCH = 100
_DIGITS = 18


class EventQuery(Strict):
    """From where events are wanted."""

    after: Annotated[int, Field(ge=0, lt=10**_DIGITS)] | None = None
    limit: int = Field(default=100, ge=1, le=500)


@router.get(
    "/events",
    response_model=PageOf[Event],
    responses=also(200, "Events", content={"text/event-stream": {"schema": {"type": "string"}}})
    | problems(400, 410),
    name="list_events",
)
async def get_events(
    query: Annotated[EventQuery, Query()],
    caller: Reader,
    api: Ports,
    bearer: Bearer,
    session: SessionCookie,
    accept: Annotated[str, Header()] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> PageOf[Event] | StreamingResponse:
    """Read what happened after an event; with `Accept: text/event-stream`, keep receiving what happens.

    A stream resumes after `Last-Event-ID` or `after`; without either it starts now. Kept for 30 days.
    """
    if "text/event-stream" not in accept:
        found = await api.events.events(caller.team_id, query.after or 0, query.limit)
        last = found[-1].seq if found else query.after or 0
        return PageOf(data=[Event.of(event, api.links) for event in found], next_cursor=str(last))
    after = await _start(api, query.after, last_event_id)
    first = await api.events.events(caller.team_id, after, _BATCH) if after else []

    async def still_allowed() -> bool:
        now = await identify(api, bearer.credentials if bearer else None, session)
        return now is not None and now.team_id == caller.team_id

    stream = _stream(api, caller, after, first, still_allowed)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _start(api: Api, after: int | None, last_event_id: str | None) -> int:
    if last_event_id is not None:
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= _DIGITS):
            raise InvalidCursor
        return int(last_event_id)
    return await api.events.head() if after is None else after


async def _stream(
    api: Api,
    caller: Caller,
    after: int,
    events: list[StoredEvent],
    still_allowed: Callable[[], Awaitable[bool]],
) -> AsyncIterator[str]:
    with api.watch(caller.team_id) as watch:
        yield "retry: 2000\n\n"
        while not watch.over and await still_allowed():  # a revoked key hears nothing more
            watch.changed.clear()
            events = events or await api.events.events(caller.team_id, after, _BATCH)
            for event in events:
                yield _message(event, api)
                after = event.seq
            if len(events) < _BATCH and not await _wait(watch.changed):
                yield ": still here\n\n"
            events = []


async def _wait(changed: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await changed.wait()
    except TimeoutError:
        return False


def _message(event: StoredEvent, api: Api) -> str:
    shown = Event.of(event, api.links)
    return f"id: {shown.seq}\nevent: {shown.type}\ndata: {shown.model_dump_json()}\n\n"
