"""The machine the numbers are of."""

import os
import platform
import subprocess
from pathlib import Path

from atelier_local.nodes import Nodes


def describe(nodes: Nodes) -> dict[str, str]:
    """Say what everything ran on, and how busy it was before."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "memory": _memory(),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "postgres": nodes.postgres.sql("show server_version").split()[0],
        "fsync": nodes.postgres.sql("show fsync").strip(),
        "rabbitmq": nodes.rabbitmq.ctl("version").strip(),
        "commit": _commit(),
    }


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines() if Path(path).exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")


def _processor() -> str:
    return _field("/proc/cpuinfo", "model name")


def _memory() -> str:
    kilobytes = _field("/proc/meminfo", "MemTotal").split()[0]
    return f"{int(kilobytes) / 1024**2:.0f} GiB" if kilobytes.isdigit() else kilobytes


def _commit() -> str:
    here = Path(__file__).parent
    asked = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
