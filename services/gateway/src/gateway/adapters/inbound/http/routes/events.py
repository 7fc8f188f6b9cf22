"""What happens in a team: read page by page, or streamed as server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateway.adapters.inbound.http.api import Api, Ports
from gateway.adapters.inbound.http.bodies.common import PageOf, Strict
from gateway.adapters.inbound.http.bodies.events import Event, EventType
from gateway.adapters.inbound.http.caller import Bearer, Reader, SessionCookie, identify
from gateway.adapters.inbound.http.description import also
from gateway.application.reading import Event as StoredEvent
from gateway.application.reading import Events
from gateway.domain.cursor import InvalidCursor
from gateway.domain.public_events import SHOWN

router = APIRouter(tags=["events"])
HEARTBEAT = 15.0
_BATCH = 100
_DIGITS = 18


class EventQuery(Strict):
    """From where events are wanted."""

    after: Annotated[int, Field(ge=0, lt=10**_DIGITS)] | None = None
    limit: int = Field(default=100, ge=1, le=500)
    type: Annotated[
        tuple[EventType, ...],
        Field(max_length=50, description="Only events of these types; repeat it for several"),
    ] = ()

    def facts(self) -> tuple[str, ...]:
        """List the facts that are shown as these types; none: all."""
        return tuple(SHOWN[name].type for name in self.type)


@router.get(
    "/events",
    response_model=PageOf[Event],
    responses=also(200, "Events", content={"text/event-stream": {"schema": {"type": "string"}}}),
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

    A stream resumes after `Last-Event-ID` or `after`; without either it starts now. It says at once, and with
    each sign of life, from where to resume. Kept for 30 days.
    """
    pages = _Pages(api.events, caller.team_id, query.facts())
    if "text/event-stream" not in accept:
        found, last = await pages.read(query.after or 0, query.limit)
        return PageOf(data=[Event.of(event, api.links) for event in found], next_cursor=str(last))
    after = await _start(api, query.after, last_event_id)
    first = await pages.read(after, _BATCH) if after else None
    api.streams.check(caller.team_id)

    async def still_allowed() -> bool:
        now = await identify(api, bearer.credentials if bearer else None, session)
        return now is not None and now.team_id == caller.team_id

    stream = _stream(api, pages, after, first, still_allowed)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _start(api: Api, after: int | None, last_event_id: str | None) -> int:
    if last_event_id is not None:
        if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= _DIGITS):
            raise InvalidCursor
        return int(last_event_id)
    return await api.events.head() if after is None else after


@dataclass(frozen=True, slots=True)
class _Pages:
    """The events of one team that are wanted."""

    events: Events
    team_id: UUID
    facts: tuple[str, ...]

    async def read(self, after: int, limit: int) -> tuple[list[StoredEvent], int]:
        """Read a page, and tell where the next begins: beyond all that was looked through."""
        head = await self.events.head()
        found = await self.events.events(self.team_id, after, limit, self.facts)
        last = found[-1].seq if found else after
        return found, last if len(found) == limit else max(last, head)


async def _stream(
    api: Api,
    pages: _Pages,
    after: int,
    first: tuple[list[StoredEvent], int] | None,
    still_allowed: Callable[[], Awaitable[bool]],
) -> AsyncIterator[str]:
    with api.streams.one(pages.team_id), api.watch(pages.team_id) as watch:
        yield f"retry: 2000\nid: {after}\n\n"
        while not watch.over and await still_allowed():  # a revoked key hears nothing more
            watch.changed.clear()
            events, after = first or await pages.read(after, _BATCH)
            for event in events:
                yield _message(event, api)
            if len(events) < _BATCH and not await _wait(watch.changed):
                yield f": still here\nid: {after}\n\n"
            first = None


async def _wait(changed: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await changed.wait()
    except TimeoutError:
        return False


def _message(event: StoredEvent, api: Api) -> str:
    shown = Event.of(event, api.links)
    return f"id: {shown.seq}\nevent: {shown.type}\ndata: {shown.model_dump_json()}\n\n"
