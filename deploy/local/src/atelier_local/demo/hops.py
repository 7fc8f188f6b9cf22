"""The trace of one job: how long each hop took."""

import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atelier_local.demo.errors import Disappointed

EXPORTED_IN = 8.0

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Hop:
    """One span: who did what, when (milliseconds after the request), for how long, and how often."""

    after_ms: float
    duration_ms: float
    service: str
    name: str
    times: int = 1


def hops_of(sandbox_url: str, request_id: str, complete: Callable[[Sequence[Hop]], bool]) -> list[Hop]:
    """Fetch the trace a request left at the sandbox, as soon as it is complete."""
    deadline = time.monotonic() + EXPORTED_IN
    while True:
        hops = _hops(sandbox_url, request_id)
        if complete(hops):
            return hops
        if time.monotonic() > deadline:
            raise Disappointed(f"the trace of request {request_id} is not complete: {len(hops)} spans")
        time.sleep(0.2)


def _hops(sandbox_url: str, request_id: str) -> list[Hop]:
    found = _get(f"{sandbox_url}/traces?attribute=atelier.subject:{request_id}")["traces"]
    if not found:
        return []
    spans = _get(f"{sandbox_url}/traces/{found[0]['trace_id']}")["spans"]
    begin = min(_moment(span) for span in spans)
    return gathered(
        [
            Hop(_moment(span) - begin, span["duration_ms"], span["service"], span["name"])
            for span in sorted(spans, key=_moment)
        ]
    )


def gathered(hops: Sequence[Hop]) -> list[Hop]:
    """Put hops of the same name side by side into one, with the duration of the longest."""
    lines: list[Hop] = []
    for hop in hops:
        last = lines[-1] if lines else None
        if last and (last.service, last.name) == (hop.service, hop.name):
            longest = max(last.duration_ms, hop.duration_ms)
            lines[-1] = Hop(last.after_ms, longest, hop.service, hop.name, last.times + 1)
        else:
            lines.append(hop)
    return lines


def _moment(span: dict[str, Any]) -> float:
    return datetime.fromisoformat(span["start"]).timestamp() * 1000


def _get(url: str) -> dict[str, Any]:
    with _direct.open(url, timeout=5) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found
