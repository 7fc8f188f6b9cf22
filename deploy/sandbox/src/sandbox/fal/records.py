"""What was submitted and what became of it: the queue's memory, and the tests' witness."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.fal.faults import Fault
from sandbox.fal.outcomes import Outcome

_KEPT = 100_000


def now() -> str:
    """Return the time as fal writes it."""
    return datetime.now(UTC).isoformat()


@dataclass(eq=False)
class Submit:
    """One POST to the queue, accepted or not."""

    endpoint: str
    input: dict[str, Any]
    webhook_url: str | None
    base_url: str  # scheme and host under which the client reaches us
    traceparent: str | None = None
    start_timeout: float | None = None
    low_priority: bool = False
    request_id: str | None = None
    state: str = "REFUSED"
    answer: str = "none"  # what the client saw: a status code, or how the connection ended
    faults: list[Fault] = field(default_factory=list)
    submitted_at: str = field(default_factory=now)
    started_at: str | None = None
    completed_at: str | None = None
    inference_seconds: float = 0.0
    logs: list[dict[str, Any]] = field(default_factory=list)
    outcome: Outcome | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def identity(self) -> tuple[str, str]:
        """Return what a repeated POST shares with the first: the webhook address, or else the input."""
        return self.endpoint, self.webhook_url or json.dumps(self.input, sort_keys=True)

    @property
    def app(self) -> str:
        """Owner and application, without the sub-path: what status, result and cancel URLs are made of."""
        return "/".join(self.endpoint.split("/")[:2])

    @property
    def prompt(self) -> str:
        """The words a fault rule can ask for."""
        names = ("prompt", "trigger_phrase", "trigger_word")
        return " ".join(str(self.input[name]) for name in names if name in self.input)

    @property
    def billable_units(self) -> float:
        """What fal would charge for, in the endpoint's own unit; zero until the end is known."""
        return self.outcome.units if self.outcome else 0.0

    def fault(self, name: str) -> dict[str, Any] | None:
        """Return the parameters of a fault that happens to this request, or nothing."""
        return next((fault.params for fault in self.faults if fault.name == name), None)

    def log(self, message: str, level: str = "INFO") -> None:
        """Add a line to what `status?logs=1` shows."""
        line = {"message": message, "level": level, "source": "USER", "timestamp": now()}
        self.logs.append(line | {"labels": {}})

    def urls(self) -> dict[str, str]:
        """Return the three addresses the client is told to use."""
        base = f"{self.base_url}/{self.app}/requests/{self.request_id}"
        return {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}

    def accept(self) -> None:
        """Give the request its id and its place in the queue."""
        self.request_id = str(uuid.uuid4())
        self.state = "IN_QUEUE"


class Records:
    """All POSTs since the last reset, oldest first, the oldest forgotten beyond a limit."""

    def __init__(self) -> None:
        self._submits: dict[int, Submit] = {}
        self._by_id: dict[str, Submit] = {}
        self._posts: Counter[tuple[str, str]] = Counter()
        self._next = 0

    def add(self, submit: Submit) -> None:
        """Remember a POST."""
        self._submits[self._next] = submit
        self._next += 1
        self._posts[submit.identity] += 1
        if len(self._submits) > _KEPT:
            self._forget(self._submits.pop(next(iter(self._submits))))

    def accepted(self, submit: Submit) -> None:
        """Make an accepted request findable by its id."""
        self._by_id[str(submit.request_id)] = submit

    def find(self, request_id: str, app: str) -> Submit | None:
        """Return the request of that id, if it belongs to that application."""
        submit = self._by_id.get(request_id)
        return submit if submit is not None and submit.app == app else None

    def posts(self, submit: Submit) -> int:
        """How many POSTs there were for the same endpoint and webhook address: more than one is a repeat."""
        return self._posts[submit.identity]

    def clear(self) -> None:
        """Forget all."""
        self._submits.clear()
        self._by_id.clear()
        self._posts.clear()

    def __iter__(self) -> Iterator[Submit]:
        return iter(list(self._submits.values()))

    def __len__(self) -> int:
        return len(self._submits)

    def _forget(self, submit: Submit) -> None:
        self._by_id.pop(str(submit.request_id), None)
        key = submit.identity
        self._posts[key] -= 1
        if not self._posts[key]:
            del self._posts[key]
