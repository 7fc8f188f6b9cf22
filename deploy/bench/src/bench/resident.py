"""Memory of processes, as the kernel counts it."""

import re
from pathlib import Path

_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def resident(pid: int) -> float:
    """Return the megabytes of memory that a process occupies, shared libraries included."""
    found = _RESIDENT.search(Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) * 1024 / 1e6 if found else 0.0
