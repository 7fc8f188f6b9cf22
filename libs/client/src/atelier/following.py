"""What happens, as it happens: server-sent events, opened again where they broke off."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from atelier.calling import Patience, ask, known
from atelier.documents import Document, Event, Page
from atelier.flow import Answer, Effect, Finding, Flow, Found, Listen, NextLine, Request, Sleep
from atelier.problems import TookTooLong, Unreachable, problem

Watched = TypeVar("Watched", bound=Document)

PATH = "/api/events"
SILENCE = 20.0
"""A stream says something every 15 seconds; whatever is silent for longer is broken."""
POLL_FIRST, POLL_LONGEST = 0.5, 5.0
_REFUSED_FOR_GOOD = frozenset({400, 401, 403, 404, 410, 422})


@dataclass
class Reader:
    """Puts lines together to events (HTML, 9.2.6); remembers the last id, as a reconnect must."""

    last_id: str | None = None
    pause: float = 2.0
    _id: str | None = None
    _data: list[str] = field(default_factory=list)

    def line(self, text: str) -> str | None:
        """Take one line; returns the data of the event that it completes."""
        if not text:
            data, self._data = "\n".join(self._data), []
            self.last_id = self.last_id if self._id is None else self._id
            return data or None
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        elif name == "retry" and value.isdecimal():
            self.pause = int(value) / 1000
        return None

    def broken(self) -> None:
        """Forget half an event: it comes again."""
        self._data, self._id = [], None


def opening(reader: Reader, types: Sequence[str], silence: float = SILENCE) -> Listen:
    """Ask for the stream, from where the reader is."""
    headers = {"Accept": "text/event-stream"}
    if reader.last_id is not None:
        headers["Last-Event-ID"] = reader.last_id
    params = known({"type": list(types) or None})
    return Listen(Request("GET", PATH, params=params, headers=headers), silence)


def follow(patience: Patience, after: int | None, types: Sequence[str]) -> Finding[Event]:
    """Find each event once, in order, for ever; a broken stream goes on after the last event seen.

    Without `after` it starts now. Raises Problem when the server will not tell (410: what follows `after` is
    not kept any more), Unreachable when no stream could ever be opened.
    """
    reader = Reader(None if after is None else str(after))
    failures = 0
    while True:
        try:
            answer: Answer = yield opening(reader, types)
            while answer.ok and (line := (yield NextLine())) is not None:
                failures = 0
                if (data := reader.line(line)) is not None:
                    yield Found(Event.model_validate_json(data))
        except httpx.TransportError:
            answer = Answer(0, {})
        if answer.status in _REFUSED_FOR_GOOD:
            raise problem(answer.status, answer.content)
        reader.broken()
        failures += 1
        if failures > 1 and reader.last_id is not None:
            reader.last_id = str((yield from _polled(patience, int(reader.last_id), types)))
        elif failures >= patience.tries:
            raise Unreachable("the stream of events cannot be opened")
        yield Sleep(reader.pause)


def _polled(
    patience: Patience, after: int, types: Sequence[str]
) -> Generator[Effect | Found[Event], Any, int]:
    """Find what came after an event by asking once: there are proxies that let no stream through."""
    while True:
        wanted = Request("GET", PATH, params=known({"after": after, "type": list(types) or None}))
        page = yield from ask(patience, Page[Event], wanted)
        for event in page.data:
            yield Found(event)
        after = int(page.next_cursor or after)
        if not page.data:
            return after


def watch(
    read: Callable[[], Flow[Watched]],
    ended: Callable[[Watched], bool],
    *,
    subject: str,
    event_type: str,
    within: float,
    told: Callable[[Watched], None] | None = None,
) -> Flow[Watched]:
    """Wait until something has ended, and tell each state on the way.

    It listens for events about it, and reads it after each, so that its links are fresh. Without a stream it
    reads it ever less often. Raises TookTooLong.
    """
    deadline, pause = time.monotonic() + within, POLL_FIRST
    reader, seen = Reader(), None
    while True:
        listening = False
        try:
            left = deadline - time.monotonic()
            answer: Answer = yield opening(reader, [event_type], min(SILENCE, max(left, 0.1)))
            # Opened first and read then: whatever happens in between is in the stream.
            listening = answer.ok
            seen = yield from _read(read, seen, told)
            while listening and not ended(seen) and time.monotonic() < deadline:
                if (line := (yield NextLine())) is None:
                    break
                if (data := reader.line(line)) and Event.model_validate_json(data).subject == subject:
                    seen, pause = (yield from _read(read, seen, told)), POLL_FIRST
        except httpx.TransportError:
            seen = yield from _read(read, seen, told)
        if ended(seen):
            return seen
        if time.monotonic() >= deadline:
            raise TookTooLong(f"{subject} has not ended after {within:.0f} s; it goes on")
        reader.broken()
        yield Sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(POLL_LONGEST, pause * 1.5)


def _read(
    read: Callable[[], Flow[Watched]], before: Watched | None, told: Callable[[Watched], None] | None
) -> Flow[Watched]:
    found = yield from read()
    if told is not None and found != before:
        told(found)
    return found
