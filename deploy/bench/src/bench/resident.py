"""Memory of processes, as the kernel counts it."""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_FIELD = re.compile(r"^(VmRSS|RssAnon|RssFile|RssShmem):\s+(\d+) kB$", re.MULTILINE)
_SHARED = ("RssFile", "RssShmem")


def resident(pid: int) -> float:
    """Return the megabytes of memory that a process occupies, shared libraries included."""
    return _fields(pid).get("VmRSS", 0.0)


def resident_together(pids: Iterable[int]) -> float:
    """Return the megabytes that processes alike occupy; libraries and buffers that they share count once."""
    found = []
    for pid in pids:
        with suppress(OSError):  # it has just ended
            found.append(_fields(pid))
    own = sum(fields.get("RssAnon", 0.0) for fields in found)
    return own + sum(max((fields.get(kind, 0.0) for fields in found), default=0.0) for kind in _SHARED)


def _fields(pid: int) -> dict[str, float]:
    status = Path(f"/proc/{pid}/status").read_text()
    return {name: int(kilobytes) * 1024 / 1e6 for name, kilobytes in _FIELD.findall(status)}
