from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from sandbox.s3.lifecycle import Lifecycle
from sandbox.s3.multipart import Uploads
from sandbox.s3.rest import Rest
from sandbox.s3.signature import Key
from sandbox.s3.store import Clock, Store


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose: answers of 503 SlowDown still to give, and a delay before each answer."""

    slow_down: int = 0
    slow_ms: int = 0
    methods: frozenset[str] = frozenset()

    def concern(self, method: str) -> bool:
        """Tell whether a request of this method is touched; no methods means all."""
        return not self.methods or method in self.methods

    def take_slow_down(self) -> bool:
        """Use up one SlowDown, if any is left."""
        if self.slow_down <= 0:
            return False
        self.slow_down -= 1
        return True


@dataclass(slots=True)
class Bucket:
    """The one bucket of the sandbox, with everything that belongs to it."""

    name: str
    keys: Mapping[str, Key]
    clock: Clock
    store: Store
    lifecycle: Lifecycle
    rest: Rest
    uploads: Uploads = field(default_factory=Uploads)
    faults: Faults = field(default_factory=Faults)


BUCKET = web.AppKey("bucket", Bucket)


def open_bucket(folder: Path, name: str, keys: Mapping[str, Key]) -> Bucket:
    """Open the bucket kept in a folder, or begin it."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    clock = Clock(place / "clock")
    store = Store(place / "objects", clock)
    return Bucket(name, keys, clock, store, Lifecycle(place / "lifecycle.xml"), Rest(name))
