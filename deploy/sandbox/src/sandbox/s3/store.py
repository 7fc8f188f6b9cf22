"""Objects on disk, one file each, with an index in memory; a restart finds them all again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LENGTH_BYTES = 4


class Clock:
    """The sandbox's own time, which an operator can move forward; it survives a restart."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ahead = float(file.read_text()) if file.exists() else 0.0

    def now(self) -> float:
        """Return seconds since the epoch, moved."""
        return time.time() + self._ahead

    def advance(self, days: float) -> None:
        """Move the clock forward."""
        self._ahead += days * 86400
        self._file.write_text(str(self._ahead))


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of one object without reading it; `headers` are given back as they came."""

    key: str
    size: int
    etag: str
    modified: float
    headers: dict[str, str]
    file: Path
    offset: int


class Store:
    """The objects of one bucket."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        for n in range(256):
            (folder / f"{n:02x}").mkdir(parents=True, exist_ok=True)
        self._objects = {stored.key: stored for stored in _load(folder)}
        self._sorted: list[str] | None = None

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: str) -> Stored | None:
        """Find an object."""
        return self._objects.get(key)

    def put(self, key: str, body: bytes, headers: dict[str, str], etag: str | None = None) -> Stored:
        """Write or replace an object; the ETag is the body's MD5 unless given (multipart)."""
        etag = etag or hashlib.md5(body, usedforsecurity=False).hexdigest()
        modified = self._clock.now()
        about = json.dumps([key, len(body), etag, modified, headers]).encode()
        name = hashlib.sha256(key.encode()).hexdigest()
        file = self._folder / name[:2] / name
        # Written beside and renamed, so that a crash leaves the old object or the new one, never half of it.
        scratch = file.with_suffix(".new")
        with scratch.open("wb") as out:
            out.writelines((len(about).to_bytes(_LENGTH_BYTES, "big"), about, body))
        scratch.replace(file)
        if key not in self._objects:
            self._sorted = None
        stored = Stored(key, len(body), etag, modified, headers, file, _LENGTH_BYTES + len(about))
        self._objects[key] = stored
        return stored

    def read(self, stored: Stored, start: int = 0, length: int | None = None) -> bytes:
        """Read an object, or a part of it."""
        with stored.file.open("rb", buffering=0) as source:
            source.seek(stored.offset + start)
            return source.read(stored.size - start if length is None else length)

    def delete(self, key: str) -> bool:
        """Remove an object; tell whether there was one."""
        stored = self._objects.pop(key, None)
        if stored is None:
            return False
        stored.file.unlink(missing_ok=True)
        self._sorted = None
        return True

    def keys(self, prefix: str = "", after: str = "") -> Iterator[str]:
        """Return the keys with a prefix, in order, beginning behind a key."""
        if self._sorted is None:
            self._sorted = sorted(self._objects)
        keys = self._sorted
        first = bisect_right(keys, after) if after >= prefix else _first_with(keys, prefix)
        for position in range(first, len(keys)):
            if not keys[position].startswith(prefix):
                return
            yield keys[position]


def _first_with(keys: list[str], prefix: str) -> int:
    position = bisect_right(keys, prefix)
    return position - 1 if position and keys[position - 1] == prefix else position


def _load(folder: Path) -> Iterator[Stored]:
    for directory, _, names in os.walk(folder):
        for name in names:
            file = Path(directory, name)
            if file.suffix == ".new":
                file.unlink()
                continue
            with file.open("rb") as source:
                length = int.from_bytes(source.read(_LENGTH_BYTES), "big")
                key, size, etag, modified, headers = json.loads(source.read(length))
            yield Stored(key, size, etag, modified, headers, file, _LENGTH_BYTES + length)
