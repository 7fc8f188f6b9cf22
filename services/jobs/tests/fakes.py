"""All that is outside of jobs, played: the provider, the object store, pictures, callbacks."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from services.jobs.tests.memory import Clock, Memory
from services.jobs.tests.stories import RULES

from chassis.together import Together
from contracts.message import Message
from jobs.application.poll_attempts import cancel_call
from jobs.application.ports import (
    CallForgotten,
    NotAnImage,
    ObjectMissing,
    Picture,
    ProviderUnavailable,
    ResultGone,
    StorageUnavailable,
    StoredObject,
)
from jobs.application.store_results import record_stored, store_results
from jobs.application.submit_call import record_calls, submit_call
from jobs.application.tools import Tools
from jobs.domain.calls import Outcome, ProviderCall, ProviderStatus, Submitted
from jobs.domain.effects import CancelCall, Effect, Store, Submit
from jobs.domain.job import Job


@dataclass
class FakeProvider:
    """Takes calls and answers what it is told to; `answer` is a value, or an error to raise."""

    answer: Submitted | Exception | None = None
    states: list[ProviderStatus] = field(default_factory=list)
    forgetful: bool = False
    outcome: Outcome | None = None
    files: dict[str, bytes | Exception] = field(default_factory=dict)
    calls: list[tuple[ProviderCall, UUID]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    def endpoint(self, call: ProviderCall) -> str:
        return f"fake/{call.kind}"

    async def submit(self, call: ProviderCall, attempt_id: UUID, callback_url: str) -> Submitted:
        assert str(attempt_id) in callback_url
        self.calls.append((call, attempt_id))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or self.locate(self.endpoint(call), f"r{len(self.calls)}")

    def locate(self, endpoint: str, request_id: str) -> Submitted:
        base = f"https://provider/{endpoint}/{request_id}"
        return Submitted(request_id, base, f"{base}/status", f"{base}/cancel")

    async def status(self, _submitted: Submitted) -> ProviderStatus:
        if self.forgetful:
            raise CallForgotten
        if not self.states:
            raise ProviderUnavailable
        return self.states.pop(0)

    async def fetch(self, _submitted: Submitted) -> Outcome:
        if self.outcome is None:
            raise ProviderUnavailable
        return self.outcome

    async def cancel(self, submitted: Submitted) -> bool:
        self.cancelled.append(submitted.request_id)
        return True

    def parse_callback(self, body: str) -> Outcome | None:
        if body == "malformed":
            raise ValueError(body)
        return None if body == "fetch" else self.outcome

    async def download(self, url: str, _limit: int) -> bytes:
        self.downloads.append(url)
        found = self.files.get(url, ResultGone(url))
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class FakeStorage:
    """A bucket in a dict; `away` makes it unreachable."""

    objects: dict[str, bytes] = field(default_factory=dict)
    away: bool = False
    undeletable: set[str] = field(default_factory=set)

    async def put_image(self, key: str, data: bytes, _content_type: str) -> None:
        self._reach()
        self.objects.setdefault(key, data)

    async def copy_from(self, url: str, key: str, _limit: int) -> int:
        self._reach()
        if "gone" in url:
            raise ResultGone(url)
        self.objects.setdefault(key, url.encode())
        return len(url)

    async def get(self, key: str, _limit: int) -> bytes:
        self._reach()
        if key not in self.objects:
            raise ObjectMissing(key)
        return self.objects[key]

    async def head(self, key: str) -> StoredObject | None:
        self._reach()
        return StoredObject(len(self.objects[key]), "") if key in self.objects else None

    def link(self, key: str, seconds: int) -> str:
        return f"https://signed/{key}?for={seconds}"

    async def copy(self, source: str, target: str) -> None:
        self.objects[target] = await self.get(source, 0)

    async def keys(self, prefix: str) -> list[str]:
        self._reach()
        return [key for key in self.objects if key.startswith(prefix)][:1_000]

    async def delete(self, keys: Sequence[str]) -> set[str]:
        self._reach()
        for key in set(keys) - self.undeletable:
            self.objects.pop(key, None)
        return set(keys) & self.undeletable

    async def apply_lifecycle(self) -> None:
        self._reach()

    def _reach(self) -> None:
        if self.away:
            raise StorageUnavailable


class FakeImages:
    """Bytes that begin with `image` are images."""

    async def inspect(self, data: bytes) -> Picture:
        if not data.startswith(b"image"):
            raise NotAnImage
        return Picture("jpeg", 640, 480)

    async def inspect_and_shrink(self, data: bytes) -> tuple[Picture, bytes]:
        return await self.inspect(data), b"small " + data

    async def zip(self, images: Sequence[bytes], captions: Sequence[str]) -> bytes:
        return b"|".join(images) + f" {len(captions)} x {captions[0]}".encode()


class FakeCallbacks:
    def url(self, attempt_id: UUID, _traceparent: str | None = None) -> str:
        return f"https://gateway/?attempt={attempt_id}&mac=good"

    def genuine(self, _attempt_id: UUID, mac: str) -> bool:
        return mac == "good"


@dataclass
class House:
    """The service on fakes; `do` carries out what follows, as the workers would."""

    clock: Clock = field(default_factory=Clock)
    provider: FakeProvider = field(default_factory=FakeProvider)
    storage: FakeStorage = field(default_factory=FakeStorage)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.memory = Memory(self.clock)
        self.transaction: Callable[..., Any] = self.memory.transaction
        self.tools = Tools(
            provider=self.provider,
            storage=self.storage,
            images=FakeImages(),
            callbacks=FakeCallbacks(),
            rules=RULES,
            clock=self.clock,
            trace=lambda *_: nullcontext(),
            turn=lambda: asyncio.sleep(0),
        )
        self.called = Together(partial(record_calls, transaction=self.transaction, tools=self.tools))
        self.stored = Together(partial(record_stored, transaction=self.transaction, tools=self.tools))

    async def do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case Submit():
                    await self.do(await submit_call(effect, self.tools, self.called))
                case Store():
                    await self.do(await self.store(effect))
                case CancelCall():
                    await cancel_call(effect, self.tools)

    async def store(self, order: Store) -> list[Effect]:
        """Store what a job made, and record it."""
        return await self.stored(await store_results(order, self.transaction, self.tools))

    def job(self, id_: UUID) -> Job:
        return deepcopy(self.memory.jobs[id_])

    def said(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.memory.said if isinstance(message, kind)]
