"""One Stripe account in memory: its objects, its time, and what it says about them."""

import asyncio
import copy
import secrets
import string
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from sandbox.stripe.errors import no_such

Obj = dict[str, Any]

API_VERSION = "2026-10-28.endive"
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """Return an id as Stripe writes them."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"


class Account:
    """What is remembered. Objects are kept in the shape in which the API shows them."""

    def __init__(self) -> None:
        self.pages_url = ""
        self.notes: dict[str, Obj] = {}  # what is known of an object beyond its public face, by its id
        self.request: Obj | None = None  # the API call being answered, for the events it causes
        self.listeners: list[Callable[[Obj], None]] = []
        self.retry_days = [3, 5, 7]
        self.after_retries = "cancel"
        self.renewal_seconds = 3600
        self.upcoming_days = 7
        self._tasks: set[asyncio.Task[None]] = set()
        self.clear()

    def clear(self) -> None:
        """Forget every object, and go back to the present."""
        self._kinds: dict[str, dict[str, Obj]] = {}
        self._everything: dict[str, Obj] = {}
        self.offset = 0
        self.moment: int | None = None  # the time that something late is done as of
        self.notes.clear()

    def add(self, thing: Obj) -> Obj:
        """Keep a new object."""
        self._kinds.setdefault(thing["object"], {})[thing["id"]] = thing
        self._everything[thing["id"]] = thing
        return thing

    def remove(self, thing: Obj) -> None:
        """Forget an object."""
        self._kinds[thing["object"]].pop(thing["id"], None)
        self._everything.pop(thing["id"], None)

    def get(self, kind: str, key: str, param: str = "id") -> Obj:
        """Return an object, or raise `resource_missing`."""
        found = self._kinds.get(kind, {}).get(key)
        if found is None:
            raise no_such(kind, key, param)
        return found

    def find(self, key: str | None) -> Obj | None:
        """Return the object of that id, whatever it is."""
        return self._everything.get(key or "")

    def all(self, kind: str, **wanted: object) -> Iterable[Obj]:
        """Return the objects of a kind, oldest first, with the fields given."""
        for thing in list(self._kinds.get(kind, {}).values()):
            if all(thing.get(name) == value for name, value in wanted.items()):
                yield thing

    def note(self, thing: Obj) -> Obj:
        """Return what is known of an object beyond its public face."""
        return self.notes.setdefault(thing["id"], {})

    def now(self, thing: Obj | None = None) -> int:
        """Return the time where an object lives: that of its test clock, else the account's."""
        clock = self.clock_of(thing)
        if clock is not None:
            return int(clock["frozen_time"])
        return int(time.time()) + self.offset if self.moment is None else self.moment

    def clock_of(self, thing: Obj | None) -> Obj | None:
        """Return the test clock that an object, its customer, charge or invoice is on."""
        if thing is None:
            return None
        if thing.get("test_clock"):
            return self.find(thing["test_clock"])
        owners = (self.find(thing.get(name)) for name in ("customer", "charge", "invoice"))
        owner = next((found for found in owners if found), None)
        return self.clock_of(owner)

    def say(self, kind: str, thing: Obj, before: Obj | None = None) -> Obj:
        """Record an event about an object; `before` holds the earlier values of what has changed."""
        data: Obj = {"object": copy.deepcopy(thing)}
        if before is not None:
            data["previous_attributes"] = copy.deepcopy(before)
        event = self.add(
            {
                "id": new_id("evt"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now(thing),
                "data": data,
                "livemode": False,
                "pending_webhooks": 0,
                "request": dict(self.request) if self.request else {"id": None, "idempotency_key": None},
                "type": kind,
            }
        )
        for listener in self.listeners:
            listener(event)
        return event

    def change(self, kind: str, thing: Obj, **fields: Any) -> None:  # noqa: ANN401 (JSON)
        """Set fields of an object and say so; nothing is said when nothing changes."""
        before = {name: thing.get(name) for name, value in fields.items() if thing.get(name) != value}
        before = copy.deepcopy(before)
        thing.update(fields)
        if before:
            self.say(kind, thing, before)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the answering of calls."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End what is done beside the answering of calls."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
